//! Optimal replacement in a fixed order.
//!
//! 1. The order gives a covering problem ([`LongCover`]). A large one is improved [window by window](super::sliding);
//!    if it is too long for explicit rows, that is all, and its bound is that of its [relaxation](relaxed_bound).
//! 2. Others ([`Cover`]) are divided into independent [`parts`].
//! 3. Each part goes to the solver, in units of the greatest common divisor of its sizes and padded sizes, so that
//!    coefficients are small integers.
//! 4. A part that is open after the node limit goes to the solver again, with rows that break symmetries
//!    ([`exchanges`]).

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

/// *Measured* on training graphs: parts that are solved in a second take fewer nodes, and parts that benefit from
/// breaking symmetries take more.
const NODES_OF_FIRST_ATTEMPT: i32 = 2000;

/// The share of the remaining time for windows of a large problem before it is solved as a whole.
const SHARE_OF_WINDOWS: f64 = 0.5;

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The best outline that was found.
    pub outline: Outline,
    /// A lower bound on the non-compulsory traffic ([`Outline::non_compulsory`]) of every outline that was asked for.
    pub lower_bound: Bytes,
    /// Whether the outline attains the bound.
    pub proven: bool,
}

/// The outline with the least traffic among those in this order, which must respect the dependences.
///
/// `start` is an outline to improve on; one with another order is ignored. At the deadline the best outline so far is
/// returned; there always is one.
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

/// The same if the padded sizes in the scratchpad add up to at most `capacity`, except while an operator runs that
/// needs more by itself. Then the bound is only for such outlines.
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
    // A start that does not fit a smaller capacity can be completed only with explicit rows.
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
    // Windows ignore pins.
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

/// Writes the best choice found to `dropped`, and returns a lower bound on the cost of any choice.
fn improve(cover: &Cover, dropped: &mut Vec<bool>, deadline: Deadline) -> Result<Bytes, Error> {
    let max_nodes = if cover.has_clashes { i32::MAX } else { NODES_OF_FIRST_ATTEMPT };
    let bound = attempt(cover, &[], dropped, max_nodes, deadline)?;
    // Exchanges are derived from rows that have all gaps across their steps.
    if cover.choices.cost(dropped) <= bound || cover.has_clashes {
        return Ok(bound);
    }
    let exchanges = exchanges(cover, deadline);
    exchange(&exchanges, dropped);
    Ok(bound.max(attempt(cover, &exchanges, dropped, i32::MAX, deadline)?))
}

/// One run of the solver: writes the better choice to `dropped`, and returns the lower bound.
pub(super) fn attempt(
    cover: &Cover,
    exchanges: &[(usize, usize)],
    dropped: &mut Vec<bool>,
    max_nodes: i32,
    deadline: Deadline,
) -> Result<Bytes, Error> {
    // Building the model takes as long as handing it over.
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

/// The formulas of [`Cover`], with sizes in this unit. The first variables are `dropped[g]`, by gap; then come
/// `written[t]`.
fn model(cover: &Cover, exchanges: &[(usize, usize)], unit: u64, start: &[bool]) -> Model {
    let mut model = Model::default();
    let weights = cover.choices.sizes.iter().map(|it| it.0 / unit);
    let dropped: Vec<Variable> = weights.zip(start).map(|(weight, start)| model.binary(weight, *start)).collect();
    // Every evicted tensor is written back.
    let mut written: Option<(TensorId, Variable)> = None;
    for (gap, tensor) in cover.choices.written.iter().enumerate().filter_map(|(gap, it)| Some((gap, (*it)?))) {
        let variable = match written {
            Some((last, variable)) if last == tensor => variable,
            _ => {
                // Gaps of one tensor are adjacent.
                let gaps = (gap..start.len()).take_while(|it| cover.choices.written[*it] == Some(tensor));
                let leaves = gaps.into_iter().any(|it| start[it]);
                model.binary(cover.choices.sizes[gap].0 / unit, leaves)
            }
        };
        written = Some((tensor, variable));
        model.constraints.push(constraint!(variable >= dropped[gap]));
    }
    // At each step, evictions free the required space.
    for row in &cover.rows {
        let unit = row.terms.iter().fold(0, |unit, (_, worth)| gcd(unit, worth.0));
        let made: Expression = row.terms.iter().map(|&(gap, worth)| (worth.0 / unit) as f64 * dropped[gap]).sum();
        model.constraints.push(made.geq(row.excess.0.div_ceil(unit) as f64));
    }
    // If two gaps can be exchanged without loss, one goes first.
    model.constraints.extend(exchanges.iter().map(|&(a, b)| constraint!(dropped[a] <= dropped[b])));
    model
}
