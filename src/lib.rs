//! COSMA plans the order of a network's operators and the address of each tensor in the scratchpad over
//! time, so that traffic to host memory is minimal.
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
//! let report = optimize(&mut module, &options)?;
//! assert_eq!(report.functions[0].traffic.total, 128);
//! assert!(module.as_operation().to_string().contains("cosma.load %arg0 at 0"));
//! # Ok::<(), cosma::Error>(())
//! ```
//!
//! A [`Watcher`] receives progress and can stop planning; then the best plan so far is taken. Each thread
//! may plan modules in its own context. The library prints nothing and keeps no state between calls.
//!
//! ```
//! use cosma::{MachineOptions, Options, Stages, Watcher, optimize};
//! use std::ops::ControlFlow;
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! # let context = cosma::new_context();
//! # let text = r#"func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
//! #   %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
//! #   return %0 : tensor<64xi8>
//! # }"#;
//! # let mut module = cosma::parse(&context, text.as_bytes(), "relu.mlir").expect("it is well-formed");
//! // Another thread or a signal handler can set this flag to stop planning.
//! let is_cancelled = Arc::new(AtomicBool::new(false));
//! let flag = Arc::clone(&is_cancelled);
//! let watcher = Watcher::new(move |function, progress| {
//!     println!("@{function}: {}, gap {:?}, {:?} left", progress.phase, progress.gap(), progress.left());
//!     if flag.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
//! });
//! let options = Options {
//!     machine: MachineOptions { scratchpad: Some(128.into()), ..MachineOptions::default() },
//!     stages: Stages { schedule: true, allocate: true, ..Stages::default() },
//!     watcher: Some(watcher),
//!     ..Options::default()
//! };
//! let report = optimize(&mut module, &options)?;
//! # assert_eq!(report.functions[0].traffic.total, 128);
//! # Ok::<(), cosma::Error>(())
//! ```
//!
//! [`load_dialect`] adds COSMA's dialect to a context that was not created by [`new_context`]. Compilers
//! in C and C++ call the functions of `include/cosma.h`, which are in the shared library.
//!
//! The shared library is also a plugin for stock `mlir-opt` with the dialect and the passes:
//! `mlir-opt --load-dialect-plugin=libcosma.so --load-pass-plugin=libcosma.so`.

mod c_api;
mod error;
pub mod execute;
mod exhibits;
mod module;
mod optimize;
mod options;
mod pipeline;
mod plugin;
mod problems;
mod programs;
mod report;
pub mod tool;
mod words;

pub use cosma_ir::{Report as Message, Reports, Severity, bytecode, load_dialect, new_context, parse};
pub use cosma_passes::{
    ArenaName, KeepName, LowerOptions, MEMREFS_TO_LLVM, MachineOptions, ModelOptions, ObjectiveName, Overlap, Printer,
    ReservedRange, SOURCE_TO_MEMREFS, Seconds, Size, SizeError, SolverName, TransfersName, Watcher, WeightsName,
};
pub use cosma_planner::preset::{MachineFile, read as read_machine};
pub use cosma_planner::{Bytes, Keep, Objective, Phase, Progress, Solver, Weights};
pub use cosma_planner::{preset, time};
pub use cosma_show as show;
pub use error::Error;
pub use exhibits::exhibits;
pub use melior;
pub use module::read_module;
pub use optimize::{optimize, register_passes, run_pipeline};
pub use options::{Options, Stages};
pub use problems::{SourceNetwork, networks, problems};
pub use programs::{Program, ProgramFormat, integer_programs};
pub use report::{
    CostReport, FunctionReport, GroupReport, LeastReport, LinkReport, Report, TilesReport, TilingReport, TrafficReport,
};
#[doc(hidden)]
pub use words::option_words;
