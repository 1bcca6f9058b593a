//! What no plan avoids, and for which plans that holds.
//!
//! *Compulsory*: arguments come in once, results go out once. A plan that moves no more is the best of all tilings.
//!
//! *Barriers*: let each element of a tensor *G* depend on all of a tensor *T*, and let something that depends on *G*
//! read *T* again, as in squeeze-and-excitation. When the first element of *G* is made, all of *T* exists, and that
//! reader has read none of it. So all but a scratchpad of *T* is in host memory, was written, and is read again:
//! 2(|T| − S), or once if host memory has *T* anyway. Bytes of different tensors are different transfers, so barriers
//! add up. It does not hold where elements may be computed twice.

use crate::access::{DimKind, Expr};
use crate::{Map, Network, Region};
use cosma_planner::{Bytes, OpId, TensorId};
use std::collections::{BTreeMap, BTreeSet};

/// Which plans a bound covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of all tilings.
    AllTilings,
    /// Those of all tilings that compute no element twice.
    NoRecomputation,
}

/// Non-compulsory bytes that every plan in a scope moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The bytes.
    pub bytes: Bytes,
    /// Which plans.
    pub scope: Scope,
}

/// The best bound on what plans move beyond the compulsory.
pub fn bound(network: &Network) -> Bound {
    match barriers(network) {
        Bytes::ZERO => Bound { bytes: Bytes::ZERO, scope: Scope::AllTilings },
        bytes => Bound { bytes, scope: Scope::NoRecomputation },
    }
}

/// What all barriers of a network cost.
fn barriers(network: &Network) -> Bytes {
    let graph = &network.problem.graph;
    // Tensors that may be barriers, by how much of each is written and read again.
    let mut costs: BTreeMap<TensorId, u64> = BTreeMap::new();
    for op in graph.op_ids() {
        for operand in all_to_all(network, op) {
            let needed = needed_for(network, operand);
            let after = descendants(network, op);
            for (&tensor, region) in &needed {
                let read_again = graph.readers(tensor).iter().filter(|it| after.contains(it));
                let again = read_again.map(|it| common(network, *it, tensor, region)).max().unwrap_or(0);
                let shape = network.shape(tensor);
                let left = shape.bytes_of(again).saturating_sub(network.problem.machine.scratchpad()).0;
                let times = if graph.has_host_copy(tensor) { 1 } else { 2 };
                let cost = costs.entry(tensor).or_default();
                *cost = (*cost).max(times * left);
            }
        }
    }
    Bytes(costs.into_values().sum())
}

/// The operands of an operator of which each element of each result needs all.
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

/// What all of a tensor needs of those that it is made from, where that is known to be every element of a box.
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

/// Whether a loop moves along two axes, so that a box is not all touched.
fn shares_a_loop(map: &Map) -> bool {
    let mut seen = BTreeSet::new();
    map.0.iter().flat_map(|it| &it.terms).any(|it| !seen.insert(it.0))
}

/// How many elements of a region of a tensor an operator reads.
fn common(network: &Network, op: OpId, tensor: TensorId, region: &Region) -> u64 {
    let operator = network.operator(op);
    let Some(access) = &operator.access else { return region.len() };
    let maps = access.operands.iter().zip(&operator.operands).filter(|it| *it.1 == tensor);
    let exact = maps.filter(|(map, _)| map.0.iter().all(|it| access.has_no_gap(it)) && !shares_a_loop(map));
    let read = exact.map(|(map, _)| map.region(&access.whole(), network.shape(tensor)).intersect(region).len());
    read.max().unwrap_or(0)
}

/// The operators of which each element depends on some element that an operator makes.
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

/// Whether each element of an operator's results needs some element of a tensor: not so of a part of a concatenation.
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
