//! Which operators must run before which, and in which steps each can run at all.

use crate::{OpId, Problem};
use std::ops::RangeInclusive;

/// The transitive closure of a problem's dependences.
pub(super) struct Precedence {
    /// Per operator: which operators it depends on, in the end.
    ancestors: Vec<Vec<bool>>,
    n_ancestors: Vec<usize>,
    n_descendants: Vec<usize>,
}

impl Precedence {
    pub(super) fn of(problem: &Problem) -> Precedence {
        let graph = &problem.graph;
        let n_ops = graph.ops().len();
        let mut ancestors: Vec<Vec<bool>> = Vec::with_capacity(n_ops);
        for op in graph.op_ids() {
            let mut own = vec![false; n_ops];
            for producer in direct(problem, op) {
                own.iter_mut().zip(&ancestors[producer.index()]).for_each(|(own, its)| *own |= its);
                own[producer.index()] = true;
            }
            ancestors.push(own);
        }
        let count = |it: &Vec<bool>| it.iter().filter(|it| **it).count();
        let n_ancestors = ancestors.iter().map(count).collect();
        let mut n_descendants = vec![0; n_ops];
        for own in &ancestors {
            n_descendants.iter_mut().zip(own).for_each(|(n, is_ancestor)| *n += usize::from(*is_ancestor));
        }
        Precedence { ancestors, n_ancestors, n_descendants }
    }

    /// Likewise, where the order is that of the source.
    pub(super) fn of_source(problem: &Problem) -> Precedence {
        let n_ops = problem.graph.ops().len();
        let ancestors = (0..n_ops).map(|op| (0..n_ops).map(|it| it < op).collect()).collect();
        Precedence { ancestors, n_ancestors: (0..n_ops).collect(), n_descendants: (0..n_ops).rev().collect() }
    }

    /// Whether `before` runs before `after` in every order.
    pub(super) fn is_before(&self, before: OpId, after: OpId) -> bool {
        self.ancestors[after.index()][before.index()]
    }

    /// The steps in which an operator can run: all that it depends on comes before, and all that
    /// depends on it after.
    pub(super) fn window(&self, op: OpId) -> RangeInclusive<usize> {
        let n_ops = self.ancestors.len();
        self.n_ancestors[op.index()]..=n_ops - 1 - self.n_descendants[op.index()]
    }

    /// Whether there is just one order.
    pub(super) fn is_total(&self) -> bool {
        (0..self.ancestors.len()).all(|it| self.is_pivot(OpId(it as u32)))
    }

    /// Whether an operator is ordered against all others, and so runs in the same step of every order.
    pub(super) fn is_pivot(&self, op: OpId) -> bool {
        self.n_ancestors[op.index()] + self.n_descendants[op.index()] + 1 == self.ancestors.len()
    }

    /// The dependences that do not follow from others, by operator, then by producer.
    pub(super) fn reduced(&self, problem: &Problem) -> Vec<(OpId, OpId)> {
        let mut edges = Vec::new();
        for op in problem.graph.op_ids() {
            let producers = direct(problem, op);
            let follows = |it: &OpId| producers.iter().any(|other| self.is_before(*it, *other));
            edges.extend(producers.iter().filter(|it| !follows(it)).map(|it| (*it, op)));
        }
        edges
    }
}

/// The operators that write what an operator reads, each once, ascending.
fn direct(problem: &Problem, op: OpId) -> Vec<OpId> {
    let reads = problem.graph.op(op).reads_on_chip();
    let mut producers: Vec<OpId> = reads.filter_map(|it| problem.graph.producer(it)).collect();
    producers.sort_unstable();
    producers.dedup();
    producers
}
