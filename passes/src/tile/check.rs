//! Checks a program in tiles against its network, from the regions alone.

use crate::regions::{are_disjoint, is_partition};
use cosma_ir::TensorRegion;
use cosma_planner::{OpId, Origin, TensorId};
use cosma_tile::{Access, DimKind, Network, Piece, Region, Shape, Tile, TileProgram};

/// Checks that pieces in host memory are disjoint, that each tile reads all that it needs except from views, each
/// element once, that each sum is accumulated once, and that results are complete. Elements that never leave the
/// scratchpad may be recomputed.
pub(super) fn check(network: &Network, program: &TileProgram) -> Result<(), String> {
    let graph = &program.problem.graph;
    let mut pieces: Vec<Vec<TensorId>> = vec![Vec::new(); network.shapes.len()];
    // A staged tensor is a region of pieces that were written.
    for tensor in graph.tensor_ids().filter(|it| graph.tensor(*it).origin != Origin::Staged) {
        if let Some((of, _)) = program.pieces[tensor.index()].region() {
            pieces[of.index()].push(tensor);
        }
    }
    let region = |it: &TensorId| program.pieces[it.index()].region().map(|it| region_of(it.1));
    for (tensor, pieces) in pieces.iter().enumerate() {
        let regions: Vec<TensorRegion> = pieces.iter().filter_map(region).collect();
        let is_in_host = |it: &TensorId| graph.producer(*it).is_none() || graph.is_stored(*it);
        let is_wrong = pieces.iter().any(is_in_host) && !are_disjoint(&regions);
        if is_wrong || !regions.iter().all(|it| it.is_within(&network.shapes[tensor].dims)) {
            return Err(format!("pieces of tensor {tensor} overlap, or lie outside of it"));
        }
    }
    for &tensor in network.problem.graph.results().iter().filter(|it| network.problem.graph.producer(**it).is_some()) {
        let stored = pieces[tensor.index()].iter().filter(|it| graph.is_stored(**it));
        let regions: Vec<TensorRegion> = stored.filter_map(region).collect();
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
    let name = &graph.op(op).name;
    let read: Vec<&Piece> = graph.op(op).reads.iter().map(|it| &program.pieces[it.tensor.index()]).collect();
    for (tensor, needed) in operator.operands.iter().zip(network.reads(tile.of, &tile.domain)) {
        let is_dissolved = network.problem.graph.producer(*tensor).is_some_and(|it| network.operator(it).is_view);
        if needed.is_empty() || is_dissolved {
            continue;
        }
        let held = read.iter().filter_map(|it| it.region_of(*tensor)).map(|it| it.intersect(&needed));
        let held: Vec<Region> = held.filter(|it| !it.is_empty()).collect();
        let n_held: u64 = held.iter().map(Region::len).sum();
        if n_held != needed.len() || !are_disjoint(&held.iter().map(region_of).collect::<Vec<_>>()) {
            return Err(format!("{name} reads {n_held} of {} elements, or some twice", needed.len()));
        }
    }
    let written: Vec<&Piece> = graph.op(op).writes.iter().map(|it| &program.pieces[it.index()]).collect();
    if let Some(access) = &operator.access {
        check_part(access, tile, &read, &written).map_err(|fault| format!("{name} {fault}"))?;
    }
    let made: u64 = written.iter().filter_map(|it| it.region()).map(|it| it.1.len()).sum();
    let is_last = operator.access.as_ref().is_none_or(|it| it.summed_after(&tile.domain).is_none());
    let due: u64 = network.writes(tile.of, &tile.domain).iter().map(Region::len).filter(|_| is_last).sum();
    if made == due { Ok(()) } else { Err(format!("{name} writes {made} of {due} elements")) }
}

/// Checks that a tile accumulates a part of each sum along one loop, onto the sums of exactly the part before it: then
/// each iteration is added once.
fn check_part(access: &Access, tile: &Tile, read: &[&Piece], written: &[&Piece]) -> Result<(), String> {
    let is_reduced = |dim: usize| matches!(access.domain[dim].kind, DimKind::Reduced { .. });
    let is_split = |dim: &usize| Some(*dim) != access.split_loop() && is_reduced(*dim);
    if let Some(dim) =
        (0..access.domain.len()).filter(is_split).find(|it| tile.domain.range(*it) != access.whole().range(*it))
    {
        return Err(format!("adds up a part of loop {dim}"));
    }
    let check = |pieces: &[&Piece], due: Option<Region>| {
        let sums: Vec<(OpId, &Region)> = pieces.iter().filter_map(|it| it.sums()).collect();
        let is_due = |(of, added): &(OpId, &Region)| {
            let is_same =
                |due: &Region| (0..due.rank()).filter(|it| is_reduced(*it)).all(|it| due.range(it) == added.range(it));
            *of == tile.of && due.as_ref().is_some_and(|it| it.contains(added) && is_same(it))
        };
        let n_added: u64 = sums.iter().map(|it| it.1.len()).sum();
        sums.iter().all(is_due)
            && are_disjoint(&sums.iter().map(|it| region_of(it.1)).collect::<Vec<_>>())
            && n_added == due.as_ref().map_or(0, Region::len)
    };
    if !check(read, access.summed_before(&tile.domain)) {
        return Err("does not read the sums of the part before it".into());
    }
    if !check(written, access.summed_after(&tile.domain)) {
        return Err("does not write its own sums".into());
    }
    Ok(())
}

pub(super) fn region_of(region: &Region) -> TensorRegion {
    TensorRegion { offsets: region.offsets().to_vec(), sizes: region.shape() }
}

/// Whether a region is the whole tensor.
pub(super) fn is_whole(region: &Region, shape: &Shape) -> bool {
    *region == shape.whole()
}
