//! Replacement in a fixed order as a covering problem: which gaps to drop so that every step fits.
//!
//! ```text
//! minimise   Σ size(g)·dropped[g]  +  Σ size(t)·written[t]
//! such that  Σ over the gaps g across step s:  room(g)·dropped[g]  ≥  excess(s)      each step s
//!            written[t] ≥ dropped[g]                                                each gap g of t
//! ```
//!
//! A dropped gap costs the reload at its end. `written[t]` is the write-back, paid once for any number of evictions of
//! *t*, and not at all if host memory has *t* anyway: for arguments and stored results. `excess(s)` is the size of
//! everything in the scratchpad at step *s* if nothing is ever evicted, minus the capacity.
//!
//! The capacity is the scratchpad rounded *up* to the alignment, and sizes are padded, too. The block at the top need
//! not have its padding within the scratchpad, so this admits everything that fits; if the scratchpad is a multiple of
//! the alignment, it admits nothing else. Whether the blocks can be placed is decided by the packer.

use super::gap::{Gap, gaps};
use crate::occupancy::Occupancy;
use crate::{Bytes, OpId, Problem, Step, TensorId};
use std::ops::Range;

/// What may be dropped, with costs: the columns of a covering problem.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    /// By tensor, then by step.
    pub gaps: Vec<Gap>,
    /// By gap: the weight of its tensor in the objective.
    pub sizes: Vec<Bytes>,
    /// By gap: the padded size of its tensor.
    pub rooms: Vec<Bytes>,
    /// By gap: its tensor, if it must be written back before it may be evicted.
    pub written: Vec<Option<TensorId>>,
    /// Pairs of columns of which the first can be dropped only together with the second; the second of one pair is
    /// never the first of another. Only choices of streaming have them.
    pub links: Vec<(usize, usize)>,
}

/// The covering problem of an order, without explicit rows: those of a long order have too many terms.
#[derive(Clone, Debug)]
pub(super) struct LongCover {
    pub choices: Choices,
    /// By step: the space that must be freed.
    pub excess: Vec<Bytes>,
    /// Steps with gaps of which one must be dropped, since pins conflict.
    clashes: Vec<(Step, Vec<usize>)>,
}

/// A covering problem, of an order or of a part of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Cover {
    pub choices: Choices,
    /// The rows by step; only rows that no other implies.
    pub rows: Vec<Row>,
    /// Whether there are rows, after the others, that do not have all gaps across their steps.
    pub has_clashes: bool,
}

/// A step at which not everything can stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The step.
    pub step: Step,
    /// The gaps across this step, ascending, with the value of dropping each: its padded size, or the excess if that is
    /// less.
    pub terms: Vec<(usize, Bytes)>,
    /// The space that must be freed.
    pub excess: Bytes,
}

/// The limit of terms of all rows of a covering problem: 64 MiB, and solvers would not get far with more.
pub(super) const MAX_TERMS: usize = 4_000_000;

impl Choices {
    /// The choices of an order.
    fn new(problem: &Problem, order: &[OpId]) -> Choices {
        let gaps = gaps(problem, order);
        let size = |gap: &Gap| problem.graph.tensor(gap.tensor).size;
        let needs_write = |it: &TensorId| !problem.graph.has_host_copy(*it);
        Choices {
            sizes: gaps.iter().map(size).collect(),
            rooms: gaps.iter().map(|it| problem.room(it.tensor)).collect(),
            written: gaps.iter().map(|it| Some(it.tensor).filter(needs_write)).collect(),
            links: Vec::new(),
            gaps,
        }
    }

    /// These gaps alone, renumbered in this order, without links.
    pub(super) fn only(&self, gaps: &[usize]) -> Choices {
        Choices {
            gaps: gaps.iter().map(|it| self.gaps[*it].clone()).collect(),
            sizes: gaps.iter().map(|it| self.sizes[*it]).collect(),
            rooms: gaps.iter().map(|it| self.rooms[*it]).collect(),
            written: gaps.iter().map(|it| self.written[*it]).collect(),
            links: Vec::new(),
        }
    }

    /// The cost of dropping these gaps, in bytes.
    pub(super) fn cost(&self, dropped: &[bool]) -> Bytes {
        let mut cost = Bytes::ZERO;
        let mut last_written = None;
        for gap in (0..self.gaps.len()).filter(|it| dropped[*it]) {
            cost += self.sizes[gap];
            // Gaps of one tensor are adjacent.
            if self.written[gap].is_some() && self.written[gap] != last_written {
                last_written = self.written[gap];
                cost += self.sizes[gap];
            }
        }
        cost
    }
}

impl LongCover {
    /// The covering problem of an order.
    pub(super) fn new(problem: &Problem, order: &[OpId], capacity: Bytes) -> LongCover {
        LongCover::of(problem, order, capacity, Choices::new(problem, order), |_| Bytes::ZERO)
    }

    /// The same with other contents in the scratchpad, given by their padded size in each step.
    pub(super) fn beside(
        problem: &Problem,
        order: &[OpId],
        capacity: Bytes,
        others: impl Fn(usize) -> Bytes,
    ) -> LongCover {
        LongCover::of(problem, order, capacity, Choices::new(problem, order), others)
    }

    /// The same with given choices.
    pub(super) fn of(
        problem: &Problem,
        order: &[OpId],
        capacity: Bytes,
        choices: Choices,
        others: impl Fn(usize) -> Bytes,
    ) -> LongCover {
        let clashes = if problem.graph.has_pins() { clashes(problem, order, &choices) } else { Vec::new() };
        LongCover { excess: excess(problem, order, capacity, &choices, others), choices, clashes }
    }

    /// The number of terms of all rows.
    pub(super) fn n_terms(&self) -> usize {
        let n_rows = self.n_rows();
        let terms = |(gap, room): (&Gap, &Bytes)| {
            let Range { start, end } = gap.inside;
            if *room == Bytes::ZERO { 0 } else { n_rows[end.index()] - n_rows[start.index()] }
        };
        self.choices.gaps.iter().zip(&self.choices.rooms).map(terms).sum()
    }

    /// By step, and after all of them: the number of earlier steps with excess.
    pub(super) fn n_rows(&self) -> Vec<usize> {
        let mut n_rows = Vec::with_capacity(self.excess.len() + 1);
        n_rows.push(0);
        n_rows.extend(self.excess.iter().scan(0, |sum, it| {
            *sum += usize::from(*it != Bytes::ZERO);
            Some(*sum)
        }));
        n_rows
    }

    /// The same with rows; `None` if they would have more than [`MAX_TERMS`] in all.
    pub(super) fn in_rows(&self) -> Option<Cover> {
        if MAX_TERMS < self.n_terms() {
            return None;
        }
        let all: Vec<usize> = (0..self.choices.gaps.len()).collect();
        let rows = self.rows(&all, &(Step(0)..Step(self.excess.len() as u32)), |step| self.excess[step.index()]);
        Some(self.with_clashes(undominated(&self.choices.gaps, rows)))
    }

    /// The same with all rows, including those that others imply. `None` if they have too many terms.
    pub(super) fn in_all_rows(&self) -> Option<Cover> {
        if MAX_TERMS < self.n_terms() {
            return None;
        }
        let all: Vec<usize> = (0..self.choices.gaps.len()).collect();
        let rows = self.rows(&all, &(Step(0)..Step(self.excess.len() as u32)), |step| self.excess[step.index()]);
        Some(self.with_clashes(rows))
    }

    /// Adds the rows for conflicting pins to those for space.
    fn with_clashes(&self, mut rows: Vec<Row>) -> Cover {
        let clash = |(step, gaps): &(Step, Vec<usize>)| {
            let terms = gaps.iter().map(|gap| (*gap, Bytes(1))).collect();
            Row { step: *step, terms, excess: Bytes(1) }
        };
        rows.extend(self.clashes.iter().map(clash));
        Cover { rows, has_clashes: !self.clashes.is_empty(), choices: self.choices.clone() }
    }

    /// The rows of some gaps, renumbered in this order, in some steps, for this excess.
    pub(super) fn rows(&self, gaps: &[usize], steps: &Range<Step>, excess: impl Fn(Step) -> Bytes) -> Vec<Row> {
        let row = |step: u32| {
            let excess = excess(Step(step));
            (excess != Bytes::ZERO).then_some(Row { step: Step(step), terms: Vec::new(), excess })
        };
        let mut rows: Vec<Option<Row>> = (steps.start.0..steps.end.0).map(row).collect();
        for (number, gap) in gaps.iter().enumerate().filter(|it| self.choices.rooms[*it.1] != Bytes::ZERO) {
            let inside = &self.choices.gaps[*gap].inside;
            let (first, end) = (inside.start.max(steps.start), inside.end.min(steps.end));
            let first = first.min(end);
            for row in rows[first.index() - steps.start.index()..end.index() - steps.start.index()].iter_mut().flatten()
            {
                row.terms.push((number, self.choices.rooms[*gap].min(row.excess)));
            }
        }
        rows.into_iter().flatten().collect()
    }
}

impl Cover {
    /// The covering problem of an order. `None` if its rows would have more than [`MAX_TERMS`] in all.
    pub(super) fn new(problem: &Problem, order: &[OpId], capacity: Bytes) -> Option<Cover> {
        LongCover::new(problem, order, capacity).in_rows()
    }

    /// Turns any choice into a minimal one that covers every row: drops gaps across uncovered steps, the largest first,
    /// and then restores gaps that need not be dropped, the most expensive first.
    ///
    /// From an empty choice this makes a first plan; it also repairs rounding errors of a solver.
    pub(super) fn complete(&self, dropped: &mut [bool]) {
        let mut covered: Vec<Bytes> = vec![Bytes::ZERO; self.rows.len()];
        let mut rows_of: Vec<Vec<(usize, Bytes)>> = vec![Vec::new(); self.choices.gaps.len()];
        let mut linked: Vec<Vec<usize>> = vec![Vec::new(); self.choices.gaps.len()];
        let mut linked_to = linked.clone();
        for &(first, second) in &self.choices.links {
            linked[first].push(second);
            linked_to[second].push(first);
        }
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
                    for gap in linked[gap].iter().copied().chain([gap]) {
                        if !std::mem::replace(&mut dropped[gap], true) {
                            rows_of[gap].iter().for_each(|&(row, worth)| covered[row] += worth);
                        }
                    }
                }
            }
        }
        let mut returning: Vec<usize> = (0..self.choices.gaps.len()).filter(|it| dropped[*it]).collect();
        returning.sort_by_key(|&gap| (std::cmp::Reverse(self.choices.sizes[gap]), gap));
        for gap in returning {
            // Restores as well the columns that depend on it, which are across other steps.
            let linked: Vec<usize> = linked_to[gap].iter().copied().filter(|it| dropped[*it]).collect();
            let rows = || linked.iter().chain([&gap]).flat_map(|it| &rows_of[*it]);
            if dropped[gap] && rows().all(|&(row, worth)| self.rows[row].excess + worth <= covered[row]) {
                rows().for_each(|&(row, worth)| covered[row] -= worth);
                linked.iter().chain([&gap]).for_each(|it| dropped[*it] = false);
            }
        }
    }
}

/// The conflicts of pins: a tensor across a step whose operator needs its addresses, and pairs of tensors across a step
/// that overlap. A conflict over several steps is given at the first.
fn clashes(problem: &Problem, order: &[OpId], choices: &Choices) -> Vec<(Step, Vec<usize>)> {
    let apart = problem.graph.apart();
    let mut gaps_of: Vec<Vec<usize>> = vec![Vec::new(); apart.len()];
    for (gap, it) in choices.gaps.iter().enumerate() {
        gaps_of[it.tensor.index()].push(gap);
    }
    let mut clashes = Vec::new();
    let mut is_told = vec![false; choices.gaps.len()];
    for (step, &op) in order.iter().enumerate() {
        let step = Step(step as u32);
        for other in problem.operands(op).flat_map(|it| &apart[it.index()]) {
            let across = gaps_of[other.index()].iter().filter(|it| choices.gaps[**it].inside.contains(&step));
            for &gap in across {
                if !std::mem::replace(&mut is_told[gap], true) {
                    clashes.push((step, vec![gap]));
                }
            }
        }
    }
    for (gap, it) in choices.gaps.iter().enumerate().filter(|it| !is_told[it.0]) {
        for &other in apart[it.tensor.index()].iter().flat_map(|it| &gaps_of[it.index()]) {
            let first = it.inside.start.max(choices.gaps[other].inside.start);
            let end = it.inside.end.min(choices.gaps[other].inside.end);
            if gap < other && !is_told[other] && first < end {
                clashes.push((first, vec![gap, other]));
            }
        }
    }
    clashes
}

/// By step: the excess over the capacity if everything is kept, with other contents in the scratchpad.
fn excess(
    problem: &Problem,
    order: &[OpId],
    capacity: Bytes,
    choices: &Choices,
    others: impl Fn(usize) -> Bytes,
) -> Vec<Bytes> {
    let in_place = problem.in_place_by_step(order);
    let mut kept = Occupancy::new(order.len());
    for (gap, room) in choices.gaps.iter().zip(&choices.rooms) {
        kept.add(gap.inside.start.index()..gap.inside.end.index(), *room);
    }
    let excess = |((step, &op), kept): ((usize, &OpId), Bytes)| {
        // An operator that needs more by itself has it, and nothing else stays.
        let own = problem.own_room(op) - problem.saved(&in_place[step]);
        (own + kept + others(step)).saturating_sub(capacity.max(own))
    };
    order.iter().enumerate().zip(kept.levels()).map(excess).collect()
}

/// Removes every row that another implies: one over a subset of the same gaps that requires no less. Those are the rows
/// of steps that all of its gaps lie across.
pub(super) fn undominated(gaps: &[Gap], rows: Vec<Row>) -> Vec<Row> {
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
