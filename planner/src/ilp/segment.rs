//! A range of the order as a problem of its own.
//!
//! The places of tensors at its start and at its end are given. They become part of the problem: an operator *entry*
//! runs first, and an operator *exit* runs last.
//!
//! | a tensor        | as the stretch begins                    | as it ends                         |
//! |-----------------|------------------------------------------|------------------------------------|
//! | here only       | *entry* writes it                        | *exit* reads it                    |
//! | here and in host memory | an argument that *entry* reads   | likewise, and it is stored         |
//! | in host memory  | an argument: it must come in to be read  | it is stored, and *exit* leaves it |
//!
//! Edges keep *entry* before and *exit* after all others.
//!
//! The first load of an argument and a store count as compulsory there, so those that are not compulsory in the whole
//! are added as a constant.

use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{Bytes, InPlace, MemoryId, OpId, Outline, Problem, TensorId, Use};
use std::ops::Range;

/// The place of a tensor at a boundary between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lies {
    /// In the scratchpad only.
    Here,
    /// In the scratchpad, with a copy in host memory.
    Both,
    /// In host memory only.
    Host,
}

/// The places of the tensors that cross a boundary, by tensor.
pub(super) type Boundary = Vec<(TensorId, Lies)>;

/// A range of the order as a problem of its own.
pub(super) struct Segment {
    pub part: SubProblem,
    /// Non-compulsory traffic that the problem does not count.
    pub constant: Bytes,
}

impl Segment {
    /// The segment of some operators, in an order that respects the dependences.
    ///
    /// The boundaries contain all tensors that cross them, except those without bytes and streamed weights. `None` if
    /// the tensors in the scratchpad at a boundary do not fit.
    pub(super) fn new(problem: &Problem, ops: &[OpId], entry: &Boundary, exit: &Boundary) -> Option<Segment> {
        Segment::with_order(problem, ops, 0..ops.len(), entry, exit)
    }

    /// The same if only some of the operators may change places, and the others stay in order.
    pub(super) fn with_order(
        problem: &Problem,
        ops: &[OpId],
        free: Range<usize>,
        entry: &Boundary,
        exit: &Boundary,
    ) -> Option<Segment> {
        let graph = &problem.graph;
        for boundary in [entry, exit] {
            let here = boundary.iter().filter(|it| it.1 != Lies::Host);
            if problem.capacity() < here.map(|it| problem.room(it.0)).sum() {
                return None;
            }
        }
        let find = |boundary: &Boundary, tensor: TensorId| {
            boundary.binary_search_by_key(&tensor, |it| it.0).ok().map(|it| boundary[it].1)
        };
        let is_in_host_at_exit = |tensor: TensorId| matches!(find(exit, tensor), Some(Lies::Both | Lies::Host));
        let size = |tensor: TensorId| graph.tensor(tensor).size;
        let mut builder = SubProblemBuilder::new(problem);
        let mut constant = Bytes::ZERO;

        // Tensors with a host copy at the start.
        entry.iter().filter(|it| it.1 != Lies::Here).for_each(|it| _ = builder.argument(it.0));
        let entry_op = entry.iter().any(|it| it.1 != Lies::Host).then(|| {
            let of = |lies: Lies| entry.iter().filter(move |it| it.1 == lies).map(|it| it.0);
            let writes: Vec<TensorId> = of(Lies::Here).collect();
            builder.op("entry", &[], of(Lies::Both).map(Use::from), &writes, Bytes::ZERO)
        });
        let mut is_inside = vec![false; graph.ops().len()];
        ops.iter().for_each(|it| is_inside[it.index()] = true);
        let mut own_ops: Vec<OpId> = Vec::with_capacity(ops.len());
        for (index, &op) in ops.iter().enumerate() {
            let operator = graph.op(op);
            // An earlier result that does not cross the boundary has no bytes.
            let is_there = |it: &&Use| {
                it.from.contains(MemoryId::SCRATCHPAD)
                    && (builder.has(it.tensor) || graph.producer(it.tensor).is_none())
            };
            let reads: Vec<Use> = operator.reads.iter().filter(is_there).copied().collect();
            let own = builder.op(&operator.name, &[op], reads, &operator.writes, operator.workspace);
            let is_first = !graph.predecessors(op).iter().any(|it| is_inside[it.index()]);
            entry_op.iter().filter(|_| is_first).for_each(|it| builder.order(*it, own));
            // A fixed operator waits for all before it, and a free one for all fixed ones before it.
            let waits_for = match free.contains(&index) {
                true => free.start.saturating_sub(1)..free.start,
                false => index.saturating_sub(free.len() + 1)..index,
            };
            own_ops[waits_for].iter().for_each(|it| builder.order(*it, own));
            own_ops.push(own);
            for &tensor in &operator.writes {
                if graph.is_written_back(tensor) || is_in_host_at_exit(tensor) {
                    builder.result(tensor);
                }
                if !graph.is_written_back(tensor) && is_in_host_at_exit(tensor) {
                    constant += size(tensor);
                }
            }
            // A tensor that crosses the end is still to be read.
            let ends = |it: &&InPlace| find(exit, it.operand).is_none() && graph.readers(it.operand).contains(&op);
            operator.in_place.iter().filter(ends).for_each(|it| builder.in_place(it));
        }
        // A tensor only in the scratchpad at the start, and in host memory at the end, is written back.
        for &(tensor, _) in entry.iter().filter(|it| it.1 == Lies::Here && is_in_host_at_exit(it.0)) {
            builder.result(tensor);
            constant += size(tensor);
        }
        let here_at_exit: Vec<TensorId> = exit.iter().filter(|it| it.1 != Lies::Host).map(|it| it.0).collect();
        if !here_at_exit.iter().all(|it| builder.has(*it)) {
            return None;
        }
        if !here_at_exit.is_empty() {
            let exit_op = builder.op("exit", &[], here_at_exit.into_iter().map(Use::from), &[], Bytes::ZERO);
            let is_last = |op: &OpId| !graph.successors(*op).iter().any(|it| is_inside[it.index()]);
            let is_whole = free == (0..ops.len());
            let last = ops.iter().zip(&own_ops).filter(|(op, _)| !is_whole || is_last(op));
            last.for_each(|(_, own)| builder.order(*own, exit_op));
        }
        debug_assert!(entry.iter().all(|it| it.1 != Lies::Here || !graph.has_host_copy(it.0)));
        let part = builder.build_by_rooms();
        // A tensor that was evicted earlier counts as loaded for the first time in this problem.
        for &(tensor, _) in entry.iter().filter(|it| it.1 == Lies::Host) {
            if !part.problem.graph.readers(part.own_tensor(tensor)?).is_empty() {
                constant += size(tensor);
            }
        }
        Some(Segment { part, constant })
    }

    /// The order of the segment's own problem that runs the operators as given.
    pub(super) fn order(&self, ops: &[OpId]) -> Vec<OpId> {
        let is_boundary = |it: &OpId| self.part.members(*it).is_empty();
        let mut order: Vec<OpId> = self.part.problem.graph.op_ids().take(1).filter(is_boundary).collect();
        order.extend(ops.iter().map(|it| self.part.own_op(*it).expect("an operator of the segment")));
        order.extend(self.part.problem.graph.op_ids().skip(order.len()));
        order
    }

    /// Converts an outline of the segment's own problem to a part of the whole: the operators, the tensors kept from
    /// the start, and the tensors kept after each operator.
    pub(super) fn part_of_whole(&self, outline: &Outline) -> Part {
        let kept = super::splice::kept(outline);
        let old = |kept: &Vec<TensorId>| kept.iter().map(|it| self.part.tensor(*it)).collect();
        let mut part = Part::default();
        for (op, kept) in outline.order.iter().zip(&kept) {
            match self.part.members(*op).first() {
                Some(op) => {
                    part.ops.push(*op);
                    part.kept.push(old(kept));
                }
                None if part.ops.is_empty() => part.kept_before = old(kept),
                None => {}
            }
        }
        part
    }
}

/// Some operators of an outline, in order, and the tensors kept after each.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub ops: Vec<OpId>,
    pub kept: Vec<Vec<TensorId>>,
    /// The tensors kept between the step before and the first one.
    pub kept_before: Vec<TensorId>,
}
