//! The judge of time: when each line of a planned program runs on a machine with a clock, and why it does not run
//! earlier.
//!
//! 1. Lines begin in order. An operator begins when all lines above it are done, transfers that are issued excepted: so
//!    one above an operator may go on beside it, and one below may not begin before it ends.
//! 2. A transfer begins when the lines above it allow, its channel is free, and what it brings is there: in one channel,
//!    something may come back before anybody has waited for its way out.
//! 3. A wait is done when the transfer is complete.
//! 4. What an operator reads beside the scratchpad goes through the channel of its link. The operator begins
//!    with the first of these transfers, and ends not before the last of them is complete.
//!
//! So the compute engine either computes or stands still at one line, and the cycles of all operators and of all stalls
//! add up to the makespan.
//!
//! Nothing here is shared with any planner. Whether the program is right is for [`check`](crate::check) to say; here each
//! program gets a time.

use super::stall::reason;
use super::touched::Touched;
use super::{Reason, Stall};
use crate::{Action, Bytes, Copy, Cycles, Error, MemoryId, Origin, Place, Problem, Slice, Slot, TensorId};
use std::collections::HashMap;
use std::ops::Range;

/// How a program goes, in cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// When the last line is done.
    pub makespan: Cycles,
    /// The sum of the cycles of all operators.
    pub compute: Cycles,
    /// By line of the program, half-open: of an operator, when it runs; of a transfer, from when its channel turns to
    /// it to when it is complete; of a wait, from when the lines above are done to when the transfer is complete.
    pub lines: Vec<Range<Cycles>>,
    /// When the compute engine stood still: in order, without an empty one.
    pub stalls: Vec<Stall>,
    /// By channel.
    pub channels: Vec<ChannelUse>,
}

/// What a channel did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelUse {
    /// What it carried.
    pub bytes: Bytes,
    /// The cycles in which it was busy.
    pub busy: Cycles,
    /// Those of them in which an operator computed.
    pub hidden: Cycles,
}

impl Timeline {
    /// The cycles lost for a reason.
    pub fn lost(&self, reason: Reason) -> Cycles {
        let stalls = self.stalls.iter().filter(|it| it.reason == reason);
        stalls.map(|it| it.cycles.end - it.cycles.start).sum()
    }

    /// The part of the time of all transfers in which an operator computed; none where nothing is transferred.
    pub fn hidden(&self) -> Option<f64> {
        let busy: u128 = self.channels.iter().map(|it| u128::from(it.busy.0)).sum();
        let hidden: u128 = self.channels.iter().map(|it| u128::from(it.hidden.0)).sum();
        (busy != 0).then(|| hidden as f64 / busy as f64)
    }
}

/// Runs a program against the clock.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`].
pub fn simulate(problem: &Problem, actions: &[Action]) -> Result<Timeline, Error> {
    let clock = problem.machine.clock().ok_or(Error::NoClock)?;
    let n_channels = clock.channels.len();
    let mut run = Run {
        problem,
        now: Cycles::ZERO,
        free: vec![Cycles::ZERO; n_channels],
        arrivals: HashMap::new(),
        touched: Touched::default(),
        computing: Vec::new(),
        busy: vec![Vec::new(); n_channels],
        bytes: vec![0; n_channels],
        stalls: Vec::new(),
        compute: Cycles::ZERO,
    };
    let mut lines = Vec::with_capacity(actions.len());
    for (line, action) in actions.iter().enumerate() {
        lines.push(run.act(line, action, &actions[line + 1..])?);
    }
    let channels = run.busy.iter().zip(&run.bytes).map(|(busy, bytes)| ChannelUse {
        bytes: Bytes(*bytes),
        busy: busy.iter().map(|it| it.end - it.start).sum(),
        hidden: shared(busy, &run.computing),
    });
    Ok(Timeline { makespan: run.now, compute: run.compute, lines, channels: channels.collect(), stalls: run.stalls })
}

/// A transfer, and what made it begin when it did.
#[derive(Clone)]
pub(super) struct Transfer {
    pub copy: Copy,
    /// When the lines above it were done.
    pub issued: Cycles,
    /// When what it brings was there.
    pub data: Cycles,
    /// When the bytes where it goes were used last before.
    pub released: Cycles,
    /// When its channel turned to it.
    pub start: Cycles,
    /// When its channel was done with it.
    pub read: Cycles,
    /// When it is complete.
    pub complete: Cycles,
}

struct Run<'a> {
    problem: &'a Problem,
    /// When the lines so far are done.
    now: Cycles,
    /// By channel: when it is done with the transfers so far.
    free: Vec<Cycles>,
    /// By slot: the last transfer to it.
    arrivals: HashMap<Slot, Transfer>,
    touched: Touched,
    /// When operators compute.
    computing: Vec<Range<Cycles>>,
    /// By channel: when it is busy, and with how many bytes in all.
    busy: Vec<Vec<Range<Cycles>>>,
    bytes: Vec<u64>,
    stalls: Vec<Stall>,
    compute: Cycles,
}

impl Run<'_> {
    fn act(&mut self, line: usize, action: &Action, after: &[Action]) -> Result<Range<Cycles>, Error> {
        match action {
            Action::Start(_) => Ok(self.now..self.now),
            Action::Copy(copy) => {
                let time = self.transfer(copy, self.whole(copy.tensor))?;
                self.wait(line, Slot { tensor: copy.tensor, place: copy.to }, after);
                Ok(time)
            }
            Action::Issue(copy) => self.transfer(copy, self.whole(copy.tensor)),
            Action::IssueSlice(copy, slice) => self.transfer(copy, *slice),
            Action::Wait(slot) => {
                let start = self.now;
                self.wait(line, *slot, after);
                Ok(start..self.now)
            }
            Action::Run { op, reads, writes, workspace } => {
                let start = self.stream(line, reads)?;
                let known = self.problem.graph.ops().get(op.index());
                let cycles = known.map_or(Ok(None), |_| self.problem.cycles(*op))?.unwrap_or_default();
                let computed = start.begin.plus(cycles)?;
                self.compute = self.compute.plus(cycles)?;
                self.computing.push(start.begin..computed);
                let end = computed.max(start.complete);
                if let Some(tensor) = start.last.filter(|_| computed < end) {
                    let reason = if start.read <= computed { Reason::Latency } else { Reason::Channel };
                    self.stalls.push(Stall { line, tensor, cycles: computed..end, reason });
                }
                self.now = end;
                for slot in reads.iter().chain(writes) {
                    self.touch(slot.place, self.whole(slot.tensor), end);
                }
                let workspace = Place::on_chip(*workspace);
                let size = known.map_or(Bytes::ZERO, |it| it.workspace);
                self.touch(workspace, Slice { low: Bytes::ZERO, high: size }, end);
                Ok(start.begin..end)
            }
        }
    }

    fn transfer(&mut self, copy: &Copy, slice: Slice) -> Result<Range<Cycles>, Error> {
        let Copy { tensor, from, to } = *copy;
        let Some(timing) = self.problem.machine.timing(from.memory, to.memory) else { return Ok(self.now..self.now) };
        let channel = timing.channel.index();
        let data = self.arrival(tensor, from);
        let released = self.touched.last(to.memory, &bytes(to, slice));
        let start = self.now.max(self.free[channel]).max(data);
        let read = start.plus(timing.busy(slice.size())?)?;
        let complete = read.plus(timing.latency)?;
        self.occupy(channel, start..read, slice.size());
        self.touch(from, slice, read);
        self.touch(to, slice, complete);
        let transfer = Transfer { copy: *copy, issued: self.now, data, released, start, read, complete };
        // Of several slices, the last one to be complete is waited for.
        let known = self.arrivals.entry(Slot { tensor, place: to }).or_insert_with(|| transfer.clone());
        if known.complete <= complete {
            *known = transfer;
        }
        Ok(start..complete)
    }

    fn wait(&mut self, line: usize, slot: Slot, after: &[Action]) {
        let Some(transfer) = self.arrivals.get(&slot).filter(|it| self.now < it.complete) else { return };
        let reason = reason(self.problem, after, transfer, self.now);
        self.stalls.push(Stall { line, tensor: slot.tensor, cycles: self.now..transfer.complete, reason });
        self.now = transfer.complete;
    }

    /// What an operator reads beside the scratchpad goes through channels while it runs.
    fn stream(&mut self, line: usize, reads: &[Slot]) -> Result<Streams, Error> {
        let mut streams = Streams { begin: self.now, read: self.now, complete: self.now, last: None };
        for slot in reads {
            let timing = self.problem.machine.timing(slot.place.memory, MemoryId::SCRATCHPAD);
            let Some(timing) = timing.filter(|_| slot.place.memory != MemoryId::SCRATCHPAD) else { continue };
            let channel = timing.channel.index();
            let data = self.arrival(slot.tensor, slot.place);
            let start = streams.begin.max(self.free[channel]).max(data);
            if streams.last.is_none() {
                if self.now < start {
                    let reason = if start == data { Reason::WriteBack } else { Reason::Channel };
                    self.stalls.push(Stall { line, tensor: slot.tensor, cycles: self.now..start, reason });
                }
                streams.begin = start;
            }
            let size = self.whole(slot.tensor).size();
            let read = start.plus(timing.busy(size)?)?;
            self.occupy(channel, start..read, size);
            let complete = read.plus(timing.latency)?;
            if streams.last.is_none() || streams.complete <= complete {
                (streams.read, streams.complete, streams.last) = (read, complete, Some(slot.tensor));
            }
        }
        Ok(streams)
    }

    fn occupy(&mut self, channel: usize, cycles: Range<Cycles>, size: Bytes) {
        self.free[channel] = cycles.end;
        self.busy[channel].push(cycles);
        self.bytes[channel] = self.bytes[channel].saturating_add(size.0);
    }

    /// When a tensor is where it is read, as far as that depends on transfers: a staged one with its last part.
    fn arrival(&self, tensor: TensorId, place: Place) -> Cycles {
        let graph = &self.problem.graph;
        let is_staged = graph.tensors().get(tensor.index()).is_some_and(|it| it.origin == Origin::Staged);
        let at = |tensor| self.arrivals.get(&Slot { tensor, place }).map_or(Cycles::ZERO, |it| it.complete);
        match is_staged && place.memory == MemoryId::HOME {
            true => graph.parts(tensor).iter().map(|it| at(*it)).max().unwrap_or_default(),
            false => at(tensor),
        }
    }

    fn touch(&mut self, place: Place, slice: Slice, until: Cycles) {
        let has_addresses =
            self.problem.machine.memories().get(place.memory.index()).is_some_and(|it| it.size.is_some());
        if has_addresses {
            self.touched.touch(place.memory, bytes(place, slice), until);
        }
    }

    /// All of a tensor; nothing of one that there is not.
    fn whole(&self, tensor: TensorId) -> Slice {
        let size = self.problem.graph.tensors().get(tensor.index()).map_or(Bytes::ZERO, |it| it.size);
        Slice { low: Bytes::ZERO, high: size }
    }
}

/// The transfers that go on while an operator runs.
struct Streams {
    /// When the operator begins.
    begin: Cycles,
    /// When the channel is done with the last that is complete, and when that is complete.
    read: Cycles,
    complete: Cycles,
    last: Option<TensorId>,
}

/// The addresses of some bytes of a tensor.
fn bytes(place: Place, slice: Slice) -> Range<u64> {
    place.offset.0.saturating_add(slice.low.0)..place.offset.0.saturating_add(slice.high.0)
}

/// How long two things go on at once: both are in order, and none is so twice at a time.
fn shared(some: &[Range<Cycles>], others: &[Range<Cycles>]) -> Cycles {
    let (mut one, mut other, mut sum) = (0, 0, Cycles::ZERO);
    while let (Some(a), Some(b)) = (some.get(one), others.get(other)) {
        sum += a.end.min(b.end).saturating_sub(a.start.max(b.start));
        if a.end <= b.end { one += 1 } else { other += 1 }
    }
    sum
}
