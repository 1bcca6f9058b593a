//! What no program in tiles avoids, and for which programs that holds.
//!
//! *Compulsory*: elements of arguments that some result needs come in once, results go out once. A plan that moves no
//! more is the best of all tilings.
//!
//! *Barriers* (`barrier.rs`) and *partitions* (`partition.rs`) say what tensors and products move beyond that. They
//! add up where they count different transfers. Most of them hold only where no element is computed twice.

mod barrier;
mod partition;

use crate::Network;
use crate::needed::{compulsory, needed};
use barrier::Barrier;
use cosma_planner::{Bytes, TensorId};
use partition::Partition;
use std::collections::BTreeSet;

/// Bytes that every program in tiles moves, compulsory ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Every one.
    pub all_tilings: Bytes,
    /// Every one that computes no element twice: at least as many.
    pub without_recomputation: Bytes,
}

/// What all programs in tiles of a network move, as its operators say how they access their operands.
pub fn bounds(network: &Network) -> Bounds {
    let needed = needed(network);
    let compulsory = compulsory(network, &needed);
    let partitions = partition::partitions(network, &needed);
    let barriers = barrier::barriers(network);
    let always = excess(partitions.iter().filter(|it| !it.assumes_once), &BTreeSet::new());
    let once = best_of_both(&partitions, &barriers);
    Bounds { all_tilings: compulsory + Bytes(always.0), without_recomputation: compulsory + Bytes(once) }
}

/// The larger sum: all barriers and partitions of other tensors, or the other way round.
fn best_of_both(partitions: &[Partition], barriers: &[Barrier]) -> u64 {
    let of_barriers: u64 = barriers.iter().map(|it| it.bytes).sum();
    let held: BTreeSet<TensorId> = barriers.iter().flat_map(|it| &it.tensors).copied().collect();
    let (more, _) = excess(partitions.iter(), &held);
    let (of_partitions, counted) = excess(partitions.iter(), &BTreeSet::new());
    let others: u64 = barriers.iter().filter(|it| it.tensors.is_disjoint(&counted)).map(|it| it.bytes).sum();
    (of_barriers + more).max(of_partitions + others)
}

/// What partitions move beyond the compulsory, the largest first, where no two count transfers of one tensor, and
/// none those of some; and the tensors whose transfers they count.
fn excess<'p>(partitions: impl Iterator<Item = &'p Partition>, but: &BTreeSet<TensorId>) -> (u64, BTreeSet<TensorId>) {
    let mut partitions: Vec<&Partition> = partitions.filter(|it| 0 < it.excess).collect();
    partitions.sort_by_key(|it| (std::cmp::Reverse(it.excess), it.result));
    let (mut sum, mut loaded, mut stored) = (0, BTreeSet::new(), BTreeSet::new());
    for Partition { excess, loads, result, .. } in partitions {
        let is_free = |it: &TensorId| !but.contains(it);
        if loads.is_disjoint(&loaded) && loads.iter().all(is_free) && is_free(result) {
            sum += excess;
            loaded.extend(loads);
            stored.insert(*result);
        }
    }
    loaded.extend(&stored);
    (sum, loaded)
}
