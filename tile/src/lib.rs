//! Cuts the operators of a network into tiles, so that it runs on a scratchpad smaller than its tensors.
//!
//! A *tile* is an operator on regions of tensors, a *piece* is such a region. Both become ordinary operators
//! and tensors of a [`Problem`](cosma_planner::Problem), so the planner and the judge need not know of them.
//! An operator may be cut as its [`Access`] says: which region of each operand a region of a result needs.
//! What says nothing stays whole, unless its kind and shapes tell ([`kinds`]). There is no MLIR here.

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

/// Chooses in which pieces a network runs so that it moves least.
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

/// A plan as those make it that tile layer by layer: each operator runs by itself, in the fewest tiles of those that
/// move least, and what lies between operators goes to host memory. To compare with.
///
/// # Errors
/// [`TileError`].
pub fn layer_by_layer(network: &Network) -> Result<StripePlan, TileError> {
    by_rule(network, baseline::layer_by_layer)
}

/// A plan in cascades, as Vela and MCUNet have them: chains of operators, in which each tensor has one reader, run
/// depth first in stripes of rows; their weights stay, and a residual is the end of one. To compare with.
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
