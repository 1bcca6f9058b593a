//! One operator in blocks along several loops.
use crate::TileError;
use crate::flow::Flow;

pub(crate) fn too_small(_flow: &Flow) -> TileError {
    TileError::TooSmall {
        op: cosma_planner::OpId(0),
        name: String::new(),
        needed: cosma_planner::Bytes(0),
        scratchpad: cosma_planner::Bytes(0),
    }
}
