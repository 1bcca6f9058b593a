//! A problem as one integer program, after reductions.

use super::Reductions;
use super::formula::{Formula, mended};
use super::precedence::Precedence;
use super::reduced::Reduced;
use super::replace::replace;
use super::solver::is_time_for;
use crate::{Bytes, Deadline, Error, OpId, Outline, Problem, TensorId};

/// The limit of variables: the solver would not get far with more.
const MAX_VARIABLES: usize = 60_000;

/// The best outline that was found, and a proven bound.
pub(super) struct Solved {
    pub outline: Outline,
    /// A lower bound on the non-compulsory traffic of every outline.
    pub lower_bound: Bytes,
}

/// The effort of the solver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// The limit of variables.
    pub max_variables: usize,
    /// The limit of nodes.
    pub max_nodes: i32,
}

impl Effort {
    /// Limited by the deadline.
    pub(super) const FULL: Effort = Effort { max_variables: MAX_VARIABLES, max_nodes: i32::MAX };
}

/// A known bound: these tensors together cost at least this much in every outline.
#[derive(Clone, Debug)]
pub(super) struct Floor {
    pub tensors: Vec<TensorId>,
    pub least: Bytes,
}

/// Solves a problem, starting from an order.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn solve(
    problem: &Problem,
    start: &[OpId],
    reductions: Reductions,
    effort: Effort,
    deadline: Deadline,
) -> Result<Solved, Error> {
    let start = mended(problem, start.to_vec(), &keep_all(problem, start));
    solve_with(problem, start, &[], reductions, effort, deadline)
}

/// Solves a problem, starting from an outline, with known bounds.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn solve_with(
    problem: &Problem,
    mut best: Outline,
    floors: &[Floor],
    reductions: Reductions,
    effort: Effort,
    deadline: Deadline,
) -> Result<Solved, Error> {
    let restreamed = problem.restreamed();
    if best.non_compulsory(problem) == restreamed || deadline.has_passed() {
        return Ok(Solved { outline: best, lower_bound: restreamed });
    }
    let Some(whole) = Reduced::new(problem, reductions, deadline) else {
        return Ok(Solved { outline: best, lower_bound: restreamed });
    };
    let (reduced, precedence) = (whole.problem(), &whole.precedence);
    let first = whole.nearest(&best);
    let (outline, lower_bound) = if reductions.forced && precedence.is_total() {
        // Only replacement is left to decide.
        let outcome = replace(reduced, &first.order, Some(&first), deadline)?;
        (Some(outcome.outline), outcome.lower_bound)
    } else if effort.max_variables < n_variables(reduced, precedence)
        || !is_time_for(n_order_terms(reduced, precedence), deadline)
    {
        (Some(first), Bytes::ZERO)
    } else {
        let mut formula = Formula::new(reduced, precedence, &first, !reductions.levels);
        for floor in floors {
            formula.add_floor(|it| floor.tensors.contains(&whole.tensor(it)), floor.least);
        }
        let solved = formula.minimise(effort.max_nodes, deadline)?;
        (Some(solved.outline.unwrap_or(first)), solved.lower_bound)
    };
    if let Some(outline) = outline {
        let outline = whole.expand(&outline);
        if outline.non_compulsory(problem) < best.non_compulsory(problem) {
            best = outline;
        }
    }
    Ok(Solved { outline: best, lower_bound: restreamed + lower_bound })
}

/// Everything stays after each step; the excess can be evicted from there.
pub(super) fn keep_all(problem: &Problem, order: &[OpId]) -> Vec<Vec<TensorId>> {
    let mut last = vec![0; problem.graph.tensors().len()];
    for (step, &op) in order.iter().enumerate() {
        problem.operands(op).for_each(|it| last[it.index()] = step);
    }
    let mut kept: Vec<Vec<TensorId>> = vec![Vec::new(); order.len()];
    let mut carried: Vec<TensorId> = Vec::new();
    for (step, &op) in order.iter().enumerate() {
        carried.extend(problem.operands(op));
        carried.sort_unstable();
        carried.dedup();
        carried.retain(|it| step < last[it.index()]);
        kept[step].clone_from(&carried);
    }
    kept
}

/// The number of coefficients in the rows that order operators: most of all coefficients.
fn n_order_terms(problem: &Problem, precedence: &Precedence) -> usize {
    let terms = |(before, after): (OpId, OpId)| {
        let (before, after) = (precedence.window(before), precedence.window(after));
        let n_steps = (before.end() + 1).saturating_sub(*after.start());
        n_steps * (before.count() + after.count()) / 2
    };
    precedence.reduced(problem).into_iter().map(terms).sum()
}

/// The number of variables of the program, without spills.
fn n_variables(problem: &Problem, precedence: &Precedence) -> usize {
    let graph = &problem.graph;
    let runs: usize = graph.op_ids().map(|it| precedence.window(it).count()).sum();
    let tensors = graph.tensor_ids().filter(|it| problem.is_tracked(*it));
    let steps = tensors.map(|it| {
        let touching = graph.touches(it);
        let windows: Vec<_> = touching.map(|op| precedence.window(op)).collect();
        let first = windows.iter().map(|it| *it.start()).min().unwrap_or(0);
        let last = windows.iter().map(|it| *it.end()).max().unwrap_or(0);
        2 * (last + 1 - first)
    });
    runs + steps.sum::<usize>()
}
