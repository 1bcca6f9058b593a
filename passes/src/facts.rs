//! `cosma.plan`: the summary of a function's plan, as an attribute of the function.
//!
//! It contains nothing that differs from run to run, such as times.

use crate::effort::solver_name;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Cost, CyclesBound, LeastTraffic, PlanSummary, TilingBound, plan_summary, set_plan_summary};
use cosma_planner::tiers::TieredPlan;
use cosma_planner::time::LatencyBound;
use cosma_planner::{Bytes, Order, Problem, Solution, Traffic};
use cosma_tile::Bounds;

const OPTIMAL: &str = "optimal";
const FEASIBLE: &str = "feasible";

/// The summary of a plan. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The number of operators, one per step.
    pub operators: u64,
    /// `optimal` if proven, otherwise `feasible`.
    pub status: String,
    /// All traffic.
    pub total: Bytes,
    /// The traffic of every plan.
    pub compulsory: Bytes,
    /// The rest of the traffic.
    pub non_compulsory: Bytes,
    /// A proven lower bound on the non-compulsory traffic of any plan.
    pub lower_bound: Bytes,
    /// The non-compulsory traffic caused by addresses: a plan that counted only sums of sizes would avoid it.
    pub fragmentation: Bytes,
    /// What the first run moves besides: weights that stay in the scratchpad from run to run.
    pub prologue: Bytes,
    /// The most bytes in use at once, without padding.
    pub peak: Bytes,
    /// The smallest scratchpad with which the function can run, in the best allowed order.
    pub min_scratchpad: Bytes,
    /// Whether `min_scratchpad` is exact. If not, it is a lower bound.
    pub is_min_exact: bool,
    /// The solver that found the plan.
    pub solver: String,
    /// Of a function that `cosma-tile` looked at: `all tilings` if no tiling moves less than this plan, `all tilings
    /// without recomputation` if none does that computes no element twice, otherwise `these tiles` or, if the order
    /// was fixed, `this order`, to which the lower bound belongs.
    pub proof: Option<String>,
    /// For a machine with a clock: no program of these transfers takes less.
    pub cycles_bound: Option<CyclesBound>,
    /// No program of any order takes less, if that is another bound.
    pub any_order_bound: Option<CyclesBound>,
    /// For a machine of several memories: what all transfers cost. Then `status` is about the cost, and the bytes above are
    /// those from and to home.
    pub cost: Option<Cost>,
}

/// What `min_scratchpad` is if it is not exact.
pub const LOWER_BOUND: &str = "lower_bound";

impl Facts {
    /// The summary of a solution, given the allowed orders and, if `cosma-tile` looked at the function, what no
    /// tiling avoids.
    pub fn new(problem: &Problem, order: Order, solution: &Solution, tiling: Option<TilingBound>) -> Facts {
        let compulsory = problem.compulsory();
        let least = problem.least_scratchpad(order);
        let total = compulsory + solution.non_compulsory;
        Facts {
            operators: problem.graph.ops().len() as u64,
            status: if solution.is_optimal() { OPTIMAL } else { FEASIBLE }.into(),
            total,
            compulsory,
            non_compulsory: solution.non_compulsory,
            lower_bound: solution.lower_bound,
            fragmentation: solution.fragmentation,
            prologue: solution.plan.kept(problem).into_iter().map(|it| problem.graph.tensor(it).size).sum(),
            peak: solution.plan.peak(problem),
            min_scratchpad: least.size,
            is_min_exact: least.is_exact,
            solver: solver_name(solution.solver).into(),
            proof: tiling.map(|it| Bounds::scope(it.0.map(bounds), total, order).into()),
            cycles_bound: None,
            any_order_bound: None,
            cost: None,
        }
    }

    /// The summary of a plan for several memories.
    ///
    /// # Errors
    /// A message if its transfers cost more than can be counted.
    pub(crate) fn of_tiers(problem: &Problem, order: Order, planned: &TieredPlan) -> Result<Facts, String> {
        let inner = Problem { machine: problem.machine.without_tiers(), ..problem.clone() };
        let at_home = planned.least_bytes.last().copied().unwrap_or(Bytes::ZERO);
        let solution = Solution {
            plan: planned.plan.clone(),
            non_compulsory: planned.traffic.non_compulsory,
            lower_bound: at_home.saturating_sub(inner.compulsory()),
            fragmentation: Bytes::ZERO,
            bank_conflicts: Default::default(),
            solver: planned.solver,
        };
        let facts = Facts::new(&inner, order, &solution, None);
        let lower_bound = u64::try_from(planned.lower_bound).unwrap_or(u64::MAX);
        let facts = match planned.least_cycles {
            Some(bound) => facts.with_bounds_on_cycles([bound, bound]),
            None => facts,
        };
        Facts { cost: Some(Cost { total: 0, lower_bound }), ..facts }.with_traffic(planned.traffic)
    }

    /// The same summary of a program for several memories that moves this.
    ///
    /// # Errors
    /// Those of [`Facts::of_tiers`].
    pub(crate) fn with_traffic(self, traffic: Traffic) -> Result<Facts, String> {
        let Some(Cost { lower_bound, .. }) = self.cost else { return Ok(self) };
        let most = i64::MAX.unsigned_abs();
        let total = u64::try_from(traffic.cost).ok().filter(|it| *it <= most).ok_or_else(|| {
            format!(
                "the transfers cost {} in all, but the most that is supported is {most}: lower the prices",
                traffic.cost
            )
        })?;
        Ok(Facts {
            status: if total <= lower_bound { OPTIMAL } else { FEASIBLE }.into(),
            total: traffic.total(),
            non_compulsory: traffic.non_compulsory,
            cost: Some(Cost { total, lower_bound }),
            ..self
        })
    }

    /// The same summary, with bounds on how long programs take: of these transfers, and of any order.
    pub(crate) fn with_bounds_on_cycles(self, [of_plan, any_order]: [LatencyBound; 2]) -> Facts {
        let bound = |it: LatencyBound| CyclesBound { cycles: it.cycles.0, rule: it.rule.to_string() };
        let any_order_bound = (of_plan != any_order).then(|| bound(any_order));
        Facts { cycles_bound: Some(bound(of_plan)), any_order_bound, ..self }
    }

    /// Writes the summary to a function.
    pub fn write(&self, function: OperationRef) {
        let summary = PlanSummary {
            operators: self.operators,
            is_optimal: self.status == OPTIMAL,
            total: self.total.0,
            compulsory: self.compulsory.0,
            non_compulsory: self.non_compulsory.0,
            lower_bound: self.lower_bound.0,
            fragmentation: self.fragmentation.0,
            prologue: self.prologue.0,
            peak: self.peak.0,
            min_scratchpad: self.min_scratchpad.0,
            is_min_exact: self.is_min_exact,
            solver: self.solver.clone(),
            proof: self.proof.clone(),
            cycles_bound: self.cycles_bound.clone(),
            any_order_bound: self.any_order_bound.clone(),
            cost: self.cost,
        };
        set_plan_summary(function, &summary);
    }

    /// Reads the summary of a function's plan; `None` if there is none.
    pub fn read(function: OperationRef) -> Option<Facts> {
        let summary = plan_summary(function)?;
        Some(Facts {
            operators: summary.operators,
            status: if summary.is_optimal { OPTIMAL } else { FEASIBLE }.into(),
            total: Bytes(summary.total),
            compulsory: Bytes(summary.compulsory),
            non_compulsory: Bytes(summary.non_compulsory),
            lower_bound: Bytes(summary.lower_bound),
            fragmentation: Bytes(summary.fragmentation),
            prologue: Bytes(summary.prologue),
            peak: Bytes(summary.peak),
            min_scratchpad: Bytes(summary.min_scratchpad),
            is_min_exact: summary.is_min_exact,
            solver: summary.solver,
            proof: summary.proof,
            cycles_bound: summary.cycles_bound,
            any_order_bound: summary.any_order_bound,
            cost: summary.cost,
        })
    }
}

fn bounds(least: LeastTraffic) -> Bounds {
    Bounds { all_tilings: Bytes(least.all_tilings), without_recomputation: Bytes(least.without_recomputation) }
}
