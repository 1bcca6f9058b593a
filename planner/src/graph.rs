//! Operators and tensors, and who reads and writes what.

use crate::{Bytes, Error, OpId, TensorId};
use petgraph::graph::DiGraph;

/// A value that an operator reads or writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// For people; unique within its graph, without white space.
    pub name: String,
    /// Bytes that it takes in the scratchpad, before alignment. Zero is allowed: a dependence.
    pub size: Bytes,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It lies in host memory from the start: an argument of the function.
    Argument,
    /// Likewise, and it is a weight, which a machine may stream.
    Weight,
    /// An operator writes it.
    Op(OpId),
}

/// One operator: runs in one step, with all that it reads and writes in the scratchpad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// For people; unique within its graph, without white space.
    pub name: String,
    /// What it reads, each tensor once, in order of first mention.
    pub reads: Vec<TensorId>,
    /// What it writes, each tensor once.
    pub writes: Vec<TensorId>,
    /// Scratchpad bytes that it needs for itself while it runs.
    pub workspace: Bytes,
    /// Which of its results may take the place of which operands, each pair once, by result.
    pub in_place: Vec<InPlace>,
}

/// A result that may lie where an operand of the same size lies, if that operand dies with the
/// operator: see [`Problem::in_place`](crate::Problem::in_place).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// What the operator writes.
    pub result: TensorId,
    /// What it reads.
    pub operand: TensorId,
    /// In which orders the operand dies with the operator.
    pub dies: Dies,
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
    readers: Vec<Vec<OpId>>,
    is_result: Vec<bool>,
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

    /// The operators that read a tensor, in source order.
    pub fn readers(&self, id: TensorId) -> &[OpId] {
        &self.readers[id.index()]
    }

    /// The operator that writes a tensor; none for an argument.
    pub fn producer(&self, id: TensorId) -> Option<OpId> {
        match self.tensor(id).origin {
            Origin::Op(op) => Some(op),
            Origin::Argument | Origin::Weight => None,
        }
    }

    /// Whether an operator writes this tensor and host memory must have it at the end. An argument
    /// that is returned is there already: it is a result in name only, and not meant here.
    pub fn is_stored(&self, id: TensorId) -> bool {
        self.is_result[id.index()] && self.producer(id).is_some()
    }

    /// Whether host memory has a copy of this tensor as soon as it exists: it is an argument, or stored.
    /// Such a tensor leaves the scratchpad for free.
    pub fn has_host_copy(&self, id: TensorId) -> bool {
        self.producer(id).is_none() || self.is_stored(id)
    }

    /// The dependences: an edge from each operator to those that read what it writes, labelled
    /// with the tensor. Node *i* is operator *i*.
    pub fn dependences(&self) -> DiGraph<OpId, TensorId> {
        let mut dependences = DiGraph::with_capacity(self.ops.len(), self.tensors.len());
        let nodes: Vec<_> = self.op_ids().map(|op| dependences.add_node(op)).collect();
        for tensor in self.tensor_ids() {
            let Some(producer) = self.producer(tensor) else { continue };
            for reader in self.readers(tensor) {
                dependences.add_edge(nodes[producer.index()], nodes[reader.index()], tensor);
            }
        }
        dependences
    }
}

/// Builds a [`Graph`] operator by operator, in source order, so that no cycle can arise.
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    tensors: Vec<Tensor>,
    ops: Vec<Op>,
    results: Vec<TensorId>,
    in_place: Vec<(TensorId, TensorId)>,
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

    /// Adds an operator and the tensors that it writes; gives their ids in the order of `writes`.
    /// A tensor that is mentioned twice in `reads` is read once.
    pub fn op<N: Into<String>>(
        &mut self,
        name: impl Into<String>,
        reads: &[TensorId],
        writes: impl IntoIterator<Item = (N, Bytes)>,
        workspace: Bytes,
    ) -> Vec<TensorId> {
        let id = OpId(self.ops.len() as u32);
        let mut distinct: Vec<TensorId> = Vec::with_capacity(reads.len());
        for &tensor in reads {
            if !distinct.contains(&tensor) {
                distinct.push(tensor);
            }
        }
        let writes: Vec<TensorId> =
            writes.into_iter().map(|(name, size)| self.tensor(name.into(), size, Origin::Op(id))).collect();
        self.ops.push(Op {
            name: name.into(),
            reads: distinct,
            writes: writes.clone(),
            workspace,
            in_place: Vec::new(),
        });
        writes
    }

    /// Says that a result of an operator may take the place of an operand of the same size, once
    /// nobody else is to read that.
    pub fn in_place(&mut self, result: TensorId, operand: TensorId) {
        if !self.in_place.contains(&(result, operand)) {
            self.in_place.push((result, operand));
        }
    }

    /// All results and operands of one operator and one size.
    #[cfg(feature = "testing")]
    pub(crate) fn pairs_of_a_size(&self) -> Vec<(TensorId, TensorId)> {
        let size = |it: TensorId| self.tensors[it.index()].size;
        let pairs = self.ops.iter().flat_map(|op| op.writes.iter().flat_map(|it| op.reads.iter().map(|of| (*it, *of))));
        pairs.filter(|it| size(it.0) == size(it.1)).collect()
    }

    /// Says that host memory must have a tensor at the end. Saying it twice is saying it once.
    pub fn result(&mut self, tensor: TensorId) {
        if !self.results.contains(&tensor) {
            self.results.push(tensor);
        }
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
    /// workspaces together, four times over, must stay below 2⁶³ bytes. [`Error::InPlace`] where a
    /// result and an operand that it may take the place of are not of one operator and one size.
    pub fn build(mut self) -> Result<Graph, Error> {
        let sizes = self.tensors.iter().map(|it| it.size.0).chain(self.ops.iter().map(|it| it.workspace.0));
        let total: u128 = sizes.map(u128::from).sum();
        if total >= 1 << 61 {
            return Err(Error::TooLarge);
        }
        let mut readers = vec![Vec::new(); self.tensors.len()];
        for (index, op) in self.ops.iter().enumerate() {
            for tensor in &op.reads {
                readers[tensor.index()].push(OpId(index as u32));
            }
        }
        let mut is_result = vec![false; self.tensors.len()];
        for tensor in &self.results {
            is_result[tensor.index()] = true;
        }
        for (result, operand) in std::mem::take(&mut self.in_place) {
            let size = |it: TensorId| self.tensors.get(it.index()).map(|it| it.size);
            let op = self.tensors.get(result.index()).and_then(|it| match it.origin {
                Origin::Op(op) => Some(op),
                Origin::Argument | Origin::Weight => None,
            });
            let op = op.filter(|it| self.ops[it.index()].reads.contains(&operand) && size(result) == size(operand));
            let op = op.ok_or(Error::InPlace { result, operand })?;
            let dies = self.dies(op, &readers[operand.index()]);
            self.ops[op.index()].in_place.push(InPlace { result, operand, dies });
        }
        self.ops.iter_mut().for_each(|it| it.in_place.sort_by_key(|it| it.result));
        let GraphBuilder { tensors, ops, results, .. } = self;
        Ok(Graph { tensors, ops, results, readers, is_result })
    }

    /// In which orders one of a tensor's readers is the last.
    fn dies(&self, op: OpId, readers: &[OpId]) -> Dies {
        let is_before = |before: OpId, after: OpId| {
            // From `before` to `after` in the source.
            let mut seen = vec![false; after.index() + 1 - before.index()];
            let mut waiting = vec![after];
            while let Some(op) = waiting.pop() {
                for read in &self.ops[op.index()].reads {
                    // Nothing that comes earlier in the source depends on `before`.
                    if let Origin::Op(producer) = self.tensors[read.index()].origin
                        && before <= producer
                        && !std::mem::replace(&mut seen[producer.index() - before.index()], true)
                    {
                        waiting.push(producer);
                    }
                }
            }
            seen[0]
        };
        let mut others = readers.iter().filter(|it| **it != op);
        if others.clone().any(|it| op < *it && is_before(op, *it)) {
            Dies::Never
        } else if others.all(|it| *it < op && is_before(*it, op)) {
            Dies::Always
        } else {
            Dies::Sometimes
        }
    }

    fn tensor(&mut self, name: String, size: Bytes, origin: Origin) -> TensorId {
        let id = TensorId(self.tensors.len() as u32);
        self.tensors.push(Tensor { name, size, origin });
        id
    }
}
