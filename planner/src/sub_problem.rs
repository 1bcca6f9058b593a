//! A smaller problem derived from a larger one, the *whole*, and the way back.
//!
//! Each tensor of a sub-problem is a tensor of the whole. Each of its operators stands for operators of the whole:
//! usually one; several if operators are glued together; none if it stands for what comes before or after a range of
//! the order. Dependences among its operators are kept; the caller adds those through operators outside of it.

use crate::{Bytes, Cycles, GraphBuilder, InPlace, Machine, OpId, Origin, Problem, TensorId, Use};

/// A smaller problem, with the mapping between its ids and those of the whole.
pub(crate) struct SubProblem {
    pub problem: Problem,
    /// By operator: the operators of the whole that it stands for.
    members: Vec<Vec<OpId>>,
    /// By operator of the whole.
    own_ops: Vec<Option<OpId>>,
    /// By tensor: the tensor of the whole.
    tensors: Vec<TensorId>,
    /// By tensor of the whole.
    own_tensors: Vec<Option<TensorId>>,
}

impl SubProblem {
    /// The operators of the whole that one stands for, in execution order.
    pub fn members(&self, op: OpId) -> &[OpId] {
        &self.members[op.index()]
    }

    /// The operator that stands for one of the whole, possibly among others.
    pub fn own_op(&self, op: OpId) -> Option<OpId> {
        self.own_ops[op.index()]
    }

    /// The tensor of the whole for one of the sub-problem.
    pub fn tensor(&self, tensor: TensorId) -> TensorId {
        self.tensors[tensor.index()]
    }

    /// The tensor of the sub-problem for one of the whole.
    pub fn own_tensor(&self, tensor: TensorId) -> Option<TensorId> {
        self.own_tensors[tensor.index()]
    }
}

/// Builds a [`SubProblem`] operator by operator, in an order that respects its dependences. Tensors keep their names.
pub(crate) struct SubProblemBuilder<'a> {
    whole: &'a Problem,
    graph: GraphBuilder,
    members: Vec<Vec<OpId>>,
    own_ops: Vec<Option<OpId>>,
    tensors: Vec<TensorId>,
    own_tensors: Vec<Option<TensorId>>,
}

impl SubProblemBuilder<'_> {
    /// An empty sub-problem.
    pub fn new(whole: &Problem) -> SubProblemBuilder<'_> {
        SubProblemBuilder {
            whole,
            graph: GraphBuilder::new(),
            members: Vec::new(),
            own_ops: vec![None; whole.graph.ops().len()],
            tensors: Vec::new(),
            own_tensors: vec![None; whole.graph.tensors().len()],
        }
    }

    /// Whether a tensor was added.
    #[cfg(feature = "ilp")]
    pub fn has(&self, tensor: TensorId) -> bool {
        self.own_tensors[tensor.index()].is_some()
    }

    /// Adds a tensor that is in host memory from the start, unless it was added before. A staged tensor can be added in
    /// this way; its first load counts as compulsory then, and edges say what must run before its readers.
    pub fn argument(&mut self, tensor: TensorId) -> TensorId {
        if let Some(own) = self.own_tensors[tensor.index()] {
            return own;
        }
        let crate::Tensor { name, size, origin, keep, starts_on_chip, .. } = self.whole.graph.tensor(tensor);
        let own = match origin {
            Origin::Weight => self.graph.weight(name, *size),
            Origin::Argument | Origin::Staged | Origin::Op(_) => self.graph.argument(name, *size),
        };
        self.graph.keep(own, *keep);
        if *starts_on_chip {
            self.graph.starts_on_chip(own);
        }
        self.add(tensor, own);
        own
    }

    /// Adds a tensor that is staged in the whole, unless it was added before.
    ///
    /// # Panics
    /// If one of its parts was not added.
    pub fn staged(&mut self, tensor: TensorId) {
        if self.own_tensors[tensor.index()].is_some() {
            return;
        }
        let part = |it: &TensorId| self.own_tensors[it.index()].expect("a part is written before it is read");
        let parts: Vec<TensorId> = self.whole.graph.parts(tensor).iter().map(part).collect();
        let crate::Tensor { name, size, .. } = self.whole.graph.tensor(tensor);
        let own = self.graph.staged(name, *size, &parts);
        self.add(tensor, own);
    }

    /// Maps a tensor of the whole to its own, with the same pin.
    fn add(&mut self, tensor: TensorId, own: TensorId) {
        self.tensors.push(tensor);
        self.own_tensors[tensor.index()] = Some(own);
        if let Some(at) = self.whole.graph.tensor(tensor).pin {
            self.graph.pin(own, at);
        }
    }

    /// Adds an operator that stands for these of the whole, after those that they depend on. Operands that were not
    /// added become arguments.
    pub fn op(
        &mut self,
        name: &str,
        members: &[OpId],
        reads: impl IntoIterator<Item = Use>,
        writes: &[TensorId],
        workspace: Bytes,
    ) -> OpId {
        let graph = &self.whole.graph;
        let reads: Vec<Use> =
            reads.into_iter().map(|it| Use { tensor: self.argument(it.tensor), from: it.from }).collect();
        let named = writes.iter().map(|it| (graph.tensor(*it).name.clone(), graph.tensor(*it).size));
        let written = self.graph.op_with_uses(name, &reads, named, workspace);
        writes.iter().zip(written).for_each(|(tensor, own)| self.add(*tensor, own));
        let op = OpId(self.members.len() as u32);
        let predecessors = members.iter().flat_map(|it| graph.predecessors(*it));
        for own in predecessors.filter_map(|it| self.own_ops[it.index()]).collect::<Vec<_>>() {
            self.order(own, op);
        }
        members.iter().for_each(|it| self.own_ops[it.index()] = Some(op));
        self.members.push(members.to_vec());
        op
    }

    /// Makes an operator of the sub-problem run before another one, unless that follows from what they read and write.
    pub fn order(&mut self, before: OpId, after: OpId) {
        if !self.graph.reads_from(after, before) {
            self.graph.order(before, after);
        }
    }

    /// Makes a tensor a result, which must be in host memory at the end.
    ///
    /// # Panics
    /// If it was not added.
    #[cfg(feature = "ilp")]
    pub fn result(&mut self, tensor: TensorId) {
        self.graph.result(self.own_tensors[tensor.index()].expect("a result of the sub-problem is in it"));
    }

    /// Makes the tensors that are results of the whole results, if they were added.
    pub fn results(&mut self) {
        let results = self.whole.graph.results().iter();
        results.filter_map(|it| self.own_tensors[it.index()]).for_each(|it| self.graph.result(it));
    }

    /// Makes the tensors that end in the scratchpad in the whole do so here, if they were added.
    pub fn ends(&mut self) {
        let ends = self.whole.graph.tensor_ids().filter(|it| self.whole.graph.tensor(*it).ends_on_chip);
        ends.filter_map(|it| self.own_tensors[it.index()]).for_each(|it| self.graph.ends_on_chip(it));
    }

    /// Allows an operator of the sub-problem to run more than once.
    pub fn may_rerun(&mut self, op: OpId) {
        self.graph.may_rerun(op);
    }

    /// Sets the compute time of an operator of the sub-problem.
    pub fn time(&mut self, op: OpId, macs: Option<u64>, cycles: Option<Cycles>) {
        macs.into_iter().for_each(|it| self.graph.macs(op, it));
        cycles.into_iter().for_each(|it| self.graph.cycles(op, it));
    }

    /// Allows a result and an operand to share bytes as in the whole, if both were added.
    pub fn in_place(&mut self, pair: &InPlace) {
        let own = |it: TensorId| self.own_tensors[it.index()];
        if let (Some(result), Some(operand)) = (own(pair.result), own(pair.operand)) {
            self.graph.in_place_at(result, operand, pair.at());
        }
    }

    /// Removes all pins, which is a relaxation: for bounds, and where addresses are assigned later.
    #[cfg(feature = "ilp")]
    pub fn without_pins(&mut self) {
        self.graph.clear_pins();
    }

    /// The sub-problem on a machine.
    pub fn build(self, machine: Machine) -> SubProblem {
        let graph = self.graph.build().expect("no larger than the whole");
        SubProblem {
            problem: Problem { graph, machine },
            members: self.members,
            own_ops: self.own_ops,
            tensors: self.tensors,
            own_tensors: self.own_tensors,
        }
    }

    /// The sub-problem on a machine whose scratchpad has the capacity of the whole's, for sums of padded sizes, without
    /// pins.
    #[cfg(feature = "ilp")]
    pub fn build_by_rooms(mut self) -> SubProblem {
        self.without_pins();
        let machine = Machine::with_host(self.whole.capacity(), self.whole.machine.alignment());
        self.build(machine)
    }
}

#[cfg(test)]
mod tests {
    use super::SubProblemBuilder;
    use crate::{Bytes, OpId, Problem, TensorId};

    #[test]
    fn dependences_stay_and_ids_lead_back() {
        let text = "machine scratchpad 64 alignment 1 weights resident
             argument x 1
             op a: x -> p 2
             op b: p -> q 3
             op c: -> r 4
             op d: q r -> s 5
             order b c
             return s";
        let whole: Problem = text.parse().expect("a problem");
        let ops: Vec<OpId> = whole.graph.op_ids().collect();
        let mut builder = SubProblemBuilder::new(&whole);
        for &op in &ops[1..] {
            let it = whole.graph.op(op);
            builder.op(&it.name, &[op], it.reads.iter().copied(), &it.writes, Bytes::ZERO);
        }
        builder.results();
        let part = builder.build(whole.machine.clone());
        let expected = "machine scratchpad 64 alignment 1 weights resident
argument p 2
op b: p -> q 3
op c: -> r 4
op d: q r -> s 5
order b c
return s
";
        assert_eq!(part.problem.to_string(), expected);
        assert_eq!(part.members(OpId(0)), [ops[1]]);
        assert_eq!((0..4).map(|it| part.tensor(TensorId(it)).0).collect::<Vec<_>>(), [1, 2, 3, 4]);
        #[cfg(feature = "ilp")]
        {
            assert_eq!(part.own_tensors, [None, Some(0), Some(1), Some(2), Some(3)].map(|it| it.map(TensorId)));
            assert_eq!(part.own_ops, [None, Some(0), Some(1), Some(2)].map(|it| it.map(OpId)));
        }
    }
}
