//! One operator in blocks along several loops.
//!
//! If stripes of an operator do not fit, or load its weights too often, its parallel loops are split in any order:
//! rows, columns, output channels, heads. An operand is loaded again whenever a loop on which it depends advances. So
//! the loops outside of the innermost such loop on which it does not depend multiply its traffic: for a matrix
//! product these are the three classical loop orders, for a convolution the same with halos. Along the innermost loop
//! on which an operand depends, a halo stays; along others it is loaded again.
//!
//! The reduction loop may be split as the innermost one. Then the sums of a block stay while its parts run, and both
//! operands of a product are loaded in parts: a block of m × n results over k needs m n sums and (m + n) k / parts
//! elements, instead of (m + n) k without parts. So larger blocks fit, which reload less. The number of parts does
//! not change the traffic, so each block has only as many parts as it needs to fit.

mod blocks;
mod moments;

use crate::access::Expr;
use crate::border::Profile;
use crate::expand::part;
use crate::flow::{Flow, Node};
use crate::simulate::{Column, Corners, Input, Simulation};
use crate::{Access, Map, Region};
use blocks::{LoopNest, Loops, orders};
use cosma_planner::TensorId;
use moments::Lengths;
use std::collections::BTreeMap;

/// Grids of an operator that are kept.
const MAX_GRIDS: usize = 200;
/// Tiles of a grid, at most, where others fit: what more of them save is lost again where so many are planned.
const MAX_TILES: u64 = 6_144;

/// A grid, and what lies on-chip and moves.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    pub loops: Loops,
    /// Steps that stand for all: one, or more where tiles touch different operands.
    pub simulation: Simulation,
    /// The same.
    corners: Corners,
    /// What weights move beyond their first time.
    pub passing: u64,
    pub n_tiles: u64,
    /// Room of a tile, if all comes from and goes to host memory.
    streamed_room: u64,
}

/// The grids of a node that fit the scratchpad, none better in every way than another.
pub(crate) fn grids(flow: &Flow, node: usize) -> Vec<Grid> {
    let Some(nest) = LoopNest::new(flow, node) else { return Vec::new() };
    let mut grids: Vec<Grid> = Vec::new();
    let mut halos = Halos::default();
    for loops in nest.blocks_that_fit() {
        for order in orders(&loops) {
            offer(flow, &mut grids, nest.grid(order, &mut halos));
        }
    }
    if let Some(dim) = nest.access.split_loop() {
        // All that reads parts of sums depends on the innermost loop, so the order of the others matters little.
        for loops in nest.blocks_of_sums() {
            for loops in nest.in_parts(&loops, dim) {
                offer(flow, &mut grids, nest.grid(loops, &mut halos));
            }
        }
    }
    if grids.iter().any(|it| it.n_tiles <= MAX_TILES) {
        grids.retain(|it| it.n_tiles <= MAX_TILES);
    }
    grids
}

/// Whether two nodes have the same grids, but for the names of their tensors.
pub(crate) fn is_cut_alike(flow: &Flow, first: &Node, second: &Node) -> bool {
    let is_alike = |(first, second): (TensorId, TensorId)| {
        let of = |it| (flow.network.shape(it), flow.stream(it));
        let ((shape, stream), (other_shape, other)) = (of(first), of(second));
        shape == other_shape
            && (stream.is_weight, stream.producer.is_some()) == (other.is_weight, other.producer.is_some())
            && (stream.bytes, stream.rows, stream.axis) == (other.bytes, other.rows, other.axis)
    };
    let counts = |it: &Node| (it.operands.len(), it.others.len(), it.results.len());
    let pairs = || tensors(first).zip(tensors(second));
    counts(first) == counts(second)
        && (&first.access, first.workspace) == (&second.access, second.workspace)
        && pairs().all(is_alike)
        // What is read twice is so in both.
        && pairs().all(|it| pairs().all(|other| (it.0 == other.0) == (it.1 == other.1)))
}

fn tensors(node: &Node) -> impl Iterator<Item = TensorId> {
    node.operands.iter().chain(&node.others).chain(&node.results).copied()
}

/// Takes a grid if it fits and no other one is as good.
fn offer(flow: &Flow, grids: &mut Vec<Grid>, grid: Grid) {
    if grid.streamed_room <= flow.scratchpad && !grids.iter().any(|it| it.is_as_good(&grid)) {
        grids.retain(|it| !grid.is_as_good(it));
        grids.push(grid);
    }
    if MAX_GRIDS < grids.len() {
        // Those that move least, and those that leave most room to other tensors.
        grids.sort_by_key(|it| (it.moved(), it.streamed_room, it.n_tiles));
        grids[MAX_GRIDS / 4..].sort_by_key(|it| (it.streamed_room, it.moved(), it.n_tiles));
        grids.truncate(MAX_GRIDS / 2);
    }
}

/// An operator of which these loops are cut.
struct Cut<'a, 'b> {
    flow: &'b Flow<'a>,
    node: &'b Node,
    access: &'b Access,
    loops: &'b [(usize, u64)],
    /// The largest part of the domain that a tile runs.
    domain: Region,
    /// The loop along which moments differ, and the moments.
    moving: Option<usize>,
    moments: Lengths,
}

impl Cut<'_, '_> {
    fn n_tiles(&self) -> u64 {
        self.loops.iter().map(|it| it.1).product()
    }

    /// What a tile takes beside its operands and results.
    fn room_beside(&self) -> u64 {
        self.flow.align(self.node.workspace.div_ceil(self.n_tiles())) + self.room_of_sums()
    }

    /// The room of a tile, if all comes from and goes to host memory.
    fn room(&self) -> u64 {
        let read = self.moments.iter().map(|it| {
            let rooms = (0..it.len()).map(|operand| self.operand_room(operand, it));
            rooms.sum::<u64>()
        });
        let results = self.access.results.iter().zip(&self.node.results);
        let written: u64 = results.map(|(map, tensor)| self.tile_room(map, *tensor, u64::MAX)).sum();
        let others: u64 = self.node.others.iter().map(|it| self.whole_room(*it)).sum();
        self.room_beside() + read.max().unwrap_or(0) + written + others
    }

    /// The room of an operand that is not cut.
    fn whole_room(&self, tensor: TensorId) -> u64 {
        let stream = self.flow.stream(tensor);
        if stream.is_weight { self.flow.align(stream.bytes) } else { self.flow.whole_room(tensor) }
    }

    /// The room of the sums of a block beside its results; none if it is not added up in parts.
    fn room_of_sums(&self) -> u64 {
        let is_in_parts = self.loops.last().is_some_and(|it| Some(it.0) == self.access.split_loop());
        let Some(sums) = self.access.shape_of_sums(&self.domain).filter(|_| is_in_parts) else { return 0 };
        let room = self.flow.align(sums.bytes().0);
        let shapes = self.flow.network.shapes_of(&self.node.results);
        if !self.access.may_lie_over_sums(&shapes) {
            return room;
        }
        room.saturating_sub(self.flow.align(shapes[0].bytes_of(sums.whole().len()).0))
    }

    /// The room of a whole result in the pieces in which tiles write it, each cut into rows.
    fn kept_room(&self, map: &Map, tensor: TensorId) -> u64 {
        let (stream, shape) = (self.flow.stream(tensor), self.flow.network.shape(tensor));
        let (mut n_pieces, mut elements) = (stream.rows, shape.whole().len() / stream.rows);
        for &(dim, n_parts) in self.loops {
            let axis = map.0.iter().position(|it| it.projection().is_some_and(|it| it.0 == Some(dim)));
            if axis.is_some() && axis != stream.axis {
                n_pieces *= n_parts;
                elements = elements / self.access.domain[dim].size * self.access.domain[dim].size.div_ceil(n_parts);
            }
        }
        (n_pieces * self.flow.align(shape.bytes_of(elements).0)).max(self.flow.whole_room(tensor))
    }

    /// The room of what a tile touches of an operand in a moment.
    fn operand_room(&self, operand: usize, moment: &[u64]) -> u64 {
        self.tile_room(&self.access.operands[operand], self.node.operands[operand], moment[operand])
    }

    /// The room of what a tile touches of a tensor, which has at most so many indices along the axis along which
    /// moments differ.
    fn tile_room(&self, map: &Map, tensor: TensorId, most: u64) -> u64 {
        if most == 0 {
            return 0;
        }
        let shape = self.flow.network.shape(tensor);
        let is_of_moments = |expr: &Expr| self.moving.is_some_and(|dim| expr.terms.iter().any(|it| it.0 == dim));
        let extents = map.0.iter().zip(&shape.dims).map(|(expr, size)| {
            if self.reads_all_along(expr, tensor) {
                return *size;
            }
            let extent = expr.extent(&self.domain).min(*size);
            if is_of_moments(expr) { extent.min(most) } else { extent }
        });
        let region = Region::new(extents.map(|it| 0..it));
        self.flow.align(shape.region_bytes(&region).0) + (self.flow.alignment - 1) * (self.n_pieces(map, &region) - 1)
    }

    /// In how many pieces a tile touches a region, at most: it is cut where windows of other tiles begin and end.
    fn n_pieces(&self, map: &Map, region: &Region) -> u64 {
        let along = |&(dim, n_parts): &(usize, u64)| {
            let least = self.access.domain[dim].size / n_parts;
            let of_axis = |(axis, expr): (usize, &Expr)| {
                let coefficient = expr.terms.iter().find(|it| it.0 == dim)?.1;
                let length = region.range(axis).end - region.range(axis).start;
                let step = (coefficient.unsigned_abs().saturating_mul(least) / expr.divisor).max(1);
                // So many windows begin before its end, and as many end after its start.
                Some((2 * length.div_ceil(step)).saturating_sub(1).min(length).max(3))
            };
            map.0.iter().enumerate().filter_map(of_axis).max().unwrap_or(1)
        };
        self.loops.iter().map(along).fold(1, u64::saturating_mul).min(region.len()).max(1)
    }

    /// Whether all indices along an axis come together: no loop that is cut moves along it, and what operators make
    /// is cut for nothing else.
    fn reads_all_along(&self, expr: &Expr, tensor: TensorId) -> bool {
        let moves = |it: &(usize, i64)| self.loops.iter().any(|own| own.0 == it.0);
        self.flow.stream(tensor).producer.is_some() && !expr.terms.iter().any(moves)
    }

    /// The bytes that are needed of a tensor, and those that are loaded if it is in host memory.
    fn loaded(&self, operand: usize, tensor: TensorId, halos: &mut Halos) -> (u64, u64) {
        let map = &self.access.operands[operand];
        let shape = self.flow.network.shape(tensor);
        let depends = |dim: usize| map.0.iter().any(|expr| expr.terms.iter().any(|it| it.0 == dim));
        let innermost = self.loops.iter().rposition(|it| depends(it.0));
        let (mut elements, mut needed): (u128, u128) = (1, 1);
        for (axis, (expr, &size)) in map.0.iter().zip(&shape.dims).enumerate() {
            let moving: Vec<usize> =
                (0..self.loops.len()).filter(|it| expr.terms.iter().any(|term| term.0 == self.loops[*it].0)).collect();
            let is_all = self.reads_all_along(expr, tensor);
            let whole = if is_all { size } else { clamped(expr.range(&self.access.whole()), size) };
            // Along the innermost loop the halo stays; along each other one it is loaded again.
            let mut others = moving.iter().filter(|it| Some(**it) != innermost).map(|it| self.loops[*it]);
            let length = match others.next() {
                Some(outer) => {
                    let times: u64 = others.map(|it| it.1).product();
                    halos.length(self.access, operand, axis, outer, size).saturating_mul(times)
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
}

impl Grid {
    fn new(cut: &Cut, node: usize, halos: &mut Halos) -> Grid {
        let Cut { flow, access, .. } = *cut;
        let Node { operands, others, results, .. } = cut.node;
        let n_moments = cut.moments.len();
        let mut passing = 0;
        // Rooms by moment.
        let mut inner = vec![cut.room_beside(); n_moments];
        let mut inputs: Vec<(Input, Vec<u64>)> = Vec::new();
        for (operand, &tensor) in operands[..access.operands.len()].iter().enumerate() {
            let rooms: Vec<u64> = cut.moments.iter().map(|it| cut.operand_room(operand, it)).collect();
            let (needed, loaded) = cut.loaded(operand, tensor, halos);
            if flow.stream(tensor).is_weight {
                add(&mut inner, &rooms);
                passing += loaded.saturating_sub(needed);
            } else {
                add_input(&mut inputs, Input { tensor, needed, loaded }, rooms);
            }
        }
        for &tensor in others {
            let (room, bytes) = (cut.whole_room(tensor), flow.stream(tensor).bytes);
            let rooms = vec![room; n_moments];
            if flow.stream(tensor).is_weight {
                add(&mut inner, &rooms);
            } else {
                add_input(&mut inputs, Input { tensor, needed: bytes, loaded: bytes }, rooms);
            }
        }
        let rooms = |(map, tensor): (&Map, &TensorId)| {
            (*tensor, [cut.tile_room(map, *tensor, u64::MAX), cut.kept_room(map, *tensor)])
        };
        let outputs: Vec<(TensorId, [u64; 2])> = access.results.iter().zip(results).map(rooms).collect();
        let whole = |tensor: TensorId| flow.whole_room(tensor);
        let simulation = Simulation::of_moments(node, &inner, inputs, &outputs, whole);
        let corners = simulation.corners(&(node..node + 1));
        let streaming = (0..simulation.inputs.len()).map(Column::Stream);
        let streaming = streaming.chain((0..outputs.len()).map(Column::Leave));
        let streamed_room = corners.peaks([Column::Inner].into_iter().chain(streaming))[0];
        Grid { loops: cut.loops.to_vec(), simulation, corners, passing, n_tiles: cut.n_tiles(), streamed_room }
    }

    /// The room of a tile, if border tensors lie there so.
    pub fn room(&self, profiles: &[Profile]) -> u64 {
        self.corners.peaks_of(profiles)[0]
    }

    /// The same grid of another node that is cut alike.
    pub fn of(&self, own: &Node, index: usize, other: &Node) -> Grid {
        let mut grid = self.clone();
        let pair =
            |it: TensorId| tensors(own).zip(tensors(other)).find(|pair| pair.0 == it).expect("it is of the node").1;
        grid.simulation.steps.iter_mut().for_each(|it| it.node = index);
        grid.simulation.inputs.iter_mut().for_each(|it| it.tensor = pair(it.tensor));
        grid.simulation.outputs.iter_mut().for_each(|it| *it = pair(*it));
        grid
    }

    /// All that moves if it comes from and goes to host memory.
    fn moved(&self) -> u64 {
        self.passing + self.simulation.inputs.iter().map(|it| it.loaded).sum::<u64>()
    }

    /// Whether it takes no more room and moves no more than another one, tensor by tensor, in no more tiles.
    fn is_as_good(&self, other: &Grid) -> bool {
        let (own, others) = (&self.simulation, &other.simulation);
        let moves_no_more = || own.inputs.iter().zip(&others.inputs).all(|it| it.0.loaded <= it.1.loaded);
        let takes_no_more = |own: &[u64], other: &[u64]| own.iter().zip(other).all(|(own, other)| own <= other);
        let is_covered = |at: usize| (0..others.steps.len()).any(|it| takes_no_more(own.row(at), others.row(it)));
        self.passing <= other.passing
            && self.n_tiles <= other.n_tiles
            && moves_no_more()
            && (0..own.steps.len()).all(is_covered)
    }
}

/// Adds what is read of a tensor, by moment; what is read in two ways is counted twice.
fn add_input(inputs: &mut Vec<(Input, Vec<u64>)>, input: Input, rooms: Vec<u64>) {
    match inputs.iter_mut().find(|it| it.0.tensor == input.tensor) {
        Some((known, streaming)) => {
            add(streaming, &rooms);
            known.loaded += input.loaded;
            known.needed = known.needed.max(input.needed);
        }
        None => inputs.push((input, rooms)),
    }
}

/// Adds rooms, moment by moment.
fn add(rooms: &mut [u64], more: &[u64]) {
    rooms.iter_mut().zip(more).for_each(|it| *it.0 += it.1);
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
    let nest = LoopNest::new(flow, node)?;
    let sums = nest.access.split_loop().map(|dim| (dim, nest.access.domain[dim].size));
    let finest = nest.finest().into_iter().chain(sums).collect();
    let others = nest.parts_of_others();
    let blocks = others.iter().flat_map(|it| nest.blocks_beside(it)).chain([finest]);
    blocks.map(|it| nest.cut(&it).room()).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dim, DimKind, Network, Operator, Shape, Sums};
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
        let flow = Flow::new(&network);
        let mut n_grids = 0;
        for (m, n, k) in (0..5 * 4 * 6).map(|it| (it % 5 + 1, it / 5 % 4 + 1, it / 20 + 1)) {
            for order in [[(0, m), (1, n)], [(1, n), (0, m)]] {
                let loops: Vec<(usize, u64)> = order.into_iter().chain([(2, k)]).filter(|it| it.1 != 1).collect();
                let nest = LoopNest::new(&flow, 0).expect("a product has an access");
                let grid = nest.grid(loops.clone(), &mut Halos::default());
                let (loaded, most) = count(&flow, &loops);
                assert_eq!(grid.moved(), loaded - sizes[1] * sizes[2], "{loops:?}");
                assert_eq!(grid.streamed_room, most, "{loops:?}");
                n_grids += 1;
            }
        }
        assert_eq!(n_grids, 240);
    }

    #[test]
    fn sums_in_parts_read_less_again() {
        // Whole sums of a block of m by n read (m + n) k elements at a time, those in parts hold 4 m n.
        let network = product([64, 64, 512]);
        let flow = Flow::new(&network).within(9 << 10);
        let grids = grids(&flow, 0);
        let again = |grid: &Grid| grid.moved() - 64 * 512;
        let is_in_parts = |it: &&Grid| it.loops.last().is_some_and(|it| it.0 == 2);
        let in_parts = grids.iter().filter(is_in_parts).map(again).min();
        let whole = grids.iter().filter(|it| !is_in_parts(it)).map(again).min();
        // Blocks of 32 by 64, so the weight comes twice; or all of 16 rows, so it comes four times.
        assert_eq!((in_parts, whole), (Some(64 * 512), Some(3 * 64 * 512)));
        assert!(grids.iter().all(|it| it.streamed_room <= 9 << 10));
        assert!(grids.len() <= MAX_GRIDS);
    }

    /// Two tensors of 8 rows of 4 side by side, of which a result row reads so many, and a weight likewise.
    fn window_on_two(length: u64, alignment: u64) -> Network {
        let bytes = |dims: &[u64]| Shape { dims: dims.to_vec(), element_bits: 8 };
        let shapes = vec![bytes(&[8, 4]), bytes(&[8, 4]), bytes(&[16]), bytes(&[16, 4])];
        let mut graph = GraphBuilder::new();
        let (left, right) = (graph.argument("x", shapes[0].bytes()), graph.argument("y", shapes[1].bytes()));
        let weight = graph.weight("w", shapes[2].bytes());
        let result = graph.op("window", &[left, right, weight], [("z", shapes[3].bytes())], Bytes::ZERO)[0];
        graph.result(result);
        let row = |constant| Expr { terms: vec![(0, 1), (2, 1)], constant, divisor: 1 };
        let dim = |size, kind| Dim { size, kind };
        let (parallel, reduced) = (DimKind::Parallel, DimKind::Reduced { splittable: false });
        let access = Access {
            domain: vec![dim(16, parallel), dim(4, parallel), dim(length, reduced)],
            operands: vec![Map(vec![row(0), Expr::dim(1)]), Map(vec![row(-8), Expr::dim(1)]), Map(vec![row(0)])],
            results: vec![Map(vec![Expr::dim(0), Expr::dim(1)])],
            sums: None,
        };
        let operands = vec![left, right, weight];
        let operator = Operator { operands, results: vec![result], access: Some(access), is_view: false };
        let problem = Problem {
            graph: graph.build().expect("it is well formed"),
            machine: Machine::with_host(Bytes(1 << 20), Bytes(alignment)),
        };
        Network { problem, shapes, operators: vec![operator] }
    }

    #[test]
    fn tiles_of_a_concatenation_touch_what_lies_where_they_are() {
        for length in 1..6 {
            let network = window_on_two(length, 1);
            let flow = Flow::new(&network);
            let nest = LoopNest::new(&flow, 0).expect("it has an access");
            for n_parts in 2..=16 {
                let touched = |index| {
                    let domain = nest.access.whole().with_range(0, part(16, index, n_parts));
                    let read = nest.access.reads(&network.shapes[..3], &domain);
                    let written = nest.access.writes(&network.shapes[3..], &domain);
                    read.iter().chain(&written).map(Region::len).sum::<u64>()
                };
                // Rounding: no tile has more than the largest part.
                let most = (0..n_parts).map(touched).max();
                let uneven = if 16 % n_parts == 0 { 0 } else { 4 + 1 };
                let room = nest.cut(&[(0, n_parts)]).room();
                assert!(most <= Some(room) && Some(room) <= most.map(|it| it + uneven), "{length} {n_parts}");
                assert_eq!(nest.grid(vec![(0, n_parts)], &mut Halos::default()).streamed_room, room);
            }
        }
    }

    #[test]
    fn windows_are_counted_in_the_pieces_that_other_windows_make_of_them() {
        let alignment = 64;
        for length in 1..9 {
            // What is small enough is held whole, and counted so.
            let network = window_on_two(length, alignment);
            let flow = Flow::new(&network);
            let nest = LoopNest::new(&flow, 0).expect("it has an access");
            let held = if length == 1 { 3 } else { 2 };
            assert_eq!((nest.access.operands.len(), flow.nodes[0].others.len()), (held, 3 - held), "{length}");
            for n_parts in 2..=16 {
                let regions = |index| {
                    let domain = nest.access.whole().with_range(0, part(16, index, n_parts));
                    nest.access.reads(&network.shapes[..2], &domain)
                };
                let all: Vec<Vec<Region>> = (0..n_parts).map(regions).collect();
                let pieces = |operand: usize, region: &Region| {
                    let ends = all.iter().map(|it| it[operand].range(0)).filter(|it| !it.is_empty());
                    let cuts = ends.flat_map(|it| [it.start, it.end]).filter(|it| region.range(0).start < *it);
                    let cuts: std::collections::BTreeSet<u64> = cuts.filter(|it| *it <= region.range(0).end).collect();
                    cuts.len() as u64 * alignment
                };
                let most = all.iter().map(|it| (0..2).map(|operand| pieces(operand, &it[operand])).sum::<u64>()).max();
                assert!(most <= Some(nest.cut(&[(0, n_parts)]).room()), "{length} {n_parts}");
            }
        }
    }
}
