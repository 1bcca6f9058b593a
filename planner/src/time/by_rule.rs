//! Programs in which a rule decides when loads begin, as baselines: see [`baseline`](mod@crate::baseline).

use super::arrange::{Turn, arrange};
use super::earliest::{earliest_by_addresses, earliest_by_rooms};
use super::emit::emit;
use super::order::Order;
use super::slices::{LoadSlice, whole};
use super::transfers::Transfers;
use crate::address::{Lead, address_with_leads};
use crate::{Action, Bytes, Deadline, Error, Plan, Problem, Slice, Step};

/// The number of attempts to find addresses for longer residencies.
const ATTEMPTS: u64 = 64;

/// The program that begins each load, whole, before the operator of the step that a rule chooses, in that order, or
/// later if its place is not free. Addresses are packed for that; if there are none, those of the plan are used.
pub(crate) fn by_rule(
    problem: &Problem,
    plan: &Plan,
    rule: impl FnOnce(&Transfers) -> Vec<usize>,
    deadline: Deadline,
) -> Result<Vec<Action>, Error> {
    let transfers = Transfers::new(problem, plan)?;
    let wanted = rule(&transfers);
    let lead = |(load, since): (&super::transfers::Load, &usize)| {
        let bytes = Slice { low: Bytes::ZERO, high: load.size };
        (*since < load.due && load.size != Bytes::ZERO).then_some(Lead {
            stay: load.residency,
            since: Step(*since as u32),
            bytes,
        })
    };
    let leads: Vec<Lead> = transfers.loads.iter().zip(&wanted).filter_map(lead).collect();
    let packed = address_with_leads(problem, &plan.outline(), &leads, ATTEMPTS, deadline);
    let plan = packed.as_ref().unwrap_or(plan);
    let (slices, free) = earliest_by_addresses(problem, plan, &transfers, &whole(&transfers.loads));
    let mut queue: Vec<(usize, LoadSlice)> =
        slices.into_iter().zip(free).map(|(slice, free)| (free.max(wanted[slice.load]), slice)).collect();
    queue.sort_by_key(|it| it.0);
    let (since, slices): (Vec<usize>, Vec<LoadSlice>) = queue.into_iter().unzip();
    let order = Order::by_addresses(problem, plan, &transfers);
    let arrangement = arrange(&transfers, &slices, &since, &order, Turn::AtOnce)?;
    Ok(emit(problem, plan, &transfers, &slices, &arrangement))
}

/// By load: the earliest step with space for it, if loads go in the order in which they are due.
pub(crate) fn earliest_steps(problem: &Problem, transfers: &Transfers) -> Vec<usize> {
    earliest_by_rooms(problem, transfers, &whole(&transfers.loads), problem.capacity())
}
