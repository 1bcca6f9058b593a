//! The errors between a model and its plan.

use cosma_planner::{Bytes, Problem, Violation};
use std::path::PathBuf;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The model cannot be imported.
    #[error(transparent)]
    Model(#[from] cosma_import::Error),
    /// An option has an invalid value.
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
        /// The least scratchpad with which this operator can run.
        needed: Bytes,
        /// The size of the scratchpad.
        scratchpad: Bytes,
        /// The least scratchpad with which the whole network can run.
        min_scratchpad: Bytes,
    },
    /// The planner found no plan for another reason.
    #[error(transparent)]
    Planner(cosma_planner::Error),
    /// The judge found a mistake in a plan. This is a bug in COSMA.
    #[error("the plan is wrong: {0}")]
    Judge(String),
}

impl Error {
    /// What the judge found in a program.
    pub(crate) fn violated(problem: &Problem, violations: &[Violation]) -> Error {
        let first = violations.first().map(|it| it.display(problem).to_string()).unwrap_or_default();
        Error::Judge(format!("{} violations, the first: {first}", violations.len()))
    }
}
