//! Runs a planned program and its source, and compares their results.
//!
//! 1. The source is compiled with MLIR's own passes and run on random arguments, including weights
//!    ([`Original::new`]).
//! 2. It is planned and lowered, with transfers that count the bytes that they move
//!    ([`Original::compare`]).
//! 3. The lowered program runs twice on the same arguments, each time in memory filled with different
//!    bytes that read as signalling NaN.
//!    What starts in the scratchpad is put there before, and what ends there is read from there after.
//! 4. Results are compared bit for bit, and bytes moved with the plan's [`Report`](crate::Report). Memory
//!    errors are reported.
//!
//! Both programs compute each result with the same floating-point operations in the same order: no pass of
//! either pipeline fuses operations on tensors or reassociates sums, and neither does LLVM.
//!
//! Programs with abstract operators (`cosma.op`) cannot run.
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
mod handed;
mod links;
mod original;
mod planned;
mod table;

pub use compare::{Comparison, Difference, LinkTraffic};
pub use cosma_ir::execute::{Buffer, BufferType, Element, ExecuteError, Moved};
pub use original::Original;
pub use table::table;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The seed of the random arguments.
    pub seed: u64,
    /// LLVM's optimisation level, 0 to 3, for both programs.
    pub effort: u8,
    /// The only function to run; `None` runs all functions with a body.
    pub function: Option<String>,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions { seed: 1, effort: 2, function: None }
    }
}

/// Why a program could not be run or compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// It could not be planned or lowered.
    #[error(transparent)]
    Plan(#[from] crate::Error),
    /// The module has operations that cannot run, with all diagnostics.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Module(Vec<cosma_ir::Report>),
    /// A program could not be compiled or called.
    #[error("{what}: {error}{}", .reports.iter().map(|it| format!("\n{it}")).collect::<String>())]
    Execute {
        /// `the source` or `the planned program`.
        what: &'static str,
        /// The error.
        error: ExecuteError,
        /// MLIR's diagnostics.
        reports: Vec<cosma_ir::Report>,
    },
    /// The source reads uninitialised memory or misuses memory, so there is nothing to compare with.
    #[error("@{function}: the source is invalid: {fault}")]
    Undefined {
        /// The function's name, without `@`.
        function: String,
        /// What was observed.
        fault: String,
    },
}
