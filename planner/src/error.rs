//! What can keep a problem from being planned.

use crate::{Bytes, OpId, TensorId};

/// When something must lie in the scratchpad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the first operator runs.
    Start,
    /// While an operator runs.
    Run(OpId),
    /// When the last operator has run.
    End,
}

/// Why there is no plan.
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
        /// What there is.
        scratchpad: Bytes,
        /// The least scratchpad with which the whole graph can run.
        min_scratchpad: Bytes,
    },
    /// A tensor cannot lie where its pin says, whatever the plan.
    #[error("{why}")]
    Pin {
        /// The tensor.
        tensor: TensorId,
        /// Why not, with its name, its offset, and by how much that is wrong.
        why: String,
    },
    /// Pins and reserved addresses leave no room for all that must lie in the scratchpad at once.
    #[error("{why}")]
    NoPlace {
        /// When it must.
        when: When,
        /// As few tensors as are too many already; without any one of them the others fit, and so does the operator's
        /// workspace.
        tensors: Vec<TensorId>,
        /// The same with names and addresses.
        why: String,
    },
    /// Where nothing moves, there is no place for all tensors at once, or none was found.
    #[error("{why}")]
    NotPlaced {
        /// How many they are, and in which memories they may lie.
        why: String,
        /// Whether there is no placement for certain.
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
    /// The problem is one for the judge, but not for today's planners.
    #[error("this cannot be planned yet: {0}")]
    NotPlanned(String),
    /// Sizes add up to more than planning can count.
    #[error("tensor sizes, padded to the alignment, add up to more than 2^60 B")]
    TooLarge,
    /// A program takes, or may take, 2⁶³ cycles or more.
    #[error("cycles add up to more than 2^63")]
    TooManyCycles,
    /// What takes a clock, asked of a machine without one.
    #[error("the machine has no clock: its links have no rates")]
    NoClock,
    /// An operator has to run before one that does not come after it in the source.
    #[error("operator {} cannot be ordered before operator {}, which does not come after it", before.0, after.0)]
    Order {
        /// What runs first.
        before: OpId,
        /// What runs after it.
        after: OpId,
    },
    /// A tensor cannot be staged as it was said.
    #[error("tensor {} cannot be staged: {why}", tensor.0)]
    Staged {
        /// What was to be staged.
        tensor: TensorId,
        /// Why not.
        why: &'static str,
    },
    /// Only weights are the same in each run, so only they can be kept from one to the next.
    #[error("tensor {} cannot be kept from run to run: it is no weight", tensor.0)]
    Keep {
        /// What was to be kept.
        tensor: TensorId,
    },
    /// With the weights that are to be kept at all times, an operator does not fit.
    #[error(
        "weights that are always kept take {kept} B of {scratchpad} B, and an operator needs {needed} B beside them: \
         {excess} B too many",
        excess = (*kept + *needed).saturating_sub(*scratchpad)
    )]
    KeptTooLarge {
        /// The rooms of all of these weights.
        kept: Bytes,
        /// The operator that needs the most beside them.
        op: OpId,
        /// What it needs beside them.
        needed: Bytes,
        /// What there is without reserved addresses, in one stretch.
        scratchpad: Bytes,
    },
    /// A tensor cannot start or end in the scratchpad.
    #[error("tensor {}: {why}", tensor.0)]
    OnChip {
        /// What was to start or end there.
        tensor: TensorId,
        /// Why not.
        why: &'static str,
    },
    /// A result and an operand cannot share bytes as it was said.
    #[error("tensor {} cannot lie over tensor {}: {why}", result.0, operand.0)]
    InPlace {
        /// What is written.
        result: TensorId,
        /// What is read.
        operand: TensorId,
        /// Why not.
        why: &'static str,
    },
    /// A problem in text form does not parse.
    #[error("line {line}: {message}")]
    Text {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The plan that planning was to start from is not one of the problem.
    #[error("the plan to start from is invalid: {0}")]
    Incumbent(String),
    /// The order in which to plan is not one of the problem.
    #[error("this is no order of the operators: {0}")]
    Schedule(String),
    /// The solver failed in a way that leaves nothing to go on with.
    #[error("solver: {0}")]
    Solver(String),
}
