//! Replacement in a fixed order as a covering problem: which gaps to drop so that every step fits.
//!
//! ```text
//! minimise   Σ size(g)·dropped[g]  +  Σ size(t)·written[t]
//! such that  Σ over the gaps g across step s:  room(g)·dropped[g]  ≥  excess(s)      each step s
//!            written[t] ≥ dropped[g]                                                each gap g of t
//! ```
//!
//! A dropped gap costs the reload at its end. `written[t]` is the write-back, paid once however
//! often *t* leaves, and not at all where host memory has it anyway: arguments and stored results.
//! `excess(s)` is what lies in the scratchpad at step *s* if nothing ever leaves, less its
//! capacity.
//!
//! The capacity is the scratchpad rounded *up* to the alignment, and what lies in it is counted
//! in rooms, also rounded up. The block at the top need not have its padding within the
//! scratchpad, so this admits all that fits; where the scratchpad is a multiple of the alignment,
//! it admits nothing else. Whether the rooms can be placed is the packer's question.

use super::gap::{Gap, gaps};
use crate::occupancy::Occupancy;
use crate::{Bytes, OpId, Problem, Step, TensorId};
use std::ops::Range;

/// The covering problem of an order.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    /// The choices, by tensor, then by step.
    pub gaps: Vec<Gap>,
    /// Per gap: what the tensor weighs in the objective.
    pub sizes: Vec<Bytes>,
    /// Per gap: the room that its tensor takes.
    pub rooms: Vec<Bytes>,
    /// Per gap: the tensor, if it has to be written back before it may leave.
    pub written: Vec<Option<TensorId>>,
    /// What must be covered, by step; only rows that no other implies.
    pub rows: Vec<Row>,
}

/// A step at which not everything can stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// When.
    pub step: Step,
    /// The gaps across this step, ascending, and what dropping each is worth: its room, or the
    /// excess where that is less.
    pub terms: Vec<(usize, Bytes)>,
    /// The room that must be made.
    pub excess: Bytes,
}

/// Terms of all rows of the largest covering problem that is made: 64 MiB, and no solver would come
/// far with more.
pub(super) const MAX_TERMS: usize = 4_000_000;

impl Cover {
    /// The covering problem of an order. None if its rows would have more than [`MAX_TERMS`] in all.
    pub(super) fn new(problem: &Problem, order: &[OpId], capacity: Bytes) -> Option<Cover> {
        let gaps = gaps(problem, order);
        let size = |gap: &Gap| problem.graph.tensor(gap.tensor).size;
        let needs_write = |it: &TensorId| !problem.graph.has_host_copy(*it);
        let rooms = gaps.iter().map(|it| problem.room(it.tensor)).collect();
        let sizes = gaps.iter().map(size).collect();
        let written = gaps.iter().map(|it| Some(it.tensor).filter(needs_write)).collect();
        let rows = undominated(&gaps, rows(problem, order, capacity, &gaps)?);
        Some(Cover { gaps, sizes, rooms, written, rows })
    }

    /// The bytes that dropping these gaps costs.
    pub(super) fn cost(&self, dropped: &[bool]) -> Bytes {
        let mut cost = Bytes::ZERO;
        let mut last_written = None;
        for gap in (0..self.gaps.len()).filter(|it| dropped[*it]) {
            cost += self.sizes[gap];
            // Gaps of one tensor are neighbours.
            if self.written[gap].is_some() && self.written[gap] != last_written {
                last_written = self.written[gap];
                cost += self.sizes[gap];
            }
        }
        cost
    }

    /// Makes any choice a minimal one that covers every row: drops what lies across a step that
    /// is not covered, largest first, then takes back what need not go, costliest first.
    ///
    /// Turns nothing at all into a first plan, and mends what a solver's floats left open.
    pub(super) fn complete(&self, dropped: &mut [bool]) {
        let mut covered: Vec<Bytes> = vec![Bytes::ZERO; self.rows.len()];
        let mut rows_of: Vec<Vec<(usize, Bytes)>> = vec![Vec::new(); self.gaps.len()];
        for (index, row) in self.rows.iter().enumerate() {
            for &(gap, worth) in &row.terms {
                rows_of[gap].push((index, worth));
                if dropped[gap] {
                    covered[index] += worth;
                }
            }
        }
        for (index, row) in self.rows.iter().enumerate() {
            let mut candidates: Vec<(usize, Bytes)> = row.terms.iter().copied().filter(|it| !dropped[it.0]).collect();
            candidates.sort_by_key(|&(gap, worth)| (std::cmp::Reverse(worth), gap));
            for (gap, _) in candidates {
                if covered[index] < row.excess {
                    dropped[gap] = true;
                    rows_of[gap].iter().for_each(|&(row, worth)| covered[row] += worth);
                }
            }
        }
        let mut returning: Vec<usize> = (0..self.gaps.len()).filter(|it| dropped[*it]).collect();
        returning.sort_by_key(|&gap| (std::cmp::Reverse(self.sizes[gap]), gap));
        for gap in returning {
            if rows_of[gap].iter().all(|&(row, worth)| self.rows[row].excess + worth <= covered[row]) {
                dropped[gap] = false;
                rows_of[gap].iter().for_each(|&(row, worth)| covered[row] -= worth);
            }
        }
    }
}

/// One row for each step at which keeping everything would exceed the capacity. None if they have
/// too many terms in all.
fn rows(problem: &Problem, order: &[OpId], capacity: Bytes, gaps: &[Gap]) -> Option<Vec<Row>> {
    let in_place = problem.in_place_by_step(order);
    let mut kept = Occupancy::new(order.len());
    for gap in gaps {
        kept.add(gap.inside.start.index()..gap.inside.end.index(), problem.room(gap.tensor));
    }
    let mut rows: Vec<Option<Row>> = Vec::with_capacity(order.len());
    for (step, (&op, kept)) in order.iter().zip(kept.levels()).enumerate() {
        // An operator that needs more for itself has what it needs, and nothing else stays then.
        let own = problem.own_room(op) - problem.saved(&in_place[step]);
        let excess = (own + kept).saturating_sub(capacity.max(own));
        let row = Row { step: Step(step as u32), terms: Vec::new(), excess };
        rows.push((excess != Bytes::ZERO).then_some(row));
    }
    let mut n_terms = 0;
    for (index, gap) in gaps.iter().enumerate() {
        let room = problem.room(gap.tensor);
        if room == Bytes::ZERO {
            continue;
        }
        for row in rows[gap.inside.start.index()..gap.inside.end.index()].iter_mut().flatten() {
            row.terms.push((index, room.min(row.excess)));
            n_terms += 1;
        }
        if MAX_TERMS < n_terms {
            return None;
        }
    }
    Some(rows.into_iter().flatten().collect())
}

/// Drops every row that another implies: one over some of the same gaps that asks for no less. Those
/// are the rows of steps that all of its gaps lie across.
fn undominated(gaps: &[Gap], rows: Vec<Row>) -> Vec<Row> {
    let across = |row: &Row| {
        let inside = || row.terms.iter().map(|(gap, _)| &gaps[*gap].inside);
        let start = inside().map(|it| it.start).max().unwrap_or(row.step);
        start..inside().map(|it| it.end).min().unwrap_or(row.step.next())
    };
    let across: Vec<Range<Step>> = rows.iter().map(across).collect();
    let implies =
        |row: usize, other: usize| rows[other].excess <= rows[row].excess && across[row].contains(&rows[other].step);
    let mut is_implied = vec![false; rows.len()];
    for (row, steps) in across.iter().enumerate() {
        let first = rows.partition_point(|it| it.step < steps.start);
        let end = rows.partition_point(|it| it.step < steps.end);
        for other in (first..end).filter(|it| *it != row) {
            // Of rows that imply each other, the first stays.
            is_implied[other] |= implies(row, other) && (row < other || !implies(other, row));
        }
    }
    rows.into_iter().zip(is_implied).filter(|(_, is_implied)| !is_implied).map(|(row, _)| row).collect()
}
