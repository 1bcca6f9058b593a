//! Traffic of one product of two operands, for any tiling.
//!
//! Each iteration of a matrix product or convolution multiplies an element of each operand, and adds to an element of
//! the result. In a phase of a program that moves *M* bytes, at most 2 *S* + *M* bytes of the three tensors take
//! part: operands were on chip when it began or were loaded in it; sums are on chip when it ends or were stored in
//! it. If each loop indexes two of the three tensors, *x*, *y* and *z* elements allow at most √(*x y z*) iterations
//! (Loomis and Whitney 1949), and √(*R x y z*) if *R* pairs of an index of the result and a tap of a window read the
//! same element (the unfolded operand has *R* times as many). So the number of phases follows from the number of
//! iterations (Hong and Kung 1981); each *M* gives a bound, and several are tried. Streamed weights count in *M*.
//!
//! Within a network, an operand may be computed on chip, and a result used on chip: each counts once as if it were
//! loaded or stored, and is then subtracted. Loads of a complete tensor belong to the product that reads it; stores,
//! and transfers of partial sums, belong to the product that writes it.

use super::barrier::shown;
use crate::indices::{Elements, Indices, greatest_common_divisor, iterations};
use crate::needed::needed_bytes;
use crate::{Access, Expr, Map, Network, Operator};
use cosma_planner::{Bytes, OpId, TensorId};
use std::collections::BTreeSet;

/// The traffic of a product.
#[derive(Debug)]
pub(super) struct Partition {
    /// Non-compulsory bytes of its tensors.
    pub excess: u64,
    /// The tensors whose loads are counted, with views resolved.
    pub loads: BTreeSet<TensorId>,
    /// The tensor whose stores are counted.
    pub result: TensorId,
    /// Whether the bound holds only if no element is computed twice.
    pub assumes_once: bool,
}

/// The products of a network.
pub(super) fn partitions(network: &Network, needed: &[Elements]) -> Vec<Partition> {
    network.problem.graph.op_ids().filter_map(|op| partition(network, needed, op)).collect()
}

fn partition(network: &Network, needed: &[Elements], op: OpId) -> Option<Partition> {
    let graph = &network.problem.graph;
    let Operator { operands, results, access, .. } = network.operator(op);
    let (Some(access), &[result]) = (access, &results[..]) else { return None };
    let product = Product::of(network, access, operands, result, needed)?;
    let loads = shown(network, product.operands)?;
    let size = |it: TensorId| network.shape(it).bytes().0;
    let is_argument = |it: &TensorId| graph.producer(*it).is_none();
    let is_stored = graph.is_stored(result);
    let made: u64 = product.operands.iter().filter(|it| !is_argument(it)).map(|it| size(*it)).sum();
    let credit = made + if is_stored { 0 } else { size(result) };
    let arguments = product.operands.iter().filter(|it| is_argument(it));
    let compulsory = arguments.map(|it| needed_bytes(network, needed, *it)).sum::<Bytes>().0
        + if is_stored { size(result) } else { 0 };
    let moved = product.least_transfers(network.problem.machine.scratchpad().0);
    let excess = moved.saturating_sub(credit + compulsory);
    Some(Partition { excess, loads, result, assumes_once: credit != 0 })
}

/// A loop nest that multiplies elements of two operands and adds to an element of the result.
#[derive(Debug)]
struct Product {
    operands: [TensorId; 2],
    /// Iterations that read an element of either operand.
    n_iterations: f64,
    /// How many pairs of an iteration and a tap read the same element of the first operand, at most.
    reuse: f64,
    /// Bytes of the operands and the result, and bits of their elements.
    sizes: [(f64, f64); 3],
}

/// How an axis of an operand is read.
enum Axis {
    /// At one index.
    Fixed,
    /// By one loop.
    Along(usize),
    /// By windows: the loop over them with its stride, and the one over taps with its dilation, or the other way round.
    Windows { window: (usize, i64), tap: (usize, i64) },
}

impl Product {
    fn of(
        network: &Network,
        access: &Access,
        operands: &[TensorId],
        result: TensorId,
        needed: &[Elements],
    ) -> Option<Product> {
        let n_mapped = access.operands.len();
        let pairs = (0..n_mapped).flat_map(|left| (0..n_mapped).map(move |right| (left, right)));
        let elements = needed[result.index()].boxes().iter().max_by_key(|it| crate::indices::n_elements(it))?;
        let loops = iterations(access, 0, elements);
        let product = |(left, right): (usize, usize)| {
            let (first, second) = (operands[left], operands[right]);
            let dims = [&network.shape(first).dims[..], &network.shape(second).dims];
            let maps = [&access.operands[left], &access.operands[right]];
            let (n_iterations, reuse) = multiplied(access, maps, dims, &loops).filter(|_| left != right)?;
            let size = |it: TensorId| (network.shape(it).bytes().0 as f64, network.shape(it).element_bits as f64);
            let sizes = [size(first), size(second), size(result)];
            Some(Product { operands: [first, second], n_iterations, reuse, sizes })
        };
        pairs.filter_map(product).max_by(|one, other| one.n_iterations.total_cmp(&other.n_iterations))
    }

    /// Iterations that this many bytes of the three tensors allow: the maximum is at a third for each, or at all of a
    /// tensor.
    fn most_iterations(&self, bytes: f64) -> f64 {
        let mut sizes = self.sizes;
        sizes.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (mut left, mut product) = (bytes, self.reuse);
        for (index, (size, bits)) in sizes.into_iter().enumerate() {
            let share = size.min(left / (3 - index) as f64);
            left -= share;
            product *= share * 8.0 / bits;
        }
        // Rounded towards more.
        product.sqrt() * (1.0 + 1e-9)
    }

    /// A lower bound on the bytes that it moves if operands are loaded from host memory and the result is stored
    /// there.
    fn least_transfers(&self, scratchpad: u64) -> u64 {
        let phases = [1, 2, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256].map(|it| scratchpad.max(4) / 4 * it);
        phases.into_iter().map(|phase| self.least_by_phases(scratchpad, phase)).max().unwrap_or(0)
    }

    /// The bound for phases that move this many bytes each.
    fn least_by_phases(&self, scratchpad: u64, phase: u64) -> u64 {
        let capacity = |moved: u64| 2.0 * scratchpad as f64 + moved as f64;
        let most = self.most_iterations(capacity(phase));
        let n_full = ((self.n_iterations / most).ceil() - 1.0).max(0.0);
        let rest = self.n_iterations - n_full * most;
        // The least that the last phase moves.
        let (mut low, mut high) = (0, phase);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.most_iterations(capacity(middle)) < rest { low = middle + 1 } else { high = middle }
        }
        (n_full * phase as f64) as u64 + low
    }
}

/// The number of iterations that multiply elements of these two maps' operands, and how often windows of the first
/// operand read the same element, for loops of these lengths; `None` if it is not a product for which that is known.
fn multiplied(access: &Access, maps: [&Map; 2], dims: [&[u64]; 2], loops: &[Indices]) -> Option<(f64, f64)> {
    let axes = |map: &Map| map.0.iter().map(axis).collect::<Option<Vec<Axis>>>();
    let [left, right] = [axes(maps[0])?, axes(maps[1])?];
    if right.iter().any(|it| matches!(it, Axis::Windows { .. })) || !reads_inside(access, maps, dims, [&left, &right]) {
        return None;
    }
    let written: Vec<usize> = access.results[0].0.iter().filter_map(|it| it.projection()?.0).collect();
    let (in_left, in_right) = (loops_of(&left)?, loops_of(&right)?);
    let (mut n_iterations, mut reuse) = (1.0, 1.0);
    let mut windowed = BTreeSet::new();
    for (axis, (expr, size)) in left.iter().zip(maps[0].0.iter().zip(dims[0])) {
        if let Axis::Windows { window, tap } = *axis {
            let (window, tap) = if written.contains(&window.0) { (window, tap) } else { (tap, window) };
            let is_window = written.contains(&window.0) && !in_right.contains(&window.0);
            let is_tap = !written.contains(&tap.0) && in_right.contains(&tap.0);
            if !is_window || !is_tap || window.1 <= 0 {
                return None;
            }
            n_iterations *= taps_inside((window, tap), expr.constant, *size, loops) as f64;
            reuse *= reads_of_one(access, window, tap) as f64;
            windowed.extend([window.0, tap.0]);
        }
    }
    for dim in (0..access.domain.len()).filter(|it| 1 < access.domain[*it].size) {
        let n =
            [in_left.contains(&dim), in_right.contains(&dim), written.contains(&dim)].iter().filter(|it| **it).count();
        match n {
            // A loop of another operand.
            0 => {}
            1 => return None,
            _ if windowed.contains(&dim) => {}
            _ => n_iterations *= loops[dim].len() as f64,
        }
    }
    Some((n_iterations, reuse))
}

fn axis(expr: &Expr) -> Option<Axis> {
    match expr.terms[..] {
        [] => Some(Axis::Fixed),
        [(dim, _)] if expr.divisor == 1 => Some(Axis::Along(dim)),
        [first, second] if expr.divisor == 1 => Some(Axis::Windows { window: first, tap: second }),
        _ => None,
    }
}

/// The loops along these axes; `None` if a loop runs along two of them.
fn loops_of(axes: &[Axis]) -> Option<BTreeSet<usize>> {
    let mut found = BTreeSet::new();
    for axis in axes {
        let is_new = match axis {
            Axis::Fixed => true,
            Axis::Along(dim) => found.insert(*dim),
            Axis::Windows { window, tap } => found.insert(window.0) && found.insert(tap.0),
        };
        if !is_new {
            return None;
        }
    }
    Some(found)
}

/// Whether all maps except windows read only elements within their operands.
fn reads_inside(access: &Access, maps: [&Map; 2], dims: [&[u64]; 2], axes: [&[Axis]; 2]) -> bool {
    let whole = access.whole();
    let is_inside = |((expr, size), axis): ((&Expr, &u64), &Axis)| {
        let range = expr.range(&whole);
        matches!(axis, Axis::Windows { .. }) || 0 <= range.start && range.end <= i128::from(*size)
    };
    (0..2).all(|it| maps[it].0.iter().zip(dims[it]).zip(axes[it]).all(is_inside))
}

/// How many pairs of a window and a tap read an index of an axis of this size.
fn taps_inside((window, tap): ((usize, i64), (usize, i64)), constant: i64, size: u64, loops: &[Indices]) -> u64 {
    let (stride, size) = (i128::from(window.1), i128::from(size));
    let of_tap = |at: i128| {
        let before = i128::from(constant) + i128::from(tap.1) * at;
        // Windows from the first one that reaches index 0 to the last one that reads an index of the axis.
        let (first, last) = (-before.div_euclid(stride), (size - 1 - before).div_euclid(stride));
        loops[window.0].n_within(first..last + 1)
    };
    loops[tap.0].iter().map(of_tap).sum()
}

/// How many pairs of a window and a tap read the same index at most.
fn reads_of_one(access: &Access, window: (usize, i64), tap: (usize, i64)) -> u64 {
    let (stride, dilation) = (window.1.unsigned_abs().max(1), tap.1.unsigned_abs().max(1));
    let common = greatest_common_divisor(stride, dilation);
    let (n_windows, n_taps) = (access.domain[window.0].size, access.domain[tap.0].size);
    n_taps.div_ceil(stride / common).min(n_windows.div_ceil(dilation / common))
}
