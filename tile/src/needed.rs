//! The elements of tensors that some result needs.
//!
//! From the results backwards: the elements that each operator reads for the needed elements of its results; for a
//! strided convolution with windows of one element, every other row. If a map is not exact, the set is too small
//! rather than too large, so that bounds derived from it hold for all programs.

use crate::indices::{Elements, IndexBox, Indices, iterations, touched};
use crate::{Network, Operator};
use cosma_planner::{Bytes, OpId, TensorId};
use std::collections::BTreeSet;

/// By tensor: the elements that some result needs.
pub(crate) fn needed(network: &Network) -> Vec<Elements> {
    let graph = &network.problem.graph;
    let mut needed = vec![Elements::default(); network.shapes.len()];
    for &tensor in graph.results() {
        needed[tensor.index()].add(all_of(network, tensor));
    }
    for op in graph.op_ids().rev() {
        for (tensor, elements) in needed_by(network, op, &needed) {
            needed[tensor.index()].add(elements);
        }
    }
    needed
}

fn all_of(network: &Network, tensor: TensorId) -> IndexBox {
    network.shape(tensor).dims.iter().map(|size| Indices::all(*size)).collect()
}

/// The elements of its operands that an operator needs for the needed elements of its results.
fn needed_by(network: &Network, op: OpId, needed: &[Elements]) -> Vec<(TensorId, IndexBox)> {
    let Operator { operands, results, access, .. } = network.operator(op);
    let is_needed = results.is_empty() || results.iter().any(|it| !needed[it.index()].boxes().is_empty());
    if !is_needed {
        return Vec::new();
    }
    let n_mapped = access.as_ref().map_or(0, |it| it.operands.len());
    let mut read: Vec<(TensorId, IndexBox)> =
        operands[n_mapped..].iter().map(|it| (*it, all_of(network, *it))).collect();
    let Some(access) = access else { return read };
    for (result, tensor) in results.iter().enumerate() {
        for elements in needed[tensor.index()].boxes() {
            let loops = iterations(access, result, elements);
            let maps = access.operands.iter().zip(operands);
            read.extend(maps.filter_map(|(map, it)| Some((*it, touched(map, &network.shape(*it).dims, &loops)?))));
        }
    }
    read
}

/// The compulsory bytes of every program in tiles: needed elements of arguments are loaded, and results are stored.
pub(crate) fn compulsory(network: &Network, needed: &[Elements]) -> Bytes {
    let graph = &network.problem.graph;
    let read: BTreeSet<TensorId> = network.operators.iter().flat_map(|it| &it.operands).copied().collect();
    let is_loaded = |it: &TensorId| graph.producer(*it).is_none() && read.contains(it);
    let loads: Bytes = graph.tensor_ids().filter(is_loaded).map(|it| needed_bytes(network, needed, it)).sum();
    let stores: Bytes = graph.tensor_ids().filter(|it| graph.is_stored(*it)).map(|it| graph.tensor(it).size).sum();
    loads + stores
}

/// The bytes of a tensor that some result needs.
pub(crate) fn needed_bytes(network: &Network, needed: &[Elements], tensor: TensorId) -> Bytes {
    network.shape(tensor).bytes_of(needed[tensor.index()].len())
}
