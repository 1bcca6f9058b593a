//! The usual way to replace tensors: bring in what an operator needs when it needs it, and put out
//! by a rule when there is no room.
//!
//! What may pass by is brought in where there is room for it that nothing else has, and leaves as soon as that is
//! needed.
//!
//! It serves as a bound from above and as what to compare with. The order is given, and addresses
//! are left to others: [`greedy_plan`](crate::greedy_plan) follows the same rule with addresses.

use crate::replacement::{Rank, ReplacementRule};
use crate::uses::Uses;
use crate::{Bytes, OpId, Outline, Problem, Stay, Step, TensorId};
use std::collections::BTreeSet;

/// The outline that runs operators in this order, loads on demand and evicts the farthest next use.
///
/// The order is one of all operators and respects the dependences; [`Problem::check`] holds. What is said of tensors that
/// start or end in the scratchpad is not looked at.
/// What is in the scratchpad fits it as a plain sum of rooms, rounded up to the alignment since
/// the last block needs no padding.
pub fn greedy(problem: &Problem, order: &[OpId]) -> Outline {
    replace_on_demand(problem, order, ReplacementRule::FarthestNextUse, problem.capacity())
}

/// Stays on demand by any rule, and within any capacity; an operator that needs more than that for itself
/// has the scratchpad to itself. It takes O(log n) for each operand of each operator.
pub(crate) fn replace_on_demand(problem: &Problem, order: &[OpId], rule: ReplacementRule, capacity: Bytes) -> Outline {
    let capacity = u128::from(capacity.0);
    let room = |tensor: TensorId| u128::from(problem.room(tensor).0);

    let uses = Uses::new(problem, order);
    let in_place = problem.in_place_by_step(order);
    let apart = problem.graph.has_pins().then(|| problem.graph.apart());
    let mut stays: Vec<Stay> = Vec::new();
    // By tensor: its stay, as long as it is there, and its rank while it is idle.
    let mut open: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
    let mut ranks: Vec<Option<Rank>> = vec![None; open.len()];
    // What is there and will be used again, but not in this step. The last one leaves first.
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
        // What lies where something must lie now leaves in any case.
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
