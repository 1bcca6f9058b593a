//! Prefetch and late write-back: from a plan to a program whose transfers run in parallel with its operators.
//!
//! Order, residencies and traffic stay the same. The start and the slices of each transfer are decided, and new
//! addresses, since a tensor that is loaded early needs its place for longer.
//!
//! 1. By sums of padded sizes alone: the earliest step of each slice (`earliest.rs`), the program that begins each as
//!    soon as it can (`arrange.rs`), and the latest start of each without delay for anything (`latest.rs`).
//! 2. Addresses that allow these starts: loads are placed again around everything else, at its addresses or packed low
//!    (`place.rs`); and if that is not enough, everything is packed, with residencies extended by early loads
//!    (`address.rs`).
//! 3. Some blocks around a stall are placed again, as long as that helps (`improve.rs`).
//! 4. If the result is slower than the program of the first step, the same is done again with less space for early
//!    loads, and with whole tensors instead of slices.
//!
//! At given addresses, the earliest step of each slice follows from their last use, so any addresses give a correct
//! program: those of the plan are tried, too, and so is the program without overlap, so the result is never slower than
//! that.
//!
//! XLA's memory space assignment and SoMa (HPCA 2025) also decide when transfers begin, but the former leaves addresses
//! to chance, and the latter to other tools.

use super::arrange::{Arrangement, Turn, arrange};
use super::bound::bound_of_transfers;
use super::earliest::{earliest_by_addresses, earliest_by_rooms};
use super::effort::Effort;
use super::emit::emit;
use super::improve::improve;
use super::latest::latest;
use super::order::Order;
use super::place::{Side, Wishes, compact, is_alone, place_again};
use super::simulate::{Timeline, simulate};
use super::slices::{LoadSlice, size_of_slices, sliced, whole};
use super::transfers::Transfers;
use crate::address::{Lead, address_with_leads};
use crate::framed::Framed;
use crate::{Action, Bytes, Cycles, Deadline, Error, Plan, Problem, Step};
use std::collections::HashSet;

/// A program whose transfers run in parallel with its operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlapped {
    /// Its plan: order and residencies are the given ones, addresses may differ.
    pub plan: Plan,
    /// The program.
    pub actions: Vec<Action>,
    /// Its timing, by the judge of time.
    pub timeline: Timeline,
    /// A lower bound on the time of every program with this order and these residencies: see
    /// [`bound_of_plan`](super::bound_of_plan).
    pub bound: Cycles,
}

/// The shares of the free scratchpad for early loads that are tried, in 64ths.
const SHARES: [u64; 6] = [64, 62, 60, 56, 48, 32];

/// The number of packing attempts for each share.
const ATTEMPTS: u64 = 4;

/// The inverse of the relative excess over the bound that is good enough.
const GOOD_ENOUGH: u64 = 10_000;

/// The limit of lines of all programs that are tried, which take some seconds at most.
const MAX_LINES: u64 = 20_000_000;

/// The fastest program found for the order and the residencies of a plan.
///
/// Effort is counted, so the result is the same on each machine that is fast enough for the deadline.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction.
pub fn overlap(problem: &Problem, plan: &Plan, deadline: Deadline) -> Result<Overlapped, Error> {
    if let Some(framed) = problem.framed() {
        return overlap(framed.problem(), &framed.lift(plan), deadline)?.stripped(problem, &framed);
    }
    let transfers = Transfers::new(problem, plan)?;
    let bound = bound_of_transfers(problem, &transfers)?;
    let actions = plan.actions(problem);
    let timeline = simulate(problem, &actions)?;
    let is_good_enough = |it: Cycles| it.0 <= bound.0.saturating_add(bound.0 / GOOD_ENOUGH);
    let mut best = Overlapped { plan: plan.clone(), actions, timeline, bound };
    let effort = Effort::new(MAX_LINES, deadline);
    let mut cuts: Vec<Vec<LoadSlice>> = Vec::new();
    if let Some(size) = size_of_slices(problem, &transfers) {
        cuts.push(sliced(&transfers.loads, size));
    }
    cuts.push(whole(&transfers.loads));
    cuts.dedup();
    let mut is_load = is_alone(problem, plan);
    let loads: HashSet<usize> = transfers.loads.iter().map(|it| it.residency).collect();
    is_load.iter_mut().enumerate().for_each(|(index, it)| *it = *it && loads.contains(&index));
    let compact = compact(problem, plan, &is_load, deadline);
    let bases: Vec<&Plan> = [plan].into_iter().chain(compact.as_ref()).collect();
    for slices in &cuts {
        best.take(problem, &transfers, fastest_of(problem, plan.clone(), &transfers, slices, &effort)?)?;
        for share in SHARES {
            if is_good_enough(best.timeline.makespan) || effort.is_spent() {
                return Ok(best);
            }
            let capacity = Bytes((u128::from(problem.capacity().0) * u128::from(share) / 64) as u64);
            let early = Early::new(problem, plan, &transfers, slices, capacity)?;
            if best.timeline.makespan <= early.expected {
                continue;
            }
            let wishes = Wishes::new(plan, &transfers, slices, &early.since, &early.begins);
            let is_enough =
                |it: &Found| it.arrangement.makespan <= early.expected || is_good_enough(it.arrangement.makespan);
            let mut starts = Vec::new();
            for base in &bases {
                let sides = Side::ALL.into_iter();
                let placed = sides.filter_map(|side| place_again(problem, base, &wishes, &is_load, || side));
                starts.extend(fastest_of_all(problem, placed, &transfers, slices, is_enough, &effort)?);
            }
            if !starts.iter().any(is_enough) {
                let leads = early.leads(&transfers, slices);
                let packed = address_with_leads(problem, &plan.outline(), &leads, ATTEMPTS, deadline);
                let packed = packed.into_iter();
                starts.extend(fastest_of_all(problem, packed, &transfers, slices, is_enough, &effort)?);
            }
            starts.sort_by_key(|it| it.arrangement.makespan);
            for mut found in starts {
                let placed = found.arrangement.makespan.0;
                improve(problem, &transfers, &wishes, &mut found, is_enough, &effort)?;
                let (expected, improved) = (early.expected.0, found.arrangement.makespan.0);
                tracing::debug!(share, n_slices = slices.len(), bound = bound.0, expected, placed, improved);
                let is_last = is_enough(&found);
                best.take(problem, &transfers, found)?;
                if is_last {
                    break;
                }
            }
        }
    }
    Ok(best)
}

/// The fastest program found for the order, the residencies and the addresses of a plan: transfers begin as soon as
/// addresses allow. For a plan from [`overlap`], it is as fast as the program from there.
///
/// # Errors
/// Those of [`overlap`].
pub fn overlap_at_addresses(problem: &Problem, plan: &Plan) -> Result<Overlapped, Error> {
    if let Some(framed) = problem.framed() {
        return overlap_at_addresses(framed.problem(), &framed.lift(plan))?.stripped(problem, &framed);
    }
    let transfers = Transfers::new(problem, plan)?;
    let bound = bound_of_transfers(problem, &transfers)?;
    let actions = plan.actions(problem);
    let timeline = simulate(problem, &actions)?;
    let mut best = Overlapped { plan: plan.clone(), actions, timeline, bound };
    let effort = Effort::new(MAX_LINES, Deadline::NEVER);
    let slices = size_of_slices(problem, &transfers).map(|it| sliced(&transfers.loads, it));
    for slices in slices.into_iter().chain([whole(&transfers.loads)]) {
        best.take(problem, &transfers, fastest_of(problem, plan.clone(), &transfers, &slices, &effort)?)?;
    }
    Ok(best)
}

/// The fastest of the programs at the addresses of several plans. It stops at the first one that is good enough, and
/// when the effort is exhausted.
fn fastest_of_all(
    problem: &Problem,
    plans: impl Iterator<Item = Plan>,
    transfers: &Transfers,
    slices: &[LoadSlice],
    is_enough: impl Fn(&Found) -> bool,
    effort: &Effort,
) -> Result<Option<Found>, Error> {
    let mut best: Option<Found> = None;
    for plan in plans {
        let other = fastest_of(problem, plan, transfers, slices, effort)?;
        if best.as_ref().is_none_or(|it| other.arrangement.makespan < it.arrangement.makespan) {
            best = Some(other);
        }
        if best.as_ref().is_some_and(&is_enough) || effort.is_spent() {
            break;
        }
    }
    Ok(best)
}

/// A program before its lines are emitted.
pub(super) struct Found {
    pub plan: Plan,
    /// In issue order.
    pub slices: Vec<LoadSlice>,
    pub arrangement: Arrangement,
    pub turn: Turn,
}

/// The fastest of the programs by the rules for outgoing transfers.
fn fastest_of(
    problem: &Problem,
    plan: Plan,
    transfers: &Transfers,
    slices: &[LoadSlice],
    effort: &Effort,
) -> Result<Found, Error> {
    let order = Order::by_addresses(problem, &plan, transfers);
    let (slices, since) = earliest_by_addresses(problem, &plan, transfers, slices);
    let (arrangement, turn) = fastest(transfers, &slices, &since, &order)?;
    effort.spend(Turn::ALL.len() * arrangement.lines.len());
    Ok(Found { plan, slices, arrangement, turn })
}

/// The same, with the rule.
fn fastest(
    transfers: &Transfers,
    slices: &[LoadSlice],
    since: &[usize],
    order: &Order,
) -> Result<(Arrangement, Turn), Error> {
    let turns = if transfers.write_backs.is_empty() { &Turn::ALL[..1] } else { &Turn::ALL[..] };
    let mut best = (arrange(transfers, slices, since, order, turns[0])?, turns[0]);
    for &turn in &turns[1..] {
        let other = arrange(transfers, slices, since, order, turn)?;
        if other.makespan < best.0.makespan {
            best = (other, turn);
        }
    }
    Ok(best)
}

impl Overlapped {
    /// Converts a program of the framed problem into one of the original.
    pub(super) fn stripped(self, problem: &Problem, framed: &Framed) -> Result<Overlapped, Error> {
        let actions = framed.strip_actions(&self.actions);
        let timeline = simulate(problem, &actions)?;
        Ok(Overlapped { plan: framed.strip(&self.plan), actions, timeline, bound: self.bound })
    }

    /// Takes a program if it is faster.
    fn take(&mut self, problem: &Problem, transfers: &Transfers, found: Found) -> Result<(), Error> {
        let Found { plan, slices, arrangement, .. } = found;
        if arrangement.makespan < self.timeline.makespan {
            let actions = emit(problem, &plan, transfers, &slices, &arrangement);
            let timeline = simulate(problem, &actions)?;
            if timeline.makespan < self.timeline.makespan {
                *self = Overlapped { plan, actions, timeline, bound: self.bound };
            }
        }
        Ok(())
    }
}

/// The ideal by sums of padded sizes.
struct Early {
    /// By slice: the latest step before whose operator it can begin without delay for anything.
    since: Vec<usize>,
    /// By step: the start of the lines before its operator.
    begins: Vec<Cycles>,
    /// The makespan.
    expected: Cycles,
}

impl Early {
    /// With this share of the scratchpad for early loads.
    fn new(
        problem: &Problem,
        plan: &Plan,
        transfers: &Transfers,
        slices: &[LoadSlice],
        capacity: Bytes,
    ) -> Result<Early, Error> {
        let order = Order::by_rooms(problem, plan, transfers);
        let earliest = earliest_by_rooms(problem, transfers, slices, capacity);
        let (arrangement, _) = fastest(transfers, slices, &earliest, &order)?;
        let latest = latest(transfers, slices, &order, &arrangement)?;
        let since = earliest.into_iter().zip(latest).map(|(earliest, latest)| earliest.max(latest)).collect();
        Ok(Early { since, begins: arrangement.begins(), expected: arrangement.makespan })
    }

    /// The bytes that each residency needs early, with their steps.
    fn leads(&self, transfers: &Transfers, slices: &[LoadSlice]) -> Vec<Lead> {
        let mut leads: Vec<Lead> = Vec::new();
        for (slice, &step) in slices.iter().zip(&self.since) {
            let load = &transfers.loads[slice.load];
            if load.due <= step || slice.bytes.size() == Bytes::ZERO {
                continue;
            }
            let since = Step(step as u32);
            match leads.last_mut() {
                Some(last) if (last.stay, last.since, last.bytes.high) == (load.residency, since, slice.bytes.low) => {
                    last.bytes.high = slice.bytes.high;
                }
                _ => leads.push(Lead { stay: load.residency, since, bytes: slice.bytes }),
            }
        }
        leads
    }
}
