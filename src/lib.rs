//! COSMA: plans in which order a network's operators run, where its tensors lie in the scratchpad and
//! when, so that the traffic to host memory is least.
//!
//! ```
//! use cosma::{MachineOptions, Options, Stages, optimize};
//!
//! let context = cosma::new_context();
//! let text = r#"func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
//!   %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
//!   return %0 : tensor<64xi8>
//! }"#;
//! let mut module = cosma::parse(&context, text.as_bytes(), "relu.mlir").expect("it is well-formed");
//! let options = Options {
//!     machine: MachineOptions { scratchpad: Some(128.into()), ..MachineOptions::default() },
//!     stages: Stages { schedule: true, allocate: true, ..Stages::default() },
//!     ..Options::default()
//! };
//! let report = optimize(&context, &mut module, &options)?;
//! assert_eq!(report.functions[0].traffic.total, 128);
//! assert!(module.as_operation().to_string().contains("cosma.load %arg0 at 0"));
//! # Ok::<(), cosma::Error>(())
//! ```
//!
//! As a shared library it is also a plugin for stock `mlir-opt`, with the dialect and the passes:
//! `mlir-opt --load-dialect-plugin=libcosma.so --load-pass-plugin=libcosma.so`.

mod error;
pub mod execute;
mod optimize;
mod options;
mod pipeline;
mod plugin;
mod problems;
mod programs;
mod report;

pub use cosma_ir::{Reports, new_context, parse};
pub use cosma_passes::{
    ArenaName, LowerOptions, MEMREFS_TO_LLVM, MachineOptions, ModelOptions, SOURCE_TO_MEMREFS, Seconds, Size,
    SizeError, SolverName, WeightsName,
};
pub use cosma_planner::{Bytes, Solver, Weights};
pub use error::Error;
pub use melior;
pub use optimize::{optimize, run_pipeline};
pub use options::{Options, Stages};
pub use problems::problems;
pub use programs::{Program, ProgramFormat, integer_programs};
pub use report::{FunctionReport, Report, TrafficReport};
