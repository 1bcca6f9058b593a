//! The size of a scratchpad with which a plan by rule spills nothing.

use super::{AllocationRule, Baseline, OrderRule, least_peak};
use crate::replacement::ReplacementRule;
use crate::{Bytes, OpId, Order, Problem, Weights};

/// The number of sets of operators per level when the order with the least peak is chosen.
const WIDTH: usize = 100;

/// The size in bytes of the lowest known plan with only compulsory traffic: in source order or, if the order is free,
/// in an order with a low peak.
pub fn size_without_spills(problem: &Problem, order: Order) -> Bytes {
    // Tensors that are used once are streamed, and all others stay.
    let mut problem = problem.with_fewer_choices().all_read(Weights::Resident);
    let alignment = problem.machine.alignment().0;
    let tensors = problem.graph.tensors().iter().map(|it| it.size);
    let sizes = tensors.chain(problem.graph.ops().iter().map(|it| it.workspace));
    // Enough for all tensors at once.
    let all = sizes.fold(0_u64, |sum, it| sum.saturating_add(it.0).saturating_add(alignment));
    problem.machine.set_scratchpad(Bytes(all.min(u64::MAX >> 1)));
    let mut orders = vec![problem.graph.op_ids().collect::<Vec<OpId>>()];
    if order == Order::Free {
        orders.push(least_peak(&problem, WIDTH).order);
    }
    let height = |order: &Vec<OpId>| {
        let (replacement, allocation) = (ReplacementRule::FarthestNextUse, AllocationRule::GreedyBySize);
        let plan = Baseline { order: OrderRule::Source, replacement, allocation }.plan_in_order(&problem, order);
        plan.map_or(problem.machine.scratchpad(), |it| it.height(&problem))
    };
    orders.iter().map(height).min().expect("there is one").max(problem.min_scratchpad())
}
