//! How memory is planned elsewhere, to compare with: three rules, one after the other.
//!
//! What compilers and papers do apart from each other, each written from its description:
//!
//! 1. An [`OrderRule`] sees nothing but the graph.
//! 2. A [`ReplacementRule`] sees the order and chooses which tensor leaves when there is no room.
//! 3. An [`AllocationRule`] gives addresses, as they are asked for or afterwards. It may find memory
//!    in pieces, and then more has to leave than by the sum of sizes: that is part of what it costs.
//!
//! A [`Baseline`] is a choice of the three. Its plan is a plan like any other, for the judge and for
//! the count of traffic. Nothing here proves anything, or goes back on what it decided.
//!
//! When transfers begin on a machine with a clock is a rule by itself, for any plan: [`PrefetchRule`].
//!
//! All rules know what the problem grants to everybody: what is dead leaves at once, a tensor with
//! a host copy leaves for free, and so a tensor is written back once.

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

/// In which order the operators run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderRule {
    /// As they are written.
    Source,
    /// [`depth_first`].
    DepthFirst,
    /// [`breadth_first`].
    BreadthFirst,
    /// [`least_peak`], of the default width.
    LeastPeak,
}

/// How addresses are given, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllocationRule {
    /// As they are asked for, in the lowest hole that is large enough. Where there is none, tensors
    /// leave until there is one.
    FirstFit,
    /// As they are asked for, in the smallest hole that is large enough. Where there is none,
    /// tensors leave until there is one.
    BestFit,
    /// Afterwards, the largest first, in the smallest hole that is large enough: greedy by size
    /// (Pisarchyk and Lee, *Efficient Memory Management for Deep Neural Net Inference*, 2020).
    /// Replacement counts bytes alone. What does not find a place is cut out, step by step; and it
    /// is tried with less and less capacity, of which the least traffic is taken.
    GreedyBySize,
}

/// A way to plan: three rules, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Baseline {
    /// In which order the operators run.
    pub order: OrderRule,
    /// Which tensor leaves when there is no room.
    pub replacement: ReplacementRule,
    /// How addresses are given, and when.
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
    /// All choices of the three rules; those with one order stand together.
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

    /// The plan, where [`OrderRule::order`] was asked before. Other orders are possible, if they are
    /// one of all operators and respect the dependences.
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

/// The outline with the least traffic of those that the rules for order and replacement make,
/// addresses left aside: what cleverer planners can start from, and have to be better than.
///
/// `width` is that of [`least_peak`]; a small one takes next to no time. [`Problem::check`] holds.
pub fn best_outline(problem: &Problem, width: usize) -> Outline {
    outlines_until(problem, width, Deadline::NEVER).swap_remove(0)
}

/// The better outline by rules for replacement in each order that the rules make, the least traffic
/// first. At the deadline, of those orders that were looked at until then.
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
    // Of equals the first, which is nearest to the source.
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
