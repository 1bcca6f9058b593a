//! Replacement on demand: load what an operator needs when it needs it, and evict by a rule when there is no space.
//!
//! A use that may be streamed loads its tensor only into otherwise unused space, and the tensor is evicted as soon as
//! that space is needed.
//!
//! The result is an upper bound and a baseline. The order is given, and addresses are assigned elsewhere:
//! [`greedy_plan`](crate::greedy_plan) follows the same rule with addresses.

use crate::replacement::{Rank, ReplacementRule};
use crate::uses::Uses;
use crate::{Bytes, OpId, Outline, Problem, Stay, Step, TensorId};
use std::collections::BTreeSet;

/// The outline that runs operators in this order, loads on demand and evicts the tensor with the farthest next use.
///
/// The order has all operators and respects the dependences; [`Problem::check`] must succeed. Starts and ends of
/// tensors in the scratchpad are ignored. The padded sizes of the tensors in the scratchpad add up to at most its size,
/// rounded up to the alignment since the last block needs no padding.
pub fn greedy(problem: &Problem, order: &[OpId]) -> Outline {
    replace_on_demand(problem, order, ReplacementRule::FarthestNextUse, problem.capacity())
}

/// Replacement on demand with any rule and capacity. An operator that needs more than the capacity has the scratchpad
/// to itself. Takes O(log n) for each operand of each operator.
pub(crate) fn replace_on_demand(problem: &Problem, order: &[OpId], rule: ReplacementRule, capacity: Bytes) -> Outline {
    let capacity = u128::from(capacity.0);
    let room = |tensor: TensorId| u128::from(problem.room(tensor).0);

    let uses = Uses::new(problem, order);
    let in_place = problem.in_place_by_step(order);
    let apart = problem.graph.has_pins().then(|| problem.graph.apart());
    let mut stays: Vec<Stay> = Vec::new();
    // By tensor: its stay while it is present, and its rank while it is idle.
    let mut open: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
    let mut ranks: Vec<Option<Rank>> = vec![None; open.len()];
    // Present tensors that are used again, but not in this step. The last one is evicted first.
    let mut idle: BTreeSet<Rank> = BTreeSet::new();
    let mut idle_room = 0;
    for (index, &op) in order.iter().enumerate() {
        let step = Step(index as u32);
        let mut needed = u128::from(problem.workspace_room(op).0);
        for tensor in problem.operands(op) {
            needed += room(tensor);
            if let Some(rank) = ranks[tensor.index()].take() {
                idle.remove(&rank);
                idle_room -= room(tensor);
            }
            match open[tensor.index()] {
                Some(stay) => stays[stay].steps.end = step.next(),
                None => {
                    open[tensor.index()] = Some(stays.len());
                    stays.push(Stay { tensor, steps: step..step.next() });
                }
            }
        }
        needed -= u128::from(problem.saved(&in_place[index]).0);
        // A tensor whose pin conflicts with an operand is evicted in any case.
        for other in apart.iter().flat_map(|it| problem.operands(op).flat_map(|tensor| &it[tensor.index()])) {
            if let Some(rank) = ranks[other.index()].take() {
                idle.remove(&rank);
                idle_room -= room(*other);
                open[other.index()] = None;
            }
        }
        let mut either_way: Vec<TensorId> = problem.graph.op(op).reads_either_way().collect();
        for &tensor in &either_way {
            if let Some(rank) = ranks[tensor.index()].take() {
                idle.remove(&rank);
                idle_room -= room(tensor);
                needed += room(tensor);
            }
        }
        while capacity < needed + idle_room {
            let Some(Rank { tensor, .. }) = idle.pop_last() else { break };
            idle_room -= room(tensor);
            (ranks[tensor.index()], open[tensor.index()]) = (None, None);
        }
        either_way.retain(|&tensor| {
            match open[tensor.index()] {
                Some(_) if capacity < needed => {
                    needed -= room(tensor);
                    open[tensor.index()] = None;
                }
                Some(stay) => stays[stay].steps.end = step.next(),
                None if uses.next(tensor, step).is_some() && needed + idle_room + room(tensor) <= capacity => {
                    needed += room(tensor);
                    open[tensor.index()] = Some(stays.len());
                    stays.push(Stay { tensor, steps: step..step.next() });
                }
                None => {}
            }
            open[tensor.index()].is_some()
        });
        for tensor in problem.operands(op).chain(either_way) {
            match rule.rank(problem, &uses, tensor, step) {
                Some(rank) => {
                    idle.insert(rank);
                    idle_room += room(tensor);
                    ranks[tensor.index()] = Some(rank);
                }
                None => open[tensor.index()] = None,
            }
        }
    }
    stays.sort_by_key(|it| (it.steps.start, it.tensor));
    Outline { order: order.to_vec(), stays }
}
