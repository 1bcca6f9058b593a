//! Operators and tensors, and which operators read and write which tensors.

use crate::{Bytes, Cycles, Error, MemoryId, MemorySet, OpId, TensorId};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// A value that an operator reads or writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// For messages; unique within its graph, without white space and `@`.
    pub name: String,
    /// The bytes that it occupies in the scratchpad, before alignment. Zero is allowed.
    pub size: Bytes,
    /// Its origin.
    pub origin: Origin,
    /// Whether it may stay in the scratchpad from one run to the next; always [`Keep::Never`] for tensors other than
    /// weights.
    pub keep: Keep,
    /// Its offset whenever it is in the scratchpad; `None` for any. It is ignored if the tensor has no bytes.
    pub pin: Option<Bytes>,
    /// Whether it lies in the scratchpad, and not in host memory, before the first operator runs: an argument that the
    /// caller left there.
    pub starts_on_chip: bool,
    /// Whether it must lie in the scratchpad after the last operator has run. [`Graph::results`] says whether host
    /// memory must have it too.
    pub ends_on_chip: bool,
}

/// Whether a weight may stay in the scratchpad from one run of the network to the next.
///
/// A network runs repeatedly, with the same weights. A weight that stays from its last use in one run to its first use
/// in the next one is not loaded in each run: it is loaded once, before the first run.
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
    /// The name in options, reports and problems as text.
    pub fn name(self) -> &'static str {
        match self {
            Keep::Never => "never",
            Keep::Auto => "auto",
            Keep::Always => "always",
        }
    }
}

/// The origin of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is in host memory from the start: an argument of the function.
    Argument,
    /// It is in host memory from the start, and is a weight: see [`Graph::with_weights`].
    Weight,
    /// It is a region of a larger tensor in host memory, and is there once all of its [parts](Graph::parts) are.
    Staged,
    /// An operator writes it.
    Op(OpId),
}

/// The way operators read weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weights {
    /// In the scratchpad, like any tensor.
    #[default]
    Resident,
    /// In host memory: streamed past the scratchpad, which costs traffic for each use and no space.
    Streamed,
    /// Either, for each use, whichever moves less: planning decides.
    Auto,
}

impl Weights {
    /// The memories that a use may read the weight in.
    pub(crate) fn memories(self) -> MemorySet {
        match self {
            Weights::Resident => MemorySet::SCRATCHPAD,
            Weights::Streamed => MemorySet::HOME,
            Weights::Auto => MemorySet::EITHER,
        }
    }

    /// The name in options, reports and problems as text.
    pub fn name(self) -> &'static str {
        match self {
            Weights::Resident => "resident",
            Weights::Streamed => "streamed",
            Weights::Auto => "auto",
        }
    }
}

/// A tensor that an operator reads, and the memories that it may read it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The tensor.
    pub tensor: TensorId,
    /// The memories that it may lie in while the operator runs.
    pub from: MemorySet,
}

impl Use {
    /// Whether planning decides where this is read: in the scratchpad, or in host memory, from where it is streamed
    /// past the scratchpad.
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

/// An operator, which runs in one step. Its operands lie in the memories of its uses, and its results in the
/// scratchpad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// For messages; unique within its graph, without white space.
    pub name: String,
    /// Its operands, each tensor once, in the order of first mention.
    pub reads: Vec<Use>,
    /// Its results, each tensor once.
    pub writes: Vec<TensorId>,
    /// Scratchpad bytes that it needs for itself while it runs.
    pub workspace: Bytes,
    /// The pairs of a result and an operand that may share bytes, each pair once, sorted by result.
    ///
    /// A tensor that is a part of another is in no second pair. A tensor with parts is only in pairs with its parts,
    /// which are disjoint.
    pub in_place: Vec<InPlace>,
    /// Whether it may run more than once in a program, to recompute its results instead of reloading them.
    pub may_rerun: bool,
    /// Its number of multiply-accumulates, if known.
    pub macs: Option<u64>,
    /// Its compute time on the machine. If absent, it is computed from the other fields: see
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

    /// The tensors that it reads in the scratchpad or streams, as planning decides.
    pub fn reads_either_way(&self) -> impl Iterator<Item = TensorId> {
        self.reads.iter().filter(|it| it.may_pass_by()).map(|it| it.tensor)
    }

    /// Whether it reads a tensor, in any memory.
    pub fn reads_tensor(&self, tensor: TensorId) -> bool {
        self.reads.iter().any(|it| it.tensor == tensor)
    }
}

/// A result and an operand that may share their bytes if the operand dies with the operator: see
/// [`Problem::in_place`](crate::Problem::in_place).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// The result.
    pub result: TensorId,
    /// The operand.
    pub operand: TensorId,
    /// The bytes that they share.
    pub overlay: Overlay,
    /// In which orders the operand dies with the operator.
    pub dies: Dies,
}

/// The relative position of a result and an operand that share bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overlay {
    /// The same bytes: they have the same size.
    Whole,
    /// The operand is a part of the result, as in a concatenation, at this offset from its start.
    PartOfResult(Bytes),
    /// The result is a part of the operand, as in a split, at this offset from its start.
    PartOfOperand(Bytes),
}

impl InPlace {
    /// The tensor within the other one, which takes no additional space: the smaller one, or the result if they have
    /// the same size.
    pub fn inner(&self) -> TensorId {
        match self.overlay {
            Overlay::Whole | Overlay::PartOfOperand(_) => self.result,
            Overlay::PartOfResult(_) => self.operand,
        }
    }

    /// The tensor around the other one.
    pub fn outer(&self) -> TensorId {
        match self.overlay {
            Overlay::Whole | Overlay::PartOfOperand(_) => self.operand,
            Overlay::PartOfResult(_) => self.result,
        }
    }

    /// The offset of the inner tensor from the start of the outer one.
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

    /// Whether tensors at these offsets share their bytes in this way.
    pub fn fits(&self, result: Bytes, operand: Bytes) -> bool {
        let (inner, outer) = if self.inner() == self.result { (result, operand) } else { (operand, result) };
        outer.0.checked_add(self.at().0) == Some(inner.0)
    }
}

/// In which orders an operand dies with an operator, that is, all of its other readers have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    /// In all orders: every other reader comes before.
    Always,
    /// In some orders.
    Sometimes,
    /// In no order: another reader comes after.
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

    /// Pairs of operators of which the first must run before the second, regardless of data; sorted, without
    /// duplicates. The writer of a part of a staged tensor forms such a pair with each reader of the staged tensor.
    pub fn edges(&self) -> &[(OpId, OpId)] {
        &self.edges
    }

    /// The operators that must run directly before an operator, each once and without those that others imply: first
    /// the writers of its operands, in the order of its reads, then those of edges, in source order.
    pub fn predecessors(&self, op: OpId) -> &[OpId] {
        &self.dependences.before[op.index()]
    }

    /// The operators whose predecessors include this one, in source order.
    pub fn successors(&self, op: OpId) -> &[OpId] {
        &self.dependences.after[op.index()]
    }

    /// The operators that need a tensor in the scratchpad: its writer, if any, then its readers in source order.
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

    /// The operator that writes a tensor; `None` for an argument, a weight or a staged tensor.
    pub fn producer(&self, id: TensorId) -> Option<OpId> {
        match self.tensor(id).origin {
            Origin::Op(op) => Some(op),
            Origin::Argument | Origin::Weight | Origin::Staged => None,
        }
    }

    /// The parts of a staged tensor, each once: tensors that operators write into the larger tensor in host memory, and
    /// that must be there before the staged tensor is read. Empty for any other tensor.
    pub fn parts(&self, id: TensorId) -> &[TensorId] {
        &self.parts[id.index()]
    }

    /// Whether a tensor is a part of a staged tensor that some operator reads.
    pub fn is_part(&self, id: TensorId) -> bool {
        self.is_part[id.index()]
    }

    /// Whether some operator [may stream](Use::may_pass_by) this tensor.
    pub fn may_pass_by(&self, id: TensorId) -> bool {
        self.may_pass_by[id.index()]
    }

    /// Whether planning decides for some use where it reads its tensor.
    pub fn has_choices(&self) -> bool {
        self.may_pass_by.contains(&true)
    }

    /// Whether host memory must have this tensor at the end and does not have it from the start: an operator writes it,
    /// or it starts in the scratchpad. An argument that is in host memory and is returned does not count, since it is
    /// there already.
    pub fn is_stored(&self, id: TensorId) -> bool {
        self.is_result[id.index()] && !self.starts_at_home(id)
    }

    /// Whether host memory has this tensor from the start, or once it has all of its parts.
    pub fn starts_at_home(&self, id: TensorId) -> bool {
        self.producer(id).is_none() && !self.tensor(id).starts_on_chip
    }

    /// Whether some tensor starts or ends in the scratchpad.
    pub fn has_ends_on_chip(&self) -> bool {
        self.tensors.iter().any(|it| it.starts_on_chip || it.ends_on_chip)
    }

    /// Whether two tensors can never be in the scratchpad at the same time, because their pins overlap and they are not
    /// a result and an operand that may share those bytes.
    pub fn are_apart(&self, a: TensorId, b: TensorId) -> bool {
        let (Some(a), Some(b)) = (self.pinned(a), self.pinned(b)) else { return false };
        a.start.max(b.start) < a.end.min(b.end)
    }

    /// By tensor: the tensors that cannot be in the scratchpad at the same time, because of their pins. Empty if no
    /// tensor has a pin.
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

    /// The addresses of a pinned tensor, half-open and not empty.
    pub(crate) fn pinned(&self, id: TensorId) -> Option<std::ops::Range<Bytes>> {
        let Tensor { size, pin, .. } = *self.tensor(id);
        let start = pin.filter(|_| size != Bytes::ZERO)?;
        Some(start..Bytes(start.0.saturating_add(size.0)))
    }

    /// Whether any tensor has a pin.
    pub fn has_pins(&self) -> bool {
        self.tensors.iter().any(|it| it.pin.is_some() && it.size != Bytes::ZERO)
    }

    /// Whether every plan copies this tensor to host memory once it is written: it is stored, or a part.
    pub fn is_written_back(&self, id: TensorId) -> bool {
        self.is_stored(id) || self.is_part(id)
    }

    /// Whether host memory has a copy of this tensor as soon as it exists: it is an argument, a weight, staged, stored,
    /// or a part. Evicting such a tensor is free.
    pub fn has_host_copy(&self, id: TensorId) -> bool {
        self.starts_at_home(id) || self.is_written_back(id)
    }

    /// The same graph with this way of reading weights.
    pub fn with_weights(&self, weights: Weights) -> Graph {
        let from = weights.memories();
        self.with_uses(|_, it| if self.tensor(it.tensor).origin == Origin::Weight { from } else { it.from })
    }

    /// Whether a tensor may stay in the scratchpad from one run to the next: its [`Keep`] allows it, and an operator
    /// may read it there.
    pub fn may_be_kept(&self, id: TensorId) -> bool {
        self.tensor(id).keep != Keep::Never && !self.readers(id).is_empty()
    }

    /// The tensors that may stay in the scratchpad from one run to the next, ascending.
    pub fn keepable(&self) -> impl Iterator<Item = TensorId> {
        self.tensor_ids().filter(|it| self.may_be_kept(*it))
    }

    /// The same graph, with another [`Keep`] for each weight.
    pub fn with_keep(&self, mut keep: impl FnMut(TensorId) -> Keep) -> Graph {
        let mut graph = self.clone();
        for id in self.tensor_ids().filter(|it| self.tensor(*it).origin == Origin::Weight) {
            graph.tensors[id.index()].keep = keep(id);
        }
        graph
    }

    /// The same graph with only the uses and the pairs of results and operands that satisfy these predicates. The
    /// operand of each remaining pair must be read.
    pub(crate) fn with_less(&self, is_read: impl Fn(&Use) -> bool, may_share: impl Fn(&InPlace) -> bool) -> Graph {
        let mut builder = self.to_builder();
        builder.ops.iter_mut().for_each(|op| op.reads.retain(&is_read));
        let pairs = self.ops.iter().flat_map(|op| &op.in_place).filter(|it| may_share(it));
        builder.in_place = pairs.map(|it| (it.result, it.operand, it.at())).collect();
        builder.build().expect("a part of a graph is valid")
    }

    /// The same graph with other memories for each use.
    pub(crate) fn with_uses(&self, mut from: impl FnMut(OpId, &Use) -> MemorySet) -> Graph {
        let mut builder = self.to_builder();
        for (id, op) in (0..).map(OpId).zip(&mut builder.ops) {
            op.reads.iter_mut().for_each(|it| it.from = from(id, it));
        }
        builder.build().expect("the graph was built before")
    }

    /// The same graph with additional edges, each from an operator to one that comes after it in the source.
    #[cfg(feature = "ilp")]
    pub(crate) fn with_edges(&self, edges: impl IntoIterator<Item = (OpId, OpId)>) -> Graph {
        let mut builder = self.to_builder();
        builder.edges.extend(edges);
        builder.build().expect("the graph was built before, and edges go forward")
    }

    /// A builder with the contents of this graph.
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

/// The direct dependences of operators.
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
                // Operators come in ascending order, so a duplicate would be the last entry.
                if after[predecessor.index()].last() != Some(&op) {
                    before[op.index()].push(predecessor);
                    after[predecessor.index()].push(op);
                }
            }
        }
        Dependences { before, after }
    }
}

/// Builds a [`Graph`] operator by operator, in source order, so that there are no cycles.
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
    /// An empty graph.
    pub fn new() -> GraphBuilder {
        GraphBuilder::default()
    }

    /// Adds an argument, which is in host memory from the start.
    pub fn argument(&mut self, name: impl Into<String>, size: Bytes) -> TensorId {
        self.tensor(name.into(), size, Origin::Argument)
    }

    /// Adds a weight, which is in host memory from the start.
    pub fn weight(&mut self, name: impl Into<String>, size: Bytes) -> TensorId {
        self.tensor(name.into(), size, Origin::Weight)
    }

    /// Adds a tensor that is a region of a larger one in host memory, to which these parts are written. The operator of
    /// each part must run before all readers of the staged tensor, and each part is written to host memory at once.
    pub fn staged(&mut self, name: impl Into<String>, size: Bytes, parts: &[TensorId]) -> TensorId {
        let id = self.tensor(name.into(), size, Origin::Staged);
        self.parts[id.index()] = distinct(parts.iter().copied());
        id
    }

    /// Pins a tensor: whenever it is in the scratchpad, it lies at this offset from its start.
    /// [`Problem::check`](crate::Problem::check) checks whether that is possible.
    ///
    /// # Panics
    /// If the tensor is not in this graph.
    pub fn pin(&mut self, tensor: TensorId, at: Bytes) {
        self.tensors[tensor.index()].pin = Some(at);
    }

    /// Removes all pins.
    pub(crate) fn clear_pins(&mut self) {
        self.tensors.iter_mut().for_each(|it| it.pin = None);
    }

    /// Makes an argument start in the scratchpad, and not in host memory, before the first operator runs.
    ///
    /// # Panics
    /// If the tensor is not in this graph.
    pub fn starts_on_chip(&mut self, tensor: TensorId) {
        self.tensors[tensor.index()].starts_on_chip = true;
    }

    /// Makes a tensor end in the scratchpad, after the last operator has run.
    ///
    /// # Panics
    /// If the tensor is not in this graph.
    pub fn ends_on_chip(&mut self, tensor: TensorId) {
        self.tensors[tensor.index()].ends_on_chip = true;
    }

    /// Adds an operator that reads in the scratchpad, and its results. Returns their ids in the order of `writes`. A
    /// tensor that occurs twice in `reads` is read once.
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

    /// Adds an operator with these uses, and its results. Returns their ids in the order of `writes`. Of two uses of
    /// one tensor the first is used.
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

    /// Adds a result to an operator.
    pub(crate) fn also_writes(&mut self, op: OpId, name: String, size: Bytes) -> TensorId {
        let tensor = self.tensor(name, size, Origin::Op(op));
        self.ops[op.index()].writes.push(tensor);
        tensor
    }

    /// Allows a result of an operator to share the bytes of an operand of the same size, if no later operator reads
    /// that operand.
    pub fn in_place(&mut self, result: TensorId, operand: TensorId) {
        self.in_place_at(result, operand, Bytes::ZERO);
    }

    /// Allows a result and an operand of an operator to share bytes, if no later operator reads that operand. The
    /// smaller one lies at this offset from the start of the larger one.
    pub fn in_place_at(&mut self, result: TensorId, operand: TensorId, at: Bytes) {
        self.in_place.push((result, operand, at));
    }

    /// The number of tensors so far.
    #[cfg(feature = "testing")]
    pub(crate) fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    /// All pairs of a result and an operand of the same size and the same operator, for operators without any pair so
    /// far.
    #[cfg(feature = "testing")]
    pub(crate) fn pairs_of_a_size(&self) -> Vec<(TensorId, TensorId)> {
        let is_said = |op: &&Op| self.in_place.iter().any(|it| op.writes.contains(&it.0));
        let ops = self.ops.iter().filter(|op| !is_said(op));
        let pairs = ops.flat_map(|op| op.writes.iter().flat_map(|it| op.reads.iter().map(|of| (*it, of.tensor))));
        pairs.filter(|it| self.size(it.0) == self.size(it.1)).collect()
    }

    /// Makes an operator run before another one, which comes after it in the source.
    pub fn order(&mut self, before: OpId, after: OpId) {
        self.edges.push((before, after));
    }

    /// Whether an operator reads a result of another one.
    pub(crate) fn reads_from(&self, reader: OpId, writer: OpId) -> bool {
        self.ops[reader.index()].reads.iter().any(|it| self.origin(it.tensor) == Origin::Op(writer))
    }

    /// Allows an operator to run more than once.
    ///
    /// # Panics
    /// If the operator is not in this graph.
    pub fn may_rerun(&mut self, op: OpId) {
        self.ops[op.index()].may_rerun = true;
    }

    /// Adds an operand in the scratchpad to an operator, unless it reads that tensor already.
    #[cfg(feature = "testing")]
    pub(crate) fn also_reads(&mut self, op: OpId, tensor: TensorId) {
        let reads = &mut self.ops[op.index()].reads;
        if reads.iter().all(|it| it.tensor != tensor) {
            reads.push(Use::from(tensor));
        }
    }

    /// Sets the workspace of an operator.
    pub(crate) fn workspace(&mut self, op: OpId, workspace: Bytes) {
        self.ops[op.index()].workspace = workspace;
    }

    /// Sets the number of multiply-accumulates of an operator.
    ///
    /// # Panics
    /// If the operator is not in this graph.
    pub fn macs(&mut self, op: OpId, macs: u64) {
        self.ops[op.index()].macs = Some(macs);
    }

    /// Sets the compute time of an operator.
    ///
    /// # Panics
    /// If the operator is not in this graph.
    pub fn cycles(&mut self, op: OpId, cycles: Cycles) {
        self.ops[op.index()].cycles = Some(cycles);
    }

    /// Makes a tensor a result, which must be in host memory at the end. Repeated calls have no effect.
    pub fn result(&mut self, tensor: TensorId) {
        self.results.push(tensor);
    }

    /// Sets whether a weight may stay in the scratchpad from one run to the next. The default is that it may not.
    ///
    /// # Panics
    /// If the tensor is not in this graph.
    pub fn keep(&mut self, tensor: TensorId, keep: Keep) {
        self.tensors[tensor.index()].keep = keep;
    }

    /// The origin of a tensor.
    ///
    /// # Panics
    /// If the tensor is not in this graph.
    pub(crate) fn origin(&self, tensor: TensorId) -> Origin {
        self.tensors[tensor.index()].origin
    }

    /// The size of a tensor.
    ///
    /// # Panics
    /// If the tensor is not in this graph.
    pub fn size(&self, tensor: TensorId) -> Bytes {
        self.tensors[tensor.index()].size
    }

    /// The graph.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if sizes add up to too much: four times the sum of all tensors and workspaces must be less
    /// than 2⁶³ bytes. [`Error::Order`] if an operator must run before one that does not come after it.
    /// [`Error::Staged`] if a staged tensor has no parts, or a part that no operator writes, or is itself a result (its
    /// parts may be results). [`Error::Keep`] if a tensor other than a weight is to be kept from one run to the next.
    /// [`Error::OnChip`] if a tensor that is not an argument is to start in the scratchpad, or a staged one is to end
    /// there. [`Error::InPlace`] if a result and an operand cannot share bytes as declared, or not together with other
    /// pairs of their operator: see [`Op::in_place`].
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
        // By operator and tensor: the pairs of the operator that the tensor is in.
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
                return Err(refuse("it conflicts with another pair of their operator"));
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

    /// The operands of operators that are in pairs.
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
                return refuse("it cannot be a result, but its parts can");
            }
        }
        Ok(())
    }

    fn check_ends(&self) -> Result<(), Error> {
        for (tensor, it) in (0..).map(TensorId).zip(&self.tensors) {
            let is_argument = matches!(it.origin, Origin::Argument | Origin::Weight);
            if it.starts_on_chip && !is_argument {
                return Err(Error::OnChip { tensor, why: "it is not an argument, so it cannot start there" });
            }
            if it.ends_on_chip && it.origin == Origin::Staged {
                return Err(Error::OnChip { tensor, why: "it is staged in host memory, so it cannot end there" });
            }
        }
        Ok(())
    }

    /// By tensor, whether it is a part of a staged tensor that is read; and the edges from the writers of parts to
    /// their readers.
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

    /// The bytes that a result and an operand share if the smaller one begins at this offset in the larger one; `None`
    /// if it does not end within it.
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

/// In which orders an operator is the last of a tensor's readers. If the graph is too large to decide which others come
/// before or after, the answer is in some.
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
    // All others come before it in the source, and everything that they precede lies in between.
    let first = readers[0];
    let before = |op: OpId| dependences.before[op.index()].iter().copied();
    let n_others = readers.len() - 1;
    let met = walk.from(op, |it| first <= it, before, |met| readers.binary_search(&met).is_ok(), n_others);
    if met == n_others { Dies::Always } else { Dies::Sometimes }
}

/// Walks from operators along dependences, with a limited number of steps in all.
struct Walk {
    /// By operator: the number of the last walk that reached it.
    met_by: Vec<u32>,
    n_walks: u32,
    steps_left: usize,
}

/// The total number of dependences that the builder follows to find out in which orders operands die. It suffices for
/// thousands of operators that all may overwrite one tensor that all of them read.
const MAX_WALK_STEPS: usize = 1 << 27;

impl Walk {
    fn new(n_ops: usize) -> Walk {
        Walk { met_by: vec![0; n_ops], n_walks: 0, steps_left: MAX_WALK_STEPS }
    }

    /// The number of wanted operators that can be reached from one along `next` through operators within bounds. It
    /// stops at `enough`, or when no steps are left.
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

/// The elements without duplicates, in the order of first mention.
fn distinct<T: Copy + Eq + Hash>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|it| seen.insert(*it)).collect()
}
