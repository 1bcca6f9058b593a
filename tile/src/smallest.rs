//! The smallest tile of an operator, for the error if not even that fits.

use crate::TileError;
use crate::flow::Flow;
use crate::grid::least_room;
use crate::lanes::{self, Lanes};
use crate::simulate::simulate_within;
use crate::weights::Work;
use cosma_planner::Bytes;
use std::cmp::Reverse;

/// The error for the operator whose smallest tile takes the most room, or the error that no plan fits although each
/// tile does.
pub(crate) fn too_small(flow: &Flow) -> TileError {
    let scratchpad = Bytes(flow.scratchpad);
    let rooms = (0..flow.nodes.len()).map(|node| (smallest_tile(flow, node), Reverse(node)));
    let Some((needed, Reverse(node))) = rooms.max().filter(|it| flow.scratchpad < it.0) else {
        return TileError::NoProgram { scratchpad };
    };
    let op = flow.nodes[node].op;
    let name = flow.network.problem.graph.op(op).name.clone();
    TileError::TooSmall { op, name, needed: Bytes(needed), scratchpad }
}

/// The room of a node's smallest tile if all its tensors are loaded and stored: a row, all rows, or a block.
fn smallest_tile(flow: &Flow, node: usize) -> u64 {
    let rows = flow.nodes[node].extent;
    let in_stripes = in_stripes(flow, node, 1).min(in_stripes(flow, node, rows));
    least_room(flow, node).map_or(in_stripes, |it| it.min(in_stripes))
}

/// The least room of a node in stripes of so many rows, in lanes or not.
fn in_stripes(flow: &Flow, node: usize, rows: u64) -> u64 {
    let nodes = node..node + 1;
    let room = |lanes: Option<&Lanes>| {
        let simulation = simulate_within(flow, &nodes, lanes, rows, u64::MAX).expect("no step needs more than all");
        let work = Work::of(flow, nodes.clone(), &simulation.steps, lanes);
        simulation.least_room(node, &work.least)
    };
    let in_lanes = lanes::ways(flow, &nodes).iter().map(|it| room(Some(it))).min();
    in_lanes.map_or(room(None), |it| it.min(room(None)))
}
