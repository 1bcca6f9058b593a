//! The report of a plan, as JSON with the fields of `cosma-opt --report`.

use crate::Planned;
use cosma_planner::{Bytes, Keep, MemoryId};
use cosma_show::{CostReport, LeastReport, TilingReport, TimeReport};
use serde::Serialize;

/// A plan in numbers. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The network's name.
    pub name: String,
    /// The number of operators, one per step.
    pub operators: u64,
    /// `optimal` if proven, otherwise `feasible`. With `cost`, that is about the cost.
    pub status: String,
    /// The bytes that the plan moves.
    pub traffic: TrafficReport,
    /// The size of the scratchpad.
    pub scratchpad: u64,
    /// The alignment of all addresses.
    pub alignment: u64,
    /// `resident`, `streamed` or `auto`.
    pub weights: String,
    /// `auto` where weights may stay in the scratchpad from run to run; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// The most bytes in use at once, without padding.
    pub peak: u64,
    /// The smallest scratchpad with which the network can run.
    pub min_scratchpad: u64,
    /// `lower_bound` if `min_scratchpad` is only a lower bound; absent if it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_scratchpad_is: Option<String>,
    /// How long planning took.
    pub seconds: f64,
    /// The solver that found the plan: `search`, `ilp` or `greedy`; `placement` if nothing moves.
    pub solver: String,
    /// If operators may be split: `all tilings` if no tiling moves less; `all tilings without recomputation` if none does that
    /// computes each element once; otherwise `these tiles` or, in the order of the source, `this order`, for which the lower
    /// bound holds. Absent if they may not, and on a machine of several memories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// How operators are split; absent if none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiling: Option<TilingReport>,
    /// How long it takes; absent if the machine has no clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeReport>,
    /// What its transfers cost, or its accesses if nothing moves; absent unless the machine has several memories besides home
    /// or nothing moves. Then `traffic` has what goes from and to home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostReport>,
}

/// Bytes moved between scratchpad and host memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrafficReport {
    /// All traffic.
    pub total: u64,
    /// Each argument that is used, once in; each result, once out.
    pub compulsory: u64,
    /// Spills and reloads, and further uses of streamed weights.
    pub non_compulsory: u64,
    /// A proven lower bound on `non_compulsory` of any plan.
    pub lower_bound: u64,
    /// The non-compulsory traffic caused by addresses: a plan that counted only sums of sizes would avoid it.
    pub fragmentation: u64,
    /// Where weights stay in the scratchpad from run to run: what the first run moves besides, to load them. All else is
    /// what each further run moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prologue: Option<u64>,
    /// If operators may be split: the bytes that every program in tiles moves, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<LeastReport>,
}

impl Planned {
    /// The plan in numbers.
    pub fn report(&self) -> Report {
        let Planned { request, solution, placement, cost, exhibit, least, bounds, duration, .. } = self;
        let problem = &exhibit.problem;
        let prologue: Bytes = exhibit.kept().map(|it| problem.graph.tensor(it.tensor).size).sum();
        let time = bounds.and_then(|bounds| {
            let [of_plan, any_order] = bounds.map(|it| (it.cycles, it.rule.to_string()));
            TimeReport::new(problem, &exhibit.actions[exhibit.n_prologue..], of_plan, any_order)
        });
        let traffic = exhibit.traffic();
        let is_optimal = match cost {
            Some(cost) => cost.total <= cost.lower_bound,
            None => solution.is_optimal(),
        };
        let peak = match placement {
            Some(placement) => placement.memory_uses(problem)[MemoryId::SCRATCHPAD.index()].peak,
            None => solution.plan.peak(problem),
        };
        Report {
            name: exhibit.function.clone(),
            operators: problem.graph.ops().len() as u64,
            status: if is_optimal { "optimal" } else { "feasible" }.into(),
            traffic: TrafficReport {
                total: traffic.total().0,
                compulsory: traffic.compulsory.0,
                non_compulsory: traffic.non_compulsory.0,
                lower_bound: solution.lower_bound.0,
                fragmentation: solution.fragmentation.0,
                prologue: Some(prologue.0).filter(|it| *it != 0),
                least: self.least_report(),
            },
            scratchpad: request.scratchpad.0,
            alignment: request.alignment.0,
            weights: request.weights.name().into(),
            keep: (request.keep != Keep::Never).then(|| request.keep.name().into()),
            peak: peak.0,
            min_scratchpad: least.size.0,
            min_scratchpad_is: (!least.is_exact).then(|| "lower_bound".into()),
            seconds: duration.as_secs_f64(),
            solver: if placement.is_some() { "placement" } else { solution.solver.name() }.into(),
            proof: self.scope(traffic.total(), request.options.order).filter(|_| cost.is_none()),
            tiling: self.tiling_report(),
            time,
            cost: cost.clone(),
        }
    }
}
