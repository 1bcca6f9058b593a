//! One operator in blocks along several loops.
//!
//! Where stripes of an operator do not fit by themselves, or make its weights pass too often, its parallel loops
//! are cut in any order: rows, columns, output channels, heads. An operand is loaded anew whenever a loop on which
//! it depends moves on. So loops that lie outside of the innermost such loop, and on which it does not depend,
//! multiply what it moves: for a matrix product the three classical loop orders, for a convolution the same with
//! halos. Along the innermost loop on which an operand depends, a halo stays; along others it is loaded again.
//!
//! The loop over which an operator adds up may be cut as the innermost one. Then the sums of a block stay while its
//! parts run, and both operands of a product come in parts: a block of m × n results over k needs m n sums and
//! (m + n) k / parts elements, where without parts it needs (m + n) k. So larger blocks fit, which read less again.
//! How many parts there are does not change what moves; so of each block there are only as many as it takes to fit.

use crate::access::{DimKind, Expr};
use crate::expand::part;
use crate::flow::{Flow, Node};
use crate::simulate::{Input, Output, Simulation, Step};
use crate::{Access, Map, Region};
use cosma_planner::TensorId;
use std::collections::BTreeMap;

/// Loops of an operator that are cut, at most: those on which most bytes depend.
const MAX_LOOPS: usize = 3;
/// Those of them that are cut beside the loop over which the operator adds up.
const MAX_LOOPS_OF_SUMS: usize = 2;
/// Grids of an operator that are kept.
const MAX_GRIDS: usize = 200;
/// How many quarters of the scratchpad grids with sums in parts leave to other tensors.
const LEFT_BY_SUMS: [u64; 3] = [0, 1, 2];

/// A grid, and what lies on-chip and moves.
#[derive(Debug)]
pub(crate) struct Grid {
    /// Pairs of a loop and a number of parts, the outermost first.
    pub loops: Vec<(usize, u64)>,
    /// One step that stands for all.
    pub simulation: Simulation,
    /// What weights move beyond their first time.
    pub passing: u64,
    pub n_tiles: u64,
    /// Room of a tile, if all comes from and goes to host memory.
    room: u64,
}

/// The grids of a node that fit the scratchpad, none better in every way than another.
pub(crate) fn grids(flow: &Flow, node: usize) -> Vec<Grid> {
    let Some(access) = &flow.nodes[node].access else { return Vec::new() };
    let mut grids: Vec<Grid> = Vec::new();
    let mut halos = Halos::default();
    let all = candidates(flow, &flow.nodes[node], access);
    for loops in orders(access, &all) {
        offer(flow, &mut grids, Grid::new(flow, node, access, loops, &mut halos));
    }
    if let Some(dim) = access.split_loop() {
        for loops in blocks(&all) {
            for grid in in_parts(flow, node, access, (&loops, dim), &mut halos) {
                offer(flow, &mut grids, grid);
            }
        }
    }
    grids
}

/// Takes a grid if it fits and no other one is as good.
fn offer(flow: &Flow, grids: &mut Vec<Grid>, grid: Grid) {
    if grid.room <= flow.scratchpad && !grids.iter().any(|it| it.is_as_good(&grid)) {
        grids.retain(|it| !grid.is_as_good(it));
        grids.push(grid);
    }
    if MAX_GRIDS < grids.len() {
        // Those that move least, and those that leave most room to other tensors.
        grids.sort_by_key(|it| (it.moved(), it.room, it.n_tiles));
        grids[MAX_GRIDS / 4..].sort_by_key(|it| (it.room, it.moved(), it.n_tiles));
        grids.truncate(MAX_GRIDS / 2);
    }
}

/// Blocks cut into parts of their sums: in the fewest parts that fit so much of the scratchpad, where the whole
/// sums do not.
fn in_parts(
    flow: &Flow,
    node: usize,
    access: &Access,
    (loops, dim): (&[(usize, u64)], usize),
    halos: &mut Halos,
) -> Vec<Grid> {
    let size = access.domain[dim].size;
    let counts = part_counts(size);
    let mut of = |n_parts: u64| {
        let parts = (1 < n_parts).then_some((dim, n_parts));
        Grid::new(flow, node, access, loops.iter().copied().chain(parts).collect(), halos)
    };
    let mut grids: Vec<Grid> = Vec::new();
    let least = of(size).room;
    if flow.scratchpad < least {
        return grids;
    }
    let (whole, halves) = (of(1).room, of(2).room);
    for room in LEFT_BY_SUMS.map(|it| flow.scratchpad - flow.scratchpad / 4 * it) {
        if room < least || whole <= room || grids.last().is_some_and(|it| it.room <= room) {
            continue;
        }
        // What comes in parts takes the less, the more they are; then some more, as they are rounded up.
        let about = 2 * halves.saturating_sub(least) / (room - least + 1);
        let more = counts.iter().filter(|it| about.max(2).min(size) <= **it);
        grids.extend(more.map(|it| of(*it)).find(|it| it.room <= room));
    }
    grids
}

/// The parallel loops on which most bytes depend, and the numbers of parts that are tried for each.
fn candidates(flow: &Flow, node: &Node, access: &Access) -> Vec<(usize, Vec<u64>)> {
    let maps = || {
        let operands = access.operands.iter().zip(&node.operands);
        operands.chain(access.results.iter().zip(&node.results))
    };
    let weight = |dim: usize| -> u64 {
        let depends = maps().filter(|(map, _)| map.0.iter().any(|it| it.terms.iter().any(|term| term.0 == dim)));
        depends.map(|(_, tensor)| flow.stream(*tensor).bytes).sum()
    };
    let may_be_cut = |dim: &usize| access.domain[*dim].kind == DimKind::Parallel && 1 < access.domain[*dim].size;
    let mut dims: Vec<usize> = (0..access.domain.len()).filter(may_be_cut).collect();
    dims.sort_by_key(|it| (std::cmp::Reverse(weight(*it)), *it));
    dims.truncate(MAX_LOOPS);
    dims.into_iter().map(|dim| (dim, part_counts(access.domain[dim].size))).collect()
}

/// Numbers of parts of a loop: small ones, then by a half more, and single iterations.
fn part_counts(size: u64) -> Vec<u64> {
    let mut counts = Vec::new();
    let mut count = 1;
    while count < size {
        counts.push(count);
        count = (count + 1).max(count * 3 / 2);
    }
    counts.push(size);
    counts
}

/// All numbers of parts of as many loops as are cut beside sums, and single results for what fits in nothing else.
/// All that reads parts of sums depends on the
/// innermost loop, so the order of the others matters little.
fn blocks(candidates: &[(usize, Vec<u64>)]) -> Vec<Vec<(usize, u64)>> {
    let mut blocks: Vec<Vec<(usize, u64)>> = vec![Vec::new()];
    for (dim, counts) in candidates {
        let fewer: Vec<Vec<(usize, u64)>> = blocks.iter().filter(|it| it.len() < MAX_LOOPS_OF_SUMS).cloned().collect();
        let cut = counts.iter().filter(|it| **it != 1);
        blocks.extend(cut.flat_map(|count| fewer.iter().map(move |it| [&it[..], &[(*dim, *count)]].concat())));
    }
    if MAX_LOOPS_OF_SUMS < candidates.len() {
        blocks.push(candidates.iter().filter_map(|(dim, counts)| Some((*dim, *counts.last()?))).collect());
    }
    blocks
}

/// All numbers of parts in all orders of the loops that are cut.
fn orders(access: &Access, candidates: &[(usize, Vec<u64>)]) -> Vec<Vec<(usize, u64)>> {
    let mut grids: Vec<Vec<(usize, u64)>> = vec![Vec::new()];
    for (dim, counts) in candidates {
        let mut more = Vec::new();
        for grid in &grids {
            for count in counts.iter().filter(|it| **it != 1) {
                for place in 0..=grid.len() {
                    let mut grid = grid.clone();
                    grid.insert(place, (*dim, *count));
                    more.push(grid);
                }
            }
        }
        grids.extend(more);
    }
    debug_assert!(grids.iter().flatten().all(|it| it.1 <= access.domain[it.0].size));
    grids
}

impl Grid {
    fn new(flow: &Flow, node: usize, access: &Access, loops: Vec<(usize, u64)>, halos: &mut Halos) -> Grid {
        let Node { operands, others, results, workspace, .. } = &flow.nodes[node];
        let mut grid = Grid {
            n_tiles: loops.iter().map(|it| it.1).product(),
            simulation: Simulation { steps: vec![Step { node, range: 0..1 }], ..Simulation::default() },
            passing: 0,
            room: 0,
            loops,
        };
        let mut base = flow.align(workspace.div_ceil(grid.n_tiles));
        for (operand, (map, &tensor)) in access.operands.iter().zip(operands).enumerate() {
            let room = grid.tile_room(flow, access, map, tensor);
            let (needed, loaded) = grid.loaded(flow, access, operand, tensor, halos);
            if flow.stream(tensor).is_weight {
                base += room;
                grid.passing += loaded.saturating_sub(needed);
            } else {
                grid.input(flow, tensor, room, needed, loaded);
            }
        }
        for &tensor in others {
            let bytes = flow.stream(tensor).bytes;
            if flow.stream(tensor).is_weight {
                base += flow.align(bytes);
            } else {
                grid.input(flow, tensor, flow.whole_room(tensor), bytes, bytes);
            }
        }
        for (map, &tensor) in access.results.iter().zip(results) {
            let room = grid.tile_room(flow, access, map, tensor);
            let keep = vec![grid.kept_room(flow, access, map, tensor)];
            grid.simulation.outputs.push(Output { tensor, stream: vec![room], keep });
            grid.room += room;
        }
        base += grid.room_of_sums(flow, access, results);
        grid.room += base + grid.simulation.inputs.iter().map(|it| it.stream[0]).sum::<u64>();
        grid.simulation.base = vec![base];
        grid
    }

    /// The room of the sums of a block beside its results; none if it is not added up in parts.
    fn room_of_sums(&self, flow: &Flow, access: &Access, results: &[TensorId]) -> u64 {
        let is_in_parts = self.loops.last().is_some_and(|it| Some(it.0) == access.split_loop());
        let Some(sums) = access.shape_of_sums(&self.domain(access)).filter(|_| is_in_parts) else { return 0 };
        let room = flow.align(sums.bytes().0);
        let shapes = flow.network.shapes_of(results);
        if !access.may_lie_over_sums(&shapes) {
            return room;
        }
        room.saturating_sub(flow.align(shapes[0].bytes_of(sums.whole().len()).0))
    }

    /// The largest part of the domain that a tile runs.
    fn domain(&self, access: &Access) -> Region {
        let cut = |it: Region, &(dim, n_parts): &(usize, u64)| {
            it.with_range(dim, 0..access.domain[dim].size.div_ceil(n_parts))
        };
        self.loops.iter().fold(access.whole(), cut)
    }

    /// Adds what is read of a tensor; what is read in two ways is counted twice.
    fn input(&mut self, flow: &Flow, tensor: TensorId, room: u64, needed: u64, loaded: u64) {
        if let Some(it) = self.simulation.inputs.iter_mut().find(|it| it.tensor == tensor) {
            it.stream[0] += room;
            it.loaded += loaded;
            it.needed = it.needed.max(needed);
            return;
        }
        let whole = vec![flow.whole_room(tensor)];
        let input = Input { tensor, stream: vec![room], dying: whole.clone(), fetch: whole, needed, loaded };
        self.simulation.inputs.push(input);
    }

    /// The room of a whole result in the pieces in which tiles write it, each cut into rows.
    fn kept_room(&self, flow: &Flow, access: &Access, map: &Map, tensor: TensorId) -> u64 {
        let (stream, shape) = (flow.stream(tensor), flow.network.shape(tensor));
        let (mut n_pieces, mut elements) = (stream.rows, shape.whole().len() / stream.rows);
        for &(dim, n_parts) in &self.loops {
            let axis = map.0.iter().position(|it| it.projection().is_some_and(|it| it.0 == Some(dim)));
            if axis.is_some() && axis != stream.axis {
                n_pieces *= n_parts;
                elements = elements / access.domain[dim].size * access.domain[dim].size.div_ceil(n_parts);
            }
        }
        (n_pieces * flow.align(shape.bytes_of(elements).0)).max(flow.whole_room(tensor))
    }

    /// The room of what a tile touches of a tensor.
    fn tile_room(&self, flow: &Flow, access: &Access, map: &Map, tensor: TensorId) -> u64 {
        let domain = self.domain(access);
        let shape = flow.network.shape(tensor);
        let extents = map.0.iter().zip(&shape.dims).map(|(expr, size)| {
            if self.reads_all_along(flow, expr, tensor) {
                return *size;
            }
            expr.extent(&domain).min(*size)
        });
        let region = Region::new(extents.map(|it| 0..it));
        // A window is cut where it overlaps with its neighbours.
        let is_cut = |it: &&(usize, u64)| map.0.iter().any(|expr| expr.terms.iter().any(|term| term.0 == it.0));
        let n_cuts = self.loops.iter().filter(is_cut).count() as u32;
        flow.align(shape.region_bytes(&region).0) + (flow.alignment - 1) * (3u64.pow(n_cuts) - 1)
    }

    /// Whether all indices along an axis come together: no loop that is cut moves along it, and what operators make
    /// is cut for nothing else.
    fn reads_all_along(&self, flow: &Flow, expr: &Expr, tensor: TensorId) -> bool {
        let moves = |it: &(usize, i64)| self.loops.iter().any(|own| own.0 == it.0);
        flow.stream(tensor).producer.is_some() && !expr.terms.iter().any(moves)
    }

    /// The bytes that are needed of a tensor, and those that are loaded if it is in host memory.
    fn loaded(&self, flow: &Flow, access: &Access, operand: usize, tensor: TensorId, halos: &mut Halos) -> (u64, u64) {
        let map = &access.operands[operand];
        let shape = flow.network.shape(tensor);
        let depends = |dim: usize| map.0.iter().any(|expr| expr.terms.iter().any(|it| it.0 == dim));
        let innermost = self.loops.iter().rposition(|it| depends(it.0));
        let (mut elements, mut needed): (u128, u128) = (1, 1);
        for (axis, (expr, &size)) in map.0.iter().zip(&shape.dims).enumerate() {
            let moving: Vec<usize> =
                (0..self.loops.len()).filter(|it| expr.terms.iter().any(|term| term.0 == self.loops[*it].0)).collect();
            let is_all = self.reads_all_along(flow, expr, tensor);
            let whole = if is_all { size } else { clamped(expr.range(&access.whole()), size) };
            // Along the innermost loop the halo stays; along each other one it is loaded again.
            let mut others = moving.iter().filter(|it| Some(**it) != innermost).map(|it| self.loops[*it]);
            let length = match others.next() {
                Some(outer) => {
                    let times: u64 = others.map(|it| it.1).product();
                    halos.length(access, operand, axis, outer, size).saturating_mul(times)
                }
                None => whole,
            };
            elements *= u128::from(length);
            needed *= u128::from(length.min(whole));
        }
        let again = self.loops.iter().enumerate().filter(|it| Some(it.0) < innermost && !depends(it.1.0));
        let times: u128 = again.map(|it| u128::from(it.1.1)).product();
        let bytes = |elements: u128| shape.bytes_of(u64::try_from(elements).unwrap_or(u64::MAX)).0;
        (bytes(needed), bytes(elements * times))
    }

    /// All that moves if it comes from and goes to host memory.
    fn moved(&self) -> u64 {
        self.passing + self.simulation.inputs.iter().map(|it| it.loaded).sum::<u64>()
    }

    /// Whether it takes no more room and moves no more than another one, tensor by tensor, in no more tiles.
    fn is_as_good(&self, other: &Grid) -> bool {
        let (own, others) = (&self.simulation, &other.simulation);
        let is_input = |(own, other): (&Input, &Input)| {
            own.stream <= other.stream && own.dying <= other.dying && own.loaded <= other.loaded
        };
        let is_output = |(own, other): (&Output, &Output)| own.stream <= other.stream && own.keep <= other.keep;
        own.base <= others.base
            && self.passing <= other.passing
            && self.n_tiles <= other.n_tiles
            && own.inputs.iter().zip(&others.inputs).all(is_input)
            && own.outputs.iter().zip(&others.outputs).all(is_output)
    }
}

/// How many indices of operands the parts of loops touch, those that several parts touch as often; by operand, axis,
/// loop and number of parts.
#[derive(Default)]
struct Halos(BTreeMap<(usize, usize, usize, u64), u64>);

impl Halos {
    fn length(&mut self, access: &Access, operand: usize, axis: usize, (dim, n_parts): (usize, u64), size: u64) -> u64 {
        *self.0.entry((operand, axis, dim, n_parts)).or_insert_with(|| {
            let expr = &access.operands[operand].0[axis];
            let mut domain = access.whole();
            let length = |index| {
                let range = part(access.domain[dim].size, index, n_parts);
                domain = std::mem::replace(&mut domain, Region::new([])).with_range(dim, range);
                clamped(expr.range(&domain), size)
            };
            (0..n_parts).map(length).sum()
        })
    }
}

fn clamped(range: std::ops::Range<i128>, size: u64) -> u64 {
    let clamp = |index: i128| index.clamp(0, i128::from(size)) as u64;
    clamp(range.end) - clamp(range.start)
}

/// The room that a node takes at least in blocks, where all comes from and goes to host memory; none if it is not cut.
pub(crate) fn least_room(flow: &Flow, node: usize) -> Option<u64> {
    let access = flow.nodes[node].access.as_ref()?;
    let mut halos = Halos::default();
    let all = candidates(flow, &flow.nodes[node], access);
    let sums = access.split_loop().map(|dim| (dim, access.domain[dim].size));
    let finest = all.iter().map(|(dim, _)| (*dim, access.domain[*dim].size)).chain(sums);
    let orders = orders(access, &all).into_iter().chain([finest.collect()]);
    orders.map(|loops| Grid::new(flow, node, access, loops, &mut halos).room).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dim, Network, Operator, Shape, Sums};
    use cosma_planner::{Bytes, GraphBuilder, Machine, Problem};

    /// A product of `[m, k]` and a weight of `[k, n]`, one byte per element, with sums of four bytes.
    fn product([m, n, k]: [u64; 3]) -> Network {
        let bytes = |dims: &[u64]| Shape { dims: dims.to_vec(), element_bits: 8 };
        let shapes = vec![bytes(&[m, k]), bytes(&[k, n]), bytes(&[m, n])];
        let mut graph = GraphBuilder::new();
        let left = graph.argument("x", shapes[0].bytes());
        let right = graph.weight("w", shapes[1].bytes());
        let result = graph.op("product", &[left, right], [("y", shapes[2].bytes())], Bytes::ZERO)[0];
        graph.result(result);
        let (parallel, reduced) = (DimKind::Parallel, DimKind::Reduced { splittable: true });
        let map = |dims: [usize; 2]| Map(dims.into_iter().map(Expr::dim).collect());
        let access = Access {
            domain: [(m, parallel), (n, parallel), (k, reduced)].map(|(size, kind)| Dim { size, kind }).to_vec(),
            operands: vec![map([0, 2]), map([2, 1])],
            results: vec![map([0, 1])],
            sums: Some(Sums::Integer(32)),
        };
        let operator =
            Operator { operands: vec![left, right], results: vec![result], access: Some(access), is_view: false };
        let problem = Problem {
            graph: graph.build().expect("it is well formed"),
            machine: Machine::with_host(Bytes(1 << 20), Bytes(1)),
        };
        Network { problem, shapes, operators: vec![operator] }
    }

    /// The bytes that the tiles of a grid load, and the most that lies on-chip: a part of an operand stays while
    /// tiles read it, sums stay while parts are added, and the result lies over them.
    fn count(flow: &Flow, loops: &[(usize, u64)]) -> (u64, u64) {
        let access = flow.nodes[0].access.as_ref().expect("a product has one");
        let mut domains = vec![access.whole()];
        for &(dim, n_parts) in loops {
            let size = access.domain[dim].size;
            let parts = |it: &Region| {
                (0..n_parts).map(|index| it.clone().with_range(dim, part(size, index, n_parts))).collect::<Vec<_>>()
            };
            domains = domains.iter().flat_map(parts).collect();
        }
        let (mut loaded, mut most) = (0, 0);
        let mut last: Vec<Region> = Vec::new();
        for domain in domains {
            let regions = access.reads(&flow.network.shapes[..2], &domain);
            loaded +=
                regions.iter().enumerate().filter(|it| last.get(it.0) != Some(it.1)).map(|it| it.1.len()).sum::<u64>();
            let results = domain.range(0).end.abs_diff(domain.range(0).start)
                * domain.range(1).end.abs_diff(domain.range(1).start);
            let is_part = domain.range(2) != (0..access.domain[2].size);
            most = most.max(regions.iter().map(Region::len).sum::<u64>() + if is_part { 4 * results } else { results });
            last = regions;
        }
        (loaded, most)
    }

    #[test]
    fn a_product_in_blocks_is_counted_as_its_tiles_are() {
        let sizes = [5, 4, 6];
        let network = product(sizes);
        let flow = Flow::new(&network, Bytes(1 << 20));
        let access = flow.nodes[0].access.as_ref().expect("a product has one");
        let mut n_grids = 0;
        for (m, n, k) in (0..5 * 4 * 6).map(|it| (it % 5 + 1, it / 5 % 4 + 1, it / 20 + 1)) {
            for order in [[(0, m), (1, n)], [(1, n), (0, m)]] {
                let loops: Vec<(usize, u64)> = order.into_iter().chain([(2, k)]).filter(|it| it.1 != 1).collect();
                let grid = Grid::new(&flow, 0, access, loops.clone(), &mut Halos::default());
                let (loaded, most) = count(&flow, &loops);
                assert_eq!(grid.moved(), loaded - sizes[1] * sizes[2], "{loops:?}");
                assert_eq!(grid.room, most, "{loops:?}");
                n_grids += 1;
            }
        }
        assert_eq!(n_grids, 240);
    }

    #[test]
    fn sums_in_parts_read_less_again() {
        // Whole sums of a block of m by n read (m + n) k elements at a time, those in parts hold 4 m n.
        let network = product([64, 64, 512]);
        let flow = Flow::new(&network, Bytes(9 << 10));
        let grids = grids(&flow, 0);
        let again = |grid: &Grid| grid.moved() - 64 * 512;
        let is_in_parts = |it: &&Grid| it.loops.last().is_some_and(|it| it.0 == 2);
        let in_parts = grids.iter().filter(is_in_parts).map(again).min();
        let whole = grids.iter().filter(|it| !is_in_parts(it)).map(again).min();
        // Blocks of 32 by 64, so the weight comes twice; or all of 16 rows, so it comes four times.
        assert_eq!((in_parts, whole), (Some(64 * 512), Some(3 * 64 * 512)));
        assert!(grids.iter().all(|it| it.room <= 9 << 10));
        assert!(grids.len() <= MAX_GRIDS);
    }
}
