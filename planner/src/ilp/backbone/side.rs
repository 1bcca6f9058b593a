//! Operators beside the backbone, and the cells in which they can run.

use super::chain::{Backbone, own};
use crate::ilp::precedence::Precedence;
use crate::{OpId, Problem, TensorId};

/// An operator that needs this fraction of the scratchpad matters, whatever it touches.
const NEEDY: u64 = 4;

/// An operator is heavy if it needs more than this fraction of the scratchpad. The order of two heavy operators matters
/// if they run between the same operators of the backbone.
const HEAVY: u64 = 8;

/// A time; zero is the start of everything; see [`bound`].
pub(super) type Bound = usize;

/// The number of parts of the interval between two consecutive operators of the backbone: in each except the last one,
/// at most one heavy operator runs.
const PARTS: usize = 4;

/// The time at which the operator at an index of the backbone runs. For the index after the last one, the end of
/// everything.
pub(super) fn bound(place: usize) -> Bound {
    (place + 1) * PARTS
}

/// The time strictly between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub from: Bound,
    pub to: Bound,
}

impl Cell {
    pub(super) fn contains(&self, other: &Cell) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Whether it is a part of the interval between two operators of the backbone, and not its last one.
    pub(super) fn is_part(&self) -> bool {
        self.to == self.from + 1 && !self.to.is_multiple_of(PARTS)
    }

    /// The interval between two consecutive operators of the backbone that contains it, if any.
    fn stretch(&self) -> Option<usize> {
        (self.to <= self.from / PARTS * PARTS + PARTS).then_some(self.from / PARTS)
    }
}

/// An operator beside the backbone.
pub(super) struct Side {
    pub op: OpId,
    pub is_heavy: bool,
    /// The bounds of its cells, ascending; at least two.
    pub bounds: Vec<Bound>,
}

impl Side {
    pub(super) fn cells(&self) -> impl ExactSizeIterator<Item = Cell> {
        self.bounds.windows(2).map(|it| Cell { from: it[0], to: it[1] })
    }
}

impl Side {
    /// Divides a cell, unless it is one interval between two operators of the backbone already; returns whether it did.
    fn divide(&mut self, cell: Cell) -> bool {
        self.add(bounds(cell.from, cell.to))
    }

    /// Divides an interval between two operators of the backbone into its parts; returns whether it did.
    fn divide_stretch(&mut self, stretch: usize) -> bool {
        self.add((stretch * PARTS..=(stretch + 1) * PARTS).collect())
    }

    fn add(&mut self, bounds: Vec<Bound>) -> bool {
        let before = self.bounds.len();
        self.bounds.extend(bounds);
        self.bounds.sort_unstable();
        self.bounds.dedup();
        before < self.bounds.len()
    }
}

/// Divides the chosen cells. If they are as narrow as possible, divides all cells. Returns whether any was divided.
pub(super) fn refine(sides: &mut [Side], chosen: &[Cell]) -> bool {
    let mut is_refined = false;
    for (side, cell) in sides.iter_mut().zip(chosen) {
        is_refined |= side.divide(*cell);
    }
    // The first of several heavy operators between the same operators of the backbone is undecided.
    let of_heavy = |it: (&Side, &Cell)| if it.0.is_heavy { it.1.stretch() } else { None };
    let stretches: Vec<Option<usize>> = sides.iter().zip(chosen).map(of_heavy).collect();
    let is_crowded = |stretch: usize| 1 < stretches.iter().filter(|it| **it == Some(stretch)).count();
    for (side, stretch) in sides.iter_mut().zip(&stretches) {
        if let Some(stretch) = stretch.filter(|it| is_crowded(*it)) {
            is_refined |= side.divide_stretch(stretch);
        }
    }
    if !is_refined {
        for side in sides {
            for cell in side.cells().collect::<Vec<_>>() {
                is_refined |= side.divide(cell);
            }
        }
    }
    is_refined
}

/// Whether a tensor is decided about: at least two operators touch it, and at most `tiny` of it fit the scratchpad.
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
        // On a chain, the predecessors of the operator are a prefix, and its successors a suffix.
        let n_before = backbone.ops.partition_point(|it| precedence.is_before(*it, op));
        let n_not_after = backbone.ops.partition_point(|it| !precedence.is_before(op, *it));
        let bounds = bounds(bound(n_before) - PARTS, bound(n_not_after));
        Side { op, is_heavy: problem.capacity().0 < own(problem, op).0 * HEAVY, bounds }
    };
    problem.graph.op_ids().filter(is_side).map(side).collect()
}

/// Bounds of cells that are narrow at both ends and grow towards the middle, each half as wide again as the previous
/// one. Intervals between two operators of the backbone are not divided.
fn bounds(from: Bound, to: Bound) -> Vec<Bound> {
    let mut bounds = vec![from, to];
    if !from.is_multiple_of(PARTS) || !to.is_multiple_of(PARTS) {
        return bounds;
    }
    let (mut distance, mut width): (usize, usize) = (1, 1);
    while 2 * distance * PARTS <= to - from {
        bounds.extend([from + distance * PARTS, to - distance * PARTS]);
        width += width.div_ceil(2);
        distance += width;
    }
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}
