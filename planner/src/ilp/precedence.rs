//! The precedence between operators, and the steps in which each can run.

use crate::reach::Reach;
use crate::{Deadline, OpId, Problem};
use std::ops::RangeInclusive;

/// The transitive closure of a problem's dependences.
pub(super) struct Precedence {
    ancestors: Reach,
    descendants: Reach,
    n_ancestors: Vec<usize>,
    n_descendants: Vec<usize>,
}

impl Precedence {
    /// `None` if the deadline passes first, or if it would be too large: see [`Reach::of`].
    pub(super) fn of(problem: &Problem, deadline: Deadline) -> Option<Precedence> {
        let ancestors = Reach::ancestors(&problem.graph, deadline)?;
        Some(Precedence::from(ancestors, Reach::descendants(&problem.graph, deadline)?))
    }

    /// The same with source order as the only order.
    pub(super) fn of_source(problem: &Problem, deadline: Deadline) -> Option<Precedence> {
        let n_ops = problem.graph.ops().len();
        let ancestors = Reach::of(n_ops, 0..n_ops, |op| op.checked_sub(1).into_iter(), deadline)?;
        let following = |op: usize| Some(op + 1).filter(|it| *it < n_ops).into_iter();
        Some(Precedence::from(ancestors, Reach::of(n_ops, (0..n_ops).rev(), following, deadline)?))
    }

    fn from(ancestors: Reach, descendants: Reach) -> Precedence {
        let count = |reach: &Reach| -> Vec<usize> {
            let size = |op| reach.row(op).iter().map(|word| word.count_ones() as usize).sum();
            (0..reach.n_ops()).map(size).collect()
        };
        let (n_ancestors, n_descendants) = (count(&ancestors), count(&descendants));
        Precedence { ancestors, descendants, n_ancestors, n_descendants }
    }

    /// Whether `before` runs before `after` in every order.
    pub(super) fn is_before(&self, before: OpId, after: OpId) -> bool {
        self.ancestors.contains(after.index(), before.index())
    }

    /// All operators that run before each operator.
    pub(super) fn ancestors(&self) -> &Reach {
        &self.ancestors
    }

    /// All operators that run after each operator.
    pub(super) fn descendants(&self) -> &Reach {
        &self.descendants
    }

    /// The steps in which an operator can run, given the numbers of its predecessors and successors.
    pub(super) fn window(&self, op: OpId) -> RangeInclusive<usize> {
        let n_ops = self.n_ancestors.len();
        self.n_ancestors[op.index()]..=n_ops - 1 - self.n_descendants[op.index()]
    }

    /// Whether there is only one order.
    pub(super) fn is_total(&self) -> bool {
        (0..self.n_ancestors.len()).all(|it| self.is_pivot(OpId(it as u32)))
    }

    /// Whether an operator is ordered against all others, and so runs in the same step of every order.
    pub(super) fn is_pivot(&self, op: OpId) -> bool {
        self.n_ancestors[op.index()] + self.n_descendants[op.index()] + 1 == self.n_ancestors.len()
    }

    /// The dependences that others do not imply, by operator, then by predecessor.
    pub(super) fn reduced(&self, problem: &Problem) -> Vec<(OpId, OpId)> {
        let mut edges = Vec::new();
        for op in problem.graph.op_ids() {
            let direct = direct(problem, op);
            let follows = |it: &OpId| direct.iter().any(|other| self.is_before(*it, *other));
            edges.extend(direct.iter().filter(|it| !follows(it)).map(|it| (*it, op)));
        }
        edges
    }
}

/// The predecessors of an operator, ascending.
pub(super) fn direct(problem: &Problem, op: OpId) -> Vec<OpId> {
    let mut predecessors = problem.graph.predecessors(op).to_vec();
    predecessors.sort_unstable();
    predecessors
}
