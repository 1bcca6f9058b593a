//! Running functions on memrefs: MLIR's execution engine behind an interface of values.
//!
//! 1. [`count_transfers`] turns the copies that are marked as transfers into calls of a function here,
//!    which copies and counts.
//! 2. [`Program::compile`] brings a module of functions on static memrefs down to machine code.
//! 3. [`Program::call`] gives a function copies of the caller's buffers, and copies its results out.
//!
//! A program is not trusted to be right: whatever it allocates is filled with a pattern first, lies
//! between guard zones, and has to be freed; what it copies has to lie in what it was given or allocated;
//! [`Outcome::faults`] says what was wrong. That finds mistakes and is no protection: code that writes
//! far beside its memory still brings the process down.

mod buffer;
mod descriptor;
mod engine;
mod memory;
mod signature;
mod transfers;

pub use buffer::{Buffer, Element};
pub use engine::{Outcome, Program};
pub use memory::Moved;
pub use signature::BufferType;
pub use transfers::count_transfers;

/// What keeps a module from being run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// MLIR could not bring it down to machine code; why has gone to the context's diagnostics.
    #[error("{0}")]
    Compile(String),
    /// There is no such function to call.
    #[error("there is no function @{0} to call")]
    NoFunction(String),
    /// An argument or a result is nothing that can be given or taken.
    #[error("@{function}: {what} is {type}, and only static memrefs of integers and floats are passed")]
    Type {
        /// Without `@`.
        function: String,
        /// Which argument or result.
        what: String,
        /// Its type.
        r#type: String,
    },
    /// The arguments are not those of the function.
    #[error("@{function} takes {expected}, not {given}")]
    Arguments {
        /// Without `@`.
        function: String,
        /// What it takes.
        expected: String,
        /// What was given.
        given: String,
    },
    /// There is not enough memory for what the program needs.
    #[error("{needed} B cannot be had: at most {limit} B are given to a program")]
    Memory {
        /// Bytes.
        needed: u64,
        /// Bytes.
        limit: u64,
    },
    /// The program could not go on.
    #[error("@{function} could not go on: {why}")]
    Ended {
        /// Without `@`.
        function: String,
        /// What it asked for and could not have.
        why: String,
    },
    /// The engine refused the call.
    #[error("@{0} could not be called")]
    Call(String),
}
