//! A smaller problem with the same optimum, and the way back.

use super::glue::{Glued, glue, unglued};
use super::precedence::Precedence;
use super::{Reductions, formula::mended, splice, twins};
use crate::{Deadline, OpId, Outline, Problem, TensorId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A problem after [`glue`](super::glue) and [`twins`], without streamed weights.
pub(super) struct Reduced<'a> {
    original: &'a Problem,
    glued: Glued,
    ordered: Option<Problem>,
    pub precedence: Precedence,
}

impl Reduced<'_> {
    /// `None` if the deadline passes first, or if the problem is too large.
    pub(super) fn new<'a>(problem: &'a Problem, reductions: Reductions, deadline: Deadline) -> Option<Reduced<'a>> {
        let glued = if reductions.glue { glue(problem, deadline)? } else { unglued(problem) };
        let ordered = reductions.twins.then(|| twins::ordered(&glued.part.problem));
        let precedence = Precedence::of(ordered.as_ref().unwrap_or(&glued.part.problem), deadline)?;
        Some(Reduced { original: problem, glued, ordered, precedence })
    }

    /// The smaller problem.
    pub(super) fn problem(&self) -> &Problem {
        self.ordered.as_ref().unwrap_or(&self.glued.part.problem)
    }

    /// An order of the smaller problem that is close to one of the original.
    pub(super) fn nearest_order(&self, order: &[OpId]) -> Vec<OpId> {
        let mut position = vec![0; order.len()];
        order.iter().enumerate().for_each(|(step, op)| position[op.index()] = step);
        let graph = &self.problem().graph;
        let position = |op: OpId| (Reverse(position[self.glued.part.members(op)[0].index()]), Reverse(op));
        // Among the ready operators, the one that comes first in the original's order.
        let mut n_missing: Vec<usize> = graph.op_ids().map(|op| graph.predecessors(op).len()).collect();
        let mut ready: BinaryHeap<_> = graph.op_ids().filter(|it| n_missing[it.index()] == 0).map(position).collect();
        let mut nearest = Vec::with_capacity(n_missing.len());
        while let Some((_, Reverse(op))) = ready.pop() {
            nearest.push(op);
            for &next in graph.successors(op) {
                n_missing[next.index()] -= 1;
                if n_missing[next.index()] == 0 {
                    ready.push(position(next));
                }
            }
        }
        nearest
    }

    /// An outline of the smaller problem that is close to one of the original, and fits.
    pub(super) fn nearest(&self, outline: &Outline) -> Outline {
        let order = self.nearest_order(&outline.order);
        let kept = splice::kept(outline);
        let mut step_of = vec![0; outline.order.len()];
        outline.order.iter().enumerate().for_each(|(step, op)| step_of[op.index()] = step);
        let mut is_kept = vec![false; self.original.graph.tensors().len()];
        let own: Vec<TensorId> = self.problem().graph.tensor_ids().collect();
        let mut nearest = Vec::with_capacity(order.len());
        for &op in &order {
            let last = self.glued.part.members(op).last().expect("an operator stands for one at least");
            let kept = &kept[step_of[last.index()]];
            kept.iter().for_each(|it| is_kept[it.index()] = true);
            let keeps = |it: &TensorId| is_kept[self.tensor(*it).index()];
            nearest.push(own.iter().copied().filter(keeps).collect());
            kept.iter().for_each(|it| is_kept[it.index()] = false);
        }
        mended(self.problem(), order, &nearest)
    }

    /// The tensor of the original for one of the smaller problem.
    pub(super) fn tensor(&self, tensor: TensorId) -> TensorId {
        self.glued.part.tensor(tensor)
    }

    /// The outline of the original for one of the smaller problem.
    pub(super) fn expand(&self, outline: &Outline) -> Outline {
        let (order, kept) = self.glued.expand(self.original, &outline.order, &splice::kept(outline));
        mended(self.original, order, &kept)
    }
}
