//! What can go wrong between a model and its plan.

use cosma_planner::Bytes;
use std::path::PathBuf;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The model is not one that can be imported.
    #[error(transparent)]
    Model(#[from] cosma_import::Error),
    /// An option has a value that it cannot have.
    #[error("{0}")]
    Option(String),
    /// The graph contradicts itself.
    #[error("{0}")]
    Graph(String),
    /// An operator needs more at once than the scratchpad has.
    #[error(
        "operator '{operator}' needs {needed} B at once, but the scratchpad has {scratchpad} B: {} B too few; at least \
         {min_scratchpad} B are needed",
        needed.saturating_sub(*scratchpad)
    )]
    ScratchpadTooSmall {
        /// The operator that needs the most.
        operator: String,
        /// The least scratchpad with which it can run.
        needed: Bytes,
        /// What there is.
        scratchpad: Bytes,
        /// The least scratchpad with which the whole network can run.
        min_scratchpad: Bytes,
    },
    /// The planner has no plan for another reason.
    #[error(transparent)]
    Planner(cosma_planner::Error),
    /// The judge found something wrong with a plan. It is an error of COSMA.
    #[error("the plan is wrong: {0}")]
    Judge(String),
}
