//! Whether a program in tiles is one of its network, seen from the regions alone.

use crate::piece::is_partition;
use cosma_ir::TensorRegion;
use cosma_planner::{OpId, Origin, TensorId};
use cosma_tile::{Network, Region, Shape, TileProgram};

/// Checks that the pieces of each tensor have no element in common, that each tile reads all that it needs of what
/// no view makes, and that results are complete.
pub(super) fn check(network: &Network, program: &TileProgram) -> Result<(), String> {
    let graph = &program.problem.graph;
    let mut pieces: Vec<Vec<TensorId>> = vec![Vec::new(); network.shapes.len()];
    // What is staged is a region of pieces that were written.
    for tensor in graph.tensor_ids().filter(|it| graph.tensor(*it).origin != Origin::Staged) {
        pieces[program.pieces[tensor.index()].of.index()].push(tensor);
    }
    let region = |it: &TensorId| region_of(&program.pieces[it.index()].region);
    for (tensor, pieces) in pieces.iter().enumerate() {
        let regions: Vec<TensorRegion> = pieces.iter().map(region).collect();
        let beside =
            regions.iter().enumerate().all(|(index, it)| !regions[..index].iter().any(|other| other.overlaps(it)));
        if !beside || !regions.iter().all(|it| it.is_within(&network.shapes[tensor].dims)) {
            return Err(format!("pieces of tensor {tensor} overlap, or are none of it"));
        }
    }
    for &tensor in network.problem.graph.results().iter().filter(|it| network.problem.graph.producer(**it).is_some()) {
        let stored = pieces[tensor.index()].iter().filter(|it| graph.results().contains(it));
        let regions: Vec<TensorRegion> = stored.map(region).collect();
        if !is_partition(&regions, &network.shape(tensor).dims) {
            return Err(format!("result {} is not complete", network.problem.graph.tensor(tensor).name));
        }
    }
    graph.op_ids().try_for_each(|op| check_tile(network, program, op))
}

fn check_tile(network: &Network, program: &TileProgram, op: OpId) -> Result<(), String> {
    let graph = &program.problem.graph;
    let tile = &program.tiles[op.index()];
    let operator = network.operator(tile.of);
    let is_read = |it: &&cosma_tile::Piece, tensor: TensorId| it.of == tensor;
    for (tensor, needed) in operator.operands.iter().zip(network.reads(tile.of, &tile.domain)) {
        let is_dissolved = network.problem.graph.producer(*tensor).is_some_and(|it| network.operator(it).is_view);
        if needed.is_empty() || is_dissolved {
            continue;
        }
        let read = graph.op(op).reads.iter().map(|it| &program.pieces[it.tensor.index()]);
        let held: u64 = read.filter(|it| is_read(it, *tensor)).map(|it| it.region.intersect(&needed).len()).sum();
        if held != needed.len() {
            return Err(format!("{} reads {held} of {} elements", graph.op(op).name, needed.len()));
        }
    }
    let made: u64 = graph.op(op).writes.iter().map(|it| program.pieces[it.index()].region.len()).sum();
    let due: u64 = network.writes(tile.of, &tile.domain).iter().map(Region::len).sum();
    if made == due { Ok(()) } else { Err(format!("{} writes {made} of {due} elements", graph.op(op).name)) }
}

pub(super) fn region_of(region: &Region) -> TensorRegion {
    TensorRegion { offsets: region.offsets().to_vec(), sizes: region.shape() }
}

/// Whether a region is all of a tensor.
pub(super) fn is_whole(region: &Region, shape: &Shape) -> bool {
    *region == shape.whole()
}
