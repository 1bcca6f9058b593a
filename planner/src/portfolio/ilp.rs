//! The integer programs of the portfolio.

use super::{Decision, Options, Order, Solver, source_order};
use crate::ilp::{
    KeptOutline, Outcome, backbone as backbone_of, conquer, joint_at_first, joint_with_addresses,
    keep_bound as keep_bound_of, keep_in_order as keep_of_order, n_variables_with_addresses, replace, replace_within,
};
use crate::keep::{Candidate, keep_by_rule};
use crate::progress::Phase;
use crate::search::{SearchOptions, search};
use crate::{Bytes, Deadline, Error, OpId, Outline, Plan, Problem};
use std::ops::Range;

/// The limits of variables and nodes of programs that decide addresses together with everything else.
const MAX_VARIABLES_OF_WHOLE: usize = 700;
const MAX_NODES_OF_WHOLE: i32 = 300;

/// The share of the remaining time for the backbone program before divide and conquer.
const SHARE_OF_BACKBONE: f64 = 0.2;

pub(crate) use crate::ilp::hold;

pub const IS_BUILT_IN: bool = true;

pub fn fixed_order(problem: &Problem, known: Option<&Outline>, deadline: Deadline) -> Result<Decision, Error> {
    let first = super::first(problem, Order::Source, known, deadline);
    deadline.enter(Phase::Replacement);
    // Where the solver may not get far, it starts from the result of simple rules.
    let is_long = super::MIN_OPS_TO_START_GREEDILY <= problem.graph.ops().len();
    let start = if is_long { Some(&first.outline) } else { known };
    let Outcome { outline, lower_bound, .. } = replace(problem, &source_order(problem), start, deadline)?;
    // A stopped solver may return something worse.
    let is_better = first.outline.non_compulsory(problem) < outline.non_compulsory(problem);
    Ok(if is_better {
        Decision { lower_bound, ..first }
    } else {
        Decision { outline, lower_bound, solver: Solver::Ilp, in_simple_order: None }
    })
}

pub fn free_order(problem: &Problem, deadline: Deadline) -> Result<Decision, Error> {
    deadline.enter(Phase::Joint);
    let first = joint_at_first(problem, deadline)?;
    let Outcome { mut outline, lower_bound, proven } = first;
    if proven || deadline.has_passed() {
        return Ok(Decision { outline, lower_bound, solver: Solver::Ilp, in_simple_order: None });
    }
    deadline.enter(Phase::Search);
    // A beam search without a proof gives an initial outline.
    let options = SearchOptions { proof_width: 0, ..SearchOptions::default() };
    let beam = search(problem, problem.capacity(), Some(&outline), &options, &|_| None, deadline);
    outline = beam.outline.unwrap_or(outline);
    deadline.enter(Phase::Backbone);
    let relaxed = backbone_of(problem, &outline, lower_bound, deadline.part(SHARE_OF_BACKBONE))?;
    deadline.enter(Phase::Conquer);
    let outcome = conquer(problem, &relaxed.outline, deadline)?;
    let lower_bound = lower_bound.max(relaxed.lower_bound).max(outcome.lower_bound);
    Ok(Decision { outline: outcome.outline, lower_bound, solver: Solver::Ilp, in_simple_order: None })
}

/// The best replacement for the order of an outline, or for source order if that is better. If the solver fails, there
/// is no improvement.
pub fn improve(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Outline> {
    let order = source_order(problem);
    let own = replace(problem, &outline.order, Some(outline), deadline).ok();
    let of_source = replace(problem, &order, None, deadline).ok();
    let outlines = own.into_iter().chain(of_source).map(|it| it.outline);
    outlines.min_by_key(|it| it.non_compulsory(problem))
}

/// The best replacement for the order of an outline. If the solver fails, the outline is unchanged.
pub fn replaced(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Outline> {
    replace(problem, &outline.order, Some(outline), deadline).ok().map(|it| it.outline)
}

/// The best replacement for the order of an outline within less capacity.
pub fn within(problem: &Problem, outline: &Outline, capacity: Bytes, deadline: Deadline) -> Option<Outline> {
    replace_within(problem, &outline.order, capacity, None, deadline).ok().map(|it| it.outline)
}

/// The best plan of a small problem, addresses included, if its non-compulsory bytes are less than those of `range`,
/// and a bound.
pub fn whole(
    problem: &Problem,
    options: &Options,
    range: Range<Bytes>,
    deadline: Deadline,
) -> Option<(Option<Plan>, Bytes)> {
    // A limit on states also limits variables.
    let most = MAX_VARIABLES_OF_WHOLE.min(options.state_limit);
    let is_small = problem.graph.ops().len() <= most;
    if !is_small || most < n_variables_with_addresses(problem, options.order, deadline)? {
        return None;
    }
    let found = joint_with_addresses(problem, options.order, range, MAX_NODES_OF_WHOLE, deadline).ok()?;
    Some((found.plan, found.lower_bound))
}

/// A better outline by the backbone program, or the same, and a bound.
pub fn backbone(
    problem: &Problem,
    outline: &Outline,
    lower_bound: Bytes,
    deadline: Deadline,
) -> Option<(Outline, Bytes)> {
    backbone_of(problem, outline, lower_bound, deadline).ok().map(|it| (it.outline, it.lower_bound))
}

/// A better outline by divide and conquer, or the same, and a bound.
pub fn refine(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<(Outline, Bytes)> {
    conquer(problem, outline, deadline).ok().map(|it| (it.outline, it.lower_bound))
}

/// The best weights to keep from run to run in an order, and a bound for that order. `None` if operators do not fit in
/// every order.
pub fn keep_in_order(
    problem: &Problem,
    solver: Solver,
    order: &[OpId],
    deadline: Deadline,
) -> Option<(Candidate, Bytes)> {
    if matches!(solver, Solver::Auto | Solver::Ilp)
        && let Ok(KeptOutline { outline, kept, lower_bound }) = keep_of_order(problem, order, deadline)
    {
        return Some((Candidate::new(problem, outline, kept), lower_bound));
    }
    Some((keep_by_rule(problem, order)?, problem.restreamed()))
}

/// A bound on the non-compulsory traffic of each run, in any order.
pub fn keep_bound(problem: &Problem, solver: Solver, deadline: Deadline) -> Bytes {
    let is_asked = matches!(solver, Solver::Auto | Solver::Ilp);
    let bound = if is_asked { keep_bound_of(problem, deadline).ok() } else { None };
    bound.unwrap_or_default().max(problem.restreamed())
}
