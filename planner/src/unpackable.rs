//! A plan if the best outline cannot be packed: planning continues until there are addresses.
//!
//! 1. The greedy planner assigns addresses on the way. It always finds a plan.
//! 2. The outline is repaired, unless the problem is large: see [`repair`](mod@crate::repair).
//! 3. A small problem is solved as a whole, addresses included. That gives a proof.
//! 4. Order and residency are decided again with less and less capacity, which leaves gaps between addresses. The
//!    results are packed or repaired, as long as they may be better than the best plan so far.
//! 5. The residencies and addresses of all these outlines are improved together: see [`polish`](mod@crate::polish).

use crate::incumbent::Incumbent;
use crate::polish::{is_polished, polish, polish_on};
use crate::portfolio::{Decision, SHARE_OF_PACKING, greedily, ilp, source_order};
use crate::progress::Phase;
use crate::repair::repair;
use crate::search::{SearchOptions, search};
use crate::{
    BankConflicts, Bytes, Deadline, Options, Outline, Plan, Problem, Solution, Solver, address, greedy_plan_in_order,
};
use tracing::debug;

/// The number of operators from which on problems are not repaired if local search improves plans.
const MIN_OPS_NOT_REPAIRED: usize = 700;

/// The share of the remaining time for repair if local search improves its result.
const SHARE_OF_REPAIR: f64 = 0.2;

/// The share of the remaining time for deciding with less capacity before local search.
const SHARE_OF_LESS_CAPACITY: f64 = 0.25;

/// The best plan with addresses that is found for a decision without addresses. The caller sets its fragmentation.
pub(crate) fn plan_anyway(
    problem: &Problem,
    options: &Options,
    decision: &Decision,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Solution {
    let Decision { outline, lower_bound, solver, in_simple_order } = decision;
    deadline.enter(Phase::Repair);
    let is_polished = may_polish(problem, options);
    // Continues from a plan that was polished before.
    if let Some(plan) = in_simple_order.as_ref().filter(|it| is_polished && it.plan.order == outline.order) {
        let mut best = Solution { lower_bound: *lower_bound, ..plan.clone() };
        best.offer_incumbent(incumbent);
        if !best.is_optimal() {
            best.offer(polish_on(problem, outline, &plan.plan, *lower_bound, deadline), *solver);
        }
        deadline.planned(best.non_compulsory);
        return best;
    }
    let source = source_order(problem);
    let orders = [&source, &outline.order].into_iter().take(if source == outline.order { 1 } else { 2 });
    let greedy = orders.map(|order| {
        let plan = greedy_plan_in_order(problem, order).expect("the problem was checked");
        Solution {
            non_compulsory: plan.non_compulsory(problem),
            plan,
            lower_bound: *lower_bound,
            fragmentation: Bytes::ZERO,
            bank_conflicts: BankConflicts::default(),
            solver: Solver::Greedy,
        }
    });
    let mut best = greedy.min_by_key(|it| it.non_compulsory).expect("there is an order");
    best.offer_incumbent(incumbent);
    deadline.planned(best.non_compulsory);
    if is_repaired(problem, options) {
        let repairing = if is_polished { deadline.part(SHARE_OF_REPAIR) } else { deadline };
        best.offer(repair(problem, outline, repairing.with_grace()), *solver);
        deadline.planned(best.non_compulsory);
    }
    debug!(outline = %outline.non_compulsory(problem), repaired = %best.non_compulsory, "not packed");

    best.solve_whole(problem, options, deadline);
    let share = if is_polished { SHARE_OF_LESS_CAPACITY } else { 1.0 };
    let lesser = less_capacity(problem, options, outline, &mut best, deadline.part(share));
    if is_polished {
        let lesser = lesser.iter().filter(|it| it.order == outline.order);
        let outlines: Vec<&Outline> = [outline].into_iter().chain(lesser).collect();
        best.polish(problem, &outlines, *solver, deadline);
        deadline.planned(best.non_compulsory);
    }
    best
}

/// Whether outlines are repaired: in large problems, local search finds better plans, and faster.
fn is_repaired(problem: &Problem, options: &Options) -> bool {
    let is_large = MIN_OPS_NOT_REPAIRED <= problem.graph.ops().len();
    !is_large || !may_polish(problem, options)
}

/// Whether local search improves residencies and addresses.
fn may_polish(problem: &Problem, options: &Options) -> bool {
    options.solver != Solver::Greedy && is_polished(problem)
}

/// Decides with less and less capacity; returns the outlines.
fn less_capacity(
    problem: &Problem,
    options: &Options,
    outline: &Outline,
    best: &mut Solution,
    deadline: Deadline,
) -> Vec<Outline> {
    let try_for = options.time_limit.mul_f64(SHARE_OF_PACKING);
    let is_polished = may_polish(problem, options);
    let order = &outline.order;
    let mut decided = Vec::new();
    for capacity in lesser_capacities(problem) {
        if best.is_optimal() || deadline.has_passed() {
            break;
        }
        let mut outlines = outlines_within(problem, options, outline, capacity, deadline);
        outlines.retain(|it| it.0.non_compulsory(problem) < best.non_compulsory);
        outlines.sort_by_key(|it| it.0.non_compulsory(problem));
        // Less capacity almost never costs less.
        if outlines.is_empty() {
            break;
        }
        let mut is_packed = false;
        for (outline, solver) in outlines {
            decided.push(outline.clone());
            let cost = outline.non_compulsory(problem);
            let packed = address(problem, &outline, deadline.within(try_for)).map(|it| (it, cost));
            is_packed |= packed.is_some();
            // Local search builds a plan from one outline in its order.
            let is_left = is_polished && outline.order == *order || !is_repaired(problem, options);
            let repaired = || if is_left { None } else { repair(problem, &outline, deadline) };
            best.offer(packed.or_else(repaired), solver);
            deadline.planned(best.non_compulsory);
            debug!(%capacity, outline = %cost, best = %best.non_compulsory, "less capacity");
        }
        if is_packed {
            break;
        }
    }
    decided
}

impl Solution {
    /// Solves a small problem as a whole, addresses included.
    fn solve_whole(&mut self, problem: &Problem, options: &Options, deadline: Deadline) {
        if !matches!(options.solver, Solver::Auto | Solver::Ilp) || self.is_optimal() {
            return;
        }
        let range = self.lower_bound..self.non_compulsory;
        let Some((plan, lower_bound)) = ilp::whole(problem, options, range, deadline) else { return };
        let costing = |plan: Plan| {
            let cost = plan.non_compulsory(problem);
            (plan, cost)
        };
        self.offer(plan.map(costing), Solver::Ilp);
        self.lower_bound = self.lower_bound.max(lower_bound);
        deadline.planned(self.non_compulsory);
        deadline.proved(self.lower_bound);
    }

    /// Improves the plan, or one made from outlines that all have one order, if the result is better.
    fn polish(&mut self, problem: &Problem, outlines: &[&Outline], solver: Solver, deadline: Deadline) {
        if self.is_optimal() {
            return;
        }
        let in_order = match outlines.first().filter(|it| it.order != self.plan.order) {
            Some(outline) => greedy_plan_in_order(problem, &outline.order).ok(),
            None => None,
        };
        let plan = in_order.as_ref().unwrap_or(&self.plan);
        self.offer(polish(problem, outlines, plan, self.lower_bound, deadline), solver);
    }

    /// Takes a plan if it is better.
    pub(crate) fn offer(&mut self, plan: Option<(Plan, Bytes)>, solver: Solver) {
        if let Some((plan, non_compulsory)) = plan.filter(|it| it.1 < self.non_compulsory) {
            (self.plan, self.non_compulsory, self.solver) = (plan, non_compulsory, solver);
        }
    }
}

/// Capacities to try if an outline cannot be packed although its sum fits: first without the space that only the
/// missing padding of a highest block gives, then less and less.
fn lesser_capacities(problem: &Problem) -> impl Iterator<Item = Bytes> {
    let Bytes(alignment) = problem.machine.alignment();
    let stretches = problem.machine.stretches().into_iter();
    let whole: u64 = stretches.map(|it| (it.end - it.start).0 / alignment).sum();
    [0, 256, 128, 64, 32, 16, 8, 4].into_iter().map(move |part| {
        let less = if part == 0 { 0 } else { whole.div_ceil(part) };
        Bytes((whole - less) * alignment)
    })
}

/// Outlines that leave some of the scratchpad empty in each step whose operator allows it, with the solvers that made
/// them.
fn outlines_within(
    problem: &Problem,
    options: &Options,
    outline: &Outline,
    capacity: Bytes,
    deadline: Deadline,
) -> Vec<(Outline, Solver)> {
    let mut outlines = Vec::new();
    if matches!(options.solver, Solver::Auto | Solver::Ilp)
        && let Some(outline) = ilp::within(problem, outline, capacity, deadline)
    {
        outlines.push((outline, Solver::Ilp));
    }
    if matches!(options.solver, Solver::Auto | Solver::Search) {
        let search_options = SearchOptions { order: options.order, proof_width: 0, ..SearchOptions::default() };
        // With less capacity, costs and bounds are those of another problem.
        let outcome = search(problem, capacity, None, &search_options, &|_| None, deadline.in_private());
        outlines.extend(outcome.outline.map(|it| (it, Solver::Search)));
    }
    if options.solver == Solver::Greedy {
        outlines.push((greedily(problem).outline, Solver::Greedy));
    }
    outlines
}
