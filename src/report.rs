//! What a run did, for other programs to read.

use cosma_ir::melior::ir::OperationRef;
use cosma_passes::{Facts, LOWER_BOUND, MachineOptions, Target, symbol, weights_name};
use serde::Serialize;
use std::time::Duration;

/// What a run did: one object, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The functions that have a plan, in the order of the module.
    pub functions: Vec<FunctionReport>,
    /// Warnings, in the order in which they were said. Not part of the JSON.
    #[serde(skip)]
    pub warnings: Vec<cosma_ir::Report>,
}

/// One function. Sizes are bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionReport {
    /// Without `@`.
    pub name: String,
    /// Operators, each of which runs in one step.
    pub operators: u64,
    /// `optimal`: proven, `lower_bound == non_compulsory`; or `feasible`.
    pub status: String,
    /// What the plan moves.
    pub traffic: TrafficReport,
    /// Size of the scratchpad.
    pub scratchpad: u64,
    /// Every address is a multiple of it.
    pub alignment: u64,
    /// `resident` or `streamed`.
    pub weights: String,
    /// The most bytes that lie in the scratchpad at once, without padding.
    pub peak: u64,
    /// The least scratchpad with which the function can run at all.
    pub min_scratchpad: u64,
    /// `lower_bound` if it is not known that the function runs with that, and it may take more; left
    /// out if it does run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_scratchpad_is: Option<String>,
    /// Wall time of the passes that ran on the function; of a pipeline of the caller's own, on the
    /// module.
    pub seconds: f64,
    /// Who made the plan: `search`, `ilp` or `greedy`.
    pub solver: String,
    /// With `--tile`: `all tilings` if no tiling has less non-compulsory traffic, otherwise `these tiles`, to
    /// which the lower bound belongs. Left out without `--tile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// Bytes between scratchpad and host memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrafficReport {
    /// All of it.
    pub total: u64,
    /// Each argument that is used once in, each result once out.
    pub compulsory: u64,
    /// Spills and reloads.
    pub non_compulsory: u64,
    /// Proven: no plan has less non-compulsory traffic.
    pub lower_bound: u64,
    /// The non-compulsory bytes that are owed to addresses: what they are more than if only the sum
    /// of what lies in the scratchpad counted.
    pub fragmentation: u64,
}

impl FunctionReport {
    /// What a function says about its plan; none if it has none.
    pub fn read(function: OperationRef, duration: Duration) -> Option<FunctionReport> {
        let facts = Facts::read(function)?;
        let Target { machine, weights } = MachineOptions::default().resolve_if_said(function)?;
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
            },
            scratchpad: machine.scratchpad().0,
            alignment: machine.alignment().0,
            weights: weights_name(weights).into(),
            peak: facts.peak.0,
            min_scratchpad: facts.min_scratchpad.0,
            min_scratchpad_is: (!facts.is_min_exact).then(|| LOWER_BOUND.to_owned()),
            seconds: duration.as_secs_f64(),
            solver: facts.solver,
            proof: facts.proof,
        })
    }
}

impl Report {
    /// As JSON, over several lines and with a line break at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and finite numbers are JSON");
        text.push('\n');
        text
    }
}
