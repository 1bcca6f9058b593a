//! From a stripe plan to a program in tiles.
//!
//! 1. The plan is unrolled: which operator runs which box of its domain, in order.
//! 2. What such a box writes, or reads of host memory, cuts the tensors at its borders: nothing is larger than what
//!    is made or loaded at once. What it reads of what was made before cuts only where rows die: small pieces need
//!    padding and fragment the scratchpad. A result that may lie over an operand is cut where that is, and the
//!    other way round.
//! 3. Pieces that are read or written become tensors, boxes operators. Sums of which a part is added up are cut as
//!    the results that will be made of them, so that each piece of a result may lie over its sums.

use crate::flow::{Flow, Node};
use crate::plan::{Group, StripePlan, Tiling};
use crate::simulate::simulate;
use crate::{Piece, Region, Tile, TileProgram};
use cosma_planner::{Bytes, GraphBuilder, MemorySet, OpId, Origin, Overlay, Problem, TensorId, Use};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The program of a plan.
pub(crate) fn expand(flow: &Flow, plan: &StripePlan) -> TileProgram {
    let boxes = unroll(flow, plan);
    let cuts = Cuts::of(flow, &boxes);
    let mut program = Builder::new(flow, &cuts);
    boxes.iter().for_each(|it| program.tile(it));
    program.finish()
}

/// A node that runs a part of its domain.
pub(crate) struct TileBox {
    pub node: usize,
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
    /// Whether the group makes the tensor itself.
    is_inner: bool,
}

impl TileBox {
    /// A node of a group of nodes, of which these loops are cut.
    fn new(flow: &Flow, nodes: &Range<usize>, node: usize, domain: Region, loops: &[usize]) -> TileBox {
        let Node { access, operands, others, results, .. } = &flow.nodes[node];
        let shape = |it: TensorId| flow.network.shape(it);
        let window = |tensor: TensorId, region, moves| {
            let is_inner = flow.stream(tensor).producer.is_some_and(|it| nodes.contains(&it));
            Window { tensor, region, moves, is_inner }
        };
        let whole = |it: &TensorId| window(*it, shape(*it).whole(), Vec::new());
        let Some(access) = access else {
            let writes = results.iter().map(|it| (*it, shape(*it).whole())).collect();
            let reads = operands.iter().chain(others).map(whole).collect();
            return TileBox { node, domain, reads, writes, before: None, after: None };
        };
        let mapped = access.operands.iter().zip(operands).map(|(map, tensor)| {
            let moves = |axis: &usize| map.0[*axis].terms.iter().any(|it| loops.contains(&it.0));
            window(*tensor, map.region(&domain, shape(*tensor)), (0..map.0.len()).filter(moves).collect())
        });
        let reads = mapped.chain(others.iter().map(whole)).filter(|it| !it.region.is_empty()).collect();
        let (before, after) = (access.summed_before(&domain), access.summed_after(&domain));
        let written = access.results.iter().zip(results).filter(|_| after.is_none());
        let writes = written.map(|(map, tensor)| (*tensor, map.region(&domain, shape(*tensor)))).collect();
        TileBox { node, domain, reads, writes, before, after }
    }
}

/// All boxes of a plan, in the order in which they run.
pub(crate) fn unroll(flow: &Flow, plan: &StripePlan) -> Vec<TileBox> {
    let mut boxes = Vec::new();
    let mut start = 0;
    for group in &plan.groups {
        let nodes = start..start + group.ops.len();
        start = nodes.end;
        unroll_group(flow, group, nodes, &mut boxes);
    }
    boxes
}

fn unroll_group(flow: &Flow, group: &Group, nodes: Range<usize>, boxes: &mut Vec<TileBox>) {
    match &group.tiling {
        Tiling::Stripes { rows, channels } => {
            for step in simulate(flow, nodes.clone(), *rows).steps {
                let channels = channels[step.node - nodes.start];
                let node = &flow.nodes[step.node];
                let Some(access) = &node.access else {
                    boxes.push(TileBox::new(flow, &nodes, step.node, Region::whole(&[]), &[]));
                    continue;
                };
                let loops: Vec<usize> = node.dim.into_iter().collect();
                let domain = match node.dim {
                    Some(dim) => access.whole().with_range(dim, step.range.clone()),
                    None => access.whole(),
                };
                let Some((dim, size)) = node.block else {
                    boxes.push(TileBox::new(flow, &nodes, step.node, domain, &loops));
                    continue;
                };
                for first in (0..size).step_by(channels as usize) {
                    let domain = domain.clone().with_range(dim, first..size.min(first + channels));
                    boxes.push(TileBox::new(flow, &nodes, step.node, domain, &loops));
                }
            }
        }
        Tiling::Grid(loops) => {
            let access = flow.nodes[nodes.start].access.as_ref().expect("what is cut has an access");
            let mut domains = vec![access.whole()];
            for &(dim, n_parts) in loops {
                let size = access.domain[dim].size;
                let parts =
                    |it: Region| (0..n_parts).map(move |index| it.clone().with_range(dim, part(size, index, n_parts)));
                domains = domains.into_iter().flat_map(parts).collect();
            }
            let loops: Vec<usize> = loops.iter().map(|it| it.0).collect();
            boxes.extend(domains.into_iter().map(|it| TileBox::new(flow, &nodes, nodes.start, it, &loops)));
        }
    }
}

/// One of so many parts of a loop.
pub(crate) fn part(size: u64, index: u64, n_parts: u64) -> Range<u64> {
    let bound = |index: u64| (u128::from(size) * u128::from(index) / u128::from(n_parts)) as u64;
    bound(index)..bound(index + 1)
}

/// Where tensors are cut: by tensor and axis, the bounds of its pieces.
struct Cuts(Vec<Vec<Vec<u64>>>);

impl Cuts {
    fn of(flow: &Flow, boxes: &[TileBox]) -> Cuts {
        let whole = |shape: &crate::Shape| shape.dims.iter().map(|size| BTreeSet::from([0, *size])).collect();
        let mut cuts: Vec<Vec<BTreeSet<u64>>> = flow.network.shapes.iter().map(whole).collect();
        for it in boxes {
            for (tensor, region) in &it.writes {
                cut(&mut cuts[tensor.index()], region);
            }
            for Window { tensor, region, moves, is_inner } in &it.reads {
                if flow.stream(*tensor).producer.is_none() {
                    cut(&mut cuts[tensor.index()], region);
                    continue;
                }
                for &axis in moves {
                    let range = region.range(axis);
                    cuts[tensor.index()][axis].insert(range.start);
                    // What the group makes is there before it is needed.
                    if !is_inner {
                        cuts[tensor.index()][axis].insert(range.end);
                    }
                }
            }
        }
        share(flow, &mut cuts);
        let sorted = |it: BTreeSet<u64>| it.into_iter().collect();
        Cuts(cuts.into_iter().map(|axes| axes.into_iter().map(sorted).collect()).collect())
    }

    /// The pieces of a tensor that hold a region: by axis, which of its ranges.
    fn within(&self, tensor: TensorId, region: &Region) -> Vec<Range<usize>> {
        let find = |(cuts, range): (&Vec<u64>, Range<u64>)| {
            cuts.partition_point(|it| *it <= range.start) - 1..cuts.partition_point(|it| *it < range.end)
        };
        self.0[tensor.index()].iter().zip(region.ranges()).map(find).collect()
    }

    /// All pieces of a tensor that hold a region, in row-major order.
    fn pieces(&self, tensor: TensorId, region: &Region) -> Vec<Region> {
        let axes = &self.0[tensor.index()];
        let mut pieces = vec![Vec::new()];
        for (axis, indices) in self.within(tensor, region).into_iter().enumerate() {
            let longer = |it: &Vec<Range<u64>>| {
                let ranges = indices.clone().map(|index| axes[axis][index]..axes[axis][index + 1]);
                ranges.map(|range| [&it[..], &[range]].concat()).collect::<Vec<_>>()
            };
            pieces = pieces.iter().flat_map(longer).collect();
        }
        pieces.into_iter().map(Region::new).collect()
    }
}

/// Cuts a tensor at the borders of a region.
fn cut(cuts: &mut [BTreeSet<u64>], region: &Region) {
    cuts.iter_mut().zip(region.ranges()).for_each(|(cuts, range)| cuts.extend([range.start, range.end]));
}

/// Cuts what may lie over each other alike.
fn share(flow: &Flow, cuts: &mut [Vec<BTreeSet<u64>>]) {
    let pairs = flow.nodes.iter().flat_map(|node| node.in_place.iter().map(|it| (node.results[it.0], it.1)));
    let pairs: Vec<(TensorId, TensorId)> = pairs.collect();
    // A chain of operators in place hands its cuts on in either direction.
    for (result, operand) in pairs.iter().rev().chain(&pairs) {
        for axis in 0..cuts[result.index()].len() {
            let both: BTreeSet<u64> = cuts[result.index()][axis].union(&cuts[operand.index()][axis]).copied().collect();
            cuts[operand.index()][axis].clone_from(&both);
            cuts[result.index()][axis] = both;
        }
    }
}

struct Builder<'a, 'b> {
    flow: &'b Flow<'a>,
    cuts: &'b Cuts,
    graph: GraphBuilder,
    pieces: Vec<Piece>,
    tiles: Vec<Tile>,
    ids: BTreeMap<Piece, TensorId>,
    /// By tensor and by operator of the network: how many pieces and tiles have a name.
    n_named: BTreeMap<TensorId, usize>,
    n_tiles: BTreeMap<OpId, usize>,
    n_sums: usize,
    in_place: Vec<(TensorId, TensorId, Bytes)>,
}

impl<'a, 'b> Builder<'a, 'b> {
    fn new(flow: &'b Flow<'a>, cuts: &'b Cuts) -> Builder<'a, 'b> {
        Builder {
            flow,
            cuts,
            graph: GraphBuilder::new(),
            pieces: Vec::new(),
            tiles: Vec::new(),
            ids: BTreeMap::new(),
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
            for piece in self.cuts.pieces(*tensor, region) {
                reads.push(Use { tensor: self.piece_to_read(*tensor, piece), from });
            }
        }
        for sums in self.sums(node, it.before.as_ref()) {
            reads.push(Use { tensor: self.ids[&sums], from: MemorySet::SCRATCHPAD });
        }
        let mut made: Vec<Piece> = self.sums(node, it.after.as_ref());
        for &(of, ref region) in &it.writes {
            made.extend(self.cuts.pieces(of, region).into_iter().map(|region| Piece::Region { of, region }));
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
            self.ids.insert(piece, id);
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
            let is_alike = network.shape(pair.result).dims == network.shape(pair.operand).dims;
            let is_alike = is_alike && self.cuts.0[pair.result.index()] == self.cuts.0[pair.operand.index()];
            if pair.overlay == Overlay::Whole && is_alike && result == operand {
                for region in self.cuts.pieces(pair.result, &result) {
                    let result = self.ids[&Piece::Region { of: pair.result, region: region.clone() }];
                    let operand = self.ids.get(&Piece::Region { of: pair.operand, region }).copied();
                    self.in_place.extend(operand.map(|it| (result, it, Bytes::ZERO)));
                }
            } else if let (Some(result), Some(operand)) = (self.whole(pair.result), self.whole(pair.operand)) {
                self.in_place.push((result, operand, pair.at()));
            }
        }
    }

    /// Lays sums over those of the part before, and a result over its sums where that may be; gives whether the tile's
    /// result has its place by that.
    fn share_sums(&mut self, node: &Node, it: &TileBox) -> bool {
        let (Some(access), Some(before)) = (&node.access, &it.before) else { return false };
        let operands = self.sums(node, Some(before));
        let results = match &it.after {
            Some(after) => self.sums(node, Some(after)),
            None if access.may_lie_over_sums(&self.flow.network.shapes_of(&node.results)) => {
                let (of, ref region) = it.writes[0];
                self.cuts.pieces(of, region).into_iter().map(|region| Piece::Region { of, region }).collect()
            }
            None => return false,
        };
        debug_assert_eq!(operands.len(), results.len(), "sums are cut as results are");
        let pairs = results.iter().zip(&operands).map(|(result, operand)| (self.ids[result], self.ids[operand]));
        self.in_place.extend(pairs.map(|(result, operand)| (result, operand, Bytes::ZERO)));
        true
    }

    /// The sums of a part of a node's domain, cut as its first result is.
    fn sums(&self, node: &Node, added: Option<&Region>) -> Vec<Piece> {
        let (Some(access), Some(added)) = (&node.access, added) else { return Vec::new() };
        let mut parts = vec![self.own(node.op, added)];
        for (expr, cuts) in access.results[0].0.iter().zip(&self.cuts.0[node.results[0].index()]) {
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
        parts.into_iter().map(|added| Piece::Sums { of: node.op, added }).collect()
    }

    /// What all of a tensor is, if that is one piece.
    fn whole(&self, of: TensorId) -> Option<TensorId> {
        self.ids.get(&Piece::Region { of, region: self.flow.network.shape(of).whole() }).copied()
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

    fn piece_to_read(&mut self, tensor: TensorId, region: Region) -> TensorId {
        let bytes = self.flow.network.shape(tensor).region_bytes(&region);
        let piece = Piece::Region { of: tensor, region };
        if let Some(id) = self.ids.get(&piece) {
            return *id;
        }
        let name = self.name(&piece);
        let id = match self.flow.network.problem.graph.tensor(tensor).origin {
            Origin::Argument => self.graph.argument(name, bytes),
            Origin::Weight => self.graph.weight(name, bytes),
            Origin::Op(_) => panic!("{name} is read before it is made"),
        };
        self.pieces.push(piece.clone());
        self.ids.insert(piece, id);
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
            let ids: Vec<TensorId> = if network.problem.graph.producer(tensor).is_none() {
                let is_of = |it: &(&Piece, &TensorId)| it.0.region_of(tensor).is_some();
                let known: Vec<TensorId> = self.ids.iter().filter(is_of).map(|it| *it.1).collect();
                if known.is_empty() { vec![self.piece_to_read(tensor, whole)] } else { known }
            } else {
                let id = |region| self.ids[&Piece::Region { of: tensor, region }];
                self.cuts.pieces(tensor, &whole).into_iter().map(id).collect()
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
