//! Memory planning in other compilers, for comparison: three rules, applied in turn.
//!
//! Each rule is written from the description of a compiler or a paper:
//!
//! 1. An [`OrderRule`] sees only the graph.
//! 2. A [`ReplacementRule`] sees the order and chooses the tensor to evict when the scratchpad is full.
//! 3. An [`AllocationRule`] assigns addresses, during replacement or afterwards. Memory may be fragmented, and then
//!    more must be evicted than the sum of sizes requires: that is part of its cost.
//!
//! A [`Baseline`] is a choice of the three. Its plan is an ordinary plan for the judge and the count of traffic. A
//! baseline proves nothing and does not backtrack.
//!
//! A [`PrefetchRule`] decides when transfers begin on a machine with a clock. It applies to any plan.
//!
//! All rules share what every plan of a problem may do: a dead tensor is dropped at once, a tensor with a host copy is
//! evicted for free, and so a tensor is written back only once.

mod free_of_spills;
mod greedy_by_size;
mod least_peak;
mod order;
mod prefetch;
#[cfg(test)]
mod tests;

pub use crate::replacement::ReplacementRule;
pub use free_of_spills::size_without_spills;
pub(crate) use least_peak::least_peak_until;
pub use least_peak::{DEFAULT_WIDTH, LeastPeak, least_peak};
pub use order::{breadth_first, depth_first};
pub use prefetch::{PrefetchRule, prefetch};

use crate::first_fit::place_on_demand;
use crate::greedy::replace_on_demand;
use crate::hole::Fit;
use crate::{Bytes, Deadline, Error, OpId, Outline, Plan, Problem};
use std::fmt;

/// The order of the operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderRule {
    /// Source order.
    Source,
    /// [`depth_first`].
    DepthFirst,
    /// [`breadth_first`].
    BreadthFirst,
    /// [`least_peak`] with the default width.
    LeastPeak,
}

/// How addresses are assigned, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllocationRule {
    /// On demand, in the lowest hole that is large enough. If there is none, tensors are evicted until there is one.
    FirstFit,
    /// On demand, in the smallest hole that is large enough. If there is none, tensors are evicted until there is one.
    BestFit,
    /// Afterwards, the largest block first, in the smallest hole that is large enough: greedy by size (Pisarchyk and
    /// Lee, *Efficient Memory Management for Deep Neural Net Inference*, 2020). Replacement only counts bytes. Blocks
    /// without a place are cut out step by step. This is repeated with less and less capacity, and the plan with the
    /// least traffic is taken.
    GreedyBySize,
}

/// A baseline: three rules, applied in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Baseline {
    /// The order of the operators.
    pub order: OrderRule,
    /// The tensor to evict when the scratchpad is full.
    pub replacement: ReplacementRule,
    /// How addresses are assigned, and when.
    pub allocation: AllocationRule,
}

impl OrderRule {
    /// All of them.
    pub const ALL: [OrderRule; 4] =
        [OrderRule::Source, OrderRule::DepthFirst, OrderRule::BreadthFirst, OrderRule::LeastPeak];

    /// The order. It does not depend on the size of the scratchpad.
    pub fn order(self, problem: &Problem) -> Vec<OpId> {
        match self {
            OrderRule::Source => problem.graph.op_ids().collect(),
            OrderRule::DepthFirst => depth_first(&problem.graph),
            OrderRule::BreadthFirst => breadth_first(&problem.graph),
            OrderRule::LeastPeak => least_peak(problem, DEFAULT_WIDTH).order,
        }
    }
}

impl Baseline {
    /// All combinations of the three rules; those with the same order are adjacent.
    pub fn all() -> Vec<Baseline> {
        let mut all = Vec::new();
        for order in OrderRule::ALL {
            for replacement in [ReplacementRule::LeastRecentlyUsed, ReplacementRule::FarthestNextUse] {
                for allocation in [AllocationRule::FirstFit, AllocationRule::BestFit, AllocationRule::GreedyBySize] {
                    all.push(Baseline { order, replacement, allocation });
                }
            }
        }
        all
    }

    /// The plan.
    ///
    /// # Errors
    /// Those of [`Problem::check`].
    pub fn plan(self, problem: &Problem) -> Result<Plan, Error> {
        problem.check()?;
        if let Some(framed) = problem.framed() {
            return Ok(framed.strip(&self.plan(framed.problem()).map_err(|it| framed.error(it))?));
        }
        self.plan_in_order(problem, &self.order.order(problem))
    }

    /// The plan for the order of an earlier [`OrderRule::order`]. Other orders of all operators that respect the
    /// dependences are allowed too.
    ///
    /// # Errors
    /// Those of [`Problem::check`].
    pub fn plan_in_order(self, problem: &Problem, order: &[OpId]) -> Result<Plan, Error> {
        match self.allocation {
            AllocationRule::FirstFit => place_on_demand(problem, order, self.replacement, Fit::First),
            AllocationRule::BestFit => place_on_demand(problem, order, self.replacement, Fit::Best),
            AllocationRule::GreedyBySize => greedy_by_size::plan(problem, order, self.replacement),
        }
    }
}

/// The outline with the least traffic that the rules for order and replacement find, without addresses: a start for the
/// solvers, and an upper bound.
///
/// `width` is that of [`least_peak`]; a small one takes little time. Requires that [`Problem::check`] succeeds.
pub fn best_outline(problem: &Problem, width: usize) -> Outline {
    outlines_until(problem, width, Deadline::NEVER).swap_remove(0)
}

/// The better outline by rules for replacement in each order that the rules find, sorted by traffic. After the
/// deadline, only the orders tried so far.
///
/// `width` is that of [`least_peak`].
pub(crate) fn outlines_until(problem: &Problem, width: usize, deadline: Deadline) -> Vec<Outline> {
    let graph = &problem.graph;
    let least_peak = || least_peak_until(problem, width, deadline).order;
    let orders: [&dyn Fn() -> Vec<OpId>; 4] =
        [&|| graph.op_ids().collect(), &|| depth_first(graph), &|| breadth_first(graph), &least_peak];
    let mut outlines: Vec<(Bytes, Outline)> = Vec::new();
    for order in orders {
        if !outlines.is_empty() && deadline.has_passed() {
            break;
        }
        let order = order();
        if outlines.iter().any(|(_, known)| known.order == order) {
            continue;
        }
        let rules = [ReplacementRule::FarthestNextUse, ReplacementRule::LeastRecentlyUsed];
        let by_rules = rules.map(|rule| replace_on_demand(problem, &order, rule, problem.capacity()));
        let costing = by_rules.into_iter().map(|outline| (outline.non_compulsory(problem), outline));
        outlines.extend(costing.min_by_key(|(cost, _)| *cost));
    }
    // Among equals, the first one is closest to the source.
    outlines.sort_by_key(|(cost, _)| *cost);
    outlines.into_iter().map(|(_, outline)| outline).collect()
}

impl fmt::Display for OrderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OrderRule::Source => "source",
            OrderRule::DepthFirst => "depth-first",
            OrderRule::BreadthFirst => "breadth-first",
            OrderRule::LeastPeak => "least-peak",
        })
    }
}

/// The rules' names, as in `source/farthest/best-fit`.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replacement = match self.replacement {
            ReplacementRule::LeastRecentlyUsed => "lru",
            ReplacementRule::FarthestNextUse => "farthest",
        };
        let allocation = match self.allocation {
            AllocationRule::FirstFit => "first-fit",
            AllocationRule::BestFit => "best-fit",
            AllocationRule::GreedyBySize => "greedy-by-size",
        };
        write!(f, "{}/{replacement}/{allocation}", self.order)
    }
}
