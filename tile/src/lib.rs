//! Cuts the operators of a network into tiles, so that it runs on a scratchpad smaller than its tensors.
//!
//! A *tile* is an operator on regions of tensors, a *piece* is such a region. Both become ordinary operators
//! and tensors of a [`Problem`](cosma_planner::Problem), so the planner and the judge need not know of them.
//! An operator may be cut as its [`Access`] says: which region of each operand a region of a result needs.
//! What says nothing stays whole, unless its kind and shapes tell ([`kinds`]). There is no MLIR here.

#![forbid(unsafe_code)]

mod access;
mod compose;
pub mod kinds;
mod network;
mod program;
mod region;

pub use access::{Access, AccessError, Dim, DimKind, Expr, Map};
pub use compose::{Composed, Member, Source, compose};
pub use network::{Network, NetworkError, Operator};
pub use program::{Piece, Tile, TileProgram};
pub use region::{Region, Shape};
