//! A stripe plan: which operators run as a group, and in which pieces.

use cosma_planner::{Bytes, OpId, TensorId};

/// Groups of operators in the order in which they run, and what that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripePlan {
    /// In order; together they run every operator but dissolved views.
    pub groups: Vec<Group>,
    /// Bytes that it moves beyond the compulsory ones.
    pub non_compulsory: Bytes,
    /// In how many tiles.
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
    /// In which pieces.
    pub tiling: Tiling,
    /// Tensors that are whole on-chip when it has run, for later groups.
    pub keeps: Vec<TensorId>,
}

/// In which pieces a group runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tiling {
    /// In stripes along the streamed loop of each operator.
    Stripes {
        /// The group runs lane by lane, each in stripes by itself; none: all at once.
        lanes: Option<Lanes>,
        /// So many rows at a time of the tallest tensor that leaves the group, and of the others in proportion.
        rows: u64,
        /// By operator: for how many output channels at a time its steps run.
        channels: Vec<u64>,
    },
    /// One operator, block by block: pairs of a loop of its access and into how many parts that is cut, the
    /// outermost first. The last one may be the loop over which the operator adds up.
    Grid(Vec<(usize, u64)>),
}

/// How a group is cut along a second loop, which runs through all of its operators.
///
/// What leaves the group is cut into lanes that have nothing in common. Backwards from there, a lane computes what it
/// needs of tensors inside, which may overlap with what its neighbours compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// How many there are.
    pub n: u64,
    /// By operator: the loop of its access that is cut.
    pub loops: Vec<usize>,
}
