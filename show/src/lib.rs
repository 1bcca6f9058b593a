//! Presents plans as pictures, traces, graphs and explanations.
//!
//! An [`Exhibit`] is a planned program with readable names for its operators and tensors. A [`Picture`]
//! is its layout over steps and bytes, which most views start from. Each view is a function from exhibits
//! to text. This crate writes no files, prints nothing and does not use MLIR.
#![forbid(unsafe_code)]

mod colour;
mod cost_report;
mod describe;
mod dot;
mod exhibit;
mod explain;
mod family;
mod line;
mod merge;
mod names;
mod page;
mod picture;
mod svg;
mod tiling_report;
mod time_chart;
mod time_report;
mod timing;
mod trace;
mod units;

pub use cost_report::{CostReport, LinkReport};
pub use dot::dot;
pub use exhibit::{Exhibit, OperatorLabel, Proof, TensorLabel};
pub use explain::{Larger, explain, larger_scratchpads};
pub use family::{Chain, Families, chains};
pub use line::{Line, Part};
pub use page::page;
pub use picture::{Block, Content, Cost, Flight, Link, Moved, Picture};
pub use svg::memory_map;
pub use tiling_report::{GroupReport, LeastReport, TilesReport, TilingReport};
pub use time_chart::time_chart;
pub use time_report::{ChannelReport, StallReport, TimeReport};
pub use timing::TimeProof;
pub use trace::trace;
pub use units::bytes_text;
