//! A network as the choice of tiles sees it: views resolved, and one streamed axis for each tensor.
//!
//! 1. *Views* are resolved: an operator that reads a concatenation reads its parts, by composition of accesses. A
//!    view that is returned, or read by an operator without an access, runs like any operator.
//! 2. *Axes*: each tensor is streamed along one axis, rows or tokens. An axis of a result and an axis of an operand
//!    belong together if one parallel loop runs through both. Of the resulting classes, each tensor takes the one
//!    with the largest tensors. Weights count against a class: streaming along a weight gains nothing.
//! 3. *Nodes*: the part of each tensor that an operator reads along its axis, as a rolling window or as a whole; and
//!    its weights, which do not depend on the streamed loop, with the loop that splits them into blocks.

use crate::compose::{Member, Source, compose};
use crate::{Access, Dim, DimKind, Expr, Map, Network, Region, Shape};
use cosma_planner::{Bytes, OpId, Origin, Overlay, TensorId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Pieces into which a weight is expected to be cut if several operators read it in blocks.
const PIECES_OF_SHARED: u64 = 16;

/// A network without its views.
#[derive(Clone)]
pub(crate) struct Flow<'a> {
    pub network: &'a Network,
    /// The operators that run, in the order in which they do.
    pub nodes: Vec<Node>,
    /// By [`TensorId`].
    pub streams: Vec<Stream>,
    /// By [`TensorId`] and axis: which axes one loop runs through.
    pub classes: Vec<Vec<usize>>,
    pub alignment: u64,
    /// What may be used of the scratchpad.
    pub scratchpad: u64,
}

/// A tensor along its streamed axis.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// None: it has one row.
    pub axis: Option<usize>,
    /// Its number of rows.
    pub rows: u64,
    /// The room of a row by itself: a piece of so many rows takes no more.
    pub row_room: u64,
    pub bytes: u64,
    /// The node that writes it.
    pub producer: Option<usize>,
    /// The nodes that read it, once each.
    pub readers: Vec<usize>,
    /// Whether no reader's window of it rolls, and it lies in host memory from the start.
    pub is_weight: bool,
    /// Whether host memory has it at the end.
    pub is_result: bool,
}

/// An operator that runs.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub op: OpId,
    /// Through the views that it reads; none: whole.
    pub access: Option<Access>,
    /// By map of the access; without one, all.
    pub operands: Vec<TensorId>,
    /// Operands that the access does not speak of: read whole.
    pub others: Vec<TensorId>,
    pub results: Vec<TensorId>,
    /// The streamed loop.
    pub dim: Option<usize>,
    /// The room of partial sums, if the streamed loop adds them up; the results are there at its end.
    pub sums: Option<u64>,
    /// Its iterations; one if nothing is streamed.
    pub extent: u64,
    /// By result: what is added to the loop to give its row.
    pub shifts: Vec<i64>,
    /// What it reads of tensors that are not weights.
    pub reads: Vec<Read>,
    /// The weights that it reads, each once.
    pub weights: Vec<TensorId>,
    /// The loop that cuts its weights into blocks, and how many iterations it has.
    pub block: Option<(usize, u64)>,
    /// How many channels a block may have, the most first.
    pub block_sizes: Vec<u64>,
    /// Bytes of each weight that the block loop cuts, and the room of those that it does not.
    pub cut: Vec<u64>,
    pub uncut_room: u64,
    /// Bytes of all weights, and their room if they lie there whole.
    pub weight_bytes: u64,
    pub whole_room: u64,
    /// Pairs of a result and an operand that may lie over each other, row by row.
    pub in_place: Vec<(usize, TensorId)>,
    pub workspace: u64,
}

/// What a node reads of a tensor along its streamed axis.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub tensor: TensorId,
    /// None: all of `range` in each step.
    pub window: Option<Window>,
    /// The rows that it reads in all.
    pub range: Range<u64>,
}

/// Rows from ⌊(coefficient · first + low) / divisor⌋ to ⌊(coefficient · last + high) / divisor⌋, inclusive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub coefficient: i128,
    pub low: i128,
    pub high: i128,
    pub divisor: i128,
}

impl Window {
    /// Rounded down. Nearly all windows have the divisor 1, and divisions take long.
    fn divided(self, position: i128) -> i128 {
        if self.divisor == 1 { position } else { position.div_euclid(self.divisor) }
    }
}

impl Read {
    /// The first row that is needed from iteration `from` on.
    pub fn first(&self, from: u64) -> u64 {
        let Some(it) = self.window else { return self.range.start };
        self.clamp(it.divided(it.coefficient * i128::from(from) + it.low))
    }

    /// The end of the rows that iterations before `to` need.
    pub fn last(&self, to: u64) -> u64 {
        if to == 0 {
            return self.range.start;
        }
        let Some(it) = self.window else { return self.range.end };
        self.clamp(it.divided(it.coefficient * i128::from(to - 1) + it.high) + 1)
    }

    fn clamp(&self, row: i128) -> u64 {
        row.clamp(i128::from(self.range.start), i128::from(self.range.end)) as u64
    }
}

impl Node {
    /// The room of the weights for so many output channels.
    pub fn weight_room(&self, channels: u64, alignment: u64) -> u64 {
        let Some((_, size)) = self.block else { return self.uncut_room };
        if size <= channels {
            return self.whole_room;
        }
        let cut: u64 =
            self.cut.iter().map(|it| it.div_ceil(size) * channels).map(|it| it.next_multiple_of(alignment)).sum();
        self.uncut_room + cut
    }

    /// What its results take beyond their rows if a step of so many iterations makes them by so many channels, and
    /// rows are cut or not.
    pub fn padding(&self, flow: &Flow, iterations: u64, is_cut: bool, channels: u64) -> u64 {
        let Some((_, size)) = self.block.filter(|it| channels < it.1) else { return 0 };
        let of_result = |tensor: &TensorId| {
            let stream = flow.stream(*tensor);
            let rows = if self.dim.is_some() { iterations.min(stream.rows) } else { stream.rows };
            if is_cut {
                return rows * (stream.row_room_in(flow, size, channels) - stream.row_room);
            }
            let bytes = u128::from(stream.bytes.div_ceil(stream.rows) * rows);
            let piece = |channels: u64| flow.align((bytes * u128::from(channels)).div_ceil(size.into()) as u64);
            (size / channels * piece(channels) + piece(size % channels)).saturating_sub(rows * stream.row_room)
        };
        self.results.iter().map(of_result).sum()
    }

    /// The room of the weights in their smallest block, and of what results take beyond their rows with it.
    pub fn least_block(&self, flow: &Flow, iterations: u64, is_cut: bool) -> u64 {
        let room = |it: u64| self.weight_room(it, flow.alignment) + self.padding(flow, iterations, is_cut, it);
        self.block_sizes.iter().map(|it| room(*it)).min().unwrap_or(0)
    }

    /// The rows of a result that exist once the iterations before `done` have run.
    pub fn rows_made(&self, result: usize, done: u64, rows: u64) -> u64 {
        match self.dim {
            None if done == 0 => 0,
            None => rows,
            Some(_) if done == self.extent => rows,
            Some(_) if self.sums.is_some() => 0,
            Some(_) => (i128::from(done) + i128::from(self.shifts[result])).clamp(0, i128::from(rows)) as u64,
        }
    }

    /// How many iterations must have run so that so many rows of a result exist.
    pub fn iterations_for(&self, result: usize, rows: u64) -> u64 {
        match self.dim {
            _ if rows == 0 => 0,
            None => 1,
            Some(_) if self.sums.is_some() => self.extent,
            Some(_) => (i128::from(rows) - i128::from(self.shifts[result])).clamp(0, i128::from(self.extent)) as u64,
        }
    }
}

impl<'a> Flow<'a> {
    /// In source order.
    pub fn new(network: &'a Network) -> Flow<'a> {
        Flow::of(network, Sources::dissolve(network))
    }

    /// In another order, of all operators that run; views may be in it or not.
    pub fn in_order(network: &'a Network, order: &[OpId]) -> Flow<'a> {
        let mut ranks = vec![usize::MAX; network.problem.graph.ops().len()];
        order.iter().enumerate().for_each(|(rank, op)| ranks[op.index()] = rank);
        let mut sources = Sources::dissolve(network);
        sources.running.sort_by_key(|it| ranks[it.op.index()]);
        Flow::of(network, sources)
    }

    fn of(network: &'a Network, mut sources: Sources) -> Flow<'a> {
        let scratchpad = network.problem.machine.scratchpad().0;
        let alignment = network.problem.machine.alignment().0.max(1);
        let shared = sources.read_by_several();
        sources.running.iter_mut().for_each(|it| it.hold_small_weights(network, alignment, &shared));
        let mut axes = Axes::of(network, &sources);
        let graph = &network.problem.graph;
        let mut streams: Vec<Stream> =
            graph.tensor_ids().map(|it| stream(network, it, axes.best(it), alignment)).collect();
        let classes = graph.tensor_ids().map(|it| axes.classes(it)).collect();
        let mut nodes: Vec<Node> = sources.running.into_iter().map(|it| it.into_node(network)).collect();
        for node in &mut nodes {
            node.choose_dim(network, &mut streams, alignment);
            if !node.rolls(&streams) {
                node.choose_sum(network, &mut streams, alignment);
            }
        }
        for (index, node) in nodes.iter().enumerate() {
            node.results.iter().for_each(|it| streams[it.index()].producer = Some(index));
            for tensor in node.operands.iter().chain(&node.others) {
                let readers = &mut streams[tensor.index()].readers;
                if readers.last() != Some(&index) {
                    readers.push(index);
                }
            }
        }
        let windows: Vec<Vec<Read>> = nodes.iter().map(|it| it.all_reads(network, &streams)).collect();
        let rolling: BTreeSet<TensorId> =
            windows.iter().flatten().filter(|it| it.window.is_some()).map(|it| it.tensor).collect();
        for tensor in graph.tensor_ids() {
            // A small one that several nodes read lies there as other tensors do.
            let stream = &mut streams[tensor.index()];
            let is_own = stream.readers.len() < 2 || scratchpad / 4 < stream.bytes;
            stream.is_weight = graph.producer(tensor).is_none() && !rolling.contains(&tensor) && is_own;
        }
        for (node, reads) in nodes.iter_mut().zip(windows) {
            node.reads = reads.into_iter().filter(|it| !streams[it.tensor.index()].is_weight).collect();
            node.choose_block(network, &streams, alignment);
            node.pair_up(network, &streams);
        }
        Flow { network, nodes, streams, classes, alignment, scratchpad }
    }

    /// The same, of which this much of the scratchpad may be used.
    pub fn within(&self, scratchpad: u64) -> Flow<'a> {
        Flow { scratchpad, ..self.clone() }
    }

    pub fn stream(&self, tensor: TensorId) -> &Stream {
        &self.streams[tensor.index()]
    }

    /// The room of a tensor in pieces of rows.
    pub fn whole_room(&self, tensor: TensorId) -> u64 {
        let stream = self.stream(tensor);
        stream.rows * stream.row_room
    }

    /// The bytes of weights that an earlier node read as well: they come in again.
    pub fn again(&self, nodes: &Range<usize>) -> u64 {
        let of_node = |node: usize| {
            let weights = self.nodes[node].weights.iter().map(|it| self.stream(*it));
            weights.filter(|it| it.readers[0] < node).map(|it| it.bytes).sum::<u64>()
        };
        nodes.clone().map(of_node).sum()
    }

    pub fn align(&self, bytes: u64) -> u64 {
        bytes.next_multiple_of(self.alignment)
    }
}

fn stream(network: &Network, tensor: TensorId, axis: Option<usize>, alignment: u64) -> Stream {
    let shape = network.shape(tensor);
    let graph = &network.problem.graph;
    // Rows that take several times their bytes in pieces are not worth it.
    let row_bytes = |axis: usize| shape.bytes_of(shape.whole().len() / shape.dims[axis].max(1)).0;
    let axis = axis.filter(|it| alignment <= 2 * row_bytes(*it));
    let rows = axis.map_or(1, |it| shape.dims[it]);
    let mut stream = Stream {
        axis,
        rows,
        row_room: 0,
        bytes: shape.bytes().0,
        producer: None,
        readers: Vec::new(),
        is_weight: false,
        is_result: graph.is_stored(tensor),
    };
    stream.set_axis(shape, axis, alignment);
    stream
}

impl Stream {
    /// The room of a row in pieces, if of so many channels each piece has no more than this.
    pub fn row_room_in(&self, flow: &Flow, size: u64, channels: u64) -> u64 {
        let row = u128::from(self.bytes.div_ceil(self.rows));
        let piece = |channels: u64| flow.align((row * u128::from(channels)).div_ceil(size.into()) as u64);
        (size / channels * piece(channels) + piece(size % channels)).max(self.row_room)
    }

    fn set_axis(&mut self, shape: &Shape, axis: Option<usize>, alignment: u64) {
        self.axis = axis;
        self.rows = axis.map_or(1, |it| shape.dims[it]).max(1);
        let row = shape.bytes_of(shape.whole().len() / self.rows);
        self.row_room = row.0.next_multiple_of(alignment);
    }
}

/// An operator that runs, and what it reads through views.
struct Running {
    op: OpId,
    access: Option<Access>,
    operands: Vec<TensorId>,
    others: Vec<TensorId>,
}

/// Which operators run, once views have dissolved.
struct Sources {
    running: Vec<Running>,
}

impl Sources {
    /// The tensors that several operators read, through views or not.
    fn read_by_several(&self) -> BTreeSet<TensorId> {
        let mut readers: BTreeMap<TensorId, usize> = BTreeMap::new();
        for running in &self.running {
            let own: BTreeSet<TensorId> = running.operands.iter().chain(&running.others).copied().collect();
            own.into_iter().for_each(|it| *readers.entry(it).or_default() += 1);
        }
        readers.into_iter().filter(|it| 1 < it.1).map(|it| it.0).collect()
    }

    fn dissolve(network: &Network) -> Sources {
        let graph = &network.problem.graph;
        let is_returned = |op: OpId| graph.op(op).writes.iter().any(|it| graph.is_stored(*it));
        let is_read = |op: OpId| graph.op(op).writes.iter().any(|it| !graph.readers(*it).is_empty());
        let may_dissolve = |op: &OpId| {
            let operator = network.operator(*op);
            operator.is_view && operator.access.is_some() && !is_returned(*op) && is_read(*op)
        };
        let mut views: BTreeSet<OpId> = graph.op_ids().filter(may_dissolve).collect();
        loop {
            let mut kept: BTreeSet<OpId> = BTreeSet::new();
            let mut running = Vec::new();
            for op in graph.op_ids().filter(|it| !views.contains(it)) {
                match Running::through(network, op, &views) {
                    Ok(it) => running.push(it),
                    Err(in_the_way) => kept.extend(in_the_way),
                }
            }
            if kept.is_empty() {
                return Sources { running };
            }
            views.retain(|it| !kept.contains(it));
        }
    }
}

impl Running {
    /// An operator through these views; the views that it reads if that cannot be told.
    fn through(network: &Network, op: OpId, views: &BTreeSet<OpId>) -> Result<Running, Vec<OpId>> {
        let graph = &network.problem.graph;
        let operator = network.operator(op);
        let view_of = |tensor: TensorId| graph.producer(tensor).filter(|it| views.contains(it));
        let n_mapped = operator.access.as_ref().map_or(0, |it| it.operands.len());
        let (mapped, others) = operator.operands.split_at(n_mapped);
        let in_the_way: Vec<OpId> = others.iter().filter_map(|it| view_of(*it)).collect();
        if !in_the_way.is_empty() {
            return Err(in_the_way);
        }
        let others = others.to_vec();
        let Some(access) = operator.access.clone().filter(|_| mapped.iter().any(|it| view_of(*it).is_some())) else {
            return Ok(Running { op, access: operator.access.clone(), operands: mapped.to_vec(), others });
        };
        // The views above, in source order, and the tensors that they read.
        let mut above: BTreeSet<OpId> = BTreeSet::new();
        let mut waiting: Vec<TensorId> = mapped.to_vec();
        while let Some(tensor) = waiting.pop() {
            if let Some(view) = view_of(tensor)
                && above.insert(view)
            {
                waiting.extend(&network.operator(view).operands);
            }
        }
        let members: Vec<OpId> = above.iter().copied().chain([op]).collect();
        let mut tensors: Vec<TensorId> = Vec::new();
        let mut source = |tensor: TensorId| match view_of(tensor) {
            Some(view) => {
                let member = members.iter().position(|it| *it == view).expect("all views above are members");
                let result = network.operator(view).results.iter().position(|it| *it == tensor);
                Source::Result(member, result.expect("the view writes it"))
            }
            None => {
                let index = tensors.iter().position(|it| *it == tensor).unwrap_or_else(|| {
                    tensors.push(tensor);
                    tensors.len() - 1
                });
                Source::Operand(index)
            }
        };
        let member = |op: &OpId| {
            let operator = network.operator(*op);
            let access = operator.access.clone().expect("views and what reads them have one");
            let operands = operator.operands[..access.operands.len()].iter().map(|it| source(*it)).collect();
            Member { access, operands }
        };
        let composition: Vec<Member> = members.iter().map(member).collect();
        let results: Vec<Source> = (0..access.results.len()).map(|it| Source::Result(members.len() - 1, it)).collect();
        match compose(&composition, &results) {
            Some(composed) => {
                let operands = composed.operands.iter().map(|it| tensors[*it]).collect();
                Ok(Running { op, access: Some(composed.access), operands, others })
            }
            None => Err(above.into_iter().collect()),
        }
    }

    /// Reads whole what would take more in pieces: small weights of which windows overlap, or that several operators
    /// read, each in blocks of its own. A piece begins at each index of a window and with each block, and takes no less
    /// than the alignment.
    fn hold_small_weights(&mut self, network: &Network, alignment: u64, shared: &BTreeSet<TensorId>) {
        let Some(access) = &mut self.access else { return };
        let is_small = |map: &Map, tensor: TensorId| {
            let n_pieces =
                overlap(&access.domain, map).max(if shared.contains(&tensor) { PIECES_OF_SHARED } else { 0 });
            let is_weight = network.problem.graph.tensor(tensor).origin == Origin::Weight;
            is_weight && 1 < n_pieces && network.shape(tensor).bytes().0 <= alignment.saturating_mul(n_pieces)
        };
        let ways: Vec<(Map, TensorId)> = access.operands.iter().cloned().zip(self.operands.iter().copied()).collect();
        let (held, others): (Vec<_>, Vec<_>) = ways.into_iter().partition(|it| is_small(&it.0, it.1));
        if !held.is_empty() {
            (access.operands, self.operands) = others.into_iter().unzip();
            self.others.extend(held.into_iter().map(|it| it.1));
            self.others.sort_unstable();
            self.others.dedup();
        }
    }

    fn into_node(self, network: &Network) -> Node {
        let op = network.problem.graph.op(self.op);
        Node {
            op: self.op,
            access: self.access,
            operands: self.operands,
            others: self.others,
            results: op.writes.clone(),
            dim: None,
            sums: None,
            extent: 1,
            shifts: vec![0; op.writes.len()],
            reads: Vec::new(),
            weights: Vec::new(),
            block: None,
            block_sizes: vec![1],
            cut: Vec::new(),
            uncut_room: 0,
            weight_bytes: 0,
            whole_room: 0,
            in_place: Vec::new(),
            workspace: op.workspace.0,
        }
    }
}

/// Classes of axes that one loop runs through, by union and find.
struct Axes {
    first: Vec<usize>,
    rank: Vec<usize>,
    parent: Vec<usize>,
    /// By root: bytes of the tensors with an axis in it; weights count against it.
    score: Vec<i128>,
}

impl Axes {
    fn of(network: &Network, sources: &Sources) -> Axes {
        let mut first = Vec::new();
        let mut n_axes = 0;
        for shape in &network.shapes {
            first.push(n_axes);
            n_axes += shape.dims.len();
        }
        let rank = network.shapes.iter().map(|it| it.dims.len()).collect();
        let mut axes = Axes { first, rank, parent: (0..n_axes).collect(), score: vec![0; n_axes] };
        sources.running.iter().for_each(|it| axes.join_through(network, it));
        axes.count(network);
        axes
    }

    fn join_through(&mut self, network: &Network, node: &Running) {
        let Some(access) = &node.access else { return };
        let results = &network.problem.graph.op(node.op).writes;
        for dim in (0..access.domain.len()).filter(|it| access.domain[*it].kind == DimKind::Parallel) {
            let written = access.results.iter().zip(results);
            let of_results =
                written.filter_map(|(map, it)| only_axis(map, dim).map(|axis| self.first[it.index()] + axis));
            let read = access.operands.iter().zip(&node.operands);
            let of_operands =
                read.filter_map(|(map, it)| only_axis(map, dim).map(|axis| self.first[it.index()] + axis));
            let all: Vec<usize> = of_results.chain(of_operands).collect();
            all.windows(2).for_each(|it| self.union(it[0], it[1]));
        }
    }

    fn count(&mut self, network: &Network) {
        for tensor in network.problem.graph.tensor_ids() {
            let shape = network.shape(tensor);
            let bytes = i128::from(shape.bytes().0);
            let is_weight = network.problem.graph.tensor(tensor).origin == Origin::Weight;
            for axis in (0..shape.dims.len()).filter(|it| 1 < shape.dims[*it]) {
                let root = self.root(self.first[tensor.index()] + axis);
                self.score[root] += if is_weight { -bytes } else { bytes };
            }
        }
    }

    /// The axis of a tensor whose class has the largest tensors; the first of those.
    fn best(&mut self, tensor: TensorId) -> Option<usize> {
        let mut best: Option<(i128, usize)> = None;
        for axis in 0..self.rank[tensor.index()] {
            let root = self.root(self.first[tensor.index()] + axis);
            let score = self.score[root];
            if 0 < score && best.is_none_or(|it| it.0 < score) {
                best = Some((score, axis));
            }
        }
        best.map(|it| it.1)
    }

    /// By axis of a tensor: its class.
    fn classes(&mut self, tensor: TensorId) -> Vec<usize> {
        let first = self.first[tensor.index()];
        (first..first + self.rank[tensor.index()]).map(|axis| self.root(axis)).collect()
    }

    fn root(&mut self, mut axis: usize) -> usize {
        while self.parent[axis] != axis {
            self.parent[axis] = self.parent[self.parent[axis]];
            axis = self.parent[axis];
        }
        axis
    }

    fn union(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        self.parent[left.max(right)] = left.min(right);
    }
}

/// The only axis of a map that a loop moves forward along.
pub(crate) fn only_axis(map: &Map, dim: usize) -> Option<usize> {
    let mut axes = (0..map.0.len()).filter(|it| coefficient(&map.0[*it], dim) != 0);
    let axis = axes.next().filter(|it| 0 < coefficient(&map.0[*it], dim))?;
    axes.next().is_none().then_some(axis)
}

/// The elements of a window, along the axes along which the next window begins before it ends; one if there is no such
/// axis.
fn overlap(domain: &[Dim], map: &Map) -> u64 {
    let one: Region = Region::new(domain.iter().map(|it| 0..if it.kind == DimKind::Parallel { 1 } else { it.size }));
    let along = |expr: &Expr| {
        let steps = expr.terms.iter().filter(|it| domain[it.0].kind == DimKind::Parallel && 1 < domain[it.0].size);
        let step = steps.map(|it| it.1.unsigned_abs()).min()?;
        let length = expr.extent(&one);
        (step < length.saturating_mul(expr.divisor) && 1 < length).then_some(length)
    };
    map.0.iter().filter_map(along).fold(1, u64::saturating_mul)
}

fn coefficient(expr: &Expr, dim: usize) -> i64 {
    expr.terms.iter().find(|it| it.0 == dim).map_or(0, |it| it.1)
}

impl Node {
    /// Streams the loop that runs along the axis of its first result, if it runs along an axis of each.
    fn choose_dim(&mut self, network: &Network, streams: &mut [Stream], alignment: u64) {
        let Some(access) = &self.access else { return };
        let Some(axis) = self.results.first().and_then(|it| streams[it.index()].axis) else { return };
        let Some((Some(dim), _)) = access.results[0].0[axis].projection() else { return };
        if access.domain[dim].kind != DimKind::Parallel {
            return;
        }
        let Some(axes) = access.results.iter().map(|map| only_axis(map, dim)).collect::<Option<Vec<_>>>() else {
            return;
        };
        for (index, (&axis, tensor)) in axes.iter().zip(&self.results).enumerate() {
            let stream = &mut streams[tensor.index()];
            if stream.axis != Some(axis) {
                stream.set_axis(network.shape(*tensor), Some(axis), alignment);
            }
            self.shifts[index] = access.results[index].0[axis].constant;
        }
        (self.dim, self.extent) = (Some(dim), access.domain[dim].size);
    }

    /// Whether a window of some operand moves along its axis with the streamed loop.
    fn rolls(&self, streams: &[Stream]) -> bool {
        let (Some(access), Some(dim)) = (&self.access, self.dim) else { return false };
        let mut maps = access.operands.iter().zip(&self.operands);
        maps.any(|(map, tensor)| streams[tensor.index()].axis.is_some_and(|axis| only_axis(map, dim) == Some(axis)))
    }

    /// Streams the loop along which sums may be split if it adds up what one operand has along its axis, and nothing
    /// else.
    fn choose_sum(&mut self, network: &Network, streams: &mut [Stream], alignment: u64) {
        let Some(access) = &self.access else { return };
        let Some(sums) = access.sums else { return };
        let moves = |(map, tensor): (&Map, &TensorId), dim: usize| {
            let axis = streams[tensor.index()].axis;
            axis.is_some() && only_axis(map, dim) == axis
        };
        let reads = |dim: usize| {
            let maps = access.operands.iter().filter(|map| map.0.iter().any(|it| coefficient(it, dim) != 0));
            maps.count() == 1 && access.operands.iter().zip(&self.operands).any(|it| moves(it, dim))
        };
        let Some(dim) = access.split_loop().filter(|it| reads(*it)) else { return };
        let mut room = 0;
        for tensor in &self.results {
            let shape = network.shape(*tensor);
            streams[tensor.index()].set_axis(shape, None, alignment);
            let sums = Shape { dims: shape.dims.clone(), element_bits: sums.bits() };
            room += sums.bytes().0.next_multiple_of(alignment);
        }
        (self.dim, self.extent, self.sums) = (Some(dim), access.domain[dim].size, Some(room));
    }

    /// What it reads of every operand along its axis.
    fn all_reads(&self, network: &Network, streams: &[Stream]) -> Vec<Read> {
        let whole = |it: &TensorId| Read { tensor: *it, window: None, range: 0..streams[it.index()].rows };
        let Some(access) = &self.access else { return self.operands.iter().chain(&self.others).map(whole).collect() };
        let mapped = access.operands.iter().zip(&self.operands).map(|(map, tensor)| {
            let Some(axis) = streams[tensor.index()].axis else { return whole(tensor) };
            let range = map.region(&access.whole(), network.shape(*tensor)).range(axis);
            let window = self.dim.filter(|it| only_axis(map, *it) == Some(axis)).map(|dim| {
                let expr = &map.0[axis];
                let without =
                    Expr { terms: expr.terms.iter().copied().filter(|it| it.0 != dim).collect(), divisor: 1, ..*expr };
                let others = without.range(&access.whole());
                let coefficient = i128::from(coefficient(expr, dim));
                Window { coefficient, low: others.start, high: others.end - 1, divisor: i128::from(expr.divisor) }
            });
            // What is read all at once is not cut for it, unless it is loaded for it.
            let is_made = streams[tensor.index()].producer.is_some();
            let range = if window.is_none() && is_made { 0..streams[tensor.index()].rows } else { range };
            Read { tensor: *tensor, window, range }
        });
        mapped.chain(self.others.iter().map(whole)).collect()
    }

    /// Cuts weights into blocks along the loop on which most of their bytes depend.
    fn choose_block(&mut self, network: &Network, streams: &[Stream], alignment: u64) {
        let mut weights: Vec<TensorId> = self.operands.iter().chain(&self.others).copied().collect();
        weights.retain(|it| streams[it.index()].is_weight);
        weights.sort_unstable();
        weights.dedup();
        let bytes = |it: &TensorId| network.shape(*it).bytes().0;
        let access = self.access.as_ref();
        let cut_by = |dim: usize| -> Vec<TensorId> {
            let maps = || access.into_iter().flat_map(|it| it.operands.iter().zip(&self.operands));
            let is_cut = |it: &&TensorId| maps().filter(|map| map.1 == *it).all(|map| only_axis(map.0, dim).is_some());
            weights.iter().filter(|it| !self.others.contains(it)).filter(is_cut).copied().collect()
        };
        let n_dims = access.map_or(0, |it| it.domain.len());
        let may_be_cut = |dim: &usize| {
            let access = access.expect("it has loops");
            let is_written = access.results.iter().all(|it| only_axis(it, *dim).is_some());
            access.domain[*dim].kind == DimKind::Parallel && 1 < access.domain[*dim].size && is_written
        };
        let dims = (0..n_dims).filter(|it| Some(*it) != self.dim).filter(may_be_cut);
        let best =
            dims.map(|dim| (cut_by(dim).iter().map(bytes).sum::<u64>(), dim)).max_by_key(|it| (it.0, n_dims - it.1));
        let cut = best.filter(|it| 0 < it.0).map_or(Vec::new(), |it| cut_by(it.1));
        self.block = best.filter(|it| 0 < it.0).map(|it| (it.1, access.expect("it has loops").domain[it.1].size));
        self.block_sizes = block_sizes(self.block.map_or(1, |it| it.1));
        self.cut = cut.iter().map(bytes).collect();
        let uncut = weights.iter().filter(|it| !cut.contains(it));
        self.uncut_room = uncut.map(|it| bytes(it).next_multiple_of(alignment)).sum();
        self.weight_bytes = weights.iter().map(bytes).sum();
        self.whole_room = weights.iter().map(|it| bytes(it).next_multiple_of(alignment)).sum();
        self.weights = weights;
    }

    /// Notes which results may lie over operands row by row.
    fn pair_up(&mut self, network: &Network, streams: &[Stream]) {
        for pair in network.problem.graph.op(self.op).in_place.iter().filter(|it| it.overlay == Overlay::Whole) {
            let Some(result) = self.results.iter().position(|it| *it == pair.result) else { continue };
            let is_same = |it: &Read| {
                let is_row_by_row = match it.window {
                    Some(window) => (window.coefficient, window.low, window.high, window.divisor) == (1, 0, 0, 1),
                    None => self.dim.is_none(),
                };
                let (own, other) = (&streams[pair.result.index()], &streams[it.tensor.index()]);
                let is_shaped = (own.rows, own.row_room, own.axis) == (other.rows, other.row_room, other.axis)
                    && network.shape(pair.result).dims == network.shape(it.tensor).dims;
                it.tensor == pair.operand && is_row_by_row && is_shaped && self.shifts[result] == 0
            };
            if self.reads.iter().any(is_same) {
                self.in_place.push((result, pair.operand));
            }
        }
    }
}

/// How many channels of so many a block may have, the most first.
fn block_sizes(size: u64) -> Vec<u64> {
    // Few significant bits make pieces that need little padding.
    let of_bits = |bits| (8..16u64).map(move |it| (it << bits) >> 3);
    let mut sizes: Vec<u64> =
        (0..64 - size.leading_zeros()).flat_map(of_bits).filter(|it| 0 < *it && *it < size).collect();
    sizes.push(size);
    sizes.sort_unstable_by(|left, right| right.cmp(left));
    sizes.dedup();
    sizes
}

/// The bytes of a tensor's rows.
pub(crate) fn bytes_of_rows(shape: &Shape, stream: &Stream, rows: u64) -> Bytes {
    shape.bytes_of(shape.whole().len() / stream.rows * rows)
}
