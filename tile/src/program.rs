//! A network in tiles.

use crate::Region;
use cosma_planner::{OpId, Problem, TensorId};

/// A network in tiles: an ordinary problem, and what its tensors and operators are of the network.
#[derive(Clone, Debug)]
pub struct TileProgram {
    /// Its operators are tiles, its tensors pieces; its source order is the order of the plan.
    pub problem: Problem,
    /// By [`TensorId`] of the problem. Pieces of one tensor are disjoint, but for staged ones, which are regions of
    /// what other pieces wrote to host memory, and for those of a tensor inside of a group whose lanes overlap: there
    /// each lane has its own, and what they have in common is computed again.
    pub pieces: Vec<Piece>,
    /// By [`OpId`] of the problem. A tile reads the pieces that hold what it needs of each tensor. Together they are
    /// a box, which may be larger than what it needs; and it writes whole pieces. One that adds up a part of a sum
    /// reads the sums of the parts before ([`Access::summed_before`]) and writes its own ([`Access::summed_after`]);
    /// only the last part writes results. An operator of the network without a tile is a view, through which its
    /// readers look.
    ///
    /// [`Access::summed_before`]: crate::Access::summed_before
    /// [`Access::summed_after`]: crate::Access::summed_after
    pub tiles: Vec<Tile>,
}

/// What a tensor of a program in tiles is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// A region of a tensor of the network.
    Region {
        /// The tensor.
        of: TensorId,
        /// Which of its elements.
        region: Region,
    },
    /// Sums of an operator to which further parts will be added. They have the shape that
    /// [`Access::shape_of_sums`](crate::Access::shape_of_sums) gives.
    Sums {
        /// The operator.
        of: OpId,
        /// The part of its domain that was added up.
        added: Region,
    },
}

impl Piece {
    /// The region of a tensor of the network that it is; none if it is partial sums.
    pub fn region(&self) -> Option<(TensorId, &Region)> {
        match self {
            Piece::Region { of, region } => Some((*of, region)),
            Piece::Sums { .. } => None,
        }
    }

    /// The operator whose partial sums it is, and what was added up; none if it is a region of a tensor.
    pub fn sums(&self) -> Option<(OpId, &Region)> {
        match self {
            Piece::Region { .. } => None,
            Piece::Sums { of, added } => Some((*of, added)),
        }
    }

    /// The region of this tensor of the network that it is, if it is one.
    pub fn region_of(&self, tensor: TensorId) -> Option<&Region> {
        self.region().filter(|it| it.0 == tensor).map(|it| it.1)
    }
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
