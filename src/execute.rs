//! Runs what was planned, beside the source that it was planned from.
//!
//! 1. The source is compiled as MLIR's own passes do it ([`Original::new`]), and run on arguments that
//!    follow from a seed: inputs, weights and all.
//! 2. It is planned and lowered, and the transfers are made to count what they move ([`Original::compare`]).
//! 3. The lowered program runs on the same arguments, in a scratchpad and in buffers that hold what was
//!    never a value: bytes that read as signalling NaN. Twice, with different ones.
//! 4. Results are compared bit for bit, bytes moved with the plan's [`Report`](crate::Report), and what
//!    the program does to its memory with what it may.
//!
//! Both are compiled alike, so each result is computed by the same operations on floats in the same
//! order: no pass of either pipeline fuses operations on tensors or reassociates sums, and LLVM does
//! not do so on its own.
//!
//! A program with abstract operators (`cosma.op`) has nothing to run.
//!
//! ```
//! use cosma::execute::{Original, RunOptions};
//! use cosma::{MachineOptions, Options, Stages};
//!
//! let context = cosma::new_context();
//! let text = r#"func.func @f(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
//!   %empty = tensor.empty() : tensor<4x8xf32>
//!   %0 = linalg.add ins(%x, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
//!   %1 = linalg.mul ins(%0, %x : tensor<4x8xf32>, tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
//!   return %1 : tensor<4x8xf32>
//! }"#;
//! let module = cosma::parse(&context, text.as_bytes(), "f.mlir").expect("it is well-formed");
//! let original = Original::new(&context, &module, &RunOptions::default())?;
//! let options = Options {
//!     machine: MachineOptions { scratchpad: Some(384.into()), ..MachineOptions::default() },
//!     stages: Stages { schedule: true, ..Stages::default() },
//!     ..Options::default()
//! };
//! let comparison = original.compare(&options)?.remove(0);
//! assert!(comparison.faults().is_empty());
//! assert_eq!(comparison.moved.total(), 384);
//! # Ok::<(), cosma::execute::RunError>(())
//! ```

mod arguments;
mod compare;
mod original;
mod planned;
mod table;

pub use compare::{Comparison, Difference};
pub use cosma_ir::execute::{Buffer, BufferType, Element, ExecuteError, Moved};
pub use original::Original;
pub use table::table;

/// What is to be run, and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What arguments are made from: the same seed makes the same ones.
    pub seed: u64,
    /// How hard LLVM tries, from 0 to 3. The source and what was planned are compiled alike.
    pub effort: u8,
    /// The only function to be run; otherwise all that have a body are.
    pub function: Option<String>,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions { seed: 1, effort: 2, function: None }
    }
}

/// What keeps a program from being run or compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// It has no plan.
    #[error(transparent)]
    Plan(#[from] crate::Error),
    /// Something in the module cannot be run: everything that was said about it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Module(Vec<cosma_ir::Report>),
    /// A program could not be compiled or called; with what MLIR said about it.
    #[error("{what}: {error}{}", .reports.iter().map(|it| format!("\n{it}")).collect::<String>())]
    Execute {
        /// `the source` or `what was planned`.
        what: &'static str,
        /// What failed.
        error: ExecuteError,
        /// The reasons.
        reports: Vec<cosma_ir::Report>,
    },
    /// The source itself is at fault: its results depend on what was in memory before, or it misuses
    /// memory.
    #[error("@{function}: the source itself is at fault: {fault}")]
    Undefined {
        /// Without `@`.
        function: String,
        /// What shows it.
        fault: String,
    },
}
