//! Replacement window by window, for orders that are too long for one program.
//!
//! In a window of steps, the gaps that lie within it are free and all others stay as they are. What is left is a
//! covering problem of its own, with less to cover where others have left. Windows that share no step are
//! independent of each other and are solved side by side; then come those between them. Each round has wider
//! windows than the one before, until one is the whole.
//!
//! Effort is counted in nodes; the clock only cuts off.

use super::cover::{Cover, Row};
use super::replace::attempt;
use crate::{Bytes, Deadline, Error};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Duration;
use tracing::debug;

/// Covering problems with fewer terms are solved at once.
const MIN_TERMS: usize = 50_000;

/// Steps of the windows of the first round; twice as many in each later one.
const WIDTH: u32 = 32;

/// Nodes for each window, and how long it may take at most: more for one of more steps.
const NODES: i32 = 200;
const TIME_PER_STEP: Duration = Duration::from_millis(10);

/// Improves a choice that covers all rows, if the problem is large.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn improve_in_windows(cover: &Cover, dropped: &mut [bool], deadline: Deadline) -> Result<(), Error> {
    let n_terms: usize = cover.rows.iter().map(|row| row.terms.len()).sum();
    if n_terms < MIN_TERMS {
        return Ok(());
    }
    slide(cover, dropped, deadline)
}

/// Improves a choice that covers all rows in windows that grow.
fn slide(cover: &Cover, dropped: &mut [bool], deadline: Deadline) -> Result<(), Error> {
    let (Some(first), Some(last)) = (cover.rows.first(), cover.rows.last()) else { return Ok(()) };
    let (start, end) = (first.step.0, last.step.0 + 1);
    let mut by_start: Vec<usize> = (0..cover.gaps.len()).collect();
    by_start.sort_by_key(|it| cover.gaps[*it].inside.start);
    let mut width = WIDTH;
    while width < end - start {
        for offset in [0, width / 2] {
            let starts = (start.saturating_sub(offset)..end).step_by(width as usize);
            let windows: Vec<Range<u32>> = starts.map(|it| it..it.saturating_add(width)).collect();
            let solve = |steps: &Range<u32>| match deadline.has_passed() {
                true => Ok(Vec::new()),
                false => solve(cover, &gaps_within(cover, &by_start, steps), dropped, steps, deadline),
            };
            let solved: Result<Vec<Vec<(usize, bool)>>, Error> = windows.par_iter().map(solve).collect();
            solved?.into_iter().flatten().for_each(|(gap, is_dropped)| dropped[gap] = is_dropped);
            debug!(width, cost = %cover.cost(dropped), "windows of replacement");
            if deadline.has_passed() {
                return Ok(());
            }
        }
        width *= 2;
    }
    Ok(())
}

/// The gaps that lie within some steps, ascending; `by_start` has all of them by where they begin.
fn gaps_within(cover: &Cover, by_start: &[usize], steps: &Range<u32>) -> Vec<usize> {
    let inside = |gap: usize| &cover.gaps[gap].inside;
    let first = by_start.partition_point(|it| inside(*it).start.0 < steps.start);
    let begin_within = by_start[first..].iter().copied().take_while(|it| inside(*it).start.0 < steps.end);
    let mut gaps: Vec<usize> = begin_within.filter(|it| inside(*it).end.0 <= steps.end).collect();
    gaps.sort_unstable();
    gaps
}

/// A better choice for the gaps within some steps.
fn solve(
    cover: &Cover,
    gaps: &[usize],
    dropped: &[bool],
    steps: &Range<u32>,
    deadline: Deadline,
) -> Result<Vec<(usize, bool)>, Error> {
    let part = part(cover, dropped, gaps, steps);
    if part.rows.is_empty() {
        return Ok(gaps.iter().map(|gap| (*gap, false)).collect());
    }
    let mut choice: Vec<bool> = gaps.iter().map(|it| dropped[*it]).collect();
    attempt(&part, &[], &mut choice, NODES, deadline.within(TIME_PER_STEP * (steps.end - steps.start)))?;
    Ok(gaps.iter().copied().zip(choice).collect())
}

/// What these gaps, which lie within some steps, have to cover where all others stay as they are.
fn part(cover: &Cover, dropped: &[bool], gaps: &[usize], steps: &Range<u32>) -> Cover {
    let number = |gap: usize| gaps.binary_search(&gap).ok();
    let row = |row: &Row| {
        let fixed = row.terms.iter().filter(|it| dropped[it.0] && number(it.0).is_none());
        let excess = row.excess.saturating_sub(fixed.map(|it| it.1).sum());
        let free = row.terms.iter().filter_map(|it| Some((number(it.0)?, cover.rooms[it.0].min(excess))));
        (excess != Bytes::ZERO).then(|| Row { step: row.step, terms: free.collect(), excess })
    };
    let first = cover.rows.partition_point(|it| it.step.0 < steps.start);
    let rows = cover.rows[first..].iter().take_while(|it| it.step.0 < steps.end).filter_map(row).collect();
    // What was written back for a gap elsewhere need not be written back again.
    let is_written_elsewhere = |gap: usize| {
        let tensor = cover.gaps[gap].tensor;
        let of_tensor = |it: &usize| cover.gaps[*it].tensor == tensor;
        let others = (0..gap).rev().take_while(of_tensor).chain((gap..cover.gaps.len()).take_while(of_tensor));
        others.into_iter().any(|it| dropped[it] && number(it).is_none())
    };
    Cover {
        gaps: gaps.iter().map(|it| cover.gaps[*it].clone()).collect(),
        sizes: gaps.iter().map(|it| cover.sizes[*it]).collect(),
        rooms: gaps.iter().map(|it| cover.rooms[*it]).collect(),
        written: gaps.iter().map(|it| cover.written[*it].filter(|_| !is_written_elsewhere(*it))).collect(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::{gaps_within, slide};
    use crate::ilp::cover::Cover;
    use crate::testing::{Shape, seeded_problem};
    use crate::{Bytes, Deadline, OpId};
    use std::time::Duration;

    fn large_cover(seed: u64) -> Cover {
        let problem = seeded_problem(Shape { ops: 120, ..Shape::LARGE }, seed);
        let order: Vec<OpId> = problem.graph.op_ids().collect();
        Cover::new(&problem, &order, problem.capacity()).expect("it is small")
    }

    #[test]
    fn gaps_of_windows_are_found_as_by_looking_at_all() {
        let mut n_found = 0;
        for cover in (0..10).map(large_cover) {
            let mut by_start: Vec<usize> = (0..cover.gaps.len()).collect();
            by_start.sort_by_key(|it| cover.gaps[*it].inside.start);
            for steps in (0..120).map(|it| it..it + 1 + it % 40) {
                let is_inside = |gap: &usize| {
                    let inside = &cover.gaps[*gap].inside;
                    steps.start <= inside.start.0 && inside.end.0 <= steps.end
                };
                let expected: Vec<usize> = (0..cover.gaps.len()).filter(is_inside).collect();
                n_found += expected.len();
                assert_eq!(gaps_within(&cover, &by_start, &steps), expected);
            }
        }
        assert!(100 < n_found, "{n_found} gaps");
    }

    /// Then no window is looked at, not even those with nothing to cover.
    #[test]
    fn out_of_time_nothing_changes() {
        for cover in (0..10).map(large_cover) {
            let mut dropped = vec![true; cover.gaps.len()];
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
            let mut dropped = vec![false; cover.gaps.len()];
            cover.complete(&mut dropped);
            let before = cover.cost(&dropped);
            slide(&cover, &mut dropped, Deadline::NEVER).expect("the solver answers");
            for row in &cover.rows {
                let covered: Bytes = row.terms.iter().filter(|it| dropped[it.0]).map(|it| it.1).sum();
                assert!(row.excess <= covered, "seed {seed}: {row:?}");
            }
            let after = cover.cost(&dropped);
            assert!(after <= before, "seed {seed}: {after} B after {before} B");
            *(if after < before { &mut better } else { &mut same }) += 1;
        }
        assert!(10 < better, "{better} better, {same} as before");
    }
}
