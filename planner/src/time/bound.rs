//! Lower bounds on the makespan.
//!
//! **Any order** ([`bound_of_any_order`]): the longest of
//!
//! - all operators one after the other, behind the loads of one that can be the first, and before the stores of one that
//!   can be the last;
//! - all that a channel has to carry: what is compulsory, and what is proven to come on top;
//! - the longest chain of operators, each behind the loads of its own arguments.
//!
//! **Given order and residencies** ([`bound_of_plan`]): what if transfers could be divided as one likes? Let $T$ be
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
//! All is counted in fractions of a cycle of which a byte takes a whole number.

use super::Timing;
use super::transfers::{StepTime, Transfers, WriteBack};
use crate::{Bytes, Cycles, Error, MemoryId, OpId, Origin, Plan, Problem, TensorId};
use std::fmt;

/// A lower bound on the makespan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyBound {
    /// No program takes less.
    pub cycles: Cycles,
    /// How that is known, and of which programs.
    pub rule: BoundRule,
}

/// How a lower bound is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundRule {
    /// B0: all operators one after the other, all that a channel has to carry, or the longest chain: see
    /// [`bound_of_any_order`].
    Sums,
    /// B2: what a plan transfers, divided as one likes: see [`bound_of_plan`].
    Divided,
}

impl BoundRule {
    /// Of which programs a bound by this rule is said.
    pub fn scope(self) -> Scope {
        match self {
            BoundRule::Sums => Scope::AnyOrder,
            BoundRule::Divided => Scope::ThisPlan,
        }
    }
}

impl fmt::Display for BoundRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BoundRule::Sums => "B0",
            BoundRule::Divided => "B2",
        })
    }
}

/// What a bound holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// All programs of the problem.
    AnyOrder,
    /// Those of the order of a plan, whatever they transfer.
    ThisOrder,
    /// Those of the order and the residencies of a plan.
    ThisPlan,
}

/// The larger one of both bounds, if no plan has less than so many non-compulsory bytes. Where they are equal, it is said
/// of any order.
///
/// # Errors
/// Those of the two.
pub fn latency_bound(problem: &Problem, plan: &Plan, non_compulsory: Bytes) -> Result<LatencyBound, Error> {
    let any = bound_of_any_order(problem, non_compulsory)?;
    let of_plan = bound_of_plan(problem, plan)?;
    Ok(match any < of_plan {
        true => LatencyBound { cycles: of_plan, rule: BoundRule::Divided },
        false => LatencyBound { cycles: any, rule: BoundRule::Sums },
    })
}

/// A bound for every program of a problem, if no plan has less than so many non-compulsory bytes.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link each way.
pub fn bound_of_any_order(problem: &Problem, non_compulsory: Bytes) -> Result<Cycles, Error> {
    let graph = &problem.graph;
    let way = |from, to| problem.machine.timing(from, to).ok_or(Error::NotPlanned("a machine without a link".into()));
    problem.machine.clock().ok_or(Error::NoClock)?;
    let inward = way(MemoryId::HOME, MemoryId::SCRATCHPAD)?;
    let outward = way(MemoryId::SCRATCHPAD, MemoryId::HOME)?;
    let size = |it: TensorId| graph.tensor(it).size;
    let is_argument = |it: TensorId| matches!(graph.tensor(it).origin, Origin::Argument | Origin::Weight);

    let mut computing = Cycles::ZERO;
    let (mut head, mut tail, mut path): (Option<Cycles>, Option<Cycles>, Cycles) = (None, None, Cycles::ZERO);
    let mut ends: Vec<Cycles> = Vec::with_capacity(graph.ops().len());
    for op in graph.op_ids() {
        let operator = graph.op(op);
        let loads = operator.reads_on_chip().filter(|it| is_argument(*it) && graph.tensor(*it).size != Bytes::ZERO);
        let before = one_after_the_other(inward, loads.map(size))?;
        let after =
            one_after_the_other(outward, operator.writes.iter().copied().filter(|it| graph.is_stored(*it)).map(size))?;
        let streamed = operator.reads.iter().filter(|it| !it.from.contains(MemoryId::SCRATCHPAD));
        let streaming = one_after_the_other(inward, streamed.map(|it| size(it.tensor)))?;
        let cycles = problem.cycles(op)?.unwrap_or_default().max(streaming);
        computing = computing.plus(cycles)?;
        if graph.predecessors(op).is_empty() {
            head = Some(head.map_or(before, |it| it.min(before)));
        }
        if graph.successors(op).is_empty() {
            tail = Some(tail.map_or(after, |it| it.min(after)));
        }
        let ready = graph.predecessors(op).iter().map(|it: &OpId| ends[it.index()]).max().unwrap_or_default();
        let end = ready.max(before).plus(cycles)?;
        path = path.max(end.plus(after)?);
        ends.push(end);
    }
    let computing = head.unwrap_or_default().plus(computing)?.plus(tail.unwrap_or_default())?;

    let mut is_used = vec![false; graph.tensors().len()];
    graph.ops().iter().flat_map(|it| &it.reads).for_each(|it| is_used[it.tensor.index()] = true);
    let mut carried = [0_u128; 2];
    for tensor in graph.tensor_ids().filter(|it| is_argument(*it) && is_used[it.index()]) {
        carried[0] += u128::from(inward.busy(size(tensor))?.0);
    }
    for tensor in graph.tensor_ids().filter(|it| graph.is_stored(*it)) {
        carried[1] += u128::from(outward.busy(size(tensor))?.0);
    }
    let cycles = |timing: &Timing, bytes: u64| u128::from(timing.rate.goes_into(bytes).unwrap_or(u64::MAX));
    let channels = if inward.channel == outward.channel {
        // Whichever way it goes. Rounded up together or one by one: one by one is not less.
        let all = carried[0] + carried[1] + cycles(inward, non_compulsory.0).min(cycles(outward, non_compulsory.0));
        // The last one is complete some time after.
        all + if all == 0 { 0 } else { u128::from(inward.latency.min(outward.latency).0) }
    } else {
        // What goes out and comes back does so at least half of the time inwards.
        let back = non_compulsory.saturating_sub(problem.restreamed()).0 / 2;
        (carried[0] + cycles(inward, back)).max(carried[1])
    };
    let channels = u64::try_from(channels).ok().filter(|it| *it < 1 << 63).ok_or(Error::TooManyCycles)?;
    Ok(computing.max(Cycles(channels)).max(path))
}

/// When the last of several transfers over a link is complete, if the channel does nothing else.
fn one_after_the_other(timing: &Timing, sizes: impl Iterator<Item = Bytes>) -> Result<Cycles, Error> {
    let mut sum = None;
    for size in sizes {
        sum = Some(sum.unwrap_or(Cycles::ZERO).plus(timing.busy(size)?)?);
    }
    sum.map_or(Ok(Cycles::ZERO), |it: Cycles| it.plus(timing.latency))
}

/// A bound for every program that runs the operators in the order of a plan, keeps each tensor in the scratchpad during
/// its residencies at least, and transfers what the plan does.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link each way.
pub fn bound_of_plan(problem: &Problem, plan: &Plan) -> Result<Cycles, Error> {
    bound_of_transfers(problem, &Transfers::new(problem, plan)?)
}

/// The same, where the transfers are known.
pub(super) fn bound_of_transfers(problem: &Problem, transfers: &Transfers) -> Result<Cycles, Error> {
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
    let filling = Filling::new(&units, loads.iter().map(|it| it.size).collect());
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
        least = least.max(free + made_due[n_steps] + units.cycles(outward.latency));
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

/// Fractions of a cycle: a byte in each direction takes a whole number of them.
struct Units<'a> {
    inward: &'a Timing,
    outward: &'a Timing,
    of_cycle: u128,
    of_byte_inward: u128,
    of_byte_outward: u128,
}

impl Units<'_> {
    fn new<'a>(inward: &'a Timing, outward: &'a Timing) -> Units<'a> {
        let (one, other) = (u128::from(inward.rate.numerator()), u128::from(outward.rate.numerator()));
        // The same number mostly; where both are very large, the outward way counts as if it were faster.
        let is_small = one * other < 1 << 32;
        let of_cycle = if one == other || !is_small { one } else { one * other };
        let of_byte =
            |timing: &Timing| u128::from(timing.rate.denominator()) * of_cycle / u128::from(timing.rate.numerator());
        Units { inward, outward, of_cycle, of_byte_inward: of_byte(inward), of_byte_outward: of_byte(outward) }
    }

    fn cycles(&self, Cycles(cycles): Cycles) -> u128 {
        u128::from(cycles) * self.of_cycle
    }

    fn inward(&self, size: Bytes) -> u128 {
        u128::from(size.max(self.inward.burst).0) * self.of_byte_inward + self.cycles(self.inward.setup)
    }

    fn outward(&self, size: Bytes) -> u128 {
        u128::from(size.max(self.outward.burst).0) * self.of_byte_outward + self.cycles(self.outward.setup)
    }
}

/// For how long loads can keep the channel busy until some room is full.
struct Filling<'a> {
    units: &'a Units<'a>,
    /// Of the smallest loads: their bytes.
    sums: Vec<u128>,
    /// The most that a load takes beyond its bytes.
    most_beyond: u128,
}

impl Filling<'_> {
    fn new<'a>(units: &'a Units<'a>, mut sizes: Vec<Bytes>) -> Filling<'a> {
        let bytes = |it: Bytes| u128::from(it.0) * units.of_byte_inward;
        let most_beyond = sizes.iter().map(|it| units.inward(*it) - bytes(*it)).max().unwrap_or(0);
        sizes.sort_unstable();
        let sums = sizes.iter().scan(0, |sum, it| {
            *sum += u128::from(it.0);
            Some(*sum)
        });
        Filling { units, sums: sums.collect(), most_beyond }
    }

    /// So many of the smallest fit, so no more than so many do, and one in part; and all of them have so many bytes at most.
    fn most(&self, room: Bytes) -> u128 {
        let room = u128::from(room.0);
        let n_loads = self.sums.partition_point(|it| *it <= room) as u128 + 1;
        room.saturating_mul(self.units.of_byte_inward).saturating_add(n_loads.saturating_mul(self.most_beyond))
    }
}
