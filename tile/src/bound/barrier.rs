//! Traffic of tensors that exist as a whole before any of them is read again.
//!
//! Let each element of a tensor *G* depend on all of a tensor *T*, and let an operator that depends on *G* read *T*
//! again, as in squeeze-and-excitation. When the first element of *G* is computed, all of *T* exists, and that
//! operator has read none of it. So all of *T* beyond one scratchpad is in host memory: it was written, and is read
//! again. That is 2(|T| − S), or half of it if host memory has *T* anyway. Bytes of different tensors are different
//! transfers, so barriers add up. The bound does not hold if elements may be computed twice.

use crate::access::{DimKind, Expr};
use crate::{Map, Network, Region};
use cosma_planner::{OpId, TensorId};
use std::collections::{BTreeMap, BTreeSet};

/// The traffic that a barrier causes.
#[derive(Debug)]
pub(super) struct Barrier {
    /// The tensors that move, with views resolved.
    pub tensors: BTreeSet<TensorId>,
    /// The bytes.
    pub bytes: u64,
}

/// Barriers of a network without common tensors, those with the most traffic first.
pub(super) fn barriers(network: &Network) -> Vec<Barrier> {
    let moved = |(tensor, again): (TensorId, u64)| {
        let tensors = shown(network, [tensor])?;
        let left = network.shape(tensor).bytes_of(again).saturating_sub(network.problem.machine.scratchpad()).0;
        let has_copy = |it: &TensorId| network.problem.graph.has_host_copy(*it);
        let times = if tensors.iter().chain([&tensor]).any(has_copy) { 1 } else { 2 };
        Some(Barrier { tensors, bytes: times * left })
    };
    let mut barriers: Vec<Barrier> = read_again(network).into_iter().filter_map(moved).collect();
    barriers.sort_by(|one, other| (other.bytes, &one.tensors).cmp(&(one.bytes, &other.tensors)));
    let mut taken = BTreeSet::new();
    barriers.retain(|it| {
        let is_new = 0 < it.bytes && it.tensors.is_disjoint(&taken);
        if is_new {
            taken.extend(&it.tensors);
        }
        is_new
    });
    barriers
}

/// Tensors that are barriers, and how many elements of each are read again.
fn read_again(network: &Network) -> BTreeMap<TensorId, u64> {
    let graph = &network.problem.graph;
    let mut found: BTreeMap<TensorId, u64> = BTreeMap::new();
    for op in graph.op_ids() {
        for operand in all_to_all(network, op) {
            let after = descendants(network, op);
            for (&tensor, region) in &needed_for(network, operand) {
                let readers = graph.readers(tensor).iter().filter(|it| after.contains(it));
                let again = readers.map(|it| common(network, *it, tensor, region)).max().unwrap_or(0);
                let known = found.entry(tensor).or_default();
                *known = (*known).max(again);
            }
        }
    }
    found
}

/// The tensors that these are views of, or the tensors themselves; `None` if an element of one may be in several of
/// them.
pub(super) fn shown(network: &Network, tensors: impl IntoIterator<Item = TensorId>) -> Option<BTreeSet<TensorId>> {
    let mut found = BTreeSet::new();
    let mut waiting = Vec::from_iter(tensors);
    while let Some(tensor) = waiting.pop() {
        match network.problem.graph.producer(tensor).map(|it| network.operator(it)).filter(|it| it.is_view) {
            Some(view) => waiting.extend(&view.operands),
            None if !found.insert(tensor) => return None,
            None => {}
        }
    }
    Some(found)
}

/// The operands of an operator that each element of each result needs completely.
fn all_to_all(network: &Network, op: OpId) -> Vec<TensorId> {
    let operator = network.operator(op);
    let Some(access) = &operator.access else { return Vec::new() };
    let reads_all = |map: &Map, tensor: TensorId| {
        let is_free = |dim: usize| access.domain[dim].kind != DimKind::Parallel || access.domain[dim].size == 1;
        let all = map
            .0
            .iter()
            .zip(&network.shape(tensor).dims)
            .all(|(expr, size)| expr.terms.iter().all(|it| is_free(it.0)) && access.takes_all(expr, *size));
        all && network.shape(tensor).whole().len() > 1
    };
    let mapped = access.operands.iter().zip(&operator.operands);
    mapped.filter(|(map, tensor)| reads_all(map, **tensor)).map(|it| *it.1).collect()
}

/// The region of its operands that all of a tensor needs, if that is known to be every element of a box.
fn needed_for(network: &Network, tensor: TensorId) -> BTreeMap<TensorId, Region> {
    let graph = &network.problem.graph;
    let mut needed = BTreeMap::from([(tensor, network.shape(tensor).whole())]);
    let mut waiting = BTreeSet::from_iter(graph.producer(tensor));
    while let Some(op) = waiting.pop_last() {
        let operator = network.operator(op);
        let Some(access) = &operator.access else { continue };
        // Only whole tensors are followed: what a part of one needs is more than it takes here.
        let is_whole = |it: &TensorId| needed.get(it).is_some_and(|region| *region == network.shape(*it).whole());
        if !operator.results.iter().any(is_whole) {
            continue;
        }
        for (map, &operand) in access.operands.iter().zip(&operator.operands) {
            if !map.0.iter().all(|it| access.has_no_gap(it)) || shares_a_loop(map) {
                continue;
            }
            let region = map.region(&access.whole(), network.shape(operand));
            let is_more = needed.get(&operand).is_none_or(|it| it.len() < region.len());
            if is_more {
                needed.insert(operand, region);
                waiting.extend(graph.producer(operand));
            }
        }
    }
    needed
}

/// Whether a loop moves along two axes, so that a box is not accessed completely.
fn shares_a_loop(map: &Map) -> bool {
    let mut seen = BTreeSet::new();
    map.0.iter().flat_map(|it| &it.terms).any(|it| !seen.insert(it.0))
}

/// The number of elements of a region of a tensor that an operator reads.
fn common(network: &Network, op: OpId, tensor: TensorId, region: &Region) -> u64 {
    let operator = network.operator(op);
    let Some(access) = &operator.access else { return region.len() };
    let maps = access.operands.iter().zip(&operator.operands).filter(|it| *it.1 == tensor);
    let exact = maps.filter(|(map, _)| map.0.iter().all(|it| access.has_no_gap(it)) && !shares_a_loop(map));
    let read = exact.map(|(map, _)| map.region(&access.whole(), network.shape(tensor)).intersect(region).len());
    read.max().unwrap_or(0)
}

/// The operators whose every element depends on some element of an operator's results.
fn descendants(network: &Network, op: OpId) -> BTreeSet<OpId> {
    let graph = &network.problem.graph;
    let mut found = BTreeSet::new();
    let mut waiting = vec![op];
    while let Some(op) = waiting.pop() {
        for &tensor in &graph.op(op).writes {
            for &reader in graph.readers(tensor).iter().filter(|it| each_element_reads(network, **it, tensor)) {
                if found.insert(reader) {
                    waiting.push(reader);
                }
            }
        }
    }
    found
}

/// Whether each element of an operator's results needs some element of a tensor. A part of a concatenation is not
/// such a tensor.
fn each_element_reads(network: &Network, op: OpId, tensor: TensorId) -> bool {
    let operator = network.operator(op);
    // What is not cut runs when all is there.
    let Some(access) = &operator.access else { return true };
    let is_summed = |dim: usize| access.domain[dim].kind != DimKind::Parallel;
    let reads = |(expr, size): (&Expr, &u64)| {
        // Where the loops that are not summed over make it least and greatest, the others reach into the tensor.
        let end = |is_greatest: bool| {
            let at_end = |it: Region, term: &(usize, i64)| {
                let index = if is_greatest == (0 < term.1) { access.domain[term.0].size - 1 } else { 0 };
                it.with_range(term.0, index..index + 1)
            };
            expr.range(&expr.terms.iter().filter(|it| !is_summed(it.0)).fold(access.whole(), at_end))
        };
        access.has_no_gap(expr) && 0 < end(false).end && end(true).start < i128::from(*size)
    };
    let reads = |map: &Map| map.0.iter().zip(&network.shape(tensor).dims).all(reads);
    let mut maps = access.operands.iter().zip(&operator.operands).filter(|it| *it.1 == tensor).map(|it| it.0);
    maps.any(reads) || operator.operands[access.operands.len()..].contains(&tensor)
}
