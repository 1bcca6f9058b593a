//! All results as JSON.

use crate::network::Kind;
use crate::rival::rivals;
use crate::run::{Outcome, Planned};
use crate::summary::peak_memory;
use crate::tables::Shown;
use cosma_planner::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct Bench {
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_mib: Option<u64>,
    reductions: Vec<Reductions>,
    cases: Vec<Case>,
}

/// The traffic that COSMA saves against a method.
#[derive(Serialize)]
struct Reductions {
    method: String,
    /// `all`, or a kind of networks.
    kind: &'static str,
    /// The mean over the cases in which the method moves more.
    mean: Option<f64>,
    of_sum: Option<f64>,
    cases_above: usize,
    cases_below: usize,
}

/// One case. Sizes are in bytes.
#[derive(Serialize)]
struct Case {
    network: String,
    kind: &'static str,
    operators: usize,
    weights: &'static str,
    factor: f64,
    scratchpad: u64,
    alignment: u64,
    compulsory: u64,
    status: &'static str,
    solver: &'static str,
    lower_bound: u64,
    cosma: Plan,
    methods: Vec<Plan>,
    /// Whether the least-peak order is proven to have the lowest peak, if it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    least_peak_is_exact: Option<bool>,
}

#[derive(Serialize)]
struct Plan {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    non_compulsory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// All results as indented JSON, ending with a line break.
pub fn json(shown: &Shown) -> String {
    let with_times = !shown.arguments.no_times;
    let mut reductions = Vec::new();
    for rival in rivals(&shown.setting.methods) {
        for kind in std::iter::once(None).chain(Kind::ALL.map(Some)) {
            let reduction = shown.reduction(&rival, kind);
            reductions.push(Reductions {
                method: rival.name.clone(),
                kind: kind.map_or("all", Kind::name),
                mean: reduction.mean,
                of_sum: reduction.of_sum,
                cases_above: reduction.n_above,
                cases_below: reduction.n_below,
            });
        }
    }
    let bench = Bench {
        command: shown.arguments.shown(),
        peak_memory_mib: with_times.then(peak_memory).flatten(),
        reductions,
        cases: shown.outcomes.iter().map(|it| case(shown, it, with_times)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&bench).expect("strings and finite numbers are JSON");
    text.push('\n');
    text
}

fn case(shown: &Shown, outcome: &Outcome, with_times: bool) -> Case {
    let network = &shown.networks[outcome.network];
    let plan = |name: Option<String>, planned: &Planned| Plan {
        name,
        non_compulsory: planned.fault.is_none().then_some(planned.non_compulsory.0),
        seconds: with_times.then_some(planned.seconds),
        fault: planned.fault.clone(),
    };
    let methods = shown.setting.methods.iter().map(ToString::to_string);
    let Bytes(alignment) = network.problem.machine.alignment();
    Case {
        network: outcome.name.clone(),
        kind: network.kind.name(),
        operators: network.problem.graph.ops().len(),
        weights: cosma_passes::weights_name(outcome.weights),
        factor: outcome.factor,
        scratchpad: outcome.scratchpad.0,
        alignment,
        compulsory: outcome.compulsory.0,
        status: if outcome.is_optimal() { "optimal" } else { "feasible" },
        solver: cosma_passes::solver_name(outcome.solver),
        lower_bound: outcome.lower_bound.0,
        cosma: plan(None, &outcome.cosma),
        methods: methods.zip(&outcome.others).map(|(name, it)| plan(Some(name), it)).collect(),
        least_peak_is_exact: outcome.has_least_peak,
    }
}
