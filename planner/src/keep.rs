//! Weights that stay in the scratchpad from one run of a network to the next.
//!
//! The objective is the traffic of each run after the first. A [kept](crate::Keep) weight is loaded once, in a
//! [prologue](crate::Plan::prologue), and then occupies space from its last use in one run to its first use in the
//! next.
//!
//! 1. In a given order, the choice of kept weights is decided and proven together with replacement (`ilp/keep.rs`).
//!    Without integer programming, the largest weights that fit beside the stays of the rest are kept.
//! 2. With a free order, two steps alternate: the best weights for an order, and the best order of the [rest](Rest) in
//!    a scratchpad that is smaller by the padded sizes of these weights. The initial orders are the best orders with
//!    nothing kept, and those of simple rules.
//! 3. A weight that is present in all steps needs only a fixed place, so the rest is an ordinary problem with reserved
//!    addresses. A weight that is evicted in between has the same offset before and after ([`address_kept`]). If no
//!    addresses are found, the least valuable weights are not kept.
//!
//! The non-compulsory traffic of a run is everything beyond [`Problem::compulsory`], including loads of weights that
//! may be kept.

mod choose;
mod rest;
mod stairs;

#[cfg(feature = "ilp")]
pub(crate) use choose::fits;
pub(crate) use choose::keep_greedily;
#[cfg(feature = "ilp")]
pub(crate) use rest::without_keep_of;
pub(crate) use rest::{Rest, without, without_keep};
use stairs::climb;

use crate::address::address_kept;
use crate::baseline::outlines_until;
use crate::incumbent::Incumbent;
use crate::portfolio::{SHARE_OF_PACKING, ilp, plan_on_stretches, source_order};
use crate::restricted::Restricted;
use crate::{
    Bytes, Deadline, Error, Keep, LeastScratchpad, OpId, Options, Order, Outline, Plan, Problem, Solution, Solver,
    TensorId, greedy,
};
use std::cmp::Reverse;
use std::time::Duration;
use tracing::debug;

/// The share of the remaining time for a plan that keeps nothing, and for one beside kept weights.
const SHARE_OF_FIRST: f64 = 0.3;
const SHARE_OF_REST: f64 = 0.3;

/// The share of the remaining time for the bound for any order, and for the choice of weights in one order.
const SHARE_OF_BOUND: f64 = 0.3;
const SHARE_OF_CHOICE: f64 = 0.3;

/// The number of sets of operators per level when the order with the least peak is chosen.
const WIDTH_OF_RULES: usize = 100;

/// The number of alternations between weights and order.
const MOST_TURNS: usize = 4;

/// The number of attempts to prove the result, or to find a better one on the way.
const MOST_CLIMBS: usize = 6;

/// The share of the remaining time for these attempts, and for simple rules for orders.
const SHARE_OF_STAIRS: f64 = 0.4;
const SHARE_OF_RULES: f64 = 0.1;

/// If no addresses are found, weights of this fraction of the scratchpad are given up, one fraction after the other.
const GIVEN_UP: [u64; 9] = [4096, 2048, 1024, 512, 256, 128, 64, 32, 16];

/// An order, the stays of a run, the weights kept beside them, and the non-compulsory bytes of a run.
pub(crate) struct Candidate {
    pub outline: Outline,
    pub kept: Vec<TensorId>,
    pub cost: Bytes,
}

impl Candidate {
    pub fn new(problem: &Problem, outline: Outline, kept: Vec<TensorId>) -> Candidate {
        let size = |it: TensorId| problem.graph.tensor(it).size;
        let is_loaded = |it: &TensorId| kept.binary_search(it).is_err();
        let loads: Bytes = problem.graph.keepable().filter(is_loaded).map(size).sum();
        Candidate { cost: outline.non_compulsory(problem) + loads, outline, kept }
    }
}

/// Evicts the farthest next use, and keeps the largest weights that fit beside that. `None` if operators do not fit in
/// every order.
pub(crate) fn keep_by_rule(problem: &Problem, order: &[OpId]) -> Option<Candidate> {
    let bare = without_keep(problem);
    bare.check().ok()?;
    let outline = greedy(&bare, order);
    let candidates: Vec<TensorId> = problem.graph.keepable().collect();
    let kept = keep_greedily(&bare, &outline, &candidates);
    Some(Candidate::new(problem, outline, kept))
}

/// Plans a problem with weights that may be kept from run to run.
///
/// # Errors
/// [`Error::KeptTooLarge`] if weights that must be kept leave too little space; those of [`plan()`](crate::plan()),
/// also if there are pins, or tensors start or end in the scratchpad.
pub(crate) fn plan_keeping(
    problem: &Problem,
    options: &Options,
    incumbent: Option<&Incumbent>,
    deadline: Deadline,
) -> Result<Solution, Error> {
    let graph = &problem.graph;
    let always: Vec<TensorId> = graph.keepable().filter(|it| graph.tensor(*it).keep == Keep::Always).collect();
    let too_large = |op: OpId, needed: Bytes| {
        let stretch = problem.machine.largest_stretch();
        let kept = always.iter().map(|it| problem.room(*it)).sum();
        Error::KeptTooLarge { kept, op, needed, scratchpad: stretch.end - stretch.start }
    };
    let none_left = || {
        let beside = Problem { graph: without(graph, &always), machine: problem.machine.clone() };
        let op = graph.op_ids().max_by_key(|it| beside.working_set(*it)).unwrap_or(OpId(0));
        too_large(op, beside.working_set(op))
    };
    without_keep(problem).check_sizes()?;
    problem.check_is_combined()?;
    let rest = Rest::new(problem, &always).ok_or_else(none_left)?;
    let may_be_kept = |it: TensorId| if graph.may_be_kept(it) { Keep::Auto } else { Keep::Never };
    let auto = rest.problem.graph.with_keep(|it| if always.contains(&it) { Keep::Never } else { may_be_kept(it) });
    let inner = Problem { graph: auto, machine: rest.problem.machine.clone() };
    let keeping = Keeping { problem: &inner, options, deadline: deadline.in_private() };
    let solution = keeping.plan().map_err(|error| match error {
        Error::ScratchpadTooSmall { op, needed, .. } if !always.is_empty() => too_large(op, needed),
        other => other,
    })?;
    let plan = rest.expand(solution.plan);
    let mut solution = Solution { non_compulsory: plan.non_compulsory(problem), plan, ..solution };
    solution.offer_incumbent(incumbent);
    deadline.found(solution.non_compulsory);
    Ok(solution)
}

/// The results of the search over orders.
struct Found {
    /// The orders that were tried.
    orders: Vec<Vec<OpId>>,
    /// Sorted, the best first.
    candidates: Vec<Candidate>,
    /// A lower bound on the non-compulsory bytes of every plan in any order.
    lower_bound: Bytes,
}

/// A problem with weights that may be kept, and none that must be.
struct Keeping<'a> {
    problem: &'a Problem,
    options: &'a Options,
    deadline: Deadline<'a>,
}

impl Keeping<'_> {
    fn plan(&self) -> Result<Solution, Error> {
        let first = self.beside(&[], self.options, self.deadline.part(SHARE_OF_FIRST))?;
        if self.problem.graph.keepable().next().is_none() {
            return Ok(first);
        }
        let (candidates, lower_bound) = match self.options.order {
            Order::Source => {
                let found = self.in_order(&source_order(self.problem), self.deadline.part(SHARE_OF_CHOICE));
                found.map_or((Vec::new(), Bytes::ZERO), |(candidate, bound)| (vec![candidate], bound))
            }
            Order::Free => self.in_free_order(&first),
        };
        let lower_bound = lower_bound.max(self.problem.restreamed());
        Ok(Solution { lower_bound, ..self.placed(first, &candidates, lower_bound) })
    }

    /// The best plan of the rest beside these weights, which are present in all steps. Its bound does not hold for
    /// plans that keep other weights.
    fn beside(&self, kept: &[TensorId], options: &Options, deadline: Deadline) -> Result<Solution, Error> {
        let too_small = || {
            let LeastScratchpad { size, .. } = self.problem.least_scratchpad(self.options.order);
            Error::ScratchpadTooSmall {
                op: OpId(0),
                needed: size,
                scratchpad: self.problem.machine.scratchpad(),
                min_scratchpad: size,
            }
        };
        let rest = Rest::new(self.problem, kept).ok_or_else(too_small)?;
        let time_limit = deadline.left().unwrap_or(options.time_limit).min(options.time_limit);
        let options = Options { time_limit: time_limit.max(Duration::from_millis(1)), ..*options };
        let solution = plan_on_stretches(&rest.problem, &options, None, deadline)?;
        let plan = rest.expand(solution.plan);
        Ok(Solution { non_compulsory: plan.non_compulsory(self.problem), plan, ..solution })
    }

    /// The same in a given order.
    fn beside_in_order(&self, kept: &[TensorId], order: &[OpId], deadline: Deadline) -> Option<Solution> {
        let rest = Rest::new(self.problem, kept)?;
        let fixed = Restricted::in_order(&rest.problem, order).ok()?;
        let time_limit = deadline.left().unwrap_or(self.options.time_limit);
        let options = Options { order: Order::Source, time_limit, ..*self.options };
        let solution = plan_on_stretches(fixed.problem(), &options, None, deadline).ok()?;
        let plan = rest.expand(fixed.expand(solution.plan));
        Some(Solution { non_compulsory: plan.non_compulsory(self.problem), plan, ..solution })
    }

    /// The best weights to keep in an order, and a bound for that order.
    fn in_order(&self, order: &[OpId], deadline: Deadline) -> Option<(Candidate, Bytes)> {
        ilp::keep_in_order(self.problem, self.options.solver, order, deadline)
    }

    /// The candidates for several orders, the best first, and a bound for any order.
    fn in_free_order(&self, first: &Solution) -> (Vec<Candidate>, Bytes) {
        let lower_bound = ilp::keep_bound(self.problem, self.options.solver, self.deadline.part(SHARE_OF_BOUND));
        let mut found = Found { orders: Vec::new(), candidates: Vec::new(), lower_bound };
        self.look_at(&mut found, first.plan.order.clone());
        self.look_at(&mut found, source_order(self.problem));
        if !self.is_done(&found) {
            let rules = outlines_until(&without_keep(self.problem), WIDTH_OF_RULES, self.deadline.part(SHARE_OF_RULES));
            rules.into_iter().for_each(|it| self.look_at(&mut found, it.order));
        }
        for _ in 0..MOST_TURNS {
            let Some(cost) = found.candidates.first().map(|it| it.cost) else { break };
            if self.is_done(&found) {
                break;
            }
            let kept = &found.candidates[0].kept;
            let Ok(rest) = self.beside(kept, self.options, self.deadline.part(SHARE_OF_REST)) else { break };
            self.look_at(&mut found, rest.plan.order);
            if cost <= found.candidates[0].cost {
                break;
            }
        }
        for _ in 0..MOST_CLIMBS {
            let Some(cost) = found.candidates.first().map(|it| it.cost) else { break };
            if self.is_done(&found) || self.options.solver == Solver::Greedy {
                break;
            }
            let climbed = climb(self.problem, cost, self.options, self.deadline.part(SHARE_OF_STAIRS));
            found.lower_bound = found.lower_bound.max(climbed.lower_bound);
            climbed.orders.into_iter().for_each(|it| self.look_at(&mut found, it));
            if cost <= found.candidates[0].cost {
                break;
            }
        }
        (found.candidates, found.lower_bound)
    }

    fn is_done(&self, found: &Found) -> bool {
        self.deadline.has_passed() || found.candidates.first().is_some_and(|it| it.cost <= found.lower_bound)
    }

    /// Chooses weights for another order, unless the best candidate is proven optimal or the deadline has passed.
    fn look_at(&self, found: &mut Found, order: Vec<OpId>) {
        if !found.orders.is_empty() && self.is_done(found) || found.orders.contains(&order) {
            return;
        }
        let candidate = self.in_order(&order, self.deadline.part(SHARE_OF_CHOICE));
        found.orders.push(order);
        let Some((candidate, bound)) = candidate else { return };
        debug!(cost = %candidate.cost, of_order = %bound, any = %found.lower_bound, "weights are chosen in an order");
        found.candidates.push(candidate);
        found.candidates.sort_by_key(|it| it.cost);
    }

    /// The best plan with addresses: one of these candidates, or the existing plan.
    fn placed(&self, first: Solution, candidates: &[Candidate], lower_bound: Bytes) -> Solution {
        let mut best = first;
        let Some(aim) = candidates.first().map(|it| it.cost) else { return best };
        for candidate in candidates {
            if best.non_compulsory <= candidate.cost.max(lower_bound) {
                break;
            }
            self.place(candidate, &mut best);
        }
        Solution { fragmentation: best.non_compulsory.saturating_sub(aim), ..best }
    }

    /// Looks for addresses beside all kept weights of a candidate, and then beside fewer and fewer of them. If none are
    /// found, plans the rest again beside all of them.
    fn place(&self, candidate: &Candidate, best: &mut Solution) {
        let size = |it: &TensorId| self.problem.graph.tensor(*it).size;
        let mut kept = candidate.kept.clone();
        for share in std::iter::once(u64::MAX).chain(GIVEN_UP) {
            let mut room = Bytes(self.problem.machine.scratchpad().0 / share);
            // The least valuable ones: as few weights as possible that are no larger than required.
            kept.sort_by_key(|it| Reverse(size(it)));
            while room != Bytes::ZERO && !kept.is_empty() {
                let at = kept.iter().position(|it| size(it) <= room).unwrap_or(kept.len() - 1);
                room = room.saturating_sub(self.problem.room(kept.remove(at)));
            }
            kept.sort_unstable();
            let fewer = Candidate::new(self.problem, candidate.outline.clone(), kept.clone());
            if best.non_compulsory <= fewer.cost {
                return;
            }
            let deadline = self.deadline.within(self.options.time_limit.mul_f64(SHARE_OF_PACKING)).with_grace();
            let plan = address_kept(self.problem, &fewer.outline, &fewer.kept, deadline);
            debug!(cost = %fewer.cost, share, found = plan.is_some(), "addresses beside kept weights");
            if let Some(plan) = plan {
                best.offer(Some(self.costing(plan)), self.solver());
                break;
            }
        }
        if best.non_compulsory <= candidate.cost || self.deadline.has_passed() {
            return;
        }
        let deadline = self.deadline.part(SHARE_OF_REST);
        if let Some(found) = self.beside_in_order(&candidate.kept, &candidate.outline.order, deadline) {
            debug!(cost = %found.non_compulsory, "the rest is planned beside kept weights");
            best.offer(Some((found.plan, found.non_compulsory)), found.solver);
        }
    }

    fn costing(&self, plan: Plan) -> (Plan, Bytes) {
        let cost = plan.non_compulsory(self.problem);
        (plan, cost)
    }

    fn solver(&self) -> Solver {
        let is_by_ilp = ilp::IS_BUILT_IN && matches!(self.options.solver, Solver::Auto | Solver::Ilp);
        if is_by_ilp { Solver::Ilp } else { Solver::Greedy }
    }
}
