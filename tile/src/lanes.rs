//! A group in lanes: split along a second loop, one lane after another, each in its own stripes.
//!
//! Heads of an attention, and channels of operators that do not mix them, are independent: if one loop runs through
//! all operators of a group, and each lane of a tensor needs only the same lane of the others, no element is computed
//! twice. Then only one lane's part of each tensor and of each weight is on chip at a time. Tensors that do not
//! depend on the lane are loaded once for each lane.
//!
//! Columns of convolutions overlap: a lane needs columns of its neighbours, the *halo*. The results of the group are
//! split into disjoint lanes; each lane computes all elements of inner tensors that its results need, including the
//! halo, and does not share them. So halos are computed once for each lane that needs them, and the group's inputs
//! for them are loaded again. No such group has a result whose halo its own lanes need.

use crate::flow::{Flow, Node, only_axis};
use crate::plan;
use crate::simulate::{Column, Input, Simulation, is_output};
use crate::{DimKind, Region};
use cosma_planner::TensorId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The most operators of a group in lanes.
pub(crate) const MAX_GROUP: usize = 16;
/// The most lanes of a group.
const MAX_LANES: u64 = 64;
/// The most lanes of a group with halos.
const WITH_HALOS: [u64; 4] = [2, 4, 8, 16];
/// The limit on recomputation: the ratio of the elements that the lanes compute to those of the group.
const MAX_WORK: (u64, u64) = (3, 2);

/// How a group is split into lanes.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    /// By node of the group: the loop that is split.
    pub loops: Vec<usize>,
    n: u64,
    /// Whether some elements inside of the group are computed in several lanes, or in none. Then each lane has its
    /// own inner tensors.
    pub with_halos: bool,
    /// By node of the group: the iterations of its loop in the longest lane, and in all lanes.
    longest: Vec<u64>,
    in_all: Vec<u64>,
    /// Of tensors that depend on the lane.
    tensors: BTreeMap<TensorId, OfLanes>,
}

/// A tensor of which each lane has a part.
#[derive(Clone, Debug)]
struct OfLanes {
    axis: usize,
    /// Those of the same kind have the same part in each lane.
    kind: usize,
    /// Whether no two parts have anything in common.
    are_apart: bool,
    /// How many indices along the axis all parts have.
    length: u64,
    /// The room of a row in the pieces of a lane, at most, and in those of all lanes.
    row_room: u64,
    whole_row_room: u64,
}

/// By lane, by node of the group: which iterations of its loop.
pub(crate) type LaneRanges = Vec<Vec<Range<u64>>>;

/// By tensor that depends on the lane: the axis, and by lane which of the indices along it; of what is read in several
/// ways all from the first to the last.
type Parts = BTreeMap<TensorId, (usize, Vec<Range<u64>>)>;

/// All ways to split a group into lanes without recomputation, the fewest lanes first.
pub(crate) fn ways(flow: &Flow, nodes: &Range<usize>) -> Vec<Lanes> {
    let of_loop = |loops: Vec<usize>| {
        let most = extents(flow, nodes, &loops).min().unwrap_or(1);
        let counts = (2..=most.min(MAX_LANES)).filter(|it| most.is_multiple_of(*it));
        let lanes = counts.map_while(|n| Lanes::new(flow, nodes, &loops, n).filter(|it| !it.with_halos));
        lanes.collect::<Vec<_>>()
    };
    candidates(flow, nodes).into_iter().flat_map(of_loop).collect()
}

/// All ways to split a group into lanes with some recomputation, or into uneven lanes, the fewest lanes first.
pub(crate) fn ways_with_halos(flow: &Flow, nodes: &Range<usize>) -> Vec<Lanes> {
    let of_loop = |loops: Vec<usize>| {
        let lanes = WITH_HALOS.into_iter().map_while(|n| {
            let lanes = Lanes::new(flow, nodes, &loops, n)?;
            // More lanes compute more.
            let (times, of) = MAX_WORK;
            let (work, least) = lanes.work(flow, nodes);
            (work * of <= least * times).then_some(lanes)
        });
        let most = extents(flow, nodes, &loops).min().unwrap_or(1);
        lanes.filter(|it| it.with_halos || !most.is_multiple_of(it.len())).collect::<Vec<_>>()
    };
    candidates(flow, nodes).into_iter().flat_map(of_loop).collect()
}

/// The loops along which a group may be cut into lanes: by node of it.
fn candidates(flow: &Flow, nodes: &Range<usize>) -> Vec<Vec<usize>> {
    let last = &flow.nodes[nodes.end - 1];
    let Some(access) = last.access.as_ref().filter(|_| nodes.len() <= MAX_GROUP) else { return Vec::new() };
    let is_candidate = |dim: &usize| {
        let it = access.domain[*dim];
        Some(*dim) != last.dim && it.kind == DimKind::Parallel && 1 < it.size
    };
    (0..access.domain.len()).filter(is_candidate).filter_map(|it| loops(flow, nodes, it)).collect()
}

/// By node: how many iterations its loop has.
fn extents(flow: &Flow, nodes: &Range<usize>, loops: &[usize]) -> impl Iterator<Item = u64> {
    let nodes = flow.nodes[nodes.clone()].iter().zip(loops);
    nodes.map(|(node, dim)| node.access.as_ref().map_or(1, |it| it.domain[*dim].size))
}

/// The lanes of a group of a plan.
pub(crate) fn of_plan(flow: &Flow, nodes: &Range<usize>, lanes: &plan::Lanes) -> Lanes {
    Lanes::new(flow, nodes, &lanes.loops, lanes.n).expect("the plan's lanes cut its group")
}

/// By node: the loop that goes along with this one of the last node, through what they read of each other.
fn loops(flow: &Flow, nodes: &Range<usize>, dim: usize) -> Option<Vec<usize>> {
    let mut loops: Vec<Option<usize>> = vec![None; nodes.len()];
    *loops.last_mut()? = Some(dim);
    // Nodes that are read by none of the others follow those with which they share an axis.
    let mut axes: BTreeSet<usize> = BTreeSet::new();
    let class = |tensor: TensorId, axis: usize| flow.classes[tensor.index()][axis];
    let note = |node: &Node, dim: usize, axes: &mut BTreeSet<usize>| {
        let Some(access) = &node.access else { return };
        for (map, tensor) in access.results.iter().zip(&node.results) {
            axes.extend(only_axis(map, dim).map(|axis| class(*tensor, axis)));
        }
    };
    note(&flow.nodes[nodes.end - 1], dim, &mut axes);
    for node in nodes.clone().rev() {
        let it = &flow.nodes[node];
        let access = it.access.as_ref()?;
        let local = node - nodes.start;
        if loops[local].is_none() {
            let runs_along = |dim: &usize| {
                let written = access.results.iter().zip(&it.results);
                let mut written = written.map(|(map, tensor)| only_axis(map, *dim).map(|axis| class(*tensor, axis)));
                Some(*dim) != it.dim
                    && access.domain[*dim].kind == DimKind::Parallel
                    && written.all(|it| it.is_some_and(|it| axes.contains(&it)))
            };
            loops[local] = Some((0..access.domain.len()).find(runs_along)?);
        }
        note(it, loops[local]?, &mut axes);
    }
    loops.into_iter().collect()
}

impl Lanes {
    /// So many lanes; none if one had nothing to do, or if something would be computed twice that leaves the group or
    /// that needs blocks of weights.
    fn new(flow: &Flow, nodes: &Range<usize>, loops: &[usize], n: u64) -> Option<Lanes> {
        let ranges = ranges(flow, nodes, loops, n)?;
        let is_partition = |local: usize, extent: u64| {
            let mut lanes = ranges.iter().map(|it: &Vec<Range<u64>>| &it[local]);
            let end = lanes.try_fold(0, |end, it| (it.start == end && end < it.end).then_some(it.end));
            end == Some(extent)
        };
        let mut with_halos = false;
        for (local, extent) in extents(flow, nodes, loops).enumerate() {
            if !is_partition(local, extent) {
                let node = &flow.nodes[nodes.start + local];
                let leaves = node.results.iter().any(|it| is_output(flow, *it, nodes.end));
                if leaves || node.block.is_some_and(|it| it.0 == loops[local]) {
                    return None;
                }
                with_halos = true;
            }
        }
        let parts = parts(flow, nodes, loops, &ranges);
        let kinds: Vec<&Vec<Range<u64>>> = parts.values().map(|it| &it.1).collect();
        let tensors = parts.iter().map(|(tensor, (axis, parts))| {
            let kind = kinds.iter().position(|it| *it == parts).expect("it is one of them");
            (*tensor, OfLanes::new(flow, *tensor, (*axis, kind), parts, with_halos && is_inner(flow, *tensor, nodes)))
        });
        let lengths = |local: usize| ranges.iter().map(move |it| it[local].end - it[local].start);
        Some(Lanes {
            loops: loops.to_vec(),
            n,
            with_halos,
            longest: (0..nodes.len()).map(|it| lengths(it).max().unwrap_or(0)).collect(),
            in_all: (0..nodes.len()).map(|it| lengths(it).sum()).collect(),
            tensors: tensors.collect(),
        })
    }

    /// By lane, by node of the group: which iterations of its loop.
    pub fn ranges(&self, flow: &Flow, nodes: &Range<usize>) -> LaneRanges {
        ranges(flow, nodes, &self.loops, self.n).expect("these lanes cut the group")
    }

    /// How many elements all lanes compute, and how many of those are different ones.
    fn work(&self, flow: &Flow, nodes: &Range<usize>) -> (u64, u64) {
        let extents = extents(flow, nodes, &self.loops);
        let of_node = |((local, node), extent): ((usize, &Node), u64)| {
            let elements: u64 = node.results.iter().map(|it| flow.network.shape(*it).whole().len()).sum();
            (elements / extent * self.in_all[local], elements)
        };
        let of_nodes = flow.nodes[nodes.clone()].iter().enumerate().zip(extents).map(of_node);
        of_nodes.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
    }

    pub fn len(&self) -> u64 {
        self.n
    }

    /// The room of a row of a tensor in a lane.
    pub fn row_room(&self, flow: &Flow, tensor: TensorId) -> u64 {
        self.tensors.get(&tensor).map_or(flow.stream(tensor).row_room, |it| it.row_room)
    }

    /// The room of a whole tensor in pieces of rows and lanes.
    pub fn whole_room(&self, flow: &Flow, tensor: TensorId) -> u64 {
        let row = self.tensors.get(&tensor).map_or(0, |it| it.whole_row_room);
        (flow.stream(tensor).rows * row).max(flow.whole_room(tensor))
    }

    /// Whether a result may lie over an operand of a node of the group: each lane has the same part of both, and no
    /// other lane needs any of the operand.
    pub fn may_share(&self, flow: &Flow, nodes: &Range<usize>, result: TensorId, operand: TensorId) -> bool {
        let (made, read) = (self.tensors.get(&result), self.tensors.get(&operand));
        let is_alike = match (made, read) {
            (Some(made), Some(read)) => (made.axis, made.kind) == (read.axis, read.kind),
            (None, None) => true,
            _ => false,
        };
        is_alike && (self.with_halos && is_inner(flow, operand, nodes) || read.is_some_and(|it| it.are_apart))
    }

    /// How many iterations of a node's loop a lane runs at most, and how many it has.
    pub fn share(&self, node: &Node, local: usize) -> (u64, u64) {
        (self.longest[local], node.access.as_ref().map_or(1, |it| it.domain[self.loops[local]].size))
    }

    /// What all lanes load of a tensor of which so many bytes are needed.
    fn loaded(&self, flow: &Flow, tensor: TensorId, needed: u64) -> u64 {
        let Some(it) = self.tensors.get(&tensor) else { return needed * self.len() };
        let size = flow.network.shape(tensor).dims[it.axis];
        (u128::from(needed) * u128::from(it.length)).div_ceil(size.into()) as u64
    }

    /// By node: the iterations of its loop in the longest lane, if that cuts its weights into blocks.
    pub fn block(&self, node: &Node, local: usize) -> Option<u64> {
        let (dim, _) = node.block?;
        (dim == self.loops[local]).then(|| self.longest[local])
    }

    /// What lies on-chip while the lanes run, from one of them.
    pub fn of_all(&self, flow: &Flow, mut one: Simulation) -> Simulation {
        for index in 0..one.inputs.len() {
            // What lies there whole leaves with the last lane, or may be needed by it.
            let Input { tensor, needed, .. } = one.inputs[index];
            let whole = self.whole_room(flow, tensor);
            one.set(Column::Dying(index), whole);
            one.set(Column::Fetch(index), whole);
            one.inputs[index].loaded = self.loaded(flow, tensor, needed);
        }
        for index in 0..one.outputs.len() {
            let whole = self.whole_room(flow, one.outputs[index]);
            one.set(Column::Keep(index), whole);
        }
        one
    }
}

impl OfLanes {
    /// Of a tensor of which each lane has pieces of its own, or several lanes may need the same.
    fn new(
        flow: &Flow,
        tensor: TensorId,
        (axis, kind): (usize, usize),
        parts: &[Range<u64>],
        are_own: bool,
    ) -> OfLanes {
        let shape = flow.network.shape(tensor);
        let elements = shape.whole().len() / flow.stream(tensor).rows / shape.dims[axis].max(1);
        let piece = |length: u64| flow.align(shape.bytes_of(elements * length).0);
        let lengths = || parts.iter().map(|it| it.end - it.start);
        let (row_room, whole_row_room) = if are_own {
            (lengths().map(piece).max().unwrap_or(0), lengths().map(piece).sum())
        } else {
            let ends = parts.iter().flat_map(|it| [it.start, it.end]);
            let cuts: BTreeSet<u64> = ends.chain([0, shape.dims[axis]]).collect();
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let room = |range: &Range<u64>| -> u64 {
                let within = cuts.windows(2).filter(|it| range.start <= it[0] && it[1] <= range.end);
                within.map(|it| piece(it[1] - it[0])).sum()
            };
            let all = 0..cuts.last().copied().unwrap_or(0);
            (parts.iter().map(room).max().unwrap_or(0), room(&all))
        };
        let are_apart = parts.windows(2).all(|it| it[0].end <= it[1].start);
        OfLanes { axis, kind, are_apart, length: lengths().sum(), row_room, whole_row_room }
    }
}

/// Whether only nodes of a group make and read a tensor.
pub(crate) fn is_inner(flow: &Flow, tensor: TensorId, nodes: &Range<usize>) -> bool {
    let is_made_here = flow.stream(tensor).producer.is_some_and(|it| nodes.contains(&it));
    is_made_here && !is_output(flow, tensor, nodes.end)
}

/// Which part of its tensors a group needs in each lane; what a lane needs whole is left out.
fn parts(flow: &Flow, nodes: &Range<usize>, loops: &[usize], ranges: &LaneRanges) -> Parts {
    let mut parts = Parts::new();
    let mut whole: BTreeSet<TensorId> = BTreeSet::new();
    for ((local, node), &dim) in flow.nodes[nodes.clone()].iter().enumerate().zip(loops) {
        whole.extend(&node.others);
        let Some(access) = &node.access else { continue };
        let read = access.operands.iter().zip(&node.operands);
        for (map, &tensor) in read.chain(access.results.iter().zip(&node.results)) {
            let Some(axis) = only_axis(map, dim) else {
                whole.insert(tensor);
                continue;
            };
            let part = |ranges: &Vec<Range<u64>>| {
                let domain = access.whole().with_range(dim, ranges[local].clone());
                map.region(&domain, flow.network.shape(tensor)).range(axis)
            };
            let own: Vec<Range<u64>> = ranges.iter().map(part).collect();
            match parts.get_mut(&tensor) {
                Some((known_axis, known)) if *known_axis == axis => {
                    known.iter_mut().zip(own).for_each(|(known, it)| *known = hull(known, &it));
                }
                Some(_) => drop(whole.insert(tensor)),
                None => {
                    parts.insert(tensor, (axis, own));
                }
            }
        }
    }
    parts.retain(|it, _| !whole.contains(it));
    parts
}

/// By lane, by node: which iterations of its loop it runs. None if a lane has nothing to do.
fn ranges(flow: &Flow, nodes: &Range<usize>, loops: &[usize], n: u64) -> Option<LaneRanges> {
    (0..n).map(|lane| ranges_of(flow, nodes, loops, lane, n)).collect()
}

/// By node: which iterations of its loop a lane runs. None if that is nothing.
fn ranges_of(flow: &Flow, nodes: &Range<usize>, loops: &[usize], lane: u64, n: u64) -> Option<Vec<Range<u64>>> {
    let mut ranges: Vec<Option<Range<u64>>> = vec![None; nodes.len()];
    // By tensor that the group makes: the region that later nodes need.
    let mut needed: BTreeMap<TensorId, Region> = BTreeMap::new();
    for index in nodes.clone().rev() {
        let (node, local) = (&flow.nodes[index], index - nodes.start);
        let access = node.access.as_ref()?;
        let dim = loops[local];
        let mut range: Option<Range<u64>> = None;
        let mut need = |more: Range<u64>| {
            range = Some(range.clone().map_or(more.clone(), |it| hull(&it, &more)));
        };
        for (result, tensor) in node.results.iter().enumerate() {
            if is_output(flow, *tensor, nodes.end) {
                need(crate::expand::part(access.domain[dim].size, lane, n));
            }
            if let Some(region) = needed.get(tensor) {
                need(access.domain_of(result, region).range(dim));
            }
        }
        let range = range.filter(|it| !it.is_empty())?;
        let domain = access.whole().with_range(dim, range.clone());
        for (map, tensor) in access.operands.iter().zip(&node.operands) {
            let region = map.region(&domain, flow.network.shape(*tensor));
            let joined = needed.get(tensor).map_or(region.clone(), |it| it.hull(&region));
            needed.insert(*tensor, joined);
        }
        for tensor in &node.others {
            needed.insert(*tensor, flow.network.shape(*tensor).whole());
        }
        ranges[local] = Some(range);
    }
    ranges.into_iter().collect()
}

fn hull(first: &Range<u64>, second: &Range<u64>) -> Range<u64> {
    first.start.min(second.start)..first.end.max(second.end)
}
