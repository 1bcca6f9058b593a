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
use crate::{Bytes, OpId, Problem, Step, TensorId};

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

impl Cover {
    /// The covering problem of an order.
    pub(super) fn new(problem: &Problem, order: &[OpId], capacity: Bytes) -> Cover {
        let gaps = gaps(problem, order);
        let size = |gap: &Gap| problem.graph.tensor(gap.tensor).size;
        let needs_write = |it: &TensorId| !problem.graph.has_host_copy(*it);
        let rooms = gaps.iter().map(|it| problem.room(it.tensor)).collect();
        let sizes = gaps.iter().map(size).collect();
        let written = gaps.iter().map(|it| Some(it.tensor).filter(needs_write)).collect();
        let rows = undominated(&gaps, rows(problem, order, capacity, &gaps));
        Cover { gaps, sizes, rooms, written, rows }
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

/// One row for each step at which keeping everything would exceed the capacity.
fn rows(problem: &Problem, order: &[OpId], capacity: Bytes, gaps: &[Gap]) -> Vec<Row> {
    let mut across: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (index, gap) in gaps.iter().enumerate() {
        (gap.inside.start.index()..gap.inside.end.index()).for_each(|step| across[step].push(index));
    }
    let in_place = problem.in_place_by_step(order);
    let mut rows = Vec::new();
    for (index, (&op, across)) in order.iter().zip(across).enumerate() {
        let room = |gap: usize| problem.room(gaps[gap].tensor);
        let kept: Bytes = across.iter().map(|it| room(*it)).sum();
        // An operator that needs more for itself has what it needs, and nothing else stays then.
        let own = problem.own_room(op) - problem.saved(&in_place[index]);
        let excess = (own + kept).saturating_sub(capacity.max(own));
        if excess != Bytes::ZERO {
            let worth = |gap: usize| (gap, room(gap).min(excess));
            let terms = across.into_iter().filter(|it| room(*it) != Bytes::ZERO).map(worth).collect();
            rows.push(Row { step: Step(index as u32), terms, excess });
        }
    }
    rows
}

/// Drops every row that another implies: one over some of the same gaps that asks for no less.
fn undominated(gaps: &[Gap], rows: Vec<Row>) -> Vec<Row> {
    let implies = |row: &Row, other: &Row| {
        other.excess <= row.excess && row.terms.iter().all(|(gap, _)| gaps[*gap].inside.contains(&other.step))
    };
    let is_implied = |index: usize| {
        let mut others = rows.iter().enumerate().filter(|(it, _)| *it != index);
        // Of rows that imply each other, the first stays.
        others.any(|(it, other)| implies(other, &rows[index]) && (it < index || !implies(&rows[index], other)))
    };
    (0..rows.len()).filter(|it| !is_implied(*it)).map(|it| rows[it].clone()).collect()
}
