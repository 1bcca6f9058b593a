//! Operators beside the backbone, and the cells in which they can run.

use super::chain::{Backbone, own};
use crate::ilp::precedence::Precedence;
use crate::{OpId, Problem, TensorId};

/// An operator matters, whatever it touches, if it needs one part in so many of the scratchpad.
const NEEDY: u64 = 4;

/// Bounds of time are places in the backbone, plus one: zero is the start of all, and one more than
/// the length is the end.
pub(super) type Bound = usize;

/// The time strictly between two operators of the backbone that need not follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub from: Bound,
    pub to: Bound,
}

impl Cell {
    pub(super) fn contains(&self, other: &Cell) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// An operator beside the backbone.
pub(super) struct Side {
    pub op: OpId,
    /// The bounds of its cells, ascending, at least two.
    pub bounds: Vec<Bound>,
}

impl Side {
    pub(super) fn cells(&self) -> impl ExactSizeIterator<Item = Cell> {
        self.bounds.windows(2).map(|it| Cell { from: it[0], to: it[1] })
    }
}

impl Side {
    /// Divides a cell, if it is not one stretch between two operators of the backbone already; gives
    /// whether it did.
    pub(super) fn refine(&mut self, cell: Cell) -> bool {
        let before = self.bounds.len();
        self.bounds.extend(bounds(cell.from, cell.to));
        self.bounds.sort_unstable();
        self.bounds.dedup();
        before < self.bounds.len()
    }
}

/// Whether a tensor is one to decide about: two operators at least touch it, and no more than `tiny`
/// of it fit the scratchpad.
pub(super) fn is_tracked(problem: &Problem, tensor: TensorId, tiny: u64) -> bool {
    let is_tiny = problem.room(tensor).0.saturating_mul(tiny) < problem.capacity().0;
    problem.is_tracked(tensor) && !is_tiny
}

/// All side operators that matter, in source order.
pub(super) fn sides(problem: &Problem, precedence: &Precedence, backbone: &Backbone, tiny: u64) -> Vec<Side> {
    let matters = |op: OpId| {
        problem.operands(op).any(|it| is_tracked(problem, it, tiny))
            || problem.capacity().0 < own(problem, op).0 * NEEDY
    };
    let is_side = |op: &OpId| backbone.place(*op).is_none() && matters(*op);
    let side = |op: OpId| {
        // On a chain, what must come before the operator is the first part, and what after, the last.
        let n_before = backbone.ops.partition_point(|it| precedence.is_before(*it, op));
        let n_not_after = backbone.ops.partition_point(|it| !precedence.is_before(op, *it));
        let bounds = bounds(n_before, n_not_after + 1);
        Side { op, bounds }
    };
    problem.graph.op_ids().filter(is_side).map(side).collect()
}

/// Bounds of cells that are narrow at both ends and grow towards the middle, each half as wide
/// again as the one before.
fn bounds(from: Bound, to: Bound) -> Vec<Bound> {
    let mut bounds = vec![from, to];
    let (mut distance, mut width): (usize, usize) = (1, 1);
    while 2 * distance < to - from {
        bounds.extend([from + distance, to - distance]);
        width += width.div_ceil(2);
        distance += width;
    }
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}
