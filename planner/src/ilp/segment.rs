//! A stretch of the order as a problem of its own.
//!
//! What lies where when the stretch begins and when it ends is given. It becomes part of the
//! problem: an operator *entry* that runs first, and an operator *exit* that runs last.
//!
//! | a tensor        | as the stretch begins                    | as it ends                         |
//! |-----------------|------------------------------------------|------------------------------------|
//! | here only       | *entry* writes it                        | *exit* reads it                    |
//! | here and in host memory | an argument that *entry* reads   | likewise, and it is stored         |
//! | in host memory  | an argument: it must come in to be read  | it is stored, and *exit* leaves it |
//!
//! Dependences of no size keep *entry* before, and *exit* behind all others.
//!
//! What an argument's first load and a store cost is counted as if it were compulsory, so these
//! constants are added, where they are not compulsory in truth.

use crate::{Bytes, GraphBuilder, InPlace, Machine, OpId, Outline, Problem, TensorId};
use std::ops::Range;

/// Where a tensor lies at a boundary between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lies {
    /// In the scratchpad, and nowhere else.
    Here,
    /// In the scratchpad, and host memory has a copy.
    Both,
    /// In host memory only.
    Host,
}

/// Where the tensors lie that cross a boundary, by tensor.
pub(super) type Boundary = Vec<(TensorId, Lies)>;

/// A stretch of the order as a problem of its own.
pub(super) struct Segment {
    pub problem: Problem,
    /// Non-compulsory traffic that the problem itself does not count.
    pub constant: Bytes,
    /// Per operator and tensor, that of the whole, if it is one of the whole.
    ops: Vec<Option<OpId>>,
    tensors: Vec<Option<TensorId>>,
}

impl Segment {
    /// The segment of some operators, in an order that respects the dependences.
    ///
    /// The boundaries name all tensors that cross them, mere dependences and streamed weights
    /// excepted. None if what is here at a boundary does not fit.
    pub(super) fn new(problem: &Problem, ops: &[OpId], entry: &Boundary, exit: &Boundary) -> Option<Segment> {
        Segment::with_order(problem, ops, 0..ops.len(), entry, exit)
    }

    /// Likewise, where only some of the operators may change places with each other, and the others
    /// run where they do.
    pub(super) fn with_order(
        problem: &Problem,
        ops: &[OpId],
        free: Range<usize>,
        entry: &Boundary,
        exit: &Boundary,
    ) -> Option<Segment> {
        let graph = &problem.graph;
        let capacity = problem.machine.scratchpad().align_up(problem.machine.alignment());
        for boundary in [entry, exit] {
            let here = boundary.iter().filter(|it| it.1 != Lies::Host);
            if capacity < here.map(|it| problem.room(it.0)).sum() {
                return None;
            }
        }
        let find = |boundary: &Boundary, tensor: TensorId| {
            boundary.binary_search_by_key(&tensor, |it| it.0).ok().map(|it| boundary[it].1)
        };
        let name = |tensor: TensorId| graph.tensor(tensor).name.clone();
        let size = |tensor: TensorId| graph.tensor(tensor).size;
        let mut builder = GraphBuilder::new();
        let mut constant = Bytes::ZERO;
        let mut new: Vec<Option<TensorId>> = vec![None; graph.tensors().len()];
        let mut segment_ops = Vec::new();
        let mut tensors: Vec<Option<TensorId>> = Vec::new();

        let mut begun_token = None;
        let mut done_tokens: Vec<TensorId> = Vec::new();

        // What has a host copy as the stretch begins.
        for &(tensor, _) in entry.iter().filter(|it| it.1 != Lies::Here) {
            new[tensor.index()] = Some(builder.argument(name(tensor), size(tensor)));
            tensors.push(Some(tensor));
        }
        if entry.iter().any(|it| it.1 != Lies::Host) {
            let of = |lies: Lies| entry.iter().filter(move |it| it.1 == lies).map(|it| it.0);
            let reads: Vec<TensorId> = of(Lies::Both).filter_map(|it| new[it.index()]).collect();
            let writes = of(Lies::Here).map(|it| (name(it), size(it)));
            let begun = [("begun".to_owned(), Bytes::ZERO)];
            let written = builder.op("entry", &reads, writes.chain(begun), Bytes::ZERO);
            begun_token = written.last().copied();
            for (tensor, id) in of(Lies::Here).zip(written) {
                new[tensor.index()] = Some(id);
                tensors.push(Some(tensor));
            }
            tensors.push(None);
            segment_ops.push(None);
        }
        let is_inside = |op: &OpId| ops.contains(op);
        for (index, &op) in ops.iter().enumerate() {
            let operator = graph.op(op);
            let mut reads = Vec::with_capacity(operator.reads.len());
            for tensor in operator.reads_on_chip() {
                // What was written before and is no more than a dependence is met.
                if new[tensor.index()].is_none() && graph.producer(tensor).is_some() {
                    continue;
                }
                reads.push(*new[tensor.index()].get_or_insert_with(|| {
                    tensors.push(Some(tensor));
                    builder.argument(name(tensor), size(tensor))
                }));
            }
            let depends = operator.reads_on_chip().filter_map(|it| graph.producer(it)).any(|it| is_inside(&it));
            reads.extend(begun_token.filter(|_| !depends));
            let is_last = !operator.writes.iter().flat_map(|it| graph.readers(*it)).any(is_inside);
            // What is not free waits for all before it, and what is free for all that is not.
            let waits_for = match free.contains(&index) {
                true => free.start.saturating_sub(1)..free.start,
                false => index.saturating_sub(free.len() + 1)..index,
            };
            reads.extend(done_tokens.get(waits_for).unwrap_or_default());
            let is_last = is_last || free != (0..ops.len());
            let writes = operator.writes.iter().map(|it| (name(*it), size(*it)));
            let done = is_last.then(|| (format!("done_{}", operator.name), Bytes::ZERO));
            let written = builder.op(&operator.name, &reads, writes.chain(done), operator.workspace);
            done_tokens.extend(written.last().filter(|_| is_last));
            for (&tensor, id) in operator.writes.iter().zip(written) {
                new[tensor.index()] = Some(id);
                tensors.push(Some(tensor));
                let stays_in_host = matches!(find(exit, tensor), Some(Lies::Both | Lies::Host));
                if graph.is_stored(tensor) || stays_in_host {
                    builder.result(id);
                }
                if !graph.is_stored(tensor) && stays_in_host {
                    constant += size(tensor);
                }
            }
            // What crosses the end is still to be read.
            let ends = |it: &&InPlace| find(exit, it.operand).is_none() && graph.readers(it.operand).contains(&op);
            operator.in_place.iter().filter(ends).for_each(|it| builder.carry_in_place(it, &new));
            tensors.extend(is_last.then_some(None));
            segment_ops.push(Some(op));
        }
        // What lay here only, and is in host memory at the end, is written back.
        for &(tensor, _) in entry.iter().filter(|it| it.1 == Lies::Here) {
            if matches!(find(exit, tensor), Some(Lies::Both | Lies::Host)) {
                builder.result(new[tensor.index()]?);
                constant += size(tensor);
            }
        }
        let here_at_exit = exit.iter().filter(|it| it.1 != Lies::Host);
        let mut reads: Vec<TensorId> = here_at_exit.map(|it| new[it.0.index()]).collect::<Option<_>>()?;
        if !reads.is_empty() {
            reads.extend(done_tokens);
            builder.op("exit", &reads, std::iter::empty::<(String, Bytes)>(), Bytes::ZERO);
            segment_ops.push(None);
        }
        debug_assert!(entry.iter().all(|it| it.1 != Lies::Here || !graph.has_host_copy(it.0)));
        let alignment = problem.machine.alignment();
        let machine = Machine::with_host(capacity, alignment);
        let problem = Problem { graph: builder.build().expect("no larger than the whole"), machine };
        // What was put out before comes in for the first time as far as this problem knows.
        for &(tensor, _) in entry.iter().filter(|it| it.1 == Lies::Host) {
            let id = new[tensor.index()]?;
            if !problem.graph.readers(id).is_empty() {
                constant += size(tensor);
            }
        }
        Some(Segment { problem, constant, ops: segment_ops, tensors })
    }

    /// The order of the segment's own problem that runs the operators as given.
    pub(super) fn order(&self, ops: &[OpId]) -> Vec<OpId> {
        let index = |op: &OpId| self.ops.iter().position(|it| *it == Some(*op)).expect("an operator of the segment");
        let mut order: Vec<OpId> = Vec::with_capacity(self.ops.len());
        if self.ops.first() == Some(&None) {
            order.push(OpId(0));
        }
        order.extend(ops.iter().map(|it| OpId(index(it) as u32)));
        if order.len() < self.ops.len() {
            order.push(OpId(self.ops.len() as u32 - 1));
        }
        order
    }

    /// An outline of the segment's own problem, as a part of the whole: the operators, what is kept
    /// of what lay here as the stretch began, and what is kept after each of them.
    pub(super) fn part(&self, outline: &Outline) -> Part {
        let kept = super::splice::kept(outline);
        let old = |kept: &Vec<TensorId>| kept.iter().filter_map(|it| self.tensors[it.index()]).collect();
        let mut part = Part::default();
        for (op, kept) in outline.order.iter().zip(&kept) {
            match self.ops[op.index()] {
                Some(op) => {
                    part.ops.push(op);
                    part.kept.push(old(kept));
                }
                None if part.ops.is_empty() => part.kept_before = old(kept),
                None => {}
            }
        }
        part
    }
}

/// Some operators of an outline, in order, and what is kept after each.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub ops: Vec<OpId>,
    pub kept: Vec<Vec<TensorId>>,
    /// What is kept between the step before and the first one.
    pub kept_before: Vec<TensorId>,
}
