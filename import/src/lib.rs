//! Imports ONNX models as networks at the granularity of an accelerator. Independent of MLIR: the result is a
//! [`Network`], which can be printed in COSMA's source form or converted directly to the planner's graph.
//!
//! 1. *Read* (`read.rs`): the protobuf becomes a graph of values and nodes with resolved names, in an order that
//!    respects the dependences.
//! 2. *Infer* (`infer.rs`): every value gets an element type and a static shape. Small constants, and with them
//!    shape computations, are evaluated.
//! 3. *Lower* (`lower.rs`): removes what is not an operator: constant parameters, views, and computations on
//!    weights alone.
//! 4. *Group* (`group.rs`): groups nodes that an accelerator runs as one operator. `class.rs` classifies them,
//!    and the crate `cosma-network` decides.
//! 5. *Pieces* (`pieces.rs`): slices and rows of a tensor that is live anyway become views of it.
//! 6. *Emit* (`emit.rs`): prints source form. Or *extract* (`extract.rs`): makes the planner's graph, the one that
//!    COSMA's passes make of that text; with what is to be known to split its operators (`cut.rs`).
//!
//! The data of weights is never read, only their shapes. Files of external data may be missing unless they
//! contain a shape.

#![forbid(unsafe_code)]

mod access;
mod attributes;
mod class;
mod content;
mod cut;
mod element;
mod emit;
mod error;
mod extract;
mod graph;
mod group;
mod in_place;
mod infer;
mod lower;
mod names;
mod network;
mod options;
mod pieces;
pub mod proto;
mod read;
mod region;

use bytes::Bytes;

pub use cut::Cuts;
pub use element::Element;
pub use error::Error;
pub use extract::{Carrier, Extraction};
pub use network::{InPlace, Network, Operator, OperatorAccess, Origin, Tensor, TensorIndex};
pub use options::{Grouping, Options, Sharing, Splitting};
pub use region::Region;

/// Imports a model from the content of its file. A `Vec<u8>` is not copied.
///
/// # Errors
/// [`Error`], with the node or value at which it occurred.
pub fn import(model: impl Into<Bytes>, options: &Options) -> Result<Network, Error> {
    let (mut graph, mut reader) = read::read(model.into(), options)?;
    infer::infer(&mut graph, &mut reader)?;
    let lowered = lower::lower(&graph, options)?;
    let mut network = group::group(lowered, options);
    pieces::make_views(&mut network);
    names::name_by_module(&mut network.operators);
    if options.in_place == Sharing::None {
        network.operators.iter_mut().for_each(|operator| operator.in_place.clear());
    }
    if options.access == Splitting::None {
        network.operators.iter_mut().for_each(|operator| operator.access = None);
    }
    Ok(network)
}
