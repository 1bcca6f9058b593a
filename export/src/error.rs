//! Why a plan cannot be exported or read.

/// What is wrong with a plan, a document or a model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan moves a tensor, but the runtime moves nothing.
    #[error(
        "tensor '{tensor}' {why}, but {runtime} keeps each tensor at one address and moves none: plan for a larger scratchpad"
    )]
    Moves {
        /// The tensor.
        tensor: String,
        /// What happens to it in the plan.
        why: String,
        /// The runtime.
        runtime: &'static str,
    },
    /// Arguments that are present from the start, and results that are present until the end, do not fit.
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
        /// Whether it is proven that no packing exists.
        is_proven: bool,
    },
    /// The plan does not fit the model that it is written into.
    #[error("{0}")]
    Model(String),
    /// The model is not a valid TensorFlow Lite file.
    #[error("the model cannot be read: {0}")]
    Malformed(String),
    /// The document is not JSON, or does not follow the schema.
    #[error("the plan cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A document of another format or version.
    #[error("the plan cannot be read: it is '{format}' of version {version}, but must be 'cosma-plan' of version 1")]
    Version {
        /// The format that it names.
        format: String,
        /// Its version.
        version: u64,
    },
    /// A document of another problem.
    #[error("the plan belongs to another problem: {0}")]
    OtherProblem(String),
    /// The time of the program cannot be counted.
    #[error(transparent)]
    Planner(#[from] cosma_planner::Error),
}
