//! From a stripe plan to a program in tiles.
//!
//! 1. The plan is unrolled into boxes: the parts of its domain that each operator runs, in order.
//! 2. A tensor has one *copy* for the group that computes it and the groups for which it stays on chip, and one for
//!    each time that it is loaded. A copy is split at the borders of the boxes that write or load it: no piece is
//!    larger than what is computed or loaded at once. Reads of a copy that is on chip split it only where rows die:
//!    small pieces need padding and fragment the scratchpad. A result that may share bytes with an operand is split
//!    where the operand is, and vice versa.
//! 3. Copies that are split alike, or into rows only, become one copy, so that data that is read again may stay. Any
//!    other copy is staged: its pieces are regions of what was written to host memory.
//! 4. If lanes overlap, each lane has its own copy of the tensors inside of the group: its pieces may overlap with
//!    those of other lanes, and the overlap is recomputed.
//! 5. Pieces that are read or written become tensors, and boxes become operators. Partial sums are split like the
//!    results that are made of them, so that each piece of a result may share the bytes of its sums.

use crate::flow::{Flow, Node};
use crate::lanes::{self, Lanes, is_inner};
use crate::plan::{Group, StripePlan, Tiling};
use crate::simulate::{Step, simulate};
use crate::{Piece, Region, Tile, TileProgram};
use cosma_planner::{Bytes, GraphBuilder, MemorySet, OpId, Origin, Overlay, Problem, TensorId, Use};
use petgraph::unionfind::UnionFind;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The program of a plan.
pub(crate) fn expand(flow: &Flow, plan: &StripePlan) -> TileProgram {
    let boxes = unroll(flow, plan);
    let copies = Copies::of(flow, plan, &boxes);
    let mut program = Builder::new(flow, &copies);
    boxes.iter().for_each(|it| program.tile(it));
    program.finish()
}

/// A node that runs a part of its domain.
pub(crate) struct TileBox {
    pub node: usize,
    /// The group that it belongs to, and which of its lanes.
    group: usize,
    lane: usize,
    pub domain: Region,
    pub reads: Vec<Window>,
    /// By result; nothing if it adds up a part of a sum that is not the last one.
    pub writes: Vec<(TensorId, Region)>,
    /// What was added up before it, and what is after it, where that is a part of a sum.
    pub before: Option<Region>,
    pub after: Option<Region>,
}

/// What a box reads of a tensor.
pub(crate) struct Window {
    pub tensor: TensorId,
    pub region: Region,
    /// The axes along which boxes of the node read different ranges.
    moves: Vec<usize>,
}

impl TileBox {
    /// A node of a group and a lane of it, of which these loops are cut.
    fn new(flow: &Flow, (group, lane): (usize, usize), node: usize, domain: Region, loops: &[usize]) -> TileBox {
        let Node { access, operands, others, results, .. } = &flow.nodes[node];
        let shape = |it: TensorId| flow.network.shape(it);
        let window = |tensor: TensorId, region, moves| Window { tensor, region, moves };
        let whole = |it: &TensorId| window(*it, shape(*it).whole(), Vec::new());
        let Some(access) = access else {
            let writes = results.iter().map(|it| (*it, shape(*it).whole())).collect();
            let reads = operands.iter().chain(others).map(whole).collect();
            return TileBox { node, group, lane, domain, reads, writes, before: None, after: None };
        };
        let mapped = access.operands.iter().zip(operands).map(|(map, tensor)| {
            let moves = |axis: &usize| map.0[*axis].terms.iter().any(|it| loops.contains(&it.0));
            window(*tensor, map.region(&domain, shape(*tensor)), (0..map.0.len()).filter(moves).collect())
        });
        let reads = mapped.chain(others.iter().map(whole)).filter(|it| !it.region.is_empty()).collect();
        let (before, after) = (access.summed_before(&domain), access.summed_after(&domain));
        let written = access.results.iter().zip(results).filter(|_| after.is_none());
        let writes = written.map(|(map, tensor)| (*tensor, map.region(&domain, shape(*tensor)))).collect();
        TileBox { node, group, lane, domain, reads, writes, before, after }
    }
}

/// All boxes of a plan, in the order in which they run.
pub(crate) fn unroll(flow: &Flow, plan: &StripePlan) -> Vec<TileBox> {
    let mut boxes = Vec::new();
    for (index, (group, (nodes, lanes))) in plan.groups.iter().zip(groups(flow, plan)).enumerate() {
        unroll_group(flow, group, index, (&nodes, lanes.as_ref()), &mut boxes);
    }
    boxes
}

/// By group of a plan: its nodes, and its lanes if it has any.
fn groups(flow: &Flow, plan: &StripePlan) -> Vec<(Range<usize>, Option<Lanes>)> {
    let mut end = 0;
    let of_group = |group: &Group| {
        let nodes = end..end + group.ops.len();
        end = nodes.end;
        let lanes = match &group.tiling {
            Tiling::Stripes { lanes: Some(lanes), .. } => Some(lanes::of_plan(flow, &nodes, lanes)),
            Tiling::Stripes { lanes: None, .. } | Tiling::Grid(_) => None,
        };
        (nodes, lanes)
    };
    plan.groups.iter().map(of_group).collect()
}

fn unroll_group(
    flow: &Flow,
    group: &Group,
    index: usize,
    (nodes, lanes): (&Range<usize>, Option<&Lanes>),
    boxes: &mut Vec<TileBox>,
) {
    match &group.tiling {
        Tiling::Stripes { rows, channels, .. } => {
            let steps = simulate(flow, nodes.clone(), *rows).steps;
            let Some(lanes) = lanes else {
                let channels = |it: &Step| channels[it.node - nodes.start];
                steps.iter().for_each(|it| unroll_step(flow, (index, 0), it, None, channels(it), boxes));
                return;
            };
            for (lane, ranges) in lanes.ranges(flow, nodes).iter().enumerate() {
                for step in &steps {
                    let local = step.node - nodes.start;
                    let part = Some((lanes.loops[local], ranges[local].clone()));
                    unroll_step(flow, (index, lane), step, part, channels[local], boxes);
                }
            }
        }
        Tiling::Grid(loops) => {
            let access = flow.nodes[nodes.start].access.as_ref().expect("what is cut has an access");
            let mut domains = vec![access.whole()];
            for &(dim, n_parts) in loops {
                let size = access.domain[dim].size;
                let parts =
                    |it: Region| (0..n_parts).map(move |nth| it.clone().with_range(dim, part(size, nth, n_parts)));
                domains = domains.into_iter().flat_map(parts).collect();
            }
            let loops: Vec<usize> = loops.iter().map(|it| it.0).collect();
            boxes.extend(domains.into_iter().map(|it| TileBox::new(flow, (index, 0), nodes.start, it, &loops)));
        }
    }
}

/// A step of a node in a group and a lane, in blocks of so many channels, and of a part of a loop if lanes cut it.
fn unroll_step(
    flow: &Flow,
    group: (usize, usize),
    step: &Step,
    part: Option<(usize, Range<u64>)>,
    channels: u64,
    boxes: &mut Vec<TileBox>,
) {
    let node = &flow.nodes[step.node];
    let Some(access) = &node.access else {
        boxes.push(TileBox::new(flow, group, step.node, Region::whole(&[]), &[]));
        return;
    };
    let loops: Vec<usize> = node.dim.into_iter().chain(part.as_ref().map(|it| it.0)).collect();
    let mut domain = access.whole();
    if let Some(dim) = node.dim {
        domain = domain.with_range(dim, step.range.clone());
    }
    if let Some((dim, range)) = part {
        domain = domain.with_range(dim, range);
    }
    let Some((dim, size)) = node.block.filter(|it| channels < it.1) else {
        boxes.push(TileBox::new(flow, group, step.node, domain, &loops));
        return;
    };
    for first in (0..size).step_by(channels as usize) {
        let domain = domain.clone().with_range(dim, first..size.min(first + channels));
        boxes.push(TileBox::new(flow, group, step.node, domain, &loops));
    }
}

/// One of so many parts of a loop.
pub(crate) fn part(size: u64, index: u64, n_parts: u64) -> Range<u64> {
    let bound = |index: u64| (u128::from(size) * u128::from(index) / u128::from(n_parts)) as u64;
    bound(index)..bound(index + 1)
}

/// Copies of tensors, and how each is cut.
struct Copies {
    /// By copy.
    copies: Vec<Copied>,
    /// By tensor: the copy that is made, or the only one of what no operator makes.
    made: Vec<usize>,
    /// Copies that come from host memory later: by tensor, and the group that reads it.
    loaded: BTreeMap<(TensorId, usize), usize>,
    /// Copies that lanes have for themselves: by tensor and lane.
    of_lanes: BTreeMap<(TensorId, usize), usize>,
}

/// A tensor as it lies on-chip for a while.
#[derive(Clone)]
struct Copied {
    tensor: TensorId,
    /// The first group that reads it, if it comes from host memory for that.
    loaded_by: Option<usize>,
    /// By axis: the bounds of its pieces, ascending.
    cuts: Vec<Vec<u64>>,
}

impl Copies {
    fn of(flow: &Flow, plan: &StripePlan, boxes: &[TileBox]) -> Copies {
        let tensors = flow.network.problem.graph.tensor_ids();
        let (loaded, of_lanes) = (BTreeMap::new(), BTreeMap::new());
        let mut copies = Copies { copies: Vec::new(), made: Vec::new(), loaded, of_lanes };
        tensors.for_each(|it| {
            let copy = copies.add(flow, it, None);
            copies.made.push(copy);
        });
        copies.load(flow, plan, boxes);
        let n_joined = copies.copies.len();
        let groups = groups(flow, plan);
        for (nodes, lanes) in groups.iter().filter_map(|(nodes, lanes)| Some((nodes, lanes.as_ref()?))) {
            copies.split(flow, nodes, lanes);
        }
        let mut cuts: Vec<Vec<BTreeSet<u64>>> = copies
            .copies
            .iter()
            .map(|it| it.cuts.iter().map(|axis| axis.iter().copied().collect()).collect())
            .collect();
        for it in boxes {
            for (tensor, region) in &it.writes {
                cut(&mut cuts[copies.made(*tensor, it.lane)], region);
            }
            for window in &it.reads {
                copies.cut_for(flow, it, window, &mut cuts);
            }
        }
        copies.join(flow, &mut cuts[..n_joined]);
        let sharing = |(index, (nodes, lanes)): (usize, &(Range<usize>, Option<Lanes>))| {
            copies.sharing(flow, (index, nodes), lanes.as_ref())
        };
        cut_alike(groups.iter().enumerate().flat_map(sharing), &mut cuts);
        for (copy, cuts) in copies.copies.iter_mut().zip(cuts) {
            copy.cuts = cuts.into_iter().map(|it| it.into_iter().collect()).collect();
        }
        copies
    }

    fn add(&mut self, flow: &Flow, tensor: TensorId, loaded_by: Option<usize>) -> usize {
        let cuts = flow.network.shape(tensor).dims.iter().map(|size| vec![0, *size]).collect();
        self.copies.push(Copied { tensor, loaded_by, cuts });
        self.copies.len() - 1
    }

    /// Adds a copy for each time that a tensor comes from host memory after it was made.
    fn load(&mut self, flow: &Flow, plan: &StripePlan, boxes: &[TileBox]) {
        let stays = |tensor: TensorId, group: usize| plan.groups[group - 1].keeps.contains(&tensor);
        let makes: BTreeMap<TensorId, usize> =
            boxes.iter().flat_map(|it| it.writes.iter().map(|written| (written.0, it.group))).collect();
        let readings: BTreeSet<(TensorId, usize)> =
            boxes.iter().flat_map(|it| it.reads.iter().map(|read| (read.tensor, it.group))).collect();
        let mut last: BTreeMap<TensorId, (usize, usize)> = BTreeMap::new();
        for (tensor, group) in readings {
            let Some(&made) = makes.get(&tensor).filter(|it| **it < group) else { continue };
            let (copy, since) = last.get(&tensor).copied().unwrap_or((self.made[tensor.index()], made));
            let lies_there = (since + 1..=group).all(|it| stays(tensor, it));
            let copy = if lies_there { copy } else { self.add(flow, tensor, Some(group)) };
            last.insert(tensor, (copy, group));
            self.loaded.insert((tensor, group), copy);
        }
    }

    /// Adds a copy for each lane of what lies inside of a group with halos.
    fn split(&mut self, flow: &Flow, nodes: &Range<usize>, lanes: &Lanes) {
        let made = flow.nodes[nodes.clone()].iter().flat_map(|it| &it.results);
        for &tensor in made.filter(|it| lanes.with_halos && is_inner(flow, **it, nodes)) {
            for lane in 0..lanes.len() as usize {
                let copy = self.add(flow, tensor, None);
                self.of_lanes.insert((tensor, lane), copy);
            }
        }
    }

    /// The copy that a lane makes.
    fn made(&self, tensor: TensorId, lane: usize) -> usize {
        self.of_lanes.get(&(tensor, lane)).copied().unwrap_or(self.made[tensor.index()])
    }

    /// The copy that a lane of a group reads.
    fn read(&self, tensor: TensorId, group: usize, lane: usize) -> usize {
        self.loaded.get(&(tensor, group)).copied().unwrap_or(self.made(tensor, lane))
    }

    /// Cuts a copy for what a box reads of it.
    fn cut_for(&self, flow: &Flow, of: &TileBox, window: &Window, cuts: &mut [Vec<BTreeSet<u64>>]) {
        let Window { tensor, region, moves } = window;
        let copy = self.read(*tensor, of.group, of.lane);
        let stream = flow.stream(*tensor);
        if self.copies[copy].loaded_by == Some(of.group) || stream.producer.is_none() {
            cut(&mut cuts[copy], region);
        } else if let Some(axis) = stream.axis.filter(|it| moves.contains(it)) {
            // What lies there is there before it is needed.
            cuts[copy][axis].insert(region.range(axis).start);
        }
    }

    /// Makes one of the copies of a tensor that are cut alike, or into rows only.
    fn join(&mut self, flow: &Flow, cuts: &mut [Vec<BTreeSet<u64>>]) {
        let is_in_rows = |it: usize, cuts: &[Vec<BTreeSet<u64>>]| {
            let axis = flow.stream(self.copies[it].tensor).axis;
            cuts[it].iter().enumerate().all(|(index, cuts)| Some(index) == axis || cuts.len() <= 2)
        };
        let n_tensors = self.made.len();
        let mut into: Vec<usize> = (0..cuts.len()).collect();
        for copy in n_tensors..cuts.len() {
            let tensor = self.copies[copy].tensor;
            let others = (0..copy).filter(|it| self.copies[*it].tensor == tensor && into[*it] == *it);
            let is_alike = |it: &usize| cuts[*it] == cuts[copy] || is_in_rows(*it, cuts) && is_in_rows(copy, cuts);
            if let Some(other) = others.into_iter().find(is_alike) {
                into[copy] = other;
                for axis in 0..cuts[copy].len() {
                    let bounds = cuts[copy][axis].clone();
                    cuts[other][axis].extend(bounds);
                }
            }
        }
        self.loaded.values_mut().for_each(|it| *it = into[*it]);
    }

    /// Pairs of copies that may lie over each other in a group.
    fn sharing(
        &self,
        flow: &Flow,
        (group, nodes): (usize, &Range<usize>),
        lanes: Option<&Lanes>,
    ) -> Vec<(usize, usize)> {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for node in &flow.nodes[nodes.clone()] {
            for &(result, operand) in &node.in_place {
                let result = node.results[result];
                if lanes.is_none_or(|it| it.may_share(flow, nodes, result, operand)) {
                    let n_lanes = lanes.map_or(1, |it| it.len() as usize);
                    pairs.extend((0..n_lanes).map(|it| (self.made(result, it), self.read(operand, group, it))));
                }
            }
        }
        pairs
    }

    /// All pieces of a copy that hold a region, in row-major order.
    fn pieces(&self, copy: usize, region: &Region) -> Vec<Region> {
        let axes = &self.copies[copy].cuts;
        let find = |(cuts, range): (&Vec<u64>, Range<u64>)| {
            cuts.partition_point(|it| *it <= range.start) - 1..cuts.partition_point(|it| *it < range.end)
        };
        let mut pieces = vec![Vec::new()];
        for (cuts, indices) in axes.iter().zip(axes.iter().zip(region.ranges()).map(find)) {
            let longer = |it: &Vec<Range<u64>>| {
                let ranges = indices.clone().map(|index| cuts[index]..cuts[index + 1]);
                ranges.map(|range| [&it[..], &[range]].concat()).collect::<Vec<_>>()
            };
            pieces = pieces.iter().flat_map(longer).collect();
        }
        pieces.into_iter().map(Region::new).collect()
    }
}

/// Cuts alike the copies of each pair, and so all that hang together: a chain of operators in place may go on through
/// several groups.
fn cut_alike(pairs: impl Iterator<Item = (usize, usize)>, cuts: &mut [Vec<BTreeSet<u64>>]) {
    let mut alike: UnionFind<usize> = UnionFind::new(cuts.len());
    pairs.for_each(|(result, operand)| _ = alike.union(result, operand));
    let representative = alike.into_labeling();
    for copy in 0..cuts.len() {
        let of_copy = std::mem::take(&mut cuts[copy]);
        let common = &mut cuts[representative[copy]];
        common.resize(of_copy.len(), BTreeSet::new());
        common.iter_mut().zip(of_copy).for_each(|(common, own)| common.extend(own));
    }
    for copy in 0..cuts.len() {
        cuts[copy] = cuts[representative[copy]].clone();
    }
}

/// Cuts a tensor at the borders of a region.
fn cut(cuts: &mut [BTreeSet<u64>], region: &Region) {
    cuts.iter_mut().zip(region.ranges()).for_each(|(cuts, range)| cuts.extend([range.start, range.end]));
}

struct Builder<'a, 'b> {
    flow: &'b Flow<'a>,
    copies: &'b Copies,
    graph: GraphBuilder,
    pieces: Vec<Piece>,
    tiles: Vec<Tile>,
    /// Of pieces, by copy.
    ids: BTreeMap<(usize, Region), TensorId>,
    /// Of partial sums, by operator and what was added up.
    sums: BTreeMap<(OpId, Region), TensorId>,
    /// By tensor and by operator of the network: how many pieces and tiles have a name.
    n_named: BTreeMap<TensorId, usize>,
    n_tiles: BTreeMap<OpId, usize>,
    n_sums: usize,
    in_place: Vec<(TensorId, TensorId, Bytes)>,
}

impl<'a, 'b> Builder<'a, 'b> {
    fn new(flow: &'b Flow<'a>, copies: &'b Copies) -> Builder<'a, 'b> {
        Builder {
            flow,
            copies,
            graph: GraphBuilder::new(),
            pieces: Vec::new(),
            tiles: Vec::new(),
            ids: BTreeMap::new(),
            sums: BTreeMap::new(),
            n_named: BTreeMap::new(),
            n_tiles: BTreeMap::new(),
            n_sums: 0,
            in_place: Vec::new(),
        }
    }

    fn tile(&mut self, it: &TileBox) {
        let network = self.flow.network;
        let node = &self.flow.nodes[it.node];
        let op = network.problem.graph.op(node.op);
        let mut reads: Vec<Use> = Vec::new();
        for Window { tensor, region, .. } in &it.reads {
            let from = op.reads.iter().find(|read| read.tensor == *tensor).map_or(MemorySet::SCRATCHPAD, |it| it.from);
            let copy = self.copies.read(*tensor, it.group, it.lane);
            for piece in self.copies.pieces(copy, region) {
                reads.push(Use { tensor: self.piece_to_read(copy, piece), from });
            }
        }
        for added in self.cut_sums(node, it.lane, it.before.as_ref()) {
            reads.push(Use { tensor: self.sums[&(node.op, added)], from: MemorySet::SCRATCHPAD });
        }
        let after = self.cut_sums(node, it.lane, it.after.as_ref()).into_iter();
        let mut made: Vec<Piece> = after.map(|added| Piece::Sums { of: node.op, added }).collect();
        for &(of, ref region) in &it.writes {
            let pieces = self.copies.pieces(self.copies.made(of, it.lane), region).into_iter();
            made.extend(pieces.map(|region| Piece::Region { of, region }));
        }
        let writes: Vec<(String, Bytes)> = made.iter().map(|piece| (self.name(piece), self.bytes(piece))).collect();
        let n_parts = self.n_tiles.entry(node.op).or_default();
        *n_parts += 1;
        let is_whole = node.access.as_ref().is_none_or(|access| access.whole() == it.domain);
        let name = if is_whole { op.name.clone() } else { format!("{}/{}", op.name, *n_parts - 1) };
        let share = |bytes: Bytes| match &node.access {
            Some(access) => {
                let (part, whole) = (u128::from(it.domain.len()), u128::from(access.whole().len()));
                Bytes((u128::from(bytes.0) * part).div_ceil(whole) as u64)
            }
            None => bytes,
        };
        let written = self.graph.op_with_uses(name, &reads, writes, share(op.workspace));
        for (piece, id) in made.into_iter().zip(written) {
            self.pieces.push(piece.clone());
            match piece {
                Piece::Region { of, region } => self.ids.insert((self.copies.made(of, it.lane), region), id),
                Piece::Sums { of, added } => self.sums.insert((of, added), id),
            };
        }
        self.tiles.push(Tile { of: node.op, domain: self.own(node.op, &it.domain) });
        self.share_places(node, it);
    }

    /// A part of a domain without the loops that an operator adds to its own by looking through views.
    fn own(&self, op: OpId, domain: &Region) -> Region {
        let n_loops = self.flow.network.operator(op).access.as_ref().map_or(0, |it| it.domain.len());
        Region::new(domain.ranges().take(n_loops))
    }

    /// Says which pieces of results may lie over which pieces of operands.
    fn share_places(&mut self, node: &Node, it: &TileBox) {
        if self.share_sums(node, it) {
            return;
        }
        let network = self.flow.network;
        for pair in &network.problem.graph.op(node.op).in_place {
            let result = it.writes.iter().find(|it| it.0 == pair.result).map(|it| it.1.clone());
            let operand = it.reads.iter().find(|it| it.tensor == pair.operand).map(|it| it.region.clone());
            let (Some(result), Some(operand)) = (result, operand) else { continue };
            let own = self.copies.made(pair.result, it.lane);
            let other = self.copies.read(pair.operand, it.group, it.lane);
            let whole = |it: TensorId| network.shape(it).whole();
            let pieces = self.copies.pieces(own, &result);
            if pair.overlay == Overlay::Whole && result == operand && pieces == self.copies.pieces(other, &operand) {
                for region in pieces {
                    let result = self.ids[&(own, region.clone())];
                    let operand = self.ids.get(&(other, region)).copied();
                    self.in_place.extend(operand.map(|it| (result, it, Bytes::ZERO)));
                }
            } else if let (Some(result), Some(operand)) =
                (self.ids.get(&(own, whole(pair.result))), self.ids.get(&(other, whole(pair.operand))))
            {
                self.in_place.push((*result, *operand, pair.at()));
            }
        }
    }

    /// Lays sums over those of the part before, and a result over its sums where that may be; gives whether the tile's
    /// result has its place by that.
    fn share_sums(&mut self, node: &Node, it: &TileBox) -> bool {
        let (Some(access), Some(before)) = (&node.access, &it.before) else { return false };
        let id = |added: Region| self.sums[&(node.op, added)];
        let operands: Vec<TensorId> = self.cut_sums(node, it.lane, Some(before)).into_iter().map(id).collect();
        let results: Vec<TensorId> = match &it.after {
            Some(after) => self.cut_sums(node, it.lane, Some(after)).into_iter().map(id).collect(),
            None if access.may_lie_over_sums(&self.flow.network.shapes_of(&node.results)) => {
                let copy = self.copies.made(it.writes[0].0, it.lane);
                self.copies.pieces(copy, &it.writes[0].1).into_iter().map(|it| self.ids[&(copy, it)]).collect()
            }
            None => return false,
        };
        debug_assert_eq!(operands.len(), results.len(), "sums are cut as results are");
        self.in_place.extend(results.into_iter().zip(operands).map(|(result, operand)| (result, operand, Bytes::ZERO)));
        true
    }

    /// The sums of a part of a node's domain, cut as its first result is in a lane.
    fn cut_sums(&self, node: &Node, lane: usize, added: Option<&Region>) -> Vec<Region> {
        let (Some(access), Some(added)) = (&node.access, added) else { return Vec::new() };
        let mut parts = vec![self.own(node.op, added)];
        let copy = &self.copies.copies[self.copies.made(node.results[0], lane)];
        for (expr, cuts) in access.results[0].0.iter().zip(&copy.cuts) {
            let Some((Some(dim), constant)) = expr.projection() else { continue };
            let cuts: Vec<u64> = cuts.iter().filter_map(|it| it.checked_add_signed(constant.checked_neg()?)).collect();
            let cut = |it: &Region| {
                let range = it.range(dim);
                let inner = cuts.iter().copied().filter(|cut| range.start < *cut && *cut < range.end);
                let bounds: Vec<u64> = [range.start].into_iter().chain(inner).chain([range.end]).collect();
                bounds.windows(2).map(|ends| it.clone().with_range(dim, ends[0]..ends[1])).collect::<Vec<_>>()
            };
            parts = parts.iter().flat_map(cut).collect();
        }
        parts
    }

    fn bytes(&self, piece: &Piece) -> Bytes {
        let network = self.flow.network;
        match piece {
            Piece::Region { of, region } => network.shape(*of).region_bytes(region),
            Piece::Sums { of, added } => {
                let shape = network.operator(*of).access.as_ref().and_then(|it| it.shape_of_sums(added));
                shape.expect("what is summed in parts says what sums are").bytes()
            }
        }
    }

    fn piece_to_read(&mut self, copy: usize, region: Region) -> TensorId {
        if let Some(id) = self.ids.get(&(copy, region.clone())) {
            return *id;
        }
        let tensor = self.copies.copies[copy].tensor;
        let piece = Piece::Region { of: tensor, region: region.clone() };
        let (name, bytes) = (self.name(&piece), self.bytes(&piece));
        let id = match self.flow.network.problem.graph.tensor(tensor).origin {
            Origin::Argument => self.graph.argument(name, bytes),
            Origin::Weight => self.graph.weight(name, bytes),
            Origin::Op(_) | Origin::Staged => {
                let made = self.copies.made[tensor.index()];
                assert_ne!(copy, made, "{name} is read before it is made");
                let parts: Vec<TensorId> =
                    self.copies.pieces(made, &region).into_iter().map(|it| self.ids[&(made, it)]).collect();
                self.graph.staged(name, bytes, &parts)
            }
        };
        self.pieces.push(piece);
        self.ids.insert((copy, region), id);
        id
    }

    /// A name for a piece: that of the tensor or of the operator whose sums it is, and which piece it is, unless it
    /// is all.
    fn name(&mut self, piece: &Piece) -> String {
        let graph = &self.flow.network.problem.graph;
        let (tensor, region) = match piece {
            Piece::Region { of, region } => (*of, region),
            Piece::Sums { of, .. } => {
                self.n_sums += 1;
                return format!("{}/sums/{}", graph.op(*of).name, self.n_sums - 1);
            }
        };
        let name = &graph.tensor(tensor).name;
        if *region == self.flow.network.shape(tensor).whole() {
            return name.clone();
        }
        let index = self.n_named.entry(tensor).or_default();
        *index += 1;
        format!("{name}/{}", *index - 1)
    }

    fn finish(mut self) -> TileProgram {
        let network = self.flow.network;
        for &tensor in network.problem.graph.results() {
            let whole = network.shape(tensor).whole();
            // An argument that is returned need not be read.
            let copy = self.copies.made[tensor.index()];
            let ids: Vec<TensorId> = if network.problem.graph.producer(tensor).is_none() {
                let known: Vec<TensorId> = self.ids.iter().filter(|it| it.0.0 == copy).map(|it| *it.1).collect();
                if known.is_empty() { vec![self.piece_to_read(copy, whole)] } else { known }
            } else {
                self.copies.pieces(copy, &whole).into_iter().map(|it| self.ids[&(copy, it)]).collect()
            };
            ids.into_iter().for_each(|it| self.graph.result(it));
        }
        self.in_place.iter().for_each(|it| self.graph.in_place_at(it.0, it.1, it.2));
        let tile_of =
            |op: OpId| self.tiles.iter().enumerate().filter(move |it| it.1.of == op).map(|it| OpId(it.0 as u32));
        for &(before, after) in network.problem.graph.edges() {
            if let (Some(before), Some(after)) = (tile_of(before).next_back(), tile_of(after).next()) {
                self.graph.order(before, after);
            }
        }
        let graph = self.graph.build().expect("tiles add up to no more than their network");
        let problem = Problem { graph, machine: network.problem.machine.clone() };
        TileProgram { problem, pieces: self.pieces, tiles: self.tiles }
    }
}
