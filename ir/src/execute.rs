//! Executes functions on memrefs with MLIR's execution engine.
//!
//! 1. [`count_transfers`] replaces the copies that are marked as transfers by calls of a function that copies and
//!    counts.
//! 2. [`Program::compile`] compiles a module of functions on static memrefs to machine code.
//! 3. [`Program::call`] calls a function on copies of the caller's buffers, and copies its results out.
//!
//! Programs are checked while they run: allocated memory is filled with a pattern, surrounded by guard zones, and must
//! be freed; copies must be within memory that was passed or allocated. [`Outcome::faults`] lists the errors. This
//! finds bugs but is no protection: a write far out of bounds still crashes the process.

mod buffer;
mod descriptor;
mod dma;
mod engine;
mod memory;
mod signature;
mod transfers;

pub use buffer::{Buffer, Element};
pub use dma::Mood;
pub use engine::{Outcome, Program};
pub use memory::{Moved, Way};
pub use signature::BufferType;
pub use transfers::count_transfers;

/// Why a module could not be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// MLIR could not compile it. The reasons are in the context's diagnostics.
    #[error("{0}")]
    Compile(String),
    /// There is no function with this name.
    #[error("there is no function @{0} to call")]
    NoFunction(String),
    /// The type of an argument or a result is not supported.
    #[error("@{function}: {what} is {type}, and only static memrefs of integers and floats are passed")]
    Type {
        /// The function's name, without `@`.
        function: String,
        /// The argument or result.
        what: String,
        /// Its type.
        r#type: String,
    },
    /// The arguments do not have the types of the function's.
    #[error("@{function} takes {expected}, not {given}")]
    Arguments {
        /// The function's name, without `@`.
        function: String,
        /// The expected types.
        expected: String,
        /// The given types.
        given: String,
    },
    /// The program needs too much memory.
    #[error("{needed} B cannot be allocated: a program gets at most {limit} B")]
    Memory {
        /// The bytes needed.
        needed: u64,
        /// The most bytes allowed.
        limit: u64,
    },
    /// The program was aborted.
    #[error("@{function} was aborted: {why}")]
    Ended {
        /// The function's name, without `@`.
        function: String,
        /// The request that could not be fulfilled.
        why: String,
    },
    /// The engine refused the call.
    #[error("@{0} could not be called")]
    Call(String),
}
