//! Splits the operators of a network into tiles, so that it runs in a scratchpad smaller than its tensors.
//!
//! A *tile* is an operator on regions of tensors; a *piece* is such a region. Both become ordinary operators and
//! tensors of a [`Problem`](cosma_planner::Problem), so the planner and the judge need not know about tiles. The
//! [`Access`] of an operator determines how it may be split: it gives the region of each operand that a region of a
//! result needs. An operator without an access stays whole, unless its kind and shapes imply one ([`kinds`]). This
//! crate does not use MLIR.

#![forbid(unsafe_code)]

mod access;
mod baseline;
mod border;
mod bound;
mod candidates;
mod choose;
mod compose;
mod error;
mod expand;
mod flow;
mod grid;
mod indices;
pub mod kinds;
mod lanes;
mod needed;
mod network;
mod plan;
mod program;
mod region;
mod simulate;
mod smallest;
mod stripes;
mod sums;
mod table;
mod tile;
mod view;
mod weights;

pub use access::{Access, AccessError, Dim, DimKind, Expr, Map, Sums};
pub use bound::{Bounds, bounds};
pub use compose::{Composed, Member, Source, compose};
pub use error::TileError;
pub use network::{Network, NetworkError, Operator};
pub use plan::{Group, Lanes, StripePlan, Tiling};
pub use program::{Piece, Tile, TileProgram};
pub use region::{Region, Shape};
pub use tile::{Tiled, tile};

use cosma_planner::Deadline;
use flow::Flow;
use stripes::Groups;
use table::Table;

/// Chooses the pieces in which a network moves least.
///
/// # Errors
/// [`TileError`].
pub fn choose_stripes(network: &Network, deadline: Deadline) -> Result<StripePlan, TileError> {
    network.check()?;
    let flow = Flow::new(network);
    choose::choose(&Table::new(&flow, &Groups::new(&flow, deadline)), deadline)
}

/// A plan as a program in tiles: an ordinary problem, whose source order is the order of the plan.
pub fn expand(network: &Network, plan: &StripePlan) -> TileProgram {
    expand::expand(&Flow::in_order(network, &plan.order()), plan)
}

/// A layer-by-layer plan, for comparison: each operator runs alone, in the fewest tiles among those that move least,
/// and tensors between operators go through host memory.
///
/// # Errors
/// [`TileError`].
pub fn layer_by_layer(network: &Network) -> Result<StripePlan, TileError> {
    by_rule(network, baseline::layer_by_layer)
}

/// A plan in cascades, as in Vela and MCUNet, for comparison: chains of operators, in which each tensor has one
/// reader, run depth first in stripes of rows; their weights stay, and a residual ends a chain.
///
/// # Errors
/// [`TileError`].
pub fn cascades(network: &Network) -> Result<StripePlan, TileError> {
    by_rule(network, baseline::cascades)
}

fn by_rule(network: &Network, rule: fn(&Table) -> Option<StripePlan>) -> Result<StripePlan, TileError> {
    network.check()?;
    let flow = Flow::new(network);
    let plan = rule(&Table::new(&flow, &Groups::new(&flow, Deadline::NEVER)));
    plan.ok_or_else(|| smallest::too_small(&flow))
}
