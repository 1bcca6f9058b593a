//! The backbone: operators that run in the same order in every schedule.

use crate::ilp::precedence::direct;
use crate::{Bytes, OpId, Problem};

/// A chain of dependences.
pub(super) struct Backbone {
    /// Its operators, from first to last.
    pub ops: Vec<OpId>,
    /// By operator of the problem: its index in the chain, if it is on it.
    place: Vec<Option<usize>>,
}

impl Backbone {
    /// The chain with the largest sum of its operators' tensors.
    pub(super) fn of(problem: &Problem) -> Backbone {
        let graph = &problem.graph;
        let mut best: Vec<(u64, Option<OpId>)> = Vec::new();
        for op in graph.op_ids() {
            // The best predecessor is a direct one: any other has a better one after it.
            let from = direct(problem, op).into_iter().max_by_key(|it| best[it.index()].0);
            best.push((own(problem, op).0 + 1 + from.map_or(0, |it| best[it.index()].0), from));
        }
        let mut ops = Vec::new();
        let mut next = graph.op_ids().max_by_key(|it| best[it.index()].0);
        while let Some(op) = next {
            ops.push(op);
            next = best[op.index()].1;
        }
        ops.reverse();
        let mut place = vec![None; graph.ops().len()];
        ops.iter().enumerate().for_each(|(index, op)| place[op.index()] = Some(index));
        Backbone { ops, place }
    }

    pub(super) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(super) fn place(&self, op: OpId) -> Option<usize> {
        self.place[op.index()]
    }
}

/// The least padded size that an operator needs.
pub(super) fn own(problem: &Problem, op: OpId) -> Bytes {
    problem.own_room(op) - problem.saved_at_most(op)
}
