//! A network in tiles.

use crate::Region;
use cosma_planner::{OpId, Problem, TensorId};

/// A network in tiles: an ordinary problem, and what its tensors and operators are of the network.
#[derive(Clone, Debug)]
pub struct TileProgram {
    /// Its operators are tiles, its tensors pieces; its source order is the order of the plan.
    pub problem: Problem,
    /// By [`TensorId`] of the problem. Pieces of one tensor are disjoint, but for staged ones: those are regions of
    /// what other pieces wrote to host memory.
    pub pieces: Vec<Piece>,
    /// By [`OpId`] of the problem. A tile reads the pieces that hold what it needs of each tensor. Together they are
    /// a box, which may be larger than what it needs; and it writes whole pieces. An operator of the network without
    /// a tile is a view, through which its readers look.
    pub tiles: Vec<Tile>,
}

/// A region of a tensor, which is a tensor of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The tensor of the network.
    pub of: TensorId,
    /// Which of its elements.
    pub region: Region,
}

/// An operator on pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The operator of the network.
    pub of: OpId,
    /// Which part of its domain it runs; what it reads and writes follows from the operator's access. The whole
    /// domain where the operator has none: a region without dimensions.
    pub domain: Region,
}
