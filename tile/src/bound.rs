//! Lower bounds on the bytes that programs in tiles move, and the programs for which they hold.
//!
//! *Compulsory*: elements of arguments that some result needs are loaded once, and results are stored once. A plan
//! that moves no more is the best of all tilings.
//!
//! *Barriers* (`barrier.rs`) and *partitions* (`partition.rs`) are lower bounds on further traffic of tensors and
//! products. They add up if they count different transfers. Most of them hold only if no element is computed twice.

mod barrier;
mod partition;

use crate::Network;
use crate::needed::{compulsory, needed};
use barrier::Barrier;
use cosma_planner::{Bytes, Order, TensorId};
use partition::Partition;
use std::collections::BTreeSet;

/// Lower bounds on the bytes of programs in tiles, including compulsory ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// For every program.
    pub all_tilings: Bytes,
    /// For every program that computes each element once: at least as many.
    pub without_recomputation: Bytes,
}

impl Bounds {
    /// Among which programs none moves less than one of so many bytes, by bounds for all tilings if they are known:
    /// `all tilings`, `all tilings without recomputation`, or else those for which planning proves its own bound: `these tiles`
    /// or, in a given order, `this order`.
    pub fn scope(bounds: Option<Bounds>, moved: Bytes, order: Order) -> &'static str {
        match (bounds, order) {
            (Some(least), _) if moved <= least.all_tilings => "all tilings",
            (Some(least), _) if moved <= least.without_recomputation => "all tilings without recomputation",
            (_, Order::Source) => "this order",
            _ => "these tiles",
        }
    }
}

/// The lower bounds for a network, from the accesses of its operators.
pub fn bounds(network: &Network) -> Bounds {
    let needed = needed(network);
    let compulsory = compulsory(network, &needed);
    let partitions = partition::partitions(network, &needed);
    let barriers = barrier::barriers(network);
    let always = excess(partitions.iter().filter(|it| !it.assumes_once), &BTreeSet::new());
    let once = best_of_both(&partitions, &barriers);
    Bounds { all_tilings: compulsory + Bytes(always.0), without_recomputation: compulsory + Bytes(once) }
}

/// The larger of two sums: all barriers and the partitions of other tensors, or all partitions and the barriers of
/// other tensors.
fn best_of_both(partitions: &[Partition], barriers: &[Barrier]) -> u64 {
    let of_barriers: u64 = barriers.iter().map(|it| it.bytes).sum();
    let held: BTreeSet<TensorId> = barriers.iter().flat_map(|it| &it.tensors).copied().collect();
    let (more, _) = excess(partitions.iter(), &held);
    let (of_partitions, counted) = excess(partitions.iter(), &BTreeSet::new());
    let others: u64 = barriers.iter().filter(|it| it.tensors.is_disjoint(&counted)).map(|it| it.bytes).sum();
    (of_barriers + more).max(of_partitions + others)
}

/// The non-compulsory bytes of partitions, the largest first, such that no two count transfers of the same tensor,
/// and none those of the excluded tensors; and the tensors whose transfers they count.
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
