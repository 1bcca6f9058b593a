//! Cuts the operators of a network into tiles, so that it runs on a scratchpad smaller than its tensors.
//!
//! A *tile* is an operator on regions of tensors, a *piece* is such a region. Both become ordinary operators
//! and tensors of a [`Problem`](cosma_planner::Problem), so the planner and the judge need not know of them.
//! An operator may be cut as its [`Access`] says: which region of each operand a region of a result needs.
//! What says nothing stays whole, unless its kind and shapes tell ([`kinds`]). There is no MLIR here.

#![forbid(unsafe_code)]

mod access;
mod bound;
mod choose;
mod compose;
mod error;
mod expand;
mod flow;
mod grid;
pub mod kinds;
mod network;
mod plan;
mod program;
mod region;
mod simulate;
mod sums;
mod tile;
mod weights;

pub use access::{Access, AccessError, Dim, DimKind, Expr, Map, Sums};
pub use bound::{Bound, Scope, bound};
pub use compose::{Composed, Member, Source, compose};
pub use error::TileError;
pub use network::{Network, NetworkError, Operator};
pub use plan::{Group, StripePlan, Tiling};
pub use program::{Piece, Tile, TileProgram};
pub use region::{Region, Shape};
pub use tile::{Tiled, tile};

use cosma_planner::Deadline;

/// Chooses in which pieces a network runs so that it moves least.
///
/// # Errors
/// [`TileError`].
pub fn choose_stripes(network: &Network, deadline: Deadline) -> Result<StripePlan, TileError> {
    network.check()?;
    choose::choose(&flow::Flow::new(network, network.problem.machine.scratchpad()), deadline)
}

/// A plan as a program in tiles: an ordinary problem, whose source order is the order of the plan.
pub fn expand(network: &Network, plan: &StripePlan) -> TileProgram {
    expand::expand(&flow::Flow::new(network, network.problem.machine.scratchpad()), plan)
}
