//! Plans as data, for scripts, packers and runtimes.
//!
//! A [`Planned`] network is a problem and its program, with names and a proof. [`write()`] writes it in one
//! [`Format`]:
//!
//! - [`Document`]: the whole plan as JSON with a published schema (`schema/plan.schema.json`), which can be read
//!   back.
//! - [`table()`]: CSV with a row per residency.
//! - [`buffers()`]: the packing alone, in MiniMalloc's CSV, which `cosma-pack` reads.
//! - [`tflm`]: addresses for TensorFlow Lite Micro, as a C header or written into a model.
//! - [`executorch()`]: addresses for ExecuTorch, as JSON that a memory-planning pass applies.
//!
//! Everything is derived from the program, not from the plan that it was made from, so programs with asynchronous
//! transfers are exported as they are. The program must be correct: callers verify it first. This crate writes no
//! files, prints nothing and does not use MLIR.
//!
//! ```
//! use cosma_export::{Document, Format, Planned, write};
//! use cosma_planner::{Problem, greedy_plan};
//!
//! let problem: Problem = "machine scratchpad 192 alignment 64
//! argument x 64
//! op square: x -> y 64
//! return y
//! ".parse()?;
//! let actions = greedy_plan(&problem)?.actions(&problem);
//! let planned = Planned::new("net", &problem, &actions);
//! let json = write(Format::Json, &planned)?.text();
//! assert_eq!(Document::parse(&json)?.actions(&problem)?, actions);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod block;
mod buffers;
mod document;
mod error;
mod executorch;
mod fixed;
mod format;
mod planned;
mod read;
mod table;
pub mod tflm;

pub use block::{PlacedStay, stays};
pub use buffers::buffers;
pub use document::{
    ActionDocument, BanksDocument, ComputeDocument, Document, LinkDocument, MachineDocument, MemoryDocument,
    OperandDocument, PlaceDocument, ProofDocument, ResidencyDocument, RoomDocument, StepDocument, TensorDocument,
    TimeDocument, TimingDocument, TrafficDocument,
};
pub use error::Error;
pub use executorch::executorch;
pub use format::{Format, Written, write};
pub use planned::{Names, Planned, Proof};
pub use table::table;
