//! What keeps a run from its result.

/// Why there is no planned module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Stages were asked for that cannot follow each other.
    #[error("{0}")]
    Conflict(String),
    /// Neither the options nor the module say how large the scratchpad is.
    #[error(
        "the size of the scratchpad is not known: say --scratchpad=SIZE, or write cosma.machine = {{scratchpad = SIZE}} \
         on the module"
    )]
    NoScratchpad,
    /// A pipeline of passes does not parse.
    #[error("{0}")]
    Pipeline(String),
    /// The module or the machine is at fault: everything that was said about it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Module(Vec<cosma_ir::Report>),
}
