//! Operators and tensors, and which operators read and write which tensors.

use crate::{Bytes, Cycles, Error, MemoryId, MemorySet, OpId, TensorId};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// A value that an operator reads or writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// For people; unique within its graph, without white space and `@`.
    pub name: String,
    /// Bytes that it takes in the scratchpad, before alignment. Zero is allowed.
    pub size: Bytes,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it may lie in the scratchpad from one run to the next; of weights alone anything but [`Keep::Never`].
    pub keep: Keep,
    /// Where it lies whenever it is in the scratchpad; anywhere, if that is not said, or if it has no bytes.
    pub pin: Option<Bytes>,
    /// Whether it lies in the scratchpad before the first operator runs, and nowhere else: an argument that somebody
    /// else left there.
    pub starts_on_chip: bool,
    /// Whether it must lie in the scratchpad when the last operator has run. That host memory must have it, too, is
    /// said by [`Graph::results`].
    pub ends_on_chip: bool,
}

/// Whether a weight may stay in the scratchpad when the network has run, until it runs again.
///
/// A network runs again and again, and its weights are the same each time. One that stays from its last use in one run
/// to its first use in the next one need not be loaded in that: it is loaded once, before the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Keep {
    /// It is loaded in each run.
    #[default]
    Never,
    /// It is kept where that saves traffic.
    Auto,
    /// It lies in the scratchpad at all times.
    Always,
}

impl Keep {
    /// As options, reports and problems as text have it.
    pub fn name(self) -> &'static str {
        match self {
            Keep::Never => "never",
            Keep::Auto => "auto",
            Keep::Always => "always",
        }
    }
}

/// Where a tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It lies in host memory from the start: an argument of the function.
    Argument,
    /// It lies in host memory from the start, and it is a weight, as readers like to know; see [`Graph::with_weights`].
    Weight,
    /// It is a region of a larger tensor in host memory, and lies there as soon as all of its
    /// [parts](Graph::parts) do.
    Staged,
    /// An operator writes it.
    Op(OpId),
}

/// How weights reach their operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weights {
    /// They are read in the scratchpad, like any tensor.
    #[default]
    Resident,
    /// They are read in host memory, and pass by on the way to the operator: traffic, once per use, and no room.
    Streamed,
    /// Each use finds its weight in the scratchpad or lets it pass by, as planning decides: whichever moves less.
    Auto,
}

impl Weights {
    /// Where a use finds its weight.
    pub(crate) fn memories(self) -> MemorySet {
        match self {
            Weights::Resident => MemorySet::SCRATCHPAD,
            Weights::Streamed => MemorySet::HOME,
            Weights::Auto => MemorySet::EITHER,
        }
    }

    /// As options, reports and problems as text have it.
    pub fn name(self) -> &'static str {
        match self {
            Weights::Resident => "resident",
            Weights::Streamed => "streamed",
            Weights::Auto => "auto",
        }
    }
}

/// A tensor that an operator reads, and in which memories it may find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// What is read.
    pub tensor: TensorId,
    /// In one of these it lies while the operator runs.
    pub from: MemorySet,
}

impl Use {
    /// Whether it is for planning to decide where this is read: in the scratchpad, or in host memory, from where it
    /// passes by on the way to the operator.
    pub fn may_pass_by(&self) -> bool {
        self.from == MemorySet::EITHER
    }
}

impl From<TensorId> for Use {
    /// A use in the scratchpad.
    fn from(tensor: TensorId) -> Use {
        Use { tensor, from: MemorySet::SCRATCHPAD }
    }
}

/// One operator: runs in one step. What it reads lies where its uses say, and what it writes in the scratchpad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// For people; unique within its graph, without white space.
    pub name: String,
    /// What it reads, each tensor once, in order of first mention.
    pub reads: Vec<Use>,
    /// What it writes, each tensor once.
    pub writes: Vec<TensorId>,
    /// Scratchpad bytes that it needs for itself while it runs.
    pub workspace: Bytes,
    /// Which of its results may share bytes with which operands, each pair once, by result.
    ///
    /// A tensor that is a part of another is in no second pair; and one that has parts is in no pair but
    /// with these, which have no byte in common.
    pub in_place: Vec<InPlace>,
    /// Whether it may run more than once in a program, to make its results again instead of bringing them back.
    pub may_rerun: bool,
    /// How many multiply-accumulates it computes, as far as that is known.
    pub macs: Option<u64>,
    /// How long it computes on the machine; if that is not said, it follows from the rest: see
    /// [`Problem::cycles`](crate::Problem::cycles).
    pub cycles: Option<Cycles>,
}

impl Op {
    /// The tensors that it may read in the scratchpad.
    pub fn reads_on_chip(&self) -> impl Iterator<Item = TensorId> {
        self.reads_in(MemoryId::SCRATCHPAD)
    }

    /// The tensors that it may read in a memory.
    pub fn reads_in(&self, memory: MemoryId) -> impl Iterator<Item = TensorId> {
        self.reads.iter().filter(move |it| it.from.contains(memory)).map(|it| it.tensor)
    }

    /// The tensors that it reads in the scratchpad or lets pass by, as planning decides.
    pub fn reads_either_way(&self) -> impl Iterator<Item = TensorId> {
        self.reads.iter().filter(|it| it.may_pass_by()).map(|it| it.tensor)
    }

    /// Whether it reads a tensor, wherever.
    pub fn reads_tensor(&self, tensor: TensorId) -> bool {
        self.reads.iter().any(|it| it.tensor == tensor)
    }
}

/// A result and an operand that may share their bytes, if the operand dies with the operator: see
/// [`Problem::in_place`](crate::Problem::in_place).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// What the operator writes.
    pub result: TensorId,
    /// What it reads.
    pub operand: TensorId,
    /// Which bytes they share.
    pub overlay: Overlay,
    /// In which orders the operand dies with the operator.
    pub dies: Dies,
}

/// Where a result and an operand lie, one over the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overlay {
    /// At the same bytes: they are of one size.
    Whole,
    /// The operand is a part of the result, as in a concatenation: so many bytes from its start.
    PartOfResult(Bytes),
    /// The result is a part of the operand, as in a split: so many bytes from its start.
    PartOfOperand(Bytes),
}

impl InPlace {
    /// The one that lies within the other and so takes no room beside it: the smaller one; the result, if
    /// they are of one size.
    pub fn inner(&self) -> TensorId {
        match self.overlay {
            Overlay::Whole | Overlay::PartOfOperand(_) => self.result,
            Overlay::PartOfResult(_) => self.operand,
        }
    }

    /// The one that the other lies within.
    pub fn outer(&self) -> TensorId {
        match self.overlay {
            Overlay::Whole | Overlay::PartOfOperand(_) => self.operand,
            Overlay::PartOfResult(_) => self.result,
        }
    }

    /// How many bytes from the start of the outer one the inner one lies.
    pub fn at(&self) -> Bytes {
        match self.overlay {
            Overlay::Whole => Bytes::ZERO,
            Overlay::PartOfResult(at) | Overlay::PartOfOperand(at) => at,
        }
    }

    /// Whether one is smaller than the other.
    pub fn is_part(&self) -> bool {
        self.overlay != Overlay::Whole
    }

    /// Whether they share their bytes as they may, where they lie at these offsets.
    pub fn fits(&self, result: Bytes, operand: Bytes) -> bool {
        let (inner, outer) = if self.inner() == self.result { (result, operand) } else { (operand, result) };
        outer.0.checked_add(self.at().0) == Some(inner.0)
    }
}

/// In which orders an operand dies with an operator: whether all of its other readers have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    /// In all: every other reader comes before.
    Always,
    /// In some.
    Sometimes,
    /// In none: another reader comes after.
    Never,
}

/// Operators in source order, which respects the dependences, and their tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    tensors: Vec<Tensor>,
    ops: Vec<Op>,
    results: Vec<TensorId>,
    edges: Vec<(OpId, OpId)>,
    /// By tensor: see [`Graph::parts`].
    parts: Vec<Vec<TensorId>>,
    readers: Vec<Vec<OpId>>,
    is_result: Vec<bool>,
    is_part: Vec<bool>,
    may_pass_by: Vec<bool>,
    dependences: Dependences,
}

impl Graph {
    /// All tensors, in the order of their ids.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// All operators, in source order, which is the order of their ids.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The tensors that must be in host memory at the end, each once.
    pub fn results(&self) -> &[TensorId] {
        &self.results
    }

    /// Pairs of operators of which the first has to run before the second, whatever they write; sorted, each once.
    /// The writer of a part of a staged tensor is in such a pair with each operator that reads that tensor.
    pub fn edges(&self) -> &[(OpId, OpId)] {
        &self.edges
    }

    /// The operators that have to run before an operator, those left aside that follow from others, each once: the
    /// writers of what it reads, in the order of its reads, and then those before it by an edge, in source order.
    pub fn predecessors(&self, op: OpId) -> &[OpId] {
        &self.dependences.before[op.index()]
    }

    /// The operators that have an operator as a predecessor, in source order.
    pub fn successors(&self, op: OpId) -> &[OpId] {
        &self.dependences.after[op.index()]
    }

    /// The operators that need a tensor in the scratchpad: its writer, if there is one, and then its readers in source
    /// order.
    pub fn touches(&self, id: TensorId) -> impl Iterator<Item = OpId> {
        self.producer(id).into_iter().chain(self.readers(id).iter().copied())
    }

    /// The tensor with this id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// The operator with this id.
    pub fn op(&self, id: OpId) -> &Op {
        &self.ops[id.index()]
    }

    /// Every operator's id, in source order.
    pub fn op_ids(&self) -> impl DoubleEndedIterator<Item = OpId> + ExactSizeIterator + use<> {
        (0..self.ops.len() as u32).map(OpId)
    }

    /// Every tensor's id.
    pub fn tensor_ids(&self) -> impl DoubleEndedIterator<Item = TensorId> + ExactSizeIterator + use<> {
        (0..self.tensors.len() as u32).map(TensorId)
    }

    /// The operators that may read a tensor in the scratchpad, in source order.
    pub fn readers(&self, id: TensorId) -> &[OpId] {
        &self.readers[id.index()]
    }

    /// The operator that writes a tensor; none for an argument and for a staged tensor.
    pub fn producer(&self, id: TensorId) -> Option<OpId> {
        match self.tensor(id).origin {
            Origin::Op(op) => Some(op),
            Origin::Argument | Origin::Weight | Origin::Staged => None,
        }
    }

    /// The parts of a staged tensor, each once: what operators write into the larger tensor in host memory, and what
    /// must be there before the staged tensor is read. None for any other tensor.
    pub fn parts(&self, id: TensorId) -> &[TensorId] {
        &self.parts[id.index()]
    }

    /// Whether a tensor is a part of a staged tensor that some operator reads.
    pub fn is_part(&self, id: TensorId) -> bool {
        self.is_part[id.index()]
    }

    /// Whether some operator [may let this tensor pass by](Use::may_pass_by).
    pub fn may_pass_by(&self, id: TensorId) -> bool {
        self.may_pass_by[id.index()]
    }

    /// Whether planning decides of some use where it finds its tensor.
    pub fn has_choices(&self) -> bool {
        self.may_pass_by.contains(&true)
    }

    /// Whether host memory must have this tensor at the end and does not from the start: an operator writes it, or it
    /// starts in the scratchpad. Any other argument that is returned is there already: it is a result in name only, and
    /// not meant here.
    pub fn is_stored(&self, id: TensorId) -> bool {
        self.is_result[id.index()] && !self.starts_at_home(id)
    }

    /// Whether host memory has this tensor from the start, or as soon as it has all of its parts.
    pub fn starts_at_home(&self, id: TensorId) -> bool {
        self.producer(id).is_none() && !self.tensor(id).starts_on_chip
    }

    /// Whether a tensor lies in the scratchpad before the first operator runs, or must when the last one has.
    pub fn has_ends_on_chip(&self) -> bool {
        self.tensors.iter().any(|it| it.starts_on_chip || it.ends_on_chip)
    }

    /// Whether two tensors cannot both be in the scratchpad, since bytes of both would lie at one address, whatever the
    /// plan; but for a result and an operand that share them.
    pub fn are_apart(&self, a: TensorId, b: TensorId) -> bool {
        let (Some(a), Some(b)) = (self.pinned(a), self.pinned(b)) else { return false };
        a.start.max(b.start) < a.end.min(b.end)
    }

    /// By tensor: those with which it cannot be in the scratchpad at once, by their pins; the lists are empty where none
    /// has any.
    pub(crate) fn apart(&self) -> Vec<Vec<TensorId>> {
        let mut apart = vec![Vec::new(); self.tensors.len()];
        let mut pinned: Vec<(Bytes, Bytes, TensorId)> =
            self.tensor_ids().filter_map(|id| self.pinned(id).map(|it| (it.start, it.end, id))).collect();
        pinned.sort_unstable();
        for (index, &(_, end, a)) in pinned.iter().enumerate() {
            for &(_, _, b) in pinned[index + 1..].iter().take_while(|it| it.0 < end) {
                apart[a.index()].push(b);
                apart[b.index()].push(a);
            }
        }
        apart
    }

    /// The addresses of a tensor that has a pin, half-open and not empty.
    pub(crate) fn pinned(&self, id: TensorId) -> Option<std::ops::Range<Bytes>> {
        let Tensor { size, pin, .. } = *self.tensor(id);
        let start = pin.filter(|_| size != Bytes::ZERO)?;
        Some(start..Bytes(start.0.saturating_add(size.0)))
    }

    /// Whether any tensor has a pin.
    pub fn has_pins(&self) -> bool {
        self.tensors.iter().any(|it| it.pin.is_some() && it.size != Bytes::ZERO)
    }

    /// Whether every plan puts this tensor into host memory as soon as there is one: it is stored, or a part.
    pub fn is_written_back(&self, id: TensorId) -> bool {
        self.is_stored(id) || self.is_part(id)
    }

    /// Whether host memory has a copy of this tensor as soon as it exists: it is an argument, staged, stored, or a
    /// part. Such a tensor leaves the scratchpad for free.
    pub fn has_host_copy(&self, id: TensorId) -> bool {
        self.starts_at_home(id) || self.is_written_back(id)
    }

    /// The same graph, where all weights are read in the scratchpad, or all in host memory, or each use has the choice.
    pub fn with_weights(&self, weights: Weights) -> Graph {
        let from = weights.memories();
        self.with_uses(|_, it| if self.tensor(it.tensor).origin == Origin::Weight { from } else { it.from })
    }

    /// Whether a tensor may lie in the scratchpad from one run to the next: its [`Keep`] says so, and an operator may
    /// read it there.
    pub fn may_be_kept(&self, id: TensorId) -> bool {
        self.tensor(id).keep != Keep::Never && !self.readers(id).is_empty()
    }

    /// The tensors that may lie in the scratchpad from one run to the next, ascending.
    pub fn keepable(&self) -> impl Iterator<Item = TensorId> {
        self.tensor_ids().filter(|it| self.may_be_kept(*it))
    }

    /// The same graph, where this says of each weight whether it may be kept.
    pub fn with_keep(&self, mut keep: impl FnMut(TensorId) -> Keep) -> Graph {
        let mut graph = self.clone();
        for id in self.tensor_ids().filter(|it| self.tensor(*it).origin == Origin::Weight) {
            graph.tensors[id.index()].keep = keep(id);
        }
        graph
    }

    /// The same graph with only those uses, and those results in the place of operands, of which this is true. An operand
    /// of a pair that is left has to be read.
    pub(crate) fn with_less(&self, is_read: impl Fn(&Use) -> bool, may_share: impl Fn(&InPlace) -> bool) -> Graph {
        let mut builder = self.to_builder();
        builder.ops.iter_mut().for_each(|op| op.reads.retain(&is_read));
        let pairs = self.ops.iter().flat_map(|op| &op.in_place).filter(|it| may_share(it));
        builder.in_place = pairs.map(|it| (it.result, it.operand, it.at())).collect();
        builder.build().expect("less of a graph is a graph")
    }

    /// The same graph, where each use is from the memories that this says.
    pub(crate) fn with_uses(&self, mut from: impl FnMut(OpId, &Use) -> MemorySet) -> Graph {
        let mut builder = self.to_builder();
        for (id, op) in (0..).map(OpId).zip(&mut builder.ops) {
            op.reads.iter_mut().for_each(|it| it.from = from(id, it));
        }
        builder.build().expect("the graph was built before")
    }

    /// The same graph, where more operators have to run before others: each before one that comes after it in the
    /// source.
    #[cfg(feature = "ilp")]
    pub(crate) fn with_edges(&self, edges: impl IntoIterator<Item = (OpId, OpId)>) -> Graph {
        let mut builder = self.to_builder();
        builder.edges.extend(edges);
        builder.build().expect("the graph was built before, and edges go forward")
    }

    /// A builder that has got so far, to go on from here.
    pub fn to_builder(&self) -> GraphBuilder {
        let mut builder = GraphBuilder::new();
        builder.tensors.clone_from(&self.tensors);
        builder.ops.clone_from(&self.ops);
        builder.results.clone_from(&self.results);
        builder.edges.clone_from(&self.edges);
        builder.parts.clone_from(&self.parts);
        for op in &mut builder.ops {
            let pairs = std::mem::take(&mut op.in_place);
            builder.in_place.extend(pairs.iter().map(|it| (it.result, it.operand, it.at())));
        }
        builder
    }
}

/// Which operators have to run before which, directly.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dependences {
    /// By operator: see [`Graph::predecessors`].
    before: Vec<Vec<OpId>>,
    /// By operator: see [`Graph::successors`].
    after: Vec<Vec<OpId>>,
}

impl Dependences {
    /// `edges` are sorted.
    fn new(tensors: &[Tensor], ops: &[Op], edges: &[(OpId, OpId)]) -> Dependences {
        let mut before_by_edge: Vec<Vec<OpId>> = vec![Vec::new(); ops.len()];
        edges.iter().for_each(|(before, after)| before_by_edge[after.index()].push(*before));
        let mut before: Vec<Vec<OpId>> = vec![Vec::new(); ops.len()];
        let mut after = before.clone();
        for (op, by_edge) in (0..).map(OpId).zip(before_by_edge) {
            let producers = ops[op.index()].reads.iter().filter_map(|it| match tensors[it.tensor.index()].origin {
                Origin::Op(producer) => Some(producer),
                Origin::Argument | Origin::Weight | Origin::Staged => None,
            });
            for predecessor in producers.chain(by_edge) {
                // Operators come one after the other, so one that was noted is the last.
                if after[predecessor.index()].last() != Some(&op) {
                    before[op.index()].push(predecessor);
                    after[predecessor.index()].push(op);
                }
            }
        }
        Dependences { before, after }
    }
}

/// Builds a [`Graph`] operator by operator, in source order, so that no cycle can arise.
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    tensors: Vec<Tensor>,
    ops: Vec<Op>,
    results: Vec<TensorId>,
    edges: Vec<(OpId, OpId)>,
    /// By tensor; empty unless it is staged.
    parts: Vec<Vec<TensorId>>,
    in_place: Vec<(TensorId, TensorId, Bytes)>,
}

impl GraphBuilder {
    /// A graph without operators.
    pub fn new() -> GraphBuilder {
        GraphBuilder::default()
    }

    /// Adds a tensor that lies in host memory from the start.
    pub fn argument(&mut self, name: impl Into<String>, size: Bytes) -> TensorId {
        self.tensor(name.into(), size, Origin::Argument)
    }

    /// Adds a weight that lies in host memory from the start.
    pub fn weight(&mut self, name: impl Into<String>, size: Bytes) -> TensorId {
        self.tensor(name.into(), size, Origin::Weight)
    }

    /// Adds a tensor that is a region of a larger one in host memory, to which these parts were written. Each part's
    /// operator has to run before all that read the staged tensor, and each part goes to host memory at once.
    pub fn staged(&mut self, name: impl Into<String>, size: Bytes, parts: &[TensorId]) -> TensorId {
        let id = self.tensor(name.into(), size, Origin::Staged);
        self.parts[id.index()] = distinct(parts.iter().copied());
        id
    }

    /// Says where a tensor lies whenever it is in the scratchpad: so many bytes from the start.
    /// [`Problem::check`](crate::Problem::check) says whether it can.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn pin(&mut self, tensor: TensorId, at: Bytes) {
        self.tensors[tensor.index()].pin = Some(at);
    }

    /// Lets all tensors lie anywhere.
    pub(crate) fn clear_pins(&mut self) {
        self.tensors.iter_mut().for_each(|it| it.pin = None);
    }

    /// Says that an argument lies in the scratchpad before the first operator runs, and not in host memory.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn starts_on_chip(&mut self, tensor: TensorId) {
        self.tensors[tensor.index()].starts_on_chip = true;
    }

    /// Says that a tensor must lie in the scratchpad when the last operator has run.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn ends_on_chip(&mut self, tensor: TensorId) {
        self.tensors[tensor.index()].ends_on_chip = true;
    }

    /// Adds an operator that reads in the scratchpad, and the tensors that it writes; gives their ids in the
    /// order of `writes`. A tensor that is mentioned twice in `reads` is read once.
    pub fn op<N: Into<String>>(
        &mut self,
        name: impl Into<String>,
        reads: &[TensorId],
        writes: impl IntoIterator<Item = (N, Bytes)>,
        workspace: Bytes,
    ) -> Vec<TensorId> {
        let uses: Vec<Use> = reads.iter().copied().map(Use::from).collect();
        self.op_with_uses(name, &uses, writes, workspace)
    }

    /// Adds an operator that reads where its uses say, and the tensors that it writes; gives their ids in the
    /// order of `writes`. Of two uses of one tensor the first counts.
    pub fn op_with_uses<N: Into<String>>(
        &mut self,
        name: impl Into<String>,
        reads: &[Use],
        writes: impl IntoIterator<Item = (N, Bytes)>,
        workspace: Bytes,
    ) -> Vec<TensorId> {
        let id = OpId(self.ops.len() as u32);
        let mut distinct: Vec<Use> = Vec::with_capacity(reads.len());
        let mut seen: HashSet<TensorId> = HashSet::with_capacity(reads.len());
        distinct.extend(reads.iter().filter(|it| seen.insert(it.tensor)));
        let writes: Vec<TensorId> =
            writes.into_iter().map(|(name, size)| self.tensor(name.into(), size, Origin::Op(id))).collect();
        self.ops.push(Op {
            name: name.into(),
            reads: distinct,
            writes: writes.clone(),
            workspace,
            in_place: Vec::new(),
            may_rerun: false,
            macs: None,
            cycles: None,
        });
        writes
    }

    /// Says that a result of an operator may take the place of an operand of the same size, once
    /// no other operator is to read that.
    pub fn in_place(&mut self, result: TensorId, operand: TensorId) {
        self.in_place_at(result, operand, Bytes::ZERO);
    }

    /// Says that a result of an operator and an operand may share their bytes, once no other operator is to
    /// read that operand: the smaller one lies so many bytes from the start of the larger one.
    pub fn in_place_at(&mut self, result: TensorId, operand: TensorId, at: Bytes) {
        self.in_place.push((result, operand, at));
    }

    /// How many tensors there are so far.
    #[cfg(feature = "testing")]
    pub(crate) fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    /// All results and operands of one operator and one size, where nothing is said of the operator so far.
    #[cfg(feature = "testing")]
    pub(crate) fn pairs_of_a_size(&self) -> Vec<(TensorId, TensorId)> {
        let is_said = |op: &&Op| self.in_place.iter().any(|it| op.writes.contains(&it.0));
        let ops = self.ops.iter().filter(|op| !is_said(op));
        let pairs = ops.flat_map(|op| op.writes.iter().flat_map(|it| op.reads.iter().map(|of| (*it, of.tensor))));
        pairs.filter(|it| self.size(it.0) == self.size(it.1)).collect()
    }

    /// Says that an operator has to run before another one, which comes after it.
    pub fn order(&mut self, before: OpId, after: OpId) {
        self.edges.push((before, after));
    }

    /// Whether an operator reads what another one writes.
    pub(crate) fn reads_from(&self, reader: OpId, writer: OpId) -> bool {
        self.ops[reader.index()].reads.iter().any(|it| self.origin(it.tensor) == Origin::Op(writer))
    }

    /// Says that an operator may run more than once.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn may_rerun(&mut self, op: OpId) {
        self.ops[op.index()].may_rerun = true;
    }

    /// Lets an operator read one more tensor in the scratchpad, if it does not read it so far.
    #[cfg(feature = "testing")]
    pub(crate) fn also_reads(&mut self, op: OpId, tensor: TensorId) {
        let reads = &mut self.ops[op.index()].reads;
        if reads.iter().all(|it| it.tensor != tensor) {
            reads.push(Use::from(tensor));
        }
    }

    /// Gives an operator another workspace.
    pub(crate) fn workspace(&mut self, op: OpId, workspace: Bytes) {
        self.ops[op.index()].workspace = workspace;
    }

    /// Says how many multiply-accumulates an operator computes.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn macs(&mut self, op: OpId, macs: u64) {
        self.ops[op.index()].macs = Some(macs);
    }

    /// Says how long an operator computes.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn cycles(&mut self, op: OpId, cycles: Cycles) {
        self.ops[op.index()].cycles = Some(cycles);
    }

    /// Says that host memory must have a tensor at the end. Saying it twice is saying it once.
    pub fn result(&mut self, tensor: TensorId) {
        self.results.push(tensor);
    }

    /// Says whether a weight may lie in the scratchpad from one run to the next. Without a word, it may not.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn keep(&mut self, tensor: TensorId, keep: Keep) {
        self.tensors[tensor.index()].keep = keep;
    }

    /// Where a tensor comes from.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub(crate) fn origin(&self, tensor: TensorId) -> Origin {
        self.tensors[tensor.index()].origin
    }

    /// The bytes of a tensor.
    ///
    /// # Panics
    /// If it is not of this graph.
    pub fn size(&self, tensor: TensorId) -> Bytes {
        self.tensors[tensor.index()].size
    }

    /// The graph.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where sizes add up to more than planning can count: all tensors and
    /// workspaces together, four times over, must stay below 2⁶³ bytes. [`Error::Order`] where an operator has to
    /// run before one that does not come after it. [`Error::Staged`] where a staged tensor has no part, or one that no
    /// operator writes, or is said to be a result: that its parts are. [`Error::Keep`] where anything but a weight is to
    /// be kept from one run to the next. [`Error::OnChip`] where a tensor is said to start
    /// in the scratchpad that is no argument, or a staged one to end there. [`Error::InPlace`] where a
    /// result and an operand cannot share bytes as is said of them, or not beside other pairs of their
    /// operator: see [`Op::in_place`].
    pub fn build(mut self) -> Result<Graph, Error> {
        let sizes = self.tensors.iter().map(|it| it.size.0).chain(self.ops.iter().map(|it| it.workspace.0));
        let total: u128 = sizes.map(u128::from).sum();
        if total >= 1 << 61 {
            return Err(Error::TooLarge);
        }
        self.results = distinct(std::mem::take(&mut self.results));
        self.check_staged()?;
        let is_kept = |it: &Tensor| it.keep != Keep::Never && it.origin != Origin::Weight;
        if let Some(index) = self.tensors.iter().position(is_kept) {
            return Err(Error::Keep { tensor: TensorId(index as u32) });
        }
        self.check_ends()?;
        let (is_part, edges) = self.writers_of_parts();
        self.edges.extend(edges);
        if let Some(&(before, after)) = self.edges.iter().find(|it| it.1 <= it.0 || self.ops.len() <= it.1.index()) {
            return Err(Error::Order { before, after });
        }
        self.edges.sort_unstable();
        self.edges.dedup();
        let mut readers = vec![Vec::new(); self.tensors.len()];
        for (index, op) in self.ops.iter().enumerate() {
            for tensor in op.reads_on_chip() {
                readers[tensor.index()].push(OpId(index as u32));
            }
        }
        let mut may_pass_by = vec![false; self.tensors.len()];
        for tensor in self.ops.iter().flat_map(Op::reads_either_way) {
            may_pass_by[tensor.index()] = true;
        }
        let mut is_result = vec![false; self.tensors.len()];
        for tensor in &self.results {
            is_result[tensor.index()] = true;
        }
        let dependences = Dependences::new(&self.tensors, &self.ops, &self.edges);
        let mut walk = Walk::new(self.ops.len());
        let read = self.read_in_pairs();
        // By operator and tensor: which of the operator's pairs have it.
        let mut pairs_of: HashMap<(OpId, TensorId), Vec<usize>> = HashMap::new();
        for (result, operand, at) in distinct(std::mem::take(&mut self.in_place)) {
            let refuse = |why| Error::InPlace { result, operand, why };
            let op = self.tensors.get(result.index()).and_then(|it| match it.origin {
                Origin::Op(op) => Some(op),
                Origin::Argument | Origin::Weight | Origin::Staged => None,
            });
            let op = op.filter(|it| read.contains(&(*it, operand)));
            let op = op.ok_or(refuse("they are not of one operator"))?;
            let overlay = self.overlay(result, operand, at).ok_or(refuse("one does not lie within the other"))?;
            let dies = match self.tensors[operand.index()].ends_on_chip {
                true => Dies::Never,
                false => dies(op, &readers[operand.index()], &dependences, &mut walk),
            };
            let pair = InPlace { result, operand, overlay, dies };
            let known = &self.ops[op.index()].in_place;
            let near = [result, operand].into_iter().filter_map(|it| pairs_of.get(&(op, it))).flatten();
            if near.into_iter().any(|it| !self.is_beside(&known[*it], &pair)) {
                return Err(refuse("another pair of their operator is in the way"));
            }
            for tensor in [result, operand] {
                pairs_of.entry((op, tensor)).or_default().push(known.len());
            }
            self.ops[op.index()].in_place.push(pair);
        }
        self.ops.iter_mut().for_each(|it| it.in_place.sort_by_key(|it| it.result));
        let GraphBuilder { tensors, ops, results, edges, parts, .. } = self;
        Ok(Graph { tensors, ops, results, edges, parts, readers, is_result, is_part, may_pass_by, dependences })
    }

    /// What operators read, of what pairs speak.
    fn read_in_pairs(&self) -> HashSet<(OpId, TensorId)> {
        let paired: HashSet<TensorId> = self.in_place.iter().map(|it| it.1).collect();
        let reads = (0..).map(OpId).zip(&self.ops).flat_map(|(id, op)| op.reads.iter().map(move |it| (id, it.tensor)));
        reads.filter(|it| paired.contains(&it.1)).collect()
    }

    fn check_staged(&self) -> Result<(), Error> {
        let staged = (0..).map(TensorId).zip(&self.tensors).filter(|it| it.1.origin == Origin::Staged);
        for (tensor, _) in staged {
            let refuse = |why| Err(Error::Staged { tensor, why });
            let parts = &self.parts[tensor.index()];
            let is_written =
                |it: &TensorId| self.tensors.get(it.index()).is_some_and(|part| matches!(part.origin, Origin::Op(_)));
            if parts.is_empty() {
                return refuse("it has no parts");
            }
            if !parts.iter().all(is_written) {
                return refuse("a part is written by no operator");
            }
            if self.results.contains(&tensor) {
                return refuse("it is no result, but its parts may be");
            }
        }
        Ok(())
    }

    fn check_ends(&self) -> Result<(), Error> {
        for (tensor, it) in (0..).map(TensorId).zip(&self.tensors) {
            let is_argument = matches!(it.origin, Origin::Argument | Origin::Weight);
            if it.starts_on_chip && !is_argument {
                return Err(Error::OnChip { tensor, why: "it is no argument, so it cannot start there" });
            }
            if it.ends_on_chip && it.origin == Origin::Staged {
                return Err(Error::OnChip { tensor, why: "it is staged in host memory, so it cannot end there" });
            }
        }
        Ok(())
    }

    /// Which tensors are parts of what is read, and that their writers run before those that read it.
    fn writers_of_parts(&self) -> (Vec<bool>, Vec<(OpId, OpId)>) {
        let mut is_part = vec![false; self.tensors.len()];
        let mut edges = Vec::new();
        for (reader, op) in (0..).map(OpId).zip(&self.ops) {
            for &part in op.reads.iter().flat_map(|it| &self.parts[it.tensor.index()]) {
                is_part[part.index()] = true;
                if let Origin::Op(writer) = self.origin(part) {
                    edges.push((writer, reader));
                }
            }
        }
        (is_part, edges)
    }

    /// Which bytes a result and an operand share if the smaller one begins there in the larger one;
    /// none if it does not end in it.
    fn overlay(&self, result: TensorId, operand: TensorId, at: Bytes) -> Option<Overlay> {
        let size = |it: TensorId| self.tensors[it.index()].size;
        let (result, operand) = (size(result), size(operand));
        let ends = at.0.checked_add(result.min(operand).0)?;
        match result.cmp(&operand) {
            _ if result.max(operand).0 < ends => None,
            Ordering::Equal => Some(Overlay::Whole),
            Ordering::Less => Some(Overlay::PartOfOperand(at)),
            Ordering::Greater => Some(Overlay::PartOfResult(at)),
        }
    }

    /// Whether an operator may have both of these pairs.
    fn is_beside(&self, a: &InPlace, b: &InPlace) -> bool {
        let has = |pair: &InPlace, tensor: TensorId| pair.result == tensor || pair.operand == tensor;
        let is_apart = !has(a, b.result) && !has(a, b.operand);
        if is_apart || !a.is_part() && !b.is_part() {
            return true;
        }
        let is_parts_of_one = a.is_part() && b.is_part() && a.outer() == b.outer() && a.inner() != b.inner();
        let end = |it: &InPlace| it.at() + self.tensors[it.inner().index()].size;
        is_parts_of_one && (end(a) <= b.at() || end(b) <= a.at())
    }

    fn tensor(&mut self, name: String, size: Bytes, origin: Origin) -> TensorId {
        let id = TensorId(self.tensors.len() as u32);
        self.tensors.push(Tensor {
            name,
            size,
            origin,
            keep: Keep::Never,
            pin: None,
            starts_on_chip: false,
            ends_on_chip: false,
        });
        self.parts.push(Vec::new());
        id
    }
}

/// In which orders one of a tensor's readers is the last. Where the graph is too large to say
/// which others come before or after, it is in some.
fn dies(op: OpId, readers: &[OpId], dependences: &Dependences, walk: &mut Walk) -> Dies {
    let is_other = |other: &OpId| *other != op;
    if !readers.iter().any(is_other) {
        return Dies::Always;
    }
    let last = *readers.last().expect("the operator is a reader");
    if op < last {
        let after = |op: OpId| dependences.after[op.index()].iter().copied();
        let met = walk.from(op, |it| it <= last, after, |met| op < met && readers.binary_search(&met).is_ok(), 1);
        return if met == 1 { Dies::Never } else { Dies::Sometimes };
    }
    // All others come before it in the source, and what they must come before lies between.
    let first = readers[0];
    let before = |op: OpId| dependences.before[op.index()].iter().copied();
    let n_others = readers.len() - 1;
    let met = walk.from(op, |it| first <= it, before, |met| readers.binary_search(&met).is_ok(), n_others);
    if met == n_others { Dies::Always } else { Dies::Sometimes }
}

/// Walks from operators along dependences, with so many steps in all.
struct Walk {
    /// By operator: the number of the walk that met it last.
    met_by: Vec<u32>,
    n_walks: u32,
    steps_left: usize,
}

/// Dependences that the builder follows in all, to find out in which orders operands die. They
/// suffice for thousands of operators that all may overwrite what all of them read.
const MAX_WALK_STEPS: usize = 1 << 27;

impl Walk {
    fn new(n_ops: usize) -> Walk {
        Walk { met_by: vec![0; n_ops], n_walks: 0, steps_left: MAX_WALK_STEPS }
    }

    /// How many of the operators that are wanted can be reached from one along `next`, by way of those
    /// that are within bounds; it stops at `enough`, or where no steps are left.
    fn from<I: Iterator<Item = OpId>>(
        &mut self,
        start: OpId,
        is_within: impl Fn(OpId) -> bool,
        next: impl Fn(OpId) -> I,
        is_wanted: impl Fn(OpId) -> bool,
        enough: usize,
    ) -> usize {
        self.n_walks += 1;
        let mut n_met = 0;
        let mut waiting = vec![start];
        while let Some(op) = waiting.pop() {
            for next in next(op) {
                self.steps_left = self.steps_left.saturating_sub(1);
                let met_by = &mut self.met_by[next.index()];
                if !is_within(next) || std::mem::replace(met_by, self.n_walks) == self.n_walks {
                    continue;
                }
                n_met += usize::from(is_wanted(next));
                if n_met == enough || self.steps_left == 0 {
                    return n_met;
                }
                waiting.push(next);
            }
        }
        n_met
    }
}

/// Each of these once, in order of first mention.
fn distinct<T: Copy + Eq + Hash>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|it| seen.insert(*it)).collect()
}
