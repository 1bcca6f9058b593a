//! The usual way to replace tensors: bring in what an operator needs when it needs it, and put out
//! by a rule when there is no room.
//!
//! It serves as a bound from above and as what to compare with. The order is given, and addresses
//! are left to others: [`greedy_plan`](crate::greedy_plan) follows the same rule with addresses.

use crate::replacement::ReplacementRule;
use crate::uses::Uses;
use crate::{Bytes, OpId, Outline, Problem, Step, TensorId};

/// The outline that runs operators in this order, loads on demand and evicts the farthest next use.
///
/// The order is one of all operators and respects the dependences; [`Problem::check`] holds.
/// What is in the scratchpad fits it as a plain sum of rooms, rounded up to the alignment since
/// the last block needs no padding.
pub fn greedy(problem: &Problem, order: &[OpId]) -> Outline {
    replace_on_demand(problem, order, ReplacementRule::FarthestNextUse, problem.capacity())
}

/// Likewise by any rule, and within any capacity; an operator that needs more than that for itself
/// has the scratchpad to itself.
pub(crate) fn replace_on_demand(problem: &Problem, order: &[OpId], rule: ReplacementRule, capacity: Bytes) -> Outline {
    let capacity = u128::from(capacity.0);
    let room = |tensor: TensorId| u128::from(problem.room(tensor).0);

    let uses = Uses::new(problem, order);
    let in_place = problem.in_place_by_step(order);
    let mut kept: Vec<Vec<TensorId>> = Vec::with_capacity(order.len());
    let mut present: Vec<TensorId> = Vec::new();
    for (index, &op) in order.iter().enumerate() {
        let step = Step(index as u32);
        let operands: Vec<TensorId> = problem.operands(op).collect();
        let needed = operands.iter().map(|it| room(*it)).sum::<u128>() + u128::from(problem.workspace_room(op).0);
        let needed = needed - u128::from(problem.saved(&in_place[index]).0);
        let (mut stay, mut others): (Vec<TensorId>, Vec<TensorId>) =
            present.iter().partition(|it| operands.contains(it));
        let mut taken = needed + others.iter().map(|it| room(*it)).sum::<u128>();
        while capacity < taken {
            let Some(evicted) = rule.choose(problem, &uses, others.iter().copied(), step) else { break };
            others.retain(|it| *it != evicted);
            taken -= room(evicted);
        }
        present = others.iter().chain(&operands).copied().filter(|it| uses.next(*it, step).is_some()).collect();
        stay.append(&mut others);
        if 0 < index {
            kept.push(stay);
        }
    }
    Outline::new(problem, order.to_vec(), &kept)
}
