//! B2: what a plan transfers, divided as one likes.
//!
//! What if transfers could be divided as one likes? Let $T$ be
//! the time at which an operator ends, and $F$ the earliest moment from which on the channel, without ever standing
//! still, would carry all that is due later. Where the operator of a step computes for $c$ cycles, loads that take the
//! channel $w$ cycles are due before it, and $r$ are the cycles in which the room that is left in the step could be
//! filled:
//!
//! $$F' = F + w \qquad T' = c + \begin{cases} T & F' \le T \\ F' + \text{latency} & \text{else}\end{cases}
//! \qquad F'' = \max(F', T' - r)$$
//!
//! What is ahead where an operator ends may have been there for long, so only what has still to come waits for
//! the latency. By induction, no program is at a step earlier, nor has its channel done more by then. What goes out has no room to
//! wait for, but cannot go before it is made: $r$ grows by all that was made so far and is not due yet. It is due where
//! its room is gone, and where it comes back. Where an operator ends, all that is made later or there has still to go
//! out.
//!
//! This is the recursion for divisible loads in a given order; with slices, programs come close to it.

use super::units::{Filling, Units};
use crate::time::transfers::{StepTime, Transfers, WriteBack};
use crate::{Bytes, Cycles, Error, Plan, Problem};

/// A bound for every program that runs the operators in the order of a plan, keeps each tensor in the scratchpad during
/// its residencies at least, and transfers what the plan does.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link each way.
pub fn bound_of_plan(problem: &Problem, plan: &Plan) -> Result<Cycles, Error> {
    if let Some(framed) = problem.framed() {
        return bound_of_plan(framed.problem(), &framed.lift(plan));
    }
    bound_of_transfers(problem, &Transfers::new(problem, plan)?)
}

/// The same, where the transfers are known.
pub(in crate::time) fn bound_of_transfers(problem: &Problem, transfers: &Transfers) -> Result<Cycles, Error> {
    let (capacity, alignment) = (problem.capacity(), problem.machine.alignment());
    let Transfers { loads, write_backs, steps, inward, outward } = transfers;
    check_sum(transfers)?;
    let units = Units::new(inward, outward);
    let n_steps = steps.len();
    let is_one_channel = transfers.is_one_channel();
    // By step: what is due before it, what goes out that is made in it, and what of that is due.
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
    // All that has still to go out when the operator of a step ends, at least.
    let mut still_out: Vec<u128> = made.clone();
    (1..n_steps).rev().for_each(|step| still_out[step - 1] += still_out[step]);

    let (mut end, mut free, mut waiting): (u128, u128, u128) = (0, 0, 0);
    let mut least = 0;
    for (step, time) in steps.iter().enumerate() {
        let going_out = if is_one_channel { made_due[step] } else { 0 };
        waiting -= going_out;
        // What comes in goes first. What is ahead may have been there for long.
        free += due[step];
        let begin = if due[step] != 0 && end < free { free + units.cycles(inward.latency) } else { end };
        free += going_out;
        let begin = begin.max(free);
        let streams: u128 = time.streams.iter().map(|it| units.inward(*it)).sum();
        let streaming = if time.streams.is_empty() { 0 } else { streams + units.cycles(inward.latency) };
        end = begin + units.cycles(time.cycles).max(streaming);
        // What the operator reads goes through the channel, too.
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
        // The channel has work after the end. Either something goes out last, or it comes in, and what reads it and all
        // after that have still to run; what is read in host memory, its operator does not outlast for sure.
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

/// That all times add up to what can be counted, and so do their fractions.
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

/// What of a tensor has to be out before which steps, in units: once it has left, no more of it can be on its way than
/// there is room beside the residencies of a step; and all before it comes back.
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
