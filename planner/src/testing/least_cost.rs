//! Dijkstra's algorithm over states that are generated on demand.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// A point in the execution of a problem.
pub(super) trait State: Clone + Ord + Hash {
    /// The number of operators that have run.
    fn progress(&self) -> u32;
}

/// The least cost of a path from `start` to a state in which `goal` operators have run; `None` if there is no path.
///
/// Among states of equal cost the most advanced comes first: many moves are free, and the order among equals does not
/// matter.
pub(super) fn least_cost<S: State>(start: S, goal: u32, moves: impl Fn(&S, &mut dyn FnMut(S, u64))) -> Option<u64> {
    let mut best: HashMap<S, u64> = HashMap::from([(start.clone(), 0)]);
    let mut queue = BinaryHeap::from([(Reverse(0), 0, start)]);
    while let Some((Reverse(cost), progress, state)) = queue.pop() {
        if progress == goal {
            return Some(cost);
        }
        if best[&state] < cost {
            continue;
        }
        moves(&state, &mut |next, price| {
            let cost = cost + price;
            match best.entry(next.clone()) {
                Entry::Occupied(known) if *known.get() <= cost => return,
                Entry::Occupied(mut known) => drop(known.insert(cost)),
                Entry::Vacant(unknown) => drop(unknown.insert(cost)),
            }
            queue.push((Reverse(cost), next.progress(), next));
        });
    }
    None
}
