//! A network in tiles.

use crate::Region;
use cosma_planner::{OpId, Problem, TensorId};

/// A network in tiles: an ordinary problem, with the origins of its tensors and operators in the network.
#[derive(Clone, Debug)]
pub struct TileProgram {
    /// Its operators are tiles and its tensors pieces; its source order is the order of the plan.
    pub problem: Problem,
    /// By [`TensorId`] of the problem. Pieces of one tensor are disjoint, with two exceptions: staged ones, which are
    /// regions of pieces written to host memory; and those of a tensor inside of a group with overlapping lanes, of
    /// which each lane has its own and recomputes the overlap.
    pub pieces: Vec<Piece>,
    /// By [`OpId`] of the problem. A tile reads the pieces that contain the elements that it needs of each tensor.
    /// Together they are a box, which may be larger than needed. It writes whole pieces. A tile that computes part of
    /// a sum reads the sums of the previous parts ([`Access::summed_before`]) and writes its own
    /// ([`Access::summed_after`]); only the last part writes results. An operator of the network without a tile is a
    /// view, which its readers look through.
    ///
    /// [`Access::summed_before`]: crate::Access::summed_before
    /// [`Access::summed_after`]: crate::Access::summed_after
    pub tiles: Vec<Tile>,
}

/// The origin of a tensor of a program in tiles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// A region of a tensor of the network.
    Region {
        /// The tensor.
        of: TensorId,
        /// The region of that tensor.
        region: Region,
    },
    /// Partial sums of an operator. They have the shape that [`Access::shape_of_sums`](crate::Access::shape_of_sums)
    /// returns.
    Sums {
        /// The operator.
        of: OpId,
        /// The part of its domain that was summed.
        added: Region,
    },
}

impl Piece {
    /// The tensor of the network and the region; `None` for partial sums.
    pub fn region(&self) -> Option<(TensorId, &Region)> {
        match self {
            Piece::Region { of, region } => Some((*of, region)),
            Piece::Sums { .. } => None,
        }
    }

    /// The operator and the summed part of its domain; `None` for a region of a tensor.
    pub fn sums(&self) -> Option<(OpId, &Region)> {
        match self {
            Piece::Region { .. } => None,
            Piece::Sums { of, added } => Some((*of, added)),
        }
    }

    /// The region, if it is one of this tensor of the network.
    pub fn region_of(&self, tensor: TensorId) -> Option<&Region> {
        self.region().filter(|it| it.0 == tensor).map(|it| it.1)
    }
}

/// An operator on pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The operator of the network.
    pub of: OpId,
    /// The part of the operator's domain that the tile runs; its reads and writes follow from the operator's access.
    /// Without an access it is the whole domain: a region without dimensions.
    pub domain: Region,
}
