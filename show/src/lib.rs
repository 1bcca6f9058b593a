//! Shows what COSMA planned: as pictures, as traces, as graphs, and in words.
//!
//! An [`Exhibit`] is a planned program and what people call the things in it; a [`Picture`] is what
//! there is to see of it, in steps and bytes. Each way to show it is a function from an exhibit to
//! text: nothing is written here, nothing is printed, and nothing of MLIR is known.
#![forbid(unsafe_code)]

mod colour;
mod describe;
mod dot;
mod exhibit;
mod explain;
mod line;
mod page;
mod picture;
mod svg;
mod timing;
mod trace;
mod units;

pub use dot::dot;
pub use exhibit::{Exhibit, OperatorLabel, Proof, TensorLabel};
pub use explain::{Larger, explain, larger_scratchpads};
pub use line::Line;
pub use page::page;
pub use picture::{Block, Content, Cost, Link, Moved, Picture};
pub use svg::memory_map;
pub use timing::{Speed, timing};
pub use trace::trace;
pub use units::bytes_text;
