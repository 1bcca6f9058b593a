//! Other orders with less idle time.
//!
//! Among orders with the same traffic, one may keep the channel busy while another leaves it idle: it runs operators
//! with large stores while there is something left to compute, or operators with large loads after those that compute
//! for long. So an order is changed locally, its residencies follow by rule, and the result is rated by the bound for
//! its transfers, divided arbitrarily ([`bound_of_plan`](super::bound_of_plan)): programs come close to it.
//!
//! 1. An operator is moved to another step, earlier together with its predecessors, or later together with its
//!    successors.
//! 2. If the result is not slower and does not move too much, the search continues from it.
//!
//! Both are chosen by pseudorandom numbers, and attempts are counted, so the result is the same everywhere.

use super::bound::bound_of_transfers;
use super::transfers::Transfers;
use crate::pack::random::Random;
use crate::{Bytes, Cycles, Deadline, Error, OpId, Outline, Problem, greedy};

/// The limit of attempts times operators.
const MAX_WORK: usize = 1_200_000;

/// The limit of attempts for few operators.
const MAX_ATTEMPTS: usize = 12_000;

/// The goal of the search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// The limit of non-compulsory bytes.
    pub most: Bytes,
    /// The cycles that are good enough.
    pub enough: Cycles,
}

/// An outline, its cost, and a lower bound on its time.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub outline: Outline,
    pub non_compulsory: Bytes,
    pub cycles: Cycles,
}

impl Candidate {
    /// # Errors
    /// Those of [`bound_of_plan`](super::bound_of_plan).
    pub fn new(problem: &Problem, outline: Outline) -> Result<Candidate, Error> {
        let offsets = vec![Bytes::ZERO; outline.stays.len()];
        let plan = outline.at(&offsets, vec![Bytes::ZERO; outline.order.len()]);
        let cycles = bound_of_transfers(problem, &Transfers::new(problem, &plan)?)?;
        Ok(Candidate { non_compulsory: outline.non_compulsory(problem), cycles, outline })
    }

    /// The outline that a rule makes of an order; `None` if it does not fit, or costs too much.
    pub fn of_order(problem: &Problem, order: &[OpId], most: Bytes) -> Result<Option<Candidate>, Error> {
        let outline = greedy(problem, order);
        let fits = || outline.rooms(problem).into_iter().all(|it| it <= problem.capacity());
        if most < outline.non_compulsory(problem) || !fits() {
            return Ok(None);
        }
        Candidate::new(problem, outline).map(Some)
    }
}

/// A faster outline than this one within the goal, or the same. It takes up to a second for thousands of operators.
///
/// # Errors
/// Those of [`bound_of_plan`](super::bound_of_plan).
pub(super) fn reordered(
    problem: &Problem,
    start: Candidate,
    goal: Goal,
    deadline: Deadline,
) -> Result<Candidate, Error> {
    let mut best = start;
    let n_ops = best.outline.order.len() as u64;
    if n_ops < 2 {
        return Ok(best);
    }
    let mut random = Random::new();
    for _ in 0..(MAX_WORK / n_ops as usize).min(MAX_ATTEMPTS) {
        if best.cycles <= goal.enough || deadline.has_passed() {
            break;
        }
        let (from, to) = (random.below(n_ops) as usize, random.below(n_ops) as usize);
        // Every second move is short.
        let reach = if random.below(2) == 0 { 8 } else { n_ops as usize };
        let to = to.clamp(from.saturating_sub(reach), (from + reach).min(n_ops as usize - 1));
        let Some(order) = moved(problem, &best.outline.order, from, to) else { continue };
        let found = Candidate::of_order(problem, &order, goal.most)?;
        let is_no_worse = |it: &Candidate| (it.cycles, it.non_compulsory) <= (best.cycles, best.non_compulsory);
        if let Some(found) = found.filter(is_no_worse) {
            best = found;
        }
    }
    Ok(best)
}

/// The order with an operator moved to another step, together with its predecessors or successors in between. `None` if
/// that is the same order.
fn moved(problem: &Problem, order: &[OpId], from: usize, to: usize) -> Option<Vec<OpId>> {
    let mut order = order.to_vec();
    let is_earlier = to < from;
    let between = if is_earlier { to..from + 1 } else { from..to + 1 };
    let mut comes_along = vec![false; order.len()];
    comes_along[order[from].index()] = true;
    let graph = &problem.graph;
    let mark = |op: OpId, comes_along: &mut Vec<bool>| {
        if comes_along[op.index()] {
            let next = if is_earlier { graph.predecessors(op) } else { graph.successors(op) };
            next.iter().for_each(|it| comes_along[it.index()] = true);
        }
    };
    let ops = &order[between.clone()];
    if is_earlier {
        ops.iter().rev().for_each(|it| mark(*it, &mut comes_along));
    } else {
        ops.iter().for_each(|it| mark(*it, &mut comes_along));
    }
    let (along, others): (Vec<OpId>, Vec<OpId>) = ops.iter().partition(|it| comes_along[it.index()]);
    if others.is_empty() {
        return None;
    }
    let (first, second) = if is_earlier { (along, others) } else { (others, along) };
    order.splice(between, first.into_iter().chain(second));
    Some(order)
}
