//! Order and residency together: the joint problem of the COSMA paper, without addresses.
//!
//! 1. A first outline: the caller's, or one that takes almost no time. If it moves nothing that need not move, it is
//!    optimal.
//! 2. Contraction, which preserves the optimum: see [`reduced`](super::reduced).
//! 3. Exact decomposition at [`cuts`](super::cuts); each segment is one integer program: see [`exact`](super::exact).
//! 4. If there is no proof within the time limits of the programs, the outline is improved by
//!    [`windows`](super::windows), and the programs are solved again with more time.

use super::cuts::{Joined, join};
use super::exact::keep_all;
use super::first::{best_by_chance, first};
use super::formula::{is_order, mended};
use super::reduced::Reduced;
use super::windows::improve;
use super::{Outcome, Reductions, splice};
use crate::{Bytes, Deadline, Error, Outline, Problem, greedy};
use std::time::Duration;

/// The time limit of one program, at first and at most.
const FIRST_LIMIT: Duration = Duration::from_secs(2);
const LAST_LIMIT: Duration = Duration::from_secs(600);

/// The limit of operators: beyond it, the sets of tensors kept after each step would fill the memory.
const MAX_OPS: usize = 4_000;

/// The number of randomised orders that are tried without a proof in sight.
const TRIES: u64 = 200;

/// The outline with the least traffic over all orders and residencies.
///
/// `start` is an outline to improve on. At the deadline the best outline so far is returned; there always is one.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`].
pub fn joint(problem: &Problem, start: Option<&Outline>, deadline: Deadline) -> Result<Outcome, Error> {
    joint_with(problem, start, Reductions::ALL, deadline)
}

/// The same, but problems that are open after a few seconds for each program are left to [`conquer`](super::conquer).
///
/// # Errors
/// Those of [`joint()`].
pub fn joint_at_first(problem: &Problem, deadline: Deadline) -> Result<Outcome, Error> {
    joint_until(problem, None, Reductions::ALL, FIRST_LIMIT, deadline)
}

/// The same with given reductions, for tests.
pub(super) fn joint_with(
    problem: &Problem,
    start: Option<&Outline>,
    reductions: Reductions,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    joint_until(problem, start, reductions, LAST_LIMIT, deadline)
}

fn joint_until(
    problem: &Problem,
    start: Option<&Outline>,
    reductions: Reductions,
    last_limit: Duration,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    problem.check_is_settled()?;
    let restreamed = problem.restreamed();
    let mut lower_bound = restreamed;
    if MAX_OPS < problem.graph.ops().len() {
        let best = start.cloned().unwrap_or_else(|| greedy(problem, &problem.graph.op_ids().collect::<Vec<_>>()));
        return Ok(outcome(problem, best, lower_bound));
    }
    let mut best = match start.filter(|it| is_order(problem, &it.order)) {
        Some(start) => mended(problem, start.order.clone(), &splice::kept(start)),
        None => first(problem),
    };
    deadline.found(best.non_compulsory(problem));
    if lower_bound == best.non_compulsory(problem) || deadline.has_passed() {
        return Ok(outcome(problem, best, lower_bound));
    }
    let Some(whole) = Reduced::new(problem, reductions, deadline) else {
        return Ok(outcome(problem, best, lower_bound));
    };
    let reduced = whole.problem();
    let order = whole.nearest_order(&best.order);
    let mut current = mended(reduced, order.clone(), &keep_all(reduced, &order));
    let mut limit = FIRST_LIMIT;
    while lower_bound < best.non_compulsory(problem) && limit <= last_limit && !deadline.has_passed() {
        let below = best.non_compulsory(problem) - restreamed;
        let Joined { part, lower_bound: bound } = join(reduced, &current.order, below, reductions, limit, deadline)?;
        lower_bound = lower_bound.max(restreamed + bound);
        if let Some(part) = part {
            take_better(reduced, &mut current, mended(reduced, part.ops, &part.kept));
            take_better(problem, &mut best, whole.expand(&current));
        }
        if lower_bound < best.non_compulsory(problem) && FIRST_LIMIT < last_limit {
            if limit == FIRST_LIMIT && start.is_none() {
                take_better(reduced, &mut current, best_by_chance(reduced, TRIES));
            }
            current = improve(reduced, current, reductions, limit, deadline.in_private())?;
            take_better(problem, &mut best, whole.expand(&current));
        }
        deadline.found(best.non_compulsory(problem));
        deadline.proved(lower_bound);
        limit *= 4;
    }
    Ok(outcome(problem, best, lower_bound))
}

pub(super) fn outcome(problem: &Problem, outline: Outline, lower_bound: Bytes) -> Outcome {
    let proven = outline.non_compulsory(problem) == lower_bound;
    Outcome { outline, lower_bound, proven }
}

fn take_better(problem: &Problem, best: &mut Outline, other: Outline) {
    let cost = |it: &Outline| -> Bytes { it.non_compulsory(problem) };
    if cost(&other) < cost(best) {
        *best = other;
    }
}
