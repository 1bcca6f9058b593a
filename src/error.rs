//! The errors of a run.

/// Why a module could not be processed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The requested stages cannot follow each other, or need a plan that does not exist.
    #[error("{0}")]
    Conflict(String),
    /// The clock of the options is not that of a machine with one scratchpad.
    #[error(transparent)]
    Machine(cosma_planner::Error),
    /// Neither the options nor the module declare the size of the scratchpad.
    #[error(
        "the size of the scratchpad is not known: pass --scratchpad=SIZE, or set cosma.machine = {{scratchpad = SIZE}} \
         on the module"
    )]
    NoScratchpad,
    /// A textual pass pipeline does not parse.
    #[error("{0}")]
    Pipeline(String),
    /// The module or the machine is invalid, with all diagnostics.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Module(Vec<cosma_ir::Report>),
}
