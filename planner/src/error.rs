//! The reasons why a problem cannot be planned.

use crate::{Bytes, OpId, TensorId};

/// A moment at which something must lie in the scratchpad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the first operator runs.
    Start,
    /// While an operator runs.
    Run(OpId),
    /// After the last operator has run.
    End,
}

/// The reason why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An operator's own tensors and workspace exceed the scratchpad.
    #[error(
        "operator needs {needed} B at once, but the scratchpad has {scratchpad} B: {excess} B too few \
         (min_scratchpad = {min_scratchpad})",
        excess = needed.saturating_sub(*scratchpad)
    )]
    ScratchpadTooSmall {
        /// The operator that needs the most.
        op: OpId,
        /// The least scratchpad with which it can run.
        needed: Bytes,
        /// The size of the scratchpad.
        scratchpad: Bytes,
        /// The least scratchpad with which the whole graph can run.
        min_scratchpad: Bytes,
    },
    /// A tensor cannot lie at its pin in any plan.
    #[error("{why}")]
    Pin {
        /// The tensor.
        tensor: TensorId,
        /// The reason, with its name and offset, and the excess in bytes.
        why: String,
    },
    /// Pins and reserved addresses leave too little space for everything that must lie in the scratchpad at once.
    #[error("{why}")]
    NoPlace {
        /// The moment at which it must.
        when: When,
        /// A minimal set of tensors that do not fit: without any one of them, the others and the operator's workspace
        /// fit.
        tensors: Vec<TensorId>,
        /// The reason, with names and addresses.
        why: String,
    },
    /// On a machine where nothing moves, there is no place for all tensors at once, or none was found.
    #[error("{why}")]
    NotPlaced {
        /// The number of tensors, and the memories that they may lie in.
        why: String,
        /// Whether it is proven that there is no placement.
        is_proven: bool,
    },
    /// The alignment is zero.
    #[error("alignment must be at least 1 B")]
    ZeroAlignment,
    /// The alignment is larger than that of any memory.
    #[error("alignment must be at most 2^32 B")]
    AlignmentTooLarge,
    /// The description of a machine contradicts itself.
    #[error("{0}")]
    Machine(String),
    /// The judge supports this problem, but the planners do not yet.
    #[error("this cannot be planned yet: {0}")]
    NotPlanned(String),
    /// Sizes add up to more than the planner supports.
    #[error("tensor sizes, padded to the alignment, add up to more than 2^60 B")]
    TooLarge,
    /// A program takes, or may take, 2⁶³ cycles or more.
    #[error("cycles add up to more than 2^63")]
    TooManyCycles,
    /// The request needs a clock, but the machine has none.
    #[error("the machine has no clock: its links have no rates")]
    NoClock,
    /// An operator has to run before one that does not come after it in the source.
    #[error("operator {} cannot be ordered before operator {}, which does not come after it", before.0, after.0)]
    Order {
        /// The operator that runs first.
        before: OpId,
        /// The operator that runs after it.
        after: OpId,
    },
    /// A tensor cannot be staged.
    #[error("tensor {} cannot be staged: {why}", tensor.0)]
    Staged {
        /// The tensor.
        tensor: TensorId,
        /// The reason.
        why: &'static str,
    },
    /// Only weights can be kept from one run to the next, because only they are the same in each run.
    #[error("tensor {} cannot be kept from run to run: it is not a weight", tensor.0)]
    Keep {
        /// The tensor.
        tensor: TensorId,
    },
    /// Beside the weights that are always kept, an operator does not fit.
    #[error(
        "weights that are always kept take {kept} B of {scratchpad} B, and an operator needs {needed} B beside them: \
         {excess} B too many",
        excess = (*kept + *needed).saturating_sub(*scratchpad)
    )]
    KeptTooLarge {
        /// The padded sizes of all of these weights.
        kept: Bytes,
        /// The operator that needs the most beside them.
        op: OpId,
        /// The bytes that it needs beside them.
        needed: Bytes,
        /// The largest stretch without reserved addresses.
        scratchpad: Bytes,
    },
    /// A tensor cannot start or end in the scratchpad.
    #[error("tensor {}: {why}", tensor.0)]
    OnChip {
        /// The tensor.
        tensor: TensorId,
        /// The reason.
        why: &'static str,
    },
    /// A result and an operand cannot share bytes.
    #[error("tensor {} cannot lie over tensor {}: {why}", result.0, operand.0)]
    InPlace {
        /// The result.
        result: TensorId,
        /// The operand.
        operand: TensorId,
        /// The reason.
        why: &'static str,
    },
    /// A problem in text form does not parse.
    #[error("line {line}: {message}")]
    Text {
        /// Counted from 1.
        line: usize,
        /// The error in that line.
        message: String,
    },
    /// The incumbent is not a valid plan of the problem.
    #[error("the plan to start from is invalid: {0}")]
    Incumbent(String),
    /// The given order is not an order of the problem.
    #[error("this is not an order of the operators: {0}")]
    Schedule(String),
    /// The solver failed without a usable result.
    #[error("solver: {0}")]
    Solver(String),
}
