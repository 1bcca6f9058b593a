//! Divide and conquer, for problems that are too large for one program: a plan is improved range by range, and bounded
//! part by part, alternately and with growing effort, until plan and bound meet.
//!
//! Upper bound: [`windows`](super::windows) never make a plan worse; they begin with the ranges between the plan's
//! narrowest boundaries, and then slide. Lower bound: the [`bound`](super::bound) of each round holds for the whole.
//! The last part of a round is the whole problem; so if that is not too large, this ends with a proof.
//!
//! Rounds are limited in nodes and variables. In addition, each program has a time limit, for programs with expensive
//! nodes.

use super::bound::{Limits, Tree};
use super::exact::Effort;
use super::joint::outcome;
use super::{Outcome, Reductions, splice, windows};
use crate::{Deadline, Error, Outline, Problem};
use std::time::Duration;
use tracing::debug;

/// The maximum number of steps of the smallest ranges that are bounded.
const LEAF: usize = 12;

/// The limit of kept tensors, counted for each boundary between steps. Each window inspects all of them, so with more
/// there is no time for many windows.
const MAX_KEPT: usize = 4_000_000;

/// The effort and the time limit for each part in each round, and the shape of windows: their width, and the steps
/// around them.
const ROUNDS: [(Effort, Duration, (usize, usize)); 4] = [
    (Effort { max_variables: 3_000, max_nodes: 300 }, Duration::from_secs(2), (16, 0)),
    (Effort { max_variables: 10_000, max_nodes: 3_000 }, Duration::from_secs(8), (24, 0)),
    (Effort { max_variables: 30_000, max_nodes: 30_000 }, Duration::from_secs(40), (16, 16)),
    (Effort::FULL, Duration::from_secs(600), (36, 0)),
];

/// Improves an outline and bounds the whole; returns the best outline and the bound.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`].
pub fn conquer(problem: &Problem, start: &Outline, deadline: Deadline) -> Result<Outcome, Error> {
    problem.check_is_settled()?;
    let mut best = start.clone();
    let mut lower_bound = problem.restreamed();
    if MAX_KEPT < splice::n_kept(start) {
        return Ok(outcome(problem, best, lower_bound));
    }
    let mut rounds = ROUNDS.into_iter().peekable();
    while rounds.peek().is_some() {
        // Results for one plan are reused until there is a better one.
        let known = best.clone();
        let Some(mut tree) = Tree::new(problem, &known, LEAF, deadline) else {
            return Ok(outcome(problem, best, lower_bound));
        };
        for (effort, for_each, shape) in rounds.by_ref() {
            if best.non_compulsory(problem) <= lower_bound || deadline.has_passed() {
                return Ok(outcome(problem, best, lower_bound));
            }
            lower_bound = lower_bound.max(tree.bound(Limits { effort, for_each, deadline })?);
            deadline.proved(lower_bound);
            debug!(?effort, cost = %best.non_compulsory(problem), bound = %lower_bound, "parts");
            if lower_bound < best.non_compulsory(problem) {
                best = windows::pass(problem, best, shape, Reductions::ALL, effort, for_each, deadline)?;
                debug!(?shape, cost = %best.non_compulsory(problem), "windows");
            }
            if best != known {
                break;
            }
        }
    }
    Ok(outcome(problem, best, lower_bound))
}
