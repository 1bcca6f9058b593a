//! COSMA's planner: it chooses the order of a network's operators, and the steps and addresses of tensors in the
//! scratchpad, such that the traffic to host memory is minimal.
//!
//! These are the terms of the whole project. A [`Problem`] is a [`Graph`] and a [`Machine`]. An [`Outline`] has the
//! order and the stays of tensors, a [`Plan`] has the addresses too, and its [`Action`]s are the lines of the planned
//! program, which the judge ([`check`]) accepts or refuses.
//!
//! ```
//! use cosma_planner::{Bytes, GraphBuilder, Machine, Options, Problem, check, plan, program_text};
//!
//! // A graph: tensors have sizes, operators read and write them.
//! let mut graph = GraphBuilder::new();
//! let x = graph.argument("x", Bytes(64));
//! let wide = graph.op("expand", &[x], [("wide", Bytes(128))], Bytes::ZERO);
//! let y = graph.op("reduce", &[wide[0], x], [("y", Bytes(64))], Bytes::ZERO);
//! graph.result(y[0]);
//! let machine = Machine::with_host(Bytes(256), Bytes(64));
//! let problem = Problem { graph: graph.build()?, machine };
//!
//! // A plan, and how good it is.
//! let solution = plan(&problem, &Options::default())?;
//! assert!(solution.is_optimal());
//!
//! // The program, judged.
//! let actions = solution.plan.actions(&problem);
//! let lines = program_text(&problem, &actions);
//! assert!(lines[0].starts_with("load x"), "{lines:?}");
//! let traffic = check(&problem, &actions).expect("the judge believes it");
//! assert_eq!(traffic.total(), Bytes(128));
//! # Ok::<(), cosma_planner::Error>(())
//! ```
//!
//! [`plan_watched()`] also reports its progress to a watcher, which can stop it. [`plan_from()`] starts from an
//! existing plan.
// Only one place allows it: the solver's callback (`ilp/interrupt.rs`).
#![deny(unsafe_code)]

mod action;
mod address;
mod banks;
pub mod baseline;
mod check;
mod deadline;
mod divisor;
mod error;
mod fate;
mod first_fit;
mod framed;
mod graph;
mod greedy;
mod hole;
#[cfg(feature = "ilp")]
pub mod ilp;
mod in_place;
mod incumbent;
mod keep;
mod layout;
mod least;
mod machine;
mod occupancy;
mod outline;
pub mod pack;
mod passing;
mod placement;
mod plan;
mod polish;
mod portfolio;
pub mod preset;
mod problem;
mod progress;
mod quantity;
mod reach;
mod repair;
mod replacement;
mod restricted;
pub mod search;
mod size;
mod sub_problem;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
pub mod tiers;
pub mod time;
mod unpackable;
mod uses;
mod violation;

pub use action::{Action, Copy, Kind, Kinds, Place, Slice, Slot, Traffic, bytes_by_link, program_text};
pub use address::address;
pub use banks::BankConflicts;
pub use check::{check, check_with_ends, check_with_prologue};
pub use deadline::Deadline;
pub use error::{Error, When};
pub use first_fit::{greedy_plan, greedy_plan_in_order};
pub use graph::{Dies, Graph, GraphBuilder, InPlace, Keep, Op, Origin, Overlay, Tensor, Use, Weights};
pub use greedy::greedy;
pub use least::LeastScratchpad;
pub use machine::{Apart, Banks, Link, Machine, Memory, MemoryId, MemorySet, Moves};
pub use outline::{Outline, Stay};
pub use placement::{
    MemoryUse, Placement, PlacementOptions, PlacementSolution, place, place_in_order, place_largest_first,
    place_watched,
};
pub use plan::{Plan, Residency};
pub use portfolio::{Objective, Options, Order, Solution, Solver, plan, plan_from, plan_watched};
pub use problem::Problem;
pub use progress::{Phase, Progress, Watcher};
pub use quantity::{Bytes, Cycles, OpId, Step, TensorId};
pub use restricted::plan_in_order;
pub use size::{Size, SizeError};
pub use violation::{Block, Fault, Moment, Violation};
