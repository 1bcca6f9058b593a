//! B2: the transfers of a plan, divided arbitrarily.
//!
//! Assume that transfers can be divided arbitrarily. Let $T$ be the time at which an operator ends, and $F$ the
//! earliest time from which on the channel, without any idle time, would carry everything that is due later. Let the
//! operator of a step compute for $c$ cycles, let the loads due before it occupy the channel for $w$ cycles, and let
//! $r$ be the cycles in which the remaining space of the step could be filled:
//!
//! $$F' = F + w \qquad T' = c + \begin{cases} T & F' \le T \\ F' + \text{latency} & \text{else}\end{cases}
//! \qquad F'' = \max(F', T' - r)$$
//!
//! Transfers that are ahead when an operator ends may be complete for long, so only later ones wait for the latency. By
//! induction, no program reaches a step earlier, nor has its channel done more by then. Outgoing transfers do not need
//! space, but cannot begin before their tensor is written: $r$ grows by everything that was written so far and is not
//! due yet. A write-back is due when its space is needed, and when the tensor is reloaded. After an operator ends,
//! everything written later must still be stored.
//!
//! This is the recursion for divisible loads in a given order; programs with slices come close to it.

use super::units::{Filling, Units};
use crate::time::transfers::{StepTime, Transfers, WriteBack};
use crate::{Bytes, Cycles, Error, Plan, Problem};

/// A bound for every program that runs the operators in the order of a plan, keeps each tensor in the scratchpad at
/// least during its residencies, and has the plan's transfers.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction.
pub fn bound_of_plan(problem: &Problem, plan: &Plan) -> Result<Cycles, Error> {
    if let Some(framed) = problem.framed() {
        return bound_of_plan(framed.problem(), &framed.lift(plan));
    }
    bound_of_transfers(problem, &Transfers::new(problem, plan)?)
}

/// The same for known transfers.
pub(in crate::time) fn bound_of_transfers(problem: &Problem, transfers: &Transfers) -> Result<Cycles, Error> {
    let (capacity, alignment) = (problem.capacity(), problem.machine.alignment());
    let Transfers { loads, write_backs, steps, inward, outward } = transfers;
    check_sum(transfers)?;
    let units = Units::new(inward, outward);
    let n_steps = steps.len();
    let is_one_channel = transfers.is_one_channel();
    // By step: the loads due before it, the results to write back, and those that are already due.
    let (mut due, mut made, mut made_due) = (vec![0; n_steps + 1], vec![0; n_steps], vec![0; n_steps + 1]);
    for load in loads {
        due[load.due] += units.inward(load.size);
    }
    for it in write_backs {
        made[it.made] += units.outward(it.size);
        for (step, work) in due_outward(&units, capacity, steps, it, alignment) {
            made_due[step] += work;
        }
    }
    let filling = Filling::inward(&units, loads.iter().map(|it| it.size).collect());
    // A lower bound on the remaining stores when the operator of a step ends.
    let mut still_out: Vec<u128> = made.clone();
    (1..n_steps).rev().for_each(|step| still_out[step - 1] += still_out[step]);

    let (mut end, mut free, mut waiting): (u128, u128, u128) = (0, 0, 0);
    let mut least = 0;
    for (step, time) in steps.iter().enumerate() {
        let going_out = if is_one_channel { made_due[step] } else { 0 };
        waiting -= going_out;
        // Loads go first. Those that are ahead may be complete for long.
        free += due[step];
        let begin = if due[step] != 0 && end < free { free + units.cycles(inward.latency) } else { end };
        free += going_out;
        let begin = begin.max(free);
        let streams: u128 = time.streams.iter().map(|it| units.inward(*it)).sum();
        let streaming = if time.streams.is_empty() { 0 } else { streams + units.cycles(inward.latency) };
        end = begin + units.cycles(time.cycles).max(streaming);
        // The operator's operands in host memory use the channel, too.
        free += streams;
        if is_one_channel {
            waiting += made[step];
        }
        let ahead = filling.most(capacity.saturating_sub(time.room)).saturating_add(waiting);
        free = free.max(end.saturating_sub(ahead));
        let out = still_out[step];
        least = least.max(end + out + if out == 0 { 0 } else { units.cycles(outward.latency) });
    }
    if is_one_channel && end < free + made_due[n_steps] {
        // The channel also works at the end. The last transfer is a store, or a load, after which its reader and all
        // later operators must still run; an operator may end with its own operands in host memory.
        let last_due = steps.iter().zip(&due).rposition(|(_, due)| *due != 0);
        let last_stream = steps.iter().rposition(|it| !it.streams.is_empty()).map(|it| it + 1);
        let computing = |from: usize| steps[from..].iter().map(|it| units.cycles(it.cycles)).sum::<u128>();
        let after_in = last_due.into_iter().chain(last_stream).map(computing).min();
        let after_in = after_in.map_or(u128::MAX, |it| it + units.cycles(inward.latency));
        least = least.max(free + made_due[n_steps] + after_in.min(units.cycles(outward.latency)));
    }
    let cycles = least.max(end).div_ceil(units.of_cycle);
    u64::try_from(cycles).ok().filter(|it| *it < 1 << 63).map(Cycles).ok_or(Error::TooManyCycles)
}

/// Checks that all times, and their fractions, are in range.
fn check_sum(transfers: &Transfers) -> Result<(), Error> {
    let Transfers { loads, write_backs, steps, inward, outward } = transfers;
    let mut sum = inward.latency.plus(outward.latency)?;
    for load in loads {
        sum = sum.plus(inward.busy(load.size)?)?;
    }
    for back in write_backs {
        sum = sum.plus(outward.busy(back.size)?)?;
    }
    for step in steps {
        sum = sum.plus(step.cycles)?;
        if !step.streams.is_empty() {
            sum = sum.plus(inward.latency)?;
        }
        for size in &step.streams {
            sum = sum.plus(inward.busy(*size)?)?;
        }
    }
    Ok(())
}

/// The write-backs that are due before each step, in units: after its eviction, at most as much of a tensor can be in
/// flight as there is space beside the residencies of a step; and all of it before its reload.
fn due_outward(
    units: &Units<'_>,
    capacity: Bytes,
    steps: &[StepTime],
    back: &WriteBack,
    alignment: Bytes,
) -> Vec<(usize, u128)> {
    let mut left = back.size;
    let mut due = Vec::new();
    let last = back.due.unwrap_or(steps.len());
    let room = back.size.align_up(alignment);
    for (step, time) in steps.iter().enumerate().take(last).skip(back.leaves) {
        let out = room.saturating_sub(capacity.saturating_sub(time.room));
        let now = out.saturating_sub(back.size - left).min(left);
        if now != Bytes::ZERO {
            left -= now;
            due.push((step, u128::from(now.0) * units.of_byte_outward));
        }
        if left == Bytes::ZERO {
            break;
        }
    }
    let so_far: u128 = due.iter().map(|it| it.1).sum();
    due.push((
        if left == Bytes::ZERO { due.last().map_or(last, |it| it.0) } else { last },
        units.outward(back.size) - so_far,
    ));
    due
}
