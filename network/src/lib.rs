//! Which operators of a network an accelerator runs at once, and what such a group may write in place. Knows
//! neither MLIR nor ONNX nor the planner: front ends classify what they read as nodes of a [`Network`], and
//! [`group`] decides. So a network is planned as the same operators, whatever it was written in.
//!
//! 1. *Widening operators* (`widening.rs`) join every operator that reads them, as copies: between operators
//!    lie the narrow elements of a quantised model.
//! 2. *Epilogues* (`epilogue.rs`): an operator takes in what follows it, until a single result is left. So
//!    narrowing operators join the operator that writes what they narrow.
//! 3. *Prologues* (`prologue.rs`): what did not join its producer joins the operator that reads it.
//! 4. *Places* (`place.rs`): which operands of a group its results may lie over.
//!
//! [`Rules`] holds the tables of who may join whom; an accelerator's author edits those.

#![forbid(unsafe_code)]

mod class;
mod epilogue;
mod group;
mod network;
mod place;
mod prologue;
mod rules;
mod state;
mod widening;

pub use class::Class;
pub use group::{Group, InPlace, Kind, group, separate};
pub use network::{Alias, Network, Node, NodeIndex, Tensor, TensorIndex};
pub use rules::Rules;
