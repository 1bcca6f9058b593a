//! A stripe plan: the operators that run as a group, and their pieces.

use cosma_planner::{Bytes, OpId, TensorId};

/// Groups of operators in the order in which they run, and their traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripePlan {
    /// In order; together they run every operator except resolved views.
    pub groups: Vec<Group>,
    /// The non-compulsory bytes that it moves.
    pub non_compulsory: Bytes,
    /// The number of tiles.
    pub n_tiles: u64,
}

impl StripePlan {
    /// The operators in the order in which they begin.
    pub fn order(&self) -> Vec<OpId> {
        self.groups.iter().flat_map(|it| it.ops.iter().copied()).collect()
    }
}

/// Operators that run depth first in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// In the order in which they begin.
    pub ops: Vec<OpId>,
    /// Their pieces.
    pub tiling: Tiling,
    /// Tensors that are complete on chip after it has run, for later groups.
    pub keeps: Vec<TensorId>,
}

/// The pieces of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tiling {
    /// In stripes along the streamed loop of each operator.
    Stripes {
        /// The group runs lane by lane, each in its own stripes; `None`: all at once.
        lanes: Option<Lanes>,
        /// The number of rows per stripe of the tallest tensor that leaves the group; others are in proportion.
        rows: u64,
        /// By operator: the number of output channels of its steps.
        channels: Vec<u64>,
    },
    /// One operator, block by block: pairs of a loop of its access and the number of its parts, the outermost first.
    /// The last one may be the reduction loop.
    Grid(Vec<(usize, u64)>),
}

/// How a group is split along a second loop, which runs through all of its operators.
///
/// The results of the group are split into disjoint lanes. Each lane computes all elements of inner tensors that its
/// results need, which may overlap with those of its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// The number of lanes.
    pub n: u64,
    /// By operator: the loop of its access that is split.
    pub loops: Vec<usize>,
}
