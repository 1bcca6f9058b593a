//! Why a plan cannot be exported, or not be read.

/// What is wrong with a plan, a document or a model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime moves nothing, but the plan does.
    #[error(
        "tensor '{tensor}' {why}, but {runtime} keeps each tensor at one address and moves none: plan for a larger scratchpad"
    )]
    Moves {
        /// The tensor.
        tensor: String,
        /// What the plan does with it.
        why: String,
        /// The runtime.
        runtime: &'static str,
    },
    /// There is no room for arguments that are there from the start, and results that are there to the end.
    #[error(
        "{runtime} has arguments in memory from the start and results to the end, for which {scratchpad} B are not \
         enough{}",
        if *is_proven { "" } else { ", as far as was found in time" }
    )]
    NoRoom {
        /// The runtime.
        runtime: &'static str,
        /// The size of the scratchpad.
        scratchpad: u64,
        /// Whether there is no packing for certain.
        is_proven: bool,
    },
    /// The plan does not fit the model that it is written into.
    #[error("{0}")]
    Model(String),
    /// A model is no valid file of TensorFlow Lite.
    #[error("the model cannot be read: {0}")]
    Malformed(String),
    /// A document is no JSON, or not what the schema says.
    #[error("the plan cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A document of another format or version.
    #[error("the plan cannot be read: it is '{format}' of version {version}, and not 'cosma-plan' of version 1")]
    Version {
        /// What it says that it is.
        format: String,
        /// Its version.
        version: u64,
    },
    /// A document of another problem.
    #[error("the plan is of another problem: {0}")]
    OtherProblem(String),
    /// The planner has no answer: the program's time cannot be counted.
    #[error(transparent)]
    Planner(#[from] cosma_planner::Error),
}
