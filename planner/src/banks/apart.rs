//! Operands of one operator in different banks, where tensors move.
//!
//! What is planned first moves least, without regard to which bank a tensor is in: its bound is true of any plan. Then banks
//! are chosen for its residencies (`choose.rs`), such that the fewest operands share one. Where they must not, and where a
//! conflict costs more than to move a tensor once more, tensors leave and come back to another bank (`cut.rs`); of several
//! plans that are started from, the cheapest one is taken. Conflicts that each operator has even alone (`alone.rs`) are in
//! every plan.

use super::alone::{alone, cannot_be_apart, operands_read};
use super::choose::Chosen;
use super::cut::Cutting;
#[cfg(feature = "ilp")]
use super::reads::together;
use crate::address::address_separated;
use crate::{Apart, Deadline, Dies, Error, MemoryId, OpId, Order, Plan, Problem, Solution, When, greedy_plan_in_order};
use tracing::debug;

/// Two operands of one operator in one bank: how often that is, where it has a price ([`Apart::Price`]) or must not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BankConflicts {
    /// In the plan: one for each two operands of each operator.
    pub count: u64,
    /// No other banks for the residencies of the plan have fewer.
    pub least_here: u64,
    /// No plan has fewer: so many the operators have even alone.
    pub least: u64,
}

/// The part of the time left that choosing banks by an integer program may take.
#[cfg(feature = "ilp")]
const SHARE_OF_PROGRAM: f64 = 0.5;

/// What becomes of two operands in one bank of the scratchpad.
pub(crate) fn wish(problem: &Problem) -> Apart {
    problem.machine.memories()[MemoryId::SCRATCHPAD.index()].banks.map_or(Apart::No, |it| it.apart)
}

/// The conflicts that are in every plan.
///
/// # Errors
/// [`Error::NoPlace`] where there must be none, and an operator has some even alone.
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

/// The plan of a solution with as few operands in one bank as can be found, or another one that costs less for it.
///
/// # Errors
/// [`Error::NotPlanned`] where there must be no conflict, and no plan without one was found.
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
        let mut starts = vec![here.chosen.clone()];
        starts.extend(incumbent.map(|it| cutting.choose(&lift(it), least, deadline)));
        if price.is_none() {
            // Others that are there in any case.
            if let Ok(Some(banked)) = inner.without_banks() {
                let source: Vec<OpId> = inner.graph.op_ids().collect();
                let mut orders = vec![start.order.clone()];
                orders.extend((order == Order::Free && framed.is_none()).then_some(source));
                orders.dedup();
                let greedy = orders.iter().filter_map(|it| greedy_plan_in_order(banked.problem(), it).ok());
                starts.extend(greedy.map(|it| cutting.choose(&banked.back(it), least, deadline)));
            }
        }
        for start in starts {
            let cut = if is_done(&best) { None } else { cutting.cut(start, deadline) };
            if let Some(cut) = cut.filter(is_right) {
                debug!(cost = %total(&cut), conflicts = cut.conflicts, "cut");
                if best.as_ref().is_none_or(|it| total(&cut) < total(it)) {
                    best = Some(cut);
                }
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

/// The same plan in other banks: with as few conflicts as local search finds, for those that do not look for other plans.
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

/// Banks for residencies, and a bound on the conflicts of any others.
struct Best {
    chosen: Chosen,
    bound: u64,
}

impl Cutting<'_> {
    /// The fewest conflicts that are found without other residencies.
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
    /// What the plan costs, in bytes: its non-compulsory traffic, and its bank conflicts at their price.
    pub fn cost(&self, problem: &Problem) -> u128 {
        let price = match wish(problem) {
            Apart::Price(price) => price,
            Apart::No | Apart::Must => 0,
        };
        u128::from(self.non_compulsory.0) + u128::from(self.bank_conflicts.count) * u128::from(price)
    }

    /// No plan costs less: a proven bound.
    pub fn cost_bound(&self, problem: &Problem) -> u128 {
        let price = match wish(problem) {
            Apart::Price(price) => price,
            Apart::No | Apart::Must => 0,
        };
        u128::from(self.lower_bound.0) + u128::from(self.bank_conflicts.least) * u128::from(price)
    }
}
