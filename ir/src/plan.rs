//! `cosma.plan`: the record of a function's plan.

use crate::edit::as_mut;
use crate::fact::capped;
use crate::ffi::{CosmaPlan, Text, cosmaReadPlan, string};
use crate::operation::maker;
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{AttributeLike, OperationRef};
use mlir_sys::MlirStringRef;

const PLAN: &str = "cosma.plan";

/// The summary of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSummary {
    /// The number of operators, each of which runs in one step.
    pub operators: u64,
    /// Whether it is proven that no plan moves less.
    pub is_optimal: bool,
    /// Bytes moved.
    pub total: u64,
    /// Bytes that every plan moves.
    pub compulsory: u64,
    /// Non-compulsory bytes moved.
    pub non_compulsory: u64,
    /// A proven lower bound on the non-compulsory bytes of any plan.
    pub lower_bound: u64,
    /// Bytes of the non-compulsory traffic that are caused by addresses.
    pub fragmentation: u64,
    /// Bytes that are moved once, before the first run, for weights that stay from run to run.
    pub prologue: u64,
    /// The most bytes in use in the scratchpad at once.
    pub peak: u64,
    /// The least scratchpad in bytes with which the function can run.
    pub min_scratchpad: u64,
    /// Whether that number is exact, not only a lower bound.
    pub is_min_exact: bool,
    /// The solver that made the plan.
    pub solver: String,
    /// The tilings for which the lower bound holds, if the function may have been tiled.
    pub proof: Option<String>,
    /// For a machine with a clock: a lower bound on the cycles of programs with these transfers.
    pub cycles_bound: Option<CyclesBound>,
    /// A lower bound on the cycles of programs in any order, if it differs.
    pub any_order_bound: Option<CyclesBound>,
    /// For a machine with several memories.
    pub cost: Option<Cost>,
}

/// The cost of transfers by the prices of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// That of all transfers in one run.
    pub total: u64,
    /// A lower bound for every program.
    pub lower_bound: u64,
}

/// A lower bound on cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CyclesBound {
    /// The number of cycles.
    pub cycles: u64,
    /// The name of the bound.
    pub rule: String,
}

/// The record of a function's plan, if it has one.
pub fn plan_summary(function: OperationRef) -> Option<PlanSummary> {
    let attribute = function.attribute(PLAN).ok()?;
    let mut plan = CosmaPlan {
        operators: 0,
        total: 0,
        compulsory: 0,
        non_compulsory: 0,
        lower_bound: 0,
        fragmentation: 0,
        prologue: 0,
        peak: 0,
        min_scratchpad: 0,
        is_optimal: false,
        is_min_exact: false,
        solver: MlirStringRef { data: std::ptr::null(), length: 0 },
        proof: MlirStringRef { data: std::ptr::null(), length: 0 },
        cycles_bound: -1,
        cycles_bound_rule: MlirStringRef { data: std::ptr::null(), length: 0 },
        any_order_bound: -1,
        any_order_rule: MlirStringRef { data: std::ptr::null(), length: 0 },
        cost: -1,
        cost_bound: -1,
    };
    // SAFETY: the attribute is alive.
    if !unsafe { cosmaReadPlan(attribute.to_raw(), &mut plan) } {
        return None;
    }
    let bound = |cycles: i64, rule: MlirStringRef| {
        // SAFETY: the text lives in the attribute's context; an empty one has no bytes to read.
        let rule = || if rule.length == 0 { String::new() } else { unsafe { string(rule) } };
        u64::try_from(cycles).ok().map(|cycles| CyclesBound { cycles, rule: rule() })
    };
    let cost = u64::try_from(plan.cost).ok().zip(u64::try_from(plan.cost_bound).ok());
    // The attribute's verifier has seen that none is negative.
    let number = i64::unsigned_abs;
    Some(PlanSummary {
        operators: number(plan.operators),
        is_optimal: plan.is_optimal,
        total: number(plan.total),
        compulsory: number(plan.compulsory),
        non_compulsory: number(plan.non_compulsory),
        lower_bound: number(plan.lower_bound),
        fragmentation: number(plan.fragmentation),
        prologue: number(plan.prologue),
        peak: number(plan.peak),
        min_scratchpad: number(plan.min_scratchpad),
        is_min_exact: plan.is_min_exact,
        // SAFETY: the text lives in the attribute's context.
        solver: unsafe { string(plan.solver) },
        // SAFETY: likewise; none has no bytes to read.
        proof: (plan.proof.length != 0).then(|| unsafe { string(plan.proof) }),
        cycles_bound: bound(plan.cycles_bound, plan.cycles_bound_rule),
        any_order_bound: bound(plan.any_order_bound, plan.any_order_rule),
        cost: cost.map(|(total, lower_bound)| Cost { total, lower_bound }),
    })
}

/// Writes the record of a function's plan.
pub fn set_plan_summary(function: OperationRef, summary: &PlanSummary) {
    let solver = Text::new(&summary.solver);
    let proof = Text::new(summary.proof.as_deref().unwrap_or_default());
    let rule = |bound: &'_ Option<CyclesBound>| bound.as_ref().map_or(String::new(), |it| it.rule.clone());
    let rules = [rule(&summary.cycles_bound), rule(&summary.any_order_bound)];
    let [cycles_bound_rule, any_order_rule] = rules.each_ref().map(Text::new);
    let attribute = maker(function).plan(&CosmaPlan {
        operators: capped(summary.operators),
        total: capped(summary.total),
        compulsory: capped(summary.compulsory),
        non_compulsory: capped(summary.non_compulsory),
        lower_bound: capped(summary.lower_bound),
        fragmentation: capped(summary.fragmentation),
        prologue: capped(summary.prologue),
        peak: capped(summary.peak),
        min_scratchpad: capped(summary.min_scratchpad),
        is_optimal: summary.is_optimal,
        is_min_exact: summary.is_min_exact,
        solver: solver.raw(),
        proof: proof.raw(),
        cycles_bound: summary.cycles_bound.as_ref().map_or(-1, |it| capped(it.cycles)),
        cycles_bound_rule: cycles_bound_rule.raw(),
        any_order_bound: summary.any_order_bound.as_ref().map_or(-1, |it| capped(it.cycles)),
        any_order_rule: any_order_rule.raw(),
        cost: summary.cost.map_or(-1, |it| capped(it.total)),
        cost_bound: summary.cost.map_or(-1, |it| capped(it.lower_bound)),
    });
    as_mut(function).set_attribute(PLAN, attribute);
}
