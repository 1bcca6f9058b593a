//! Replacement window by window, for orders that are too long for one program.
//!
//! In a window of steps, the gaps within it are free and all others are fixed. The rest is a smaller covering problem,
//! with less to cover where other gaps were dropped. Windows without common steps are independent and are solved
//! concurrently; then come windows that straddle their ends. Windows are wider in each round, until one covers
//! everything, or is so wide that wider ones gain little. Only the rows of windows are explicit.
//!
//! Effort is counted in nodes; the clock only sets a limit.

use super::cover::{Cover, LongCover, undominated};
use super::replace::attempt;
use crate::occupancy::Occupancy;
use crate::{Bytes, Deadline, Error, Step};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Duration;
use tracing::debug;

/// Covering problems with fewer terms are solved as a whole.
const MIN_TERMS: usize = 50_000;

/// The width in steps of the windows of the first round; it doubles in each round.
const WIDTH: u32 = 32;

/// The node limit for each window, and its time limit, which grows with its width.
const NODES: i32 = 200;
const TIME_PER_STEP: Duration = Duration::from_millis(10);

/// The width in steps of the widest windows.
const WIDEST: u32 = 2048;

/// Improves a choice that covers all rows, if the problem is large.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn improve_in_windows(cover: &LongCover, dropped: &mut [bool], deadline: Deadline) -> Result<(), Error> {
    if cover.n_terms() < MIN_TERMS {
        return Ok(());
    }
    slide(cover, dropped, deadline)
}

/// The steps from the first to the last one with excess.
pub(super) fn steps_of(cover: &LongCover) -> Range<u32> {
    let has_excess = |it: &Bytes| *it != Bytes::ZERO;
    let first = cover.excess.iter().position(has_excess).unwrap_or(0);
    let end = cover.excess.iter().rposition(has_excess).map_or(first, |it| it + 1);
    first as u32..end as u32
}

/// The windows of some steps; the first one ends earlier by `offset`.
pub(super) fn windows(steps: &Range<u32>, width: u32, offset: u32) -> Vec<Range<u32>> {
    let starts = (steps.start.saturating_sub(offset)..steps.end).step_by(width as usize);
    starts.map(|it| it.max(steps.start)..it.saturating_add(width).min(steps.end)).filter(|it| !it.is_empty()).collect()
}

/// Improves a choice that covers all rows, in growing windows.
fn slide(cover: &LongCover, dropped: &mut [bool], deadline: Deadline) -> Result<(), Error> {
    let steps = steps_of(cover);
    let mut by_start: Vec<usize> = (0..cover.choices.gaps.len()).collect();
    by_start.sort_by_key(|it| cover.choices.gaps[*it].inside.start);
    let mut width = WIDTH;
    while width < steps.end - steps.start && width <= WIDEST {
        for offset in [0, width / 2] {
            let made = made(cover, cover.excess.len(), (0..dropped.len()).filter(|it| dropped[*it]), 0);
            let choice = Choice { cover, dropped, made: &made };
            let solve = |steps: &Range<u32>| match deadline.has_passed() {
                true => Ok(Vec::new()),
                false => choice.improved(&gaps_within(cover, &by_start, steps), steps, deadline),
            };
            let solved: Result<Vec<Vec<(usize, bool)>>, Error> =
                windows(&steps, width, offset).par_iter().map(solve).collect();
            solved?.into_iter().flatten().for_each(|(gap, is_dropped)| dropped[gap] = is_dropped);
            debug!(width, cost = %cover.choices.cost(dropped), "windows of replacement");
            if deadline.has_passed() {
                return Ok(());
            }
        }
        width *= 2;
    }
    Ok(())
}

/// The space that some gaps free if they are dropped, by step from the first one on.
fn made(cover: &LongCover, n_steps: usize, gaps: impl Iterator<Item = usize>, first: u32) -> Vec<Bytes> {
    let mut made = Occupancy::new(n_steps);
    for gap in gaps {
        let Range { start, end } = &cover.choices.gaps[gap].inside;
        made.add((start.0 - first) as usize..(end.0 - first) as usize, cover.choices.rooms[gap]);
    }
    made.levels().collect()
}

/// The gaps that lie within some steps, ascending; `by_start` has all gaps sorted by their start.
fn gaps_within(cover: &LongCover, by_start: &[usize], steps: &Range<u32>) -> Vec<usize> {
    let inside = |gap: usize| &cover.choices.gaps[gap].inside;
    let first = by_start.partition_point(|it| inside(*it).start.0 < steps.start);
    let begin_within = by_start[first..].iter().copied().take_while(|it| inside(*it).start.0 < steps.end);
    let mut gaps: Vec<usize> = begin_within.filter(|it| inside(*it).end.0 <= steps.end).collect();
    gaps.sort_unstable();
    gaps
}

/// A choice that covers all rows, and the space that it frees, by step.
struct Choice<'a> {
    cover: &'a LongCover,
    dropped: &'a [bool],
    made: &'a [Bytes],
}

impl Choice<'_> {
    /// A better choice for the gaps within some steps.
    fn improved(&self, gaps: &[usize], steps: &Range<u32>, deadline: Deadline) -> Result<Vec<(usize, bool)>, Error> {
        let part = self.part(gaps, steps);
        if part.rows.is_empty() {
            return Ok(gaps.iter().map(|gap| (*gap, false)).collect());
        }
        let mut choice: Vec<bool> = gaps.iter().map(|it| self.dropped[*it]).collect();
        attempt(&part, &[], &mut choice, NODES, deadline.within(TIME_PER_STEP * (steps.end - steps.start)))?;
        Ok(gaps.iter().copied().zip(choice).collect())
    }

    /// The covering problem of these gaps within some steps, if all others are fixed.
    fn part(&self, gaps: &[usize], steps: &Range<u32>) -> Cover {
        let &Choice { cover, dropped, made: of_all } = self;
        let own = gaps.iter().copied().filter(|it| dropped[*it]);
        let of_own = made(cover, steps.len(), own, steps.start);
        let excess = |step: Step| {
            let of_others = of_all[step.index()] - of_own[step.index() - steps.start as usize];
            cover.excess[step.index()].saturating_sub(of_others)
        };
        // A tensor that is written back for a gap elsewhere need not be written back again.
        let is_written_elsewhere = |gap: usize| {
            let tensor = cover.choices.gaps[gap].tensor;
            let of_tensor = |it: &usize| cover.choices.gaps[*it].tensor == tensor;
            let others =
                (0..gap).rev().take_while(of_tensor).chain((gap..cover.choices.gaps.len()).take_while(of_tensor));
            others.into_iter().any(|it| dropped[it] && gaps.binary_search(&it).is_err())
        };
        let mut choices = cover.choices.only(gaps);
        let written = choices.written.iter_mut().zip(gaps);
        let elsewhere = written.filter(|(written, gap)| written.is_some() && is_written_elsewhere(**gap));
        elsewhere.for_each(|(written, _)| *written = None);
        let rows = cover.rows(gaps, &(Step(steps.start)..Step(steps.end)), excess);
        Cover { rows: undominated(&choices.gaps, rows), has_clashes: false, choices }
    }
}

#[cfg(test)]
mod tests {
    use super::{gaps_within, slide};
    use crate::ilp::cover::{Cover, LongCover};
    use crate::testing::{Shape, seeded_problem};
    use crate::{Bytes, Deadline, OpId};
    use std::time::Duration;

    fn large_cover(seed: u64) -> LongCover {
        let problem = seeded_problem(Shape { ops: 120, ..Shape::LARGE }, seed);
        let order: Vec<OpId> = problem.graph.op_ids().collect();
        LongCover::new(&problem, &order, problem.capacity())
    }

    fn in_rows(cover: &LongCover) -> Cover {
        cover.in_rows().expect("it is small")
    }

    #[test]
    fn gaps_of_windows_are_found_as_by_looking_at_all() {
        let mut n_found = 0;
        for cover in (0..10).map(large_cover) {
            let mut by_start: Vec<usize> = (0..cover.choices.gaps.len()).collect();
            by_start.sort_by_key(|it| cover.choices.gaps[*it].inside.start);
            for steps in (0..120).map(|it| it..it + 1 + it % 40) {
                let is_inside = |gap: &usize| {
                    let inside = &cover.choices.gaps[*gap].inside;
                    steps.start <= inside.start.0 && inside.end.0 <= steps.end
                };
                let expected: Vec<usize> = (0..cover.choices.gaps.len()).filter(is_inside).collect();
                n_found += expected.len();
                assert_eq!(gaps_within(&cover, &by_start, &steps), expected);
            }
        }
        assert!(100 < n_found, "{n_found} gaps");
    }

    /// Then no window is solved, not even those with nothing to cover.
    #[test]
    fn out_of_time_nothing_changes() {
        for cover in (0..10).map(large_cover) {
            let mut dropped = vec![true; cover.choices.gaps.len()];
            slide(&cover, &mut dropped, Deadline::after(Duration::ZERO)).expect("no solver is asked");
            assert!(dropped.iter().all(|it| *it));
        }
    }

    /// Each row stays covered, and the cost never rises.
    #[test]
    fn windows_never_make_a_choice_worse() {
        let (mut better, mut same) = (0, 0);
        for seed in 0..40 {
            let cover = large_cover(seed);
            let mut dropped = vec![false; cover.choices.gaps.len()];
            let rows = in_rows(&cover).rows;
            in_rows(&cover).complete(&mut dropped);
            let before = cover.choices.cost(&dropped);
            slide(&cover, &mut dropped, Deadline::NEVER).expect("the solver answers");
            for row in &rows {
                let covered: Bytes = row.terms.iter().filter(|it| dropped[it.0]).map(|it| it.1).sum();
                assert!(row.excess <= covered, "seed {seed}: {row:?}");
            }
            let after = cover.choices.cost(&dropped);
            assert!(after <= before, "seed {seed}: {after} B after {before} B");
            *(if after < before { &mut better } else { &mut same }) += 1;
        }
        assert!(10 < better, "{better} better, {same} as before");
    }
}
