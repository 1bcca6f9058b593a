//! Groups the nodes of a network into the operators that an accelerator runs, and determines which results
//! of a group may be in place of its operands. Independent of MLIR, ONNX and the planner: front ends classify
//! their operations as nodes of a [`Network`], and [`group`] decides. So a network is planned as the same
//! operators, whatever its format.
//!
//! 1. *Widening* (`widening.rs`): a node that widens elements is fused into each of its readers, so that the
//!    narrow tensors of a quantised model remain between operators.
//! 2. *Epilogues* (`epilogue.rs`): an operator is fused with the nodes after it, as long as it has a single
//!    result. So a node that narrows elements is fused into its producer.
//! 3. *Prologues* (`prologue.rs`): a node that was not fused into its producer is fused into its readers.
//! 4. *In place* (`place.rs`): which results of a group may share the buffers of which operands.
//!
//! [`Rules`] has the tables of allowed fusions, which can be adapted to an accelerator.

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
