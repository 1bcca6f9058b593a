//! Operands of one operator in different banks, on machines where tensors move.
//!
//! The plan with the least traffic comes first, without regard to bank conflicts; its bound on traffic holds for every plan.
//! Then banks are chosen for its residencies with as few conflicts as possible (`choose.rs`). If conflicts are not allowed,
//! or cost more than a reload, tensors are evicted and reloaded into another bank (`cut.rs`), starting from several plans;
//! the cheapest result is returned. The conflicts that an operator has even alone (`alone.rs`) are in every plan.

use super::alone::{alone, cannot_be_apart, operands_read};
use super::choose::Chosen;
use super::cut::Cutting;
#[cfg(feature = "ilp")]
use super::reads::together;
use crate::address::address_separated;
use crate::baseline::{breadth_first, depth_first};
use crate::{Apart, Deadline, Dies, Error, MemoryId, OpId, Order, Plan, Problem, Solution, When, greedy_plan_in_order};
use tracing::debug;

/// The bank conflicts of a plan, if they have a price or are not allowed ([`Apart`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BankConflicts {
    /// Conflicts in the plan: one for each pair of operands of each operator in one bank.
    pub count: u64,
    /// A lower bound for all choices of banks for the residencies of this plan.
    pub least_here: u64,
    /// A lower bound for all plans: the conflicts that operators have even alone.
    pub least: u64,
}

/// The share of the remaining time for the integer program.
#[cfg(feature = "ilp")]
const SHARE_OF_PROGRAM: f64 = 0.5;

/// The consequence of bank conflicts in the scratchpad.
pub(crate) fn wish(problem: &Problem) -> Apart {
    problem.machine.memories()[MemoryId::SCRATCHPAD.index()].banks.map_or(Apart::No, |it| it.apart)
}

/// A lower bound on the bank conflicts of every plan.
///
/// # Errors
/// [`Error::NoPlace`] if conflicts are not allowed, and an operator has some even alone.
pub(crate) fn unavoidable(problem: &Problem) -> Result<u64, Error> {
    let wish = wish(problem);
    if wish == Apart::No {
        return Ok(0);
    }
    let mut sum = 0;
    for op in problem.graph.op_ids().filter(|it| 1 < operands_read(problem, *it).count()) {
        let least = alone(problem, op, &|it| it.dies != Dies::Never).least;
        if wish == Apart::Must && 0 < least {
            return Err(cannot_be_apart(problem, op));
        }
        sum += least;
    }
    Ok(sum)
}

/// A solution with few bank conflicts: the given plan in other banks, or another plan if that costs less.
///
/// # Errors
/// [`Error::NotPlanned`] if conflicts are not allowed, and no plan without any was found.
pub(crate) fn apart(
    problem: &Problem,
    order: Order,
    solution: Solution,
    incumbent: Option<&Plan>,
    least: u64,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let wish = wish(problem);
    let price = match wish {
        Apart::No => return Ok(solution),
        Apart::Must => None,
        Apart::Price(price) => Some(price),
    };
    let framed = problem.framed();
    let inner = framed.as_ref().map_or(problem, |it| it.problem());
    let lift = |plan: &Plan| framed.as_ref().map_or_else(|| plan.clone(), |it| it.lift(plan));
    let counts = |op: OpId| framed.as_ref().is_none_or(|it| matches!(it.when(op), When::Run(_)));
    let cutting = Cutting { problem: inner, counts: &counts, price };
    let start = lift(&solution.plan);
    let mut here = cutting.best_of_residencies(&start, least, deadline);
    let total = |it: &Chosen| {
        let traffic = u128::from(it.plan.non_compulsory(inner).0);
        traffic + u128::from(it.conflicts) * u128::from(price.unwrap_or(0))
    };
    let is_right = |it: &Chosen| price.is_some() || it.conflicts == 0;
    let enough = u128::from(solution.lower_bound.0) + u128::from(least) * u128::from(price.unwrap_or(0));
    let mut best: Option<Chosen> = Some(here.chosen.clone()).filter(is_right);
    let is_done = |best: &Option<Chosen>| best.as_ref().is_some_and(|it| total(it) <= enough);
    debug!(conflicts = here.chosen.conflicts, bound = here.bound, "banks");
    if !is_done(&best) {
        let mut others: Vec<Plan> = incumbent.map(lift).into_iter().collect();
        if price.is_none() {
            others.extend(other_plans(inner, &start.order, order == Order::Free && framed.is_none()));
        }
        let others = others.iter().map(|it| cutting.choose(it, least, deadline));
        for start in [here.chosen.clone()].into_iter().chain(others) {
            if let Some(cut) = cutting.cut(start, deadline).filter(is_right) {
                debug!(cost = %total(&cut), conflicts = cut.conflicts, "cut");
                best = best.filter(|it| total(it) <= total(&cut)).or(Some(cut));
            }
            if is_done(&best) {
                break;
            }
        }
    }
    if let Some(known) = incumbent.map(lift) {
        let conflicts = cutting.in_one_bank(&known).len() as u64;
        let known = Chosen { plan: known, conflicts };
        if is_right(&known) && best.as_ref().is_none_or(|it| total(&known) < total(it)) {
            best = Some(known);
        }
    }
    let Some(best) = best else {
        let memory = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()].name;
        let why =
            format!("a plan in which the operands of each operator are in different banks of {memory} was not found");
        return Err(Error::NotPlanned(why));
    };
    if best.plan.outline() != here.chosen.plan.outline() {
        here.bound = least;
    }
    let plan = framed.as_ref().map_or_else(|| best.plan.clone(), |it| it.strip(&best.plan));
    let non_compulsory = plan.non_compulsory(problem);
    let bank_conflicts = BankConflicts { count: best.conflicts, least_here: here.bound.min(best.conflicts), least };
    let fragmentation = match non_compulsory <= solution.non_compulsory {
        true => solution.fragmentation,
        false => solution.fragmentation + (non_compulsory - solution.non_compulsory),
    };
    Ok(Solution { plan, non_compulsory, fragmentation, bank_conflicts, ..solution })
}

/// Greedy plans, without regard to bank conflicts. If any order is allowed, they have several orders: in some of them, operands
/// die in time for results in their place.
fn other_plans(problem: &Problem, order: &[OpId], is_free: bool) -> Vec<Plan> {
    let Ok(Some(banked)) = problem.without_banks() else { return Vec::new() };
    let mut orders: Vec<Vec<OpId>> = vec![order.to_vec()];
    if is_free {
        let graph = &problem.graph;
        for other in [graph.op_ids().collect(), depth_first(graph), breadth_first(graph)] {
            if !orders.contains(&other) {
                orders.push(other);
            }
        }
    }
    let plans = orders.iter().filter_map(|it| greedy_plan_in_order(banked.problem(), it).ok());
    plans.map(|it| banked.back(it)).collect()
}

/// The same plan in banks with few conflicts; `None` if conflicts are not allowed and some remain.
pub(crate) fn in_other_banks(problem: &Problem, plan: &Plan, deadline: Deadline) -> Option<Plan> {
    let wish = wish(problem);
    if wish == Apart::No {
        return Some(plan.clone());
    }
    let framed = problem.framed();
    let inner = framed.as_ref().map_or(problem, |it| it.problem());
    let counts = |op: OpId| framed.as_ref().is_none_or(|it| matches!(it.when(op), When::Run(_)));
    let cutting = Cutting { problem: inner, counts: &counts, price: None };
    let lifted = framed.as_ref().map_or_else(|| plan.clone(), |it| it.lift(plan));
    let Best { chosen, .. } = cutting.best_of_residencies(&lifted, 0, deadline);
    let plan = framed.as_ref().map_or_else(|| chosen.plan.clone(), |it| it.strip(&chosen.plan));
    (wish != Apart::Must || chosen.conflicts == 0).then_some(plan)
}

/// Banks for residencies, and a lower bound on the conflicts of all choices.
struct Best {
    chosen: Chosen,
    bound: u64,
}

impl Cutting<'_> {
    /// Banks for the residencies of a plan with few conflicts.
    fn best_of_residencies(&self, plan: &Plan, least: u64, deadline: Deadline) -> Best {
        let mut chosen = self.choose(plan, least, deadline);
        if least < chosen.conflicts && plan.kept(self.problem).is_empty() {
            let separated = address_separated(self.problem, &plan.outline(), deadline);
            let other = separated.map(|it| self.choose(&it, least, deadline));
            chosen = other.filter(|it| it.conflicts < chosen.conflicts).unwrap_or(chosen);
        }
        let mut bound = least;
        #[cfg(feature = "ilp")]
        if least < chosen.conflicts {
            let together = together(self.problem, &chosen.plan, self.counts);
            let tied = self.tied(&chosen.plan);
            let asked = crate::ilp::banks::Banking { problem: self.problem, together: &together, tied: &tied, least };
            (chosen, bound) = asked.solve(chosen, deadline.part(SHARE_OF_PROGRAM));
        }
        bound = bound.max(least).min(chosen.conflicts);
        Best { chosen, bound }
    }
}

impl Solution {
    /// The cost of the plan in bytes: its non-compulsory traffic, and its bank conflicts at their price.
    pub fn cost(&self, problem: &Problem) -> u128 {
        let price = match wish(problem) {
            Apart::Price(price) => price,
            Apart::No | Apart::Must => 0,
        };
        u128::from(self.non_compulsory.0) + u128::from(self.bank_conflicts.count) * u128::from(price)
    }

    /// A proven lower bound on the cost of every plan.
    pub fn cost_bound(&self, problem: &Problem) -> u128 {
        let price = match wish(problem) {
            Apart::Price(price) => price,
            Apart::No | Apart::Must => 0,
        };
        u128::from(self.lower_bound.0) + u128::from(self.bank_conflicts.least) * u128::from(price)
    }
}
