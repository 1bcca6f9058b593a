//! From a model to a plan without MLIR: joins the importer, the planner with its judge, and the pictures.
//!
//! 1. A [`Network`] is a graph with the names of a model: [`Network::read`] makes one from an ONNX file. It equals
//!    the graph that COSMA's passes make from the model's text, so both ways give the same plans.
//! 2. [`plan`] plans it for a scratchpad, or for a machine of several memories, and has the plan judged.
//! 3. A [`Planned`] network gives its [`Report`], its program and residencies as records, and an
//!    [`Exhibit`](cosma_show::Exhibit), from which `cosma-show` makes pictures and explanations.
//! 4. [`sweep`] plans it for many scratchpads.
//!
//! It needs only a Rust toolchain. Where operators are split into tiles ([`Request::tiles`]), the tiles have no bodies: that
//! takes MLIR.
//!
//! ```
//! use cosma_model::{Network, Request, plan};
//! use cosma_planner::{Bytes, GraphBuilder};
//! use std::ops::ControlFlow;
//!
//! let mut graph = GraphBuilder::new();
//! let x = graph.argument("x", Bytes(64));
//! let y = graph.op("square", &[x], [("y", Bytes(64))], Bytes::ZERO);
//! graph.result(y[0]);
//! let network = Network::of_graph("net", graph, vec!["x".into(), "y".into()]);
//! let planned = plan(&network, &Request::for_scratchpad(Bytes(128)), &|_| ControlFlow::Continue(()))?;
//! assert_eq!(planned.report().traffic.total, 128);
//! # Ok::<(), cosma_model::Error>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod memories;
mod network;
mod plan;
mod record;
mod report;
mod sweep;
mod tiles;

pub use error::Error;
pub use network::{ModelOptions, Network};
pub use plan::{Planned, Request, plan};
pub use record::{ActionRecord, PlaceRecord, ResidencyRecord, SlotRecord};
pub use report::{Report, TrafficReport};
pub use sweep::{Point, Scratchpads, Sweep, Verdict, sweep};
pub use tiles::{TileRecord, Tiles};
