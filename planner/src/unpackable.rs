//! A plan where the best outline cannot be packed: planning goes on until there are addresses.
//!
//! 1. The greedy planner decides addresses as it goes. Its plan always exists.
//! 2. The outline is repaired: see [`repair`](mod@crate::repair).
//! 3. A small problem is solved as a whole, addresses included. That is a proof.
//! 4. Order and residency are decided again with less and less capacity, which leaves gaps between
//!    addresses, and what comes out is packed, or repaired, as long as it may turn out better than
//!    the best plan so far.

use crate::incumbent::Incumbent;
use crate::portfolio::{Decision, SHARE_OF_PACKING, greedily, ilp, source_order};
use crate::progress::Phase;
use crate::repair::repair;
use crate::search::{SearchOptions, search};
use crate::{Bytes, Deadline, Options, Outline, Plan, Problem, Solution, Solver, address, greedy_plan_in_order};
use tracing::debug;

/// The best plan with addresses that could be found for what was decided without. What it says of
/// fragmentation is for the caller to say.
pub(crate) fn plan_anyway(
    problem: &Problem,
    options: &Options,
    decision: &Decision,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Solution {
    let Decision { outline, lower_bound, solver } = decision;
    deadline.enter(Phase::Repair);
    let try_for = options.time_limit.mul_f64(SHARE_OF_PACKING);
    let greedy = [&source_order(problem), &outline.order].map(|order| {
        let plan = greedy_plan_in_order(problem, order).expect("the problem was checked");
        Solution {
            non_compulsory: plan.non_compulsory(problem),
            plan,
            lower_bound: *lower_bound,
            fragmentation: Bytes::ZERO,
            solver: Solver::Greedy,
        }
    });
    let mut best = greedy.into_iter().min_by_key(|it| it.non_compulsory).expect("two plans");
    best.offer_incumbent(incumbent);
    deadline.planned(best.non_compulsory);
    best.offer(repair(problem, outline, deadline.with_grace()), *solver);
    deadline.planned(best.non_compulsory);
    debug!(outline = %outline.non_compulsory(problem), repaired = %best.non_compulsory, "not packed");

    if matches!(options.solver, Solver::Auto | Solver::Ilp) && !best.is_optimal() {
        let range = best.lower_bound..best.non_compulsory;
        if let Some((plan, lower_bound)) = ilp::whole(problem, options, range, deadline) {
            let costing = |plan: Plan| {
                let cost = plan.non_compulsory(problem);
                (plan, cost)
            };
            best.offer(plan.map(costing), Solver::Ilp);
            best.lower_bound = best.lower_bound.max(lower_bound);
            deadline.planned(best.non_compulsory);
            deadline.proved(best.lower_bound);
        }
    }
    for capacity in lesser_capacities(problem) {
        if best.is_optimal() || deadline.has_passed() {
            break;
        }
        let mut outlines = outlines_within(problem, options, outline, capacity, deadline);
        outlines.retain(|it| it.0.non_compulsory(problem) < best.non_compulsory);
        outlines.sort_by_key(|it| it.0.non_compulsory(problem));
        // Less capacity costs no less, or hardly ever.
        if outlines.is_empty() {
            break;
        }
        let mut is_packed = false;
        for (outline, solver) in outlines {
            let cost = outline.non_compulsory(problem);
            let packed = address(problem, &outline, deadline.within(try_for)).map(|it| (it, cost));
            is_packed |= packed.is_some();
            best.offer(packed.or_else(|| repair(problem, &outline, deadline)), solver);
            deadline.planned(best.non_compulsory);
            debug!(%capacity, outline = %cost, best = %best.non_compulsory, "less capacity");
        }
        if is_packed {
            break;
        }
    }
    best
}

impl Solution {
    /// Takes a plan if it is better.
    pub(crate) fn offer(&mut self, plan: Option<(Plan, Bytes)>, solver: Solver) {
        if let Some((plan, non_compulsory)) = plan.filter(|it| it.1 < self.non_compulsory) {
            (self.plan, self.non_compulsory, self.solver) = (plan, non_compulsory, solver);
        }
    }
}

/// Capacities to try when what fits as a sum cannot be packed: without the room that only the
/// padding of a highest block could give back, then less and less.
fn lesser_capacities(problem: &Problem) -> impl Iterator<Item = Bytes> {
    let Bytes(alignment) = problem.machine.alignment();
    let stretches = problem.machine.stretches().into_iter();
    let whole: u64 = stretches.map(|it| (it.end - it.start).0 / alignment).sum();
    [0, 256, 128, 64, 32, 16, 8, 4].into_iter().map(move |part| {
        let less = if part == 0 { 0 } else { whole.div_ceil(part) };
        Bytes((whole - less) * alignment)
    })
}

/// Outlines that leave some of the scratchpad empty at each step whose operator allows that, and
/// which solver made them.
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
