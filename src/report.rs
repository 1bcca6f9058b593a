//! The report of a run, also as JSON.

use crate::exhibits::name_of;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{BlockLike, OperationRef, RegionLike};
use cosma_ir::{
    Cost, CyclesBound, LeastTraffic, TensorRegion, TileOf, is_abstract, is_group, kind, tile_of, tiling_bound,
};
use cosma_passes::{
    Facts, Form, LOWER_BOUND, MachineOptions, Program, Target, are_disjoint, form, judge, symbol, weights_name,
};
use cosma_planner::{Cycles, Keep, Moves};
use cosma_show::TimeReport;
pub use cosma_show::{CostReport, GroupReport, LeastReport, LinkReport, TilesReport, TilingReport};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

/// The report of a run: one JSON object.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The functions that have a plan, in the order of the module.
    pub functions: Vec<FunctionReport>,
    /// Warnings, in order. Not part of the JSON.
    #[serde(skip)]
    pub warnings: Vec<cosma_ir::Report>,
}

/// The plan of a function. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionReport {
    /// The function's name, without `@`.
    pub name: String,
    /// The number of operators, one per step.
    pub operators: u64,
    /// `optimal` if `lower_bound == non_compulsory`, otherwise `feasible`.
    pub status: String,
    /// The bytes that the plan moves.
    pub traffic: TrafficReport,
    /// The size of the scratchpad.
    pub scratchpad: u64,
    /// The alignment of all addresses.
    pub alignment: u64,
    /// `resident` or `streamed`.
    pub weights: String,
    /// `none` where nothing moves; otherwise absent. Then `traffic` is what operators read and write in home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moves: Option<String>,
    /// `auto` if weights may stay in the scratchpad from run to run; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// The most bytes in use at once, without padding.
    pub peak: u64,
    /// The smallest scratchpad with which the function can run.
    pub min_scratchpad: u64,
    /// `lower_bound` if `min_scratchpad` is only a lower bound; absent if it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_scratchpad_is: Option<String>,
    /// Wall time of the passes that ran on the function, or of a custom pipeline on the module.
    pub seconds: f64,
    /// The solver that found the plan: `search`, `ilp` or `greedy`.
    pub solver: String,
    /// With `--tile`: `all tilings` if no tiling moves less; `all tilings without recomputation` if no tiling that
    /// computes each element once moves less; otherwise `these tiles` or, without `--schedule`, `this order`, for
    /// which the lower bound holds. Absent without `--tile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// How its operators are split; absent if none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiling: Option<TilingReport>,
    /// The time that it takes; absent if the machine has no clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeReport>,
    /// What its transfers cost, or its accesses where nothing moves; absent unless the machine has several memories besides
    /// home. Then `status` is about this,
    /// and `traffic` has what goes from and to home.
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
    /// The non-compulsory traffic caused by addresses: a plan that counted only sums of sizes would avoid
    /// it.
    pub fragmentation: u64,
    /// If weights stay in the scratchpad from run to run: the bytes that load them, once, before the first run. All
    /// other numbers are those of each further run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prologue: Option<u64>,
    /// With `--tile`: the bytes that every program in tiles moves, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<LeastReport>,
}

impl FunctionReport {
    /// Reads the record of a function's plan; `None` if it has none. `duration` becomes
    /// [`FunctionReport::seconds`].
    pub fn read(function: OperationRef, duration: Duration) -> Option<FunctionReport> {
        let facts = Facts::read(function)?;
        let target = MachineOptions::default().resolve_if_said(function)?;
        let time = time(function, &facts, &target);
        let cost = cost(function, &facts, &target);
        let Target { machine, weights, keep } = target;
        let moves = machine.moves();
        let least = tiling_bound(function).and_then(|it| it.0);
        let least = least.map(|LeastTraffic { all_tilings, without_recomputation }| LeastReport {
            all_tilings,
            without_recomputation,
        });
        Some(FunctionReport {
            name: symbol(function),
            operators: facts.operators,
            status: facts.status,
            traffic: TrafficReport {
                total: facts.total.0,
                compulsory: facts.compulsory.0,
                non_compulsory: facts.non_compulsory.0,
                lower_bound: facts.lower_bound.0,
                fragmentation: facts.fragmentation.0,
                prologue: Some(facts.prologue.0).filter(|it| *it != 0),
                least,
            },
            scratchpad: machine.scratchpad().0,
            alignment: machine.alignment().0,
            weights: weights_name(weights).into(),
            moves: Some(moves).filter(|it| *it != Moves::Links).map(|it| it.name().to_owned()),
            keep: (keep != Keep::Never).then(|| keep.name().into()),
            peak: facts.peak.0,
            min_scratchpad: facts.min_scratchpad.0,
            min_scratchpad_is: (!facts.is_min_exact).then(|| LOWER_BOUND.to_owned()),
            seconds: duration.as_secs_f64(),
            solver: facts.solver,
            proof: facts.proof,
            tiling: tiling(function),
            time,
            cost,
        })
    }
}

impl FunctionReport {
    /// Whether it was planned for a machine on which nothing moves.
    pub fn moves_nothing(&self) -> bool {
        self.moves.is_some()
    }
}

/// Times the program of a function in planned form against the clock of its machine; `None` without one, and of a
/// program that is wrong or takes more cycles than can be counted.
fn time(function: OperationRef, facts: &Facts, target: &Target) -> Option<TimeReport> {
    target.machine.clock()?;
    let bound = facts.cycles_bound.clone()?;
    if form(function) != Form::Planned {
        return None;
    }
    let (program, _) = judge(function, target.clone()).ok()?;
    let any_order = facts.any_order_bound.clone().unwrap_or_else(|| bound.clone());
    let named = |it: CyclesBound| (Cycles(it.cycles), it.rule);
    TimeReport::new(&program.extraction.problem, program.parts().1, named(bound), named(any_order))
}

/// Counts what the program of a function in planned form moves over each link; `None` unless it was planned for
/// several memories.
fn cost(function: OperationRef, facts: &Facts, target: &Target) -> Option<CostReport> {
    let Cost { total, lower_bound } = facts.cost?;
    let is_planned = form(function) == Form::Planned;
    let program = is_planned.then(|| judge(function, target.clone()).ok()).flatten().map(|it| it.0);
    let links = |program: &Program| LinkReport::of_each(&program.extraction.problem, program.parts().1);
    Some(CostReport { total, lower_bound, links: program.as_ref().map_or(Vec::new(), links) })
}

/// Reads how the operators of a function are split; `None` if none is.
fn tiling(function: OperationRef) -> Option<TilingReport> {
    let block = function.region(0).ok()?.first_block()?;
    let operators = std::iter::successors(block.first_operation(), |it| it.next_in_block());
    let operators: Vec<OperationRef> = operators.filter(|it| is_abstract(*it) || is_group(*it)).collect();
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut names, mut family_of, mut is_split): (Vec<String>, Vec<usize>, Vec<bool>) = Default::default();
    let mut domains: Vec<Vec<TensorRegion>> = Vec::new();
    for (index, operator) in operators.iter().enumerate() {
        let (tile, domain) = match tile_of(*operator) {
            Some(TileOf { operator, offsets, sizes }) => (Some(operator), Some(TensorRegion { offsets, sizes })),
            None => (None, None),
        };
        let next = names.len();
        let family = tile.as_ref().map_or(next, |it| *known.entry(it.clone()).or_insert(next));
        if family == next {
            is_split.push(tile.is_some());
            let named = name_of(operator.location()).or(tile);
            names.push(named.unwrap_or_else(|| format!("{}_{index}", kind(*operator))));
            domains.push(Vec::new());
        }
        domains[family].extend(domain);
        family_of.push(family);
    }
    TilingReport::new(&names, &is_split, &family_of, !domains.iter().all(are_disjoint))
}

impl Report {
    /// The report as indented JSON, ending with a line break.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and finite numbers are JSON");
        text.push('\n');
        text
    }
}
