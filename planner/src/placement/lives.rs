//! The tensors that need space at the same time: in the steps of an order, or in any order.

use super::Accesses;
use crate::reach::Reach;
use crate::{Bytes, Deadline, Dies, InPlace, MemoryId, OpId, Origin, Problem, TensorId};
use std::ops::Range;

/// Rows: moments at which some tensors are live. For a given order they are its steps.
#[derive(Clone, Debug)]
pub(crate) struct Lives {
    /// The number of rows.
    pub n_rows: usize,
    /// By tensor: the rows in which it is live, ascending, disjoint and not empty.
    pub rows: Vec<Vec<Range<u32>>>,
    /// By row: the workspace in the scratchpad.
    pub workspaces: Vec<Bytes>,
    /// The pairs of results and operands that may share bytes if they lie in one memory, each with its row.
    pub pairs: Vec<(u32, InPlace)>,
}

/// The padded sizes of tensors and the capacities of memories.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    /// By memory; `None` for one without addresses.
    pub memories: Vec<Option<Room>>,
}

/// A memory with addresses, in units of its alignment.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// By tensor: its size.
    pub units: Vec<u64>,
    /// By row: the capacity without the workspace.
    pub capacity: Vec<u64>,
}

impl Lives {
    /// The lifetimes in an order of all operators, whose steps are the rows.
    pub fn in_order(problem: &Problem, order: &[OpId]) -> Lives {
        let graph = &problem.graph;
        let n_rows = order.len().max(1) as u32;
        let mut step_of = vec![0; graph.ops().len()];
        (0..).zip(order).for_each(|(step, op)| step_of[op.index()] = step);
        // All uses count, since their memories are ignored.
        let mut last: Vec<Option<u32>> = vec![None; graph.tensors().len()];
        for op in graph.op_ids() {
            for read in &graph.op(op).reads {
                let last = &mut last[read.tensor.index()];
                *last = (*last).max(Some(step_of[op.index()]));
            }
        }
        let is_result = is_result(problem);
        let steps = |tensor: TensorId| {
            let (last, is_result) = (last[tensor.index()], is_result[tensor.index()]);
            let is_needed = last.is_some() || is_result || graph.producer(tensor).is_some();
            let start = graph.producer(tensor).map_or(0, |it| step_of[it.index()]);
            let end = match graph.tensor(tensor).origin {
                _ if is_result => n_rows,
                Origin::Weight => n_rows,
                Origin::Argument | Origin::Staged | Origin::Op(_) => last.map_or(start, |it| it.max(start)) + 1,
            };
            if is_needed { std::iter::once(start..end).collect() } else { Vec::new() }
        };
        let rows: Vec<Vec<Range<u32>>> = graph.tensor_ids().map(steps).collect();
        let mut pairs = Vec::new();
        for (step, op) in (0..).zip(order) {
            let dies = |it: &&InPlace| {
                let operand = it.operand.index();
                may_give_place(problem, it, &is_result) && last[operand] == Some(step)
            };
            pairs.extend(graph.op(*op).in_place.iter().filter(dies).map(|it| (step, *it)));
        }
        let mut workspaces: Vec<Bytes> = order.iter().map(|it| graph.op(*it).workspace).collect();
        workspaces.resize(n_rows as usize, Bytes::ZERO);
        Lives { n_rows: n_rows as usize, rows, workspaces, pairs }
    }

    /// The tensors that are live at the same time in every order. The rows are: before the first operator, while each
    /// operator runs, and after the last one. In the row of an operator, these are the tensors that exist by then in
    /// every order and are still to be read.
    pub fn in_any_order(problem: &Problem, deadline: Deadline) -> Lives {
        let graph = &problem.graph;
        let n_ops = graph.ops().len();
        let n_rows = n_ops + 2;
        let before = Reach::ancestors(graph, deadline);
        let after = Reach::descendants(graph, deadline);
        let is_result = is_result(problem);
        let n_words = n_ops.div_ceil(64);
        let all = || vec![!0_u64; n_words];
        let set = |words: &mut Vec<u64>, op: OpId| words[op.index() / 64] |= 1 << (op.index() % 64);
        let rows = |tensor: TensorId| {
            let origin = graph.tensor(tensor).origin;
            let readers = graph.readers(tensor);
            let is_result = is_result[tensor.index()];
            let producer = graph.producer(tensor);
            if producer.is_none() && readers.is_empty() && !is_result {
                return Vec::new();
            }
            if origin == Origin::Weight || producer.is_none() && is_result {
                return std::iter::once(0..n_rows as u32).collect();
            }
            let mut exists = producer.map_or_else(all, |it| row(after.as_ref(), it, n_words));
            let mut is_needed = if is_result { all() } else { vec![0; n_words] };
            for reader in readers {
                let of_reader = row(before.as_ref(), *reader, n_words);
                is_needed.iter_mut().zip(of_reader).for_each(|(all, own)| *all |= own);
            }
            exists.iter_mut().zip(&is_needed).for_each(|(own, other)| *own &= other);
            graph.touches(tensor).for_each(|it| set(&mut exists, it));
            let mut rows: Vec<Range<u32>> = Vec::new();
            let ops = (0..n_ops).filter(|it| exists[it / 64] & (1 << (it % 64)) != 0).map(|it| it as u32 + 1);
            let start = producer.is_none().then_some(0);
            let end = is_result.then_some(n_rows as u32 - 1);
            for row in start.into_iter().chain(ops).chain(end) {
                match rows.last_mut() {
                    Some(last) if last.end == row => last.end = row + 1,
                    _ => rows.push(row..row + 1),
                }
            }
            rows
        };
        let rows = graph.tensor_ids().map(rows).collect();
        let mut workspaces = vec![Bytes::ZERO; n_rows];
        let mut pairs = Vec::new();
        for op in graph.op_ids() {
            workspaces[op.index() + 1] = graph.op(op).workspace;
            let may = |it: &&InPlace| may_give_place(problem, it, &is_result) && it.dies != Dies::Never;
            pairs.extend(graph.op(op).in_place.iter().filter(may).map(|it| (op.0 + 1, *it)));
        }
        Lives { n_rows, rows, workspaces, pairs }
    }

    /// The same without the space of the inner tensor of each possible pair in the row of the pair: a valid relaxation.
    pub fn without_inner(&self, problem: &Problem, accesses: &Accesses) -> Vec<Vec<Range<u32>>> {
        let mut rows = self.rows.clone();
        for (row, pair) in &self.pairs {
            let may_lie = |it: TensorId, memory: MemoryId| accesses.options[it.index()].iter().any(|it| it.0 == memory);
            let is_possible = (0..problem.machine.memories().len() as u32)
                .map(MemoryId)
                .any(|it| may_lie(pair.result, it) && may_lie(pair.operand, it) && is_aligned(problem, pair, it));
            if is_possible {
                let own = &mut rows[pair.inner().index()];
                *own = own.iter().flat_map(|it| [it.start..it.end.min(*row), it.start.max(row + 1)..it.end]).collect();
                own.retain(|it| it.start < it.end);
            }
        }
        rows
    }
}

impl Rooms {
    /// For the rows of these lives.
    pub fn of(problem: &Problem, lives: &Lives) -> Rooms {
        let room = |(index, memory): (usize, &crate::Memory)| {
            memory.size?;
            let Bytes(alignment) = memory.alignment;
            let units = |Bytes(size): Bytes| size.div_ceil(alignment);
            let all: u64 = memory.stretches().into_iter().map(|it| units(it.end - it.start)).sum();
            let workspace = |it: &Bytes| if index == MemoryId::SCRATCHPAD.index() { units(*it) } else { 0 };
            Some(Room {
                units: problem.graph.tensors().iter().map(|it| units(it.size)).collect(),
                capacity: lives.workspaces.iter().map(|it| all.saturating_sub(workspace(it))).collect(),
            })
        };
        Rooms { memories: problem.machine.memories().iter().enumerate().map(room).collect() }
    }
}

/// Whether a part begins at a multiple of a memory's alignment.
pub(crate) fn is_aligned(problem: &Problem, pair: &InPlace, memory: MemoryId) -> bool {
    pair.at().0.is_multiple_of(problem.machine.memories()[memory.index()].alignment.0)
}

fn is_result(problem: &Problem) -> Vec<bool> {
    let mut is_result = vec![false; problem.graph.tensors().len()];
    problem.graph.results().iter().for_each(|it| is_result[it.index()] = true);
    is_result
}

/// Whether an operand may be overwritten at all once nothing reads it any more, and something reads the result.
fn may_give_place(problem: &Problem, pair: &InPlace, is_result: &[bool]) -> bool {
    let tensor = |it: TensorId| problem.graph.tensor(it);
    let is_kept = tensor(pair.operand).origin == Origin::Weight || is_result[pair.operand.index()];
    !is_kept && tensor(pair.inner()).size != Bytes::ZERO
}

/// The operators that an operator reaches, as a bit set; empty if unknown.
fn row(reach: Option<&Reach>, op: OpId, n_words: usize) -> Vec<u64> {
    reach.map_or_else(|| vec![0; n_words], |it| it.row(op.index()).to_vec())
}
