//! Optimal replacement in a fixed order.
//!
//! 1. The order gives a covering problem ([`LongCover`]). A large one is improved [window by window](super::sliding);
//!    of one that is too long to be written out, that is all, and its bound is that of its [relaxation](relaxed_bound).
//! 2. Others ([`Cover`]) fall into independent [`parts`].
//! 3. Each part goes to the solver, in units of the greatest common divisor of its sizes and
//!    rooms, so that coefficients are small and whole.
//! 4. What the solver has not settled after so many nodes, it gets again, with rows that break
//!    symmetries ([`exchanges`]).

use super::cover::{Cover, LongCover};
use super::either_way::replace_with_choices;
use super::exchange::{exchange, exchanges};
use super::gap;
use super::parts::parts;
use super::relaxed::relaxed_bound;
use super::sliding::improve_in_windows;
use super::solver::{self, Model};
use crate::divisor::gcd;
use crate::greedy::replace_on_demand;
use crate::replacement::ReplacementRule;
use crate::{Bytes, Deadline, Error, OpId, Outline, Problem, TensorId};
use good_lp::{Expression, Variable, constraint};

/// *Measured* on training graphs: what is settled in a second takes fewer, what takes fewer
/// afterwards with symmetries broken has had more.
const NODES_OF_FIRST_ATTEMPT: i32 = 2000;

/// The part of the time left that windows of a large problem may take before it is solved as a whole.
const SHARE_OF_WINDOWS: f64 = 0.5;

/// How far an attempt came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The best that was found.
    pub outline: Outline,
    /// No outline within the question has less non-compulsory traffic
    /// ([`Outline::non_compulsory`]).
    pub lower_bound: Bytes,
    /// Whether the outline attains the bound.
    pub proven: bool,
}

/// The outline with the least traffic among those that run the operators in this order, which
/// must respect the dependences.
///
/// `start` is an outline to improve on; one of another order is of no use and ignored. At the
/// deadline the best outline so far is returned, and there is always one.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`].
pub fn replace(
    problem: &Problem,
    order: &[OpId],
    start: Option<&Outline>,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    replace_within(problem, order, problem.capacity(), start, deadline)
}

/// Likewise, where the rooms of what is on-chip add up to no more than `capacity`, except while an
/// operator runs that needs more for itself. Then the bound is one on such outlines only.
///
/// # Errors
/// Those of [`replace()`].
pub fn replace_within(
    problem: &Problem,
    order: &[OpId],
    capacity: Bytes,
    start: Option<&Outline>,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    problem.check_without_ends()?;
    if problem.graph.has_choices() {
        return replace_with_choices(problem, order, capacity, start, deadline);
    }
    let long = LongCover::new(problem, order, capacity);
    let cover = long.in_rows();
    // What does not fit a lesser capacity can be completed, but only where rows are written out.
    let is_start = |it: &&Outline| it.order == order && (cover.is_some() || capacity == problem.capacity());
    let mut dropped = match (start.filter(is_start), &cover) {
        (Some(start), _) => gap::dropped(&long.choices.gaps, start),
        (None, Some(_)) => vec![false; long.choices.gaps.len()],
        (None, None) => {
            let by_rule = replace_on_demand(problem, order, ReplacementRule::FarthestNextUse, capacity);
            gap::dropped(&long.choices.gaps, &by_rule)
        }
    };
    cover.iter().for_each(|it| it.complete(&mut dropped));
    improve_in_windows(&long, &mut dropped, deadline.part(SHARE_OF_WINDOWS))?;
    // Windows know no pins.
    cover.iter().filter(|it| it.has_clashes).for_each(|it| it.complete(&mut dropped));
    let mut lower_bound = problem.restreamed();
    match cover {
        None => lower_bound += relaxed_bound(&long, deadline)?,
        Some(cover) => {
            for part in parts(&cover) {
                let mut choice: Vec<bool> = part.gaps.iter().map(|it| dropped[*it]).collect();
                lower_bound += improve(&part.cover, &mut choice, deadline)?;
                part.gaps.iter().zip(choice).for_each(|(gap, choice)| dropped[*gap] = choice);
            }
        }
    }
    let outline = gap::outline(problem, order, &long.choices.gaps, &dropped);
    let proven = outline.non_compulsory(problem) == lower_bound;
    Ok(Outcome { outline, lower_bound, proven })
}

/// Writes the best choice found to `dropped`, and gives a lower bound on what any choice costs.
fn improve(cover: &Cover, dropped: &mut Vec<bool>, deadline: Deadline) -> Result<Bytes, Error> {
    let max_nodes = if cover.has_clashes { i32::MAX } else { NODES_OF_FIRST_ATTEMPT };
    let bound = attempt(cover, &[], dropped, max_nodes, deadline)?;
    // Exchanges are told from rows that are over all gaps across their steps.
    if cover.choices.cost(dropped) <= bound || cover.has_clashes {
        return Ok(bound);
    }
    let exchanges = exchanges(cover, deadline);
    exchange(&exchanges, dropped);
    Ok(bound.max(attempt(cover, &exchanges, dropped, i32::MAX, deadline)?))
}

/// One run of the solver: writes the better choice to `dropped`, and gives the lower bound.
pub(super) fn attempt(
    cover: &Cover,
    exchanges: &[(usize, usize)],
    dropped: &mut Vec<bool>,
    max_nodes: i32,
    deadline: Deadline,
) -> Result<Bytes, Error> {
    // Making it takes as long as handing it over.
    if !solver::is_time_for(cover.rows.iter().map(|row| row.terms.len()).sum(), deadline) {
        return Ok(Bytes::ZERO);
    }
    let unit = cover.choices.sizes.iter().fold(0, |unit, size| gcd(unit, size.0)).max(1);
    let answer = model(cover, exchanges, unit, dropped).minimise(max_nodes, deadline)?;
    if let Some(values) = answer.values {
        let mut better: Vec<bool> = values[..cover.choices.gaps.len()].iter().map(|it| *it == 1).collect();
        cover.complete(&mut better);
        if cover.choices.cost(&better) < cover.choices.cost(dropped) {
            *dropped = better;
        }
    }
    Ok(Bytes(answer.bound * unit))
}

/// The formulas of [`Cover`], sizes in this unit. The first variables are `dropped[g]`, by gap;
/// then come `written[t]`.
fn model(cover: &Cover, exchanges: &[(usize, usize)], unit: u64, start: &[bool]) -> Model {
    let mut model = Model::default();
    let weights = cover.choices.sizes.iter().map(|it| it.0 / unit);
    let dropped: Vec<Variable> = weights.zip(start).map(|(weight, start)| model.binary(weight, *start)).collect();
    // A tensor that leaves anywhere has been written back.
    let mut written: Option<(TensorId, Variable)> = None;
    for (gap, tensor) in cover.choices.written.iter().enumerate().filter_map(|(gap, it)| Some((gap, (*it)?))) {
        let variable = match written {
            Some((last, variable)) if last == tensor => variable,
            _ => {
                // Gaps of one tensor are neighbours.
                let gaps = (gap..start.len()).take_while(|it| cover.choices.written[*it] == Some(tensor));
                let leaves = gaps.into_iter().any(|it| start[it]);
                model.binary(cover.choices.sizes[gap].0 / unit, leaves)
            }
        };
        written = Some((tensor, variable));
        model.constraints.push(constraint!(variable >= dropped[gap]));
    }
    // At each step, what leaves makes the room that is needed.
    for row in &cover.rows {
        let unit = row.terms.iter().fold(0, |unit, (_, worth)| gcd(unit, worth.0));
        let made: Expression = row.terms.iter().map(|&(gap, worth)| (worth.0 / unit) as f64 * dropped[gap]).sum();
        model.constraints.push(made.geq(row.excess.0.div_ceil(unit) as f64));
    }
    // Where two gaps can be exchanged at no loss, one goes first.
    model.constraints.extend(exchanges.iter().map(|&(a, b)| constraint!(dropped[a] <= dropped[b])));
    model
}
