//! Reads ONNX models as networks at the granularity of an accelerator. Knows neither MLIR nor the
//! planner: what comes out is a [`Network`], or text in COSMA's source form.
//!
//! 1. *Read* (`read.rs`): the protobuf becomes a graph of values and nodes, every name resolved,
//!    in an order that respects the dependences.
//! 2. *Infer* (`infer.rs`): every value gets an element type and a static shape; small constants, and
//!    with them computation on shapes, are evaluated on the way.
//! 3. *Lower* (`lower.rs`): what is no operator goes: constants that only describe, views, what
//!    depends on weights alone.
//! 4. *Group* (`group.rs`): operators that an accelerator runs at once become one. `class.rs` says what each
//!    is to its neighbours, and the crate `cosma-network` decides.
//! 5. *Show* (`pieces.rs`): slices and rows of a tensor that is there anyway become views of it.
//! 6. *Emit* (`emit.rs`): text in source form.
//!
//! Data of weights is never looked at, only its size; a file of external data need not be there, unless there
//! is a shape in it.

#![forbid(unsafe_code)]

mod attributes;
mod class;
mod content;
mod element;
mod emit;
mod error;
mod graph;
mod group;
mod in_place;
mod infer;
mod lower;
mod network;
mod options;
mod pieces;
pub mod proto;
mod read;

use bytes::Bytes;

pub use element::Element;
pub use error::Error;
pub use network::{InPlace, Network, Operator, Origin, Tensor, TensorIndex};
pub use options::{Grouping, Options, Sharing};

/// Reads a model, given as the content of its file: a `Vec<u8>` is not copied.
///
/// # Errors
/// [`Error`], which names the node or the value that is at fault.
pub fn import(model: impl Into<Bytes>, options: &Options) -> Result<Network, Error> {
    let (mut graph, mut reader) = read::read(model.into(), options)?;
    infer::infer(&mut graph, &mut reader)?;
    let lowered = lower::lower(&graph, options)?;
    let mut network = group::group(lowered, options);
    pieces::show(&mut network);
    if options.in_place == Sharing::None {
        network.operators.iter_mut().for_each(|operator| operator.in_place.clear());
    }
    Ok(network)
}
