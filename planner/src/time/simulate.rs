//! The judge of time: the times of all lines of a planned program on a machine with a clock, and the reasons of delays.
//!
//! 1. Lines begin in order. An operator begins when all lines above it are done, except issued transfers. So a transfer
//!    issued above an operator may run in parallel with it, and one below may not begin before the operator ends.
//! 2. A transfer begins when the lines above it allow it, its channel is free, and its source is complete: on one
//!    channel, a tensor may be reloaded before anything has waited for its spill.
//! 3. A wait is done when the transfer is complete.
//! 4. Operands outside of the scratchpad go over the channel of their link. The operator begins with the first of these
//!    transfers, and does not end before the last of them is complete.
//!
//! So the compute engine either computes or stalls at one line, and the cycles of all operators and of all stalls add
//! up to the makespan.
//!
//! It shares no code with any planner. [`check`](crate::check) decides whether the program is correct; here any program
//! has a time.

use super::stall::reason;
use super::touched::Touched;
use super::{Reason, Stall};
use crate::{Action, Bytes, Copy, Cycles, Error, MemoryId, Origin, Place, Problem, Slice, Slot, TensorId};
use std::collections::HashMap;
use std::ops::Range;

/// The timing of a program, in cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The end of the last line.
    pub makespan: Cycles,
    /// The sum of the cycles of all operators.
    pub compute: Cycles,
    /// By line of the program, half-open: for an operator, its run; for a transfer, from its start on the channel to
    /// its completion; for a wait, from the end of the lines above to the completion of the transfer.
    pub lines: Vec<Range<Cycles>>,
    /// The stalls of the compute engine: in order, none of them empty.
    pub stalls: Vec<Stall>,
    /// By channel.
    pub channels: Vec<ChannelUse>,
}

/// The use of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelUse {
    /// The bytes that it carried.
    pub bytes: Bytes,
    /// The cycles in which it was busy.
    pub busy: Cycles,
    /// The busy cycles in which an operator computed.
    pub hidden: Cycles,
}

impl Timeline {
    /// The cycles lost for a reason.
    pub fn lost(&self, reason: Reason) -> Cycles {
        let stalls = self.stalls.iter().filter(|it| it.reason == reason);
        stalls.map(|it| it.cycles.end - it.cycles.start).sum()
    }

    /// The share of the time of all transfers in which an operator computed; `None` without transfers.
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

/// A transfer, and the times that determine its start.
#[derive(Clone)]
pub(super) struct Transfer {
    pub copy: Copy,
    /// When the lines above it were done.
    pub issued: Cycles,
    /// When its source was complete.
    pub data: Cycles,
    /// When the bytes of its destination were last used before.
    pub released: Cycles,
    /// When it began on its channel.
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
    /// The ranges in which operators compute.
    computing: Vec<Range<Cycles>>,
    /// By channel: the ranges in which it is busy, and its bytes in all.
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
        // A wait for several slices ends with the last one to complete.
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

    /// Operands outside of the scratchpad go over channels while the operator runs.
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

    /// When a tensor is complete where it is read, as far as that depends on transfers: a staged one with its last
    /// part.
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

    /// The whole tensor; an empty slice of an unknown one.
    fn whole(&self, tensor: TensorId) -> Slice {
        let size = self.problem.graph.tensors().get(tensor.index()).map_or(Bytes::ZERO, |it| it.size);
        Slice { low: Bytes::ZERO, high: size }
    }
}

/// The transfers during an operator.
struct Streams {
    /// When the operator begins.
    begin: Cycles,
    /// When the channel is done with the transfer that completes last, and when that completes.
    read: Cycles,
    complete: Cycles,
    last: Option<TensorId>,
}

/// The addresses of some bytes of a tensor.
fn bytes(place: Place, slice: Slice) -> Range<u64> {
    place.offset.0.saturating_add(slice.low.0)..place.offset.0.saturating_add(slice.high.0)
}

/// The total overlap of two lists of ranges, each ascending and disjoint.
fn shared(some: &[Range<Cycles>], others: &[Range<Cycles>]) -> Cycles {
    let (mut one, mut other, mut sum) = (0, 0, Cycles::ZERO);
    while let (Some(a), Some(b)) = (some.get(one), others.get(other)) {
        sum += a.end.min(b.end).saturating_sub(a.start.max(b.start));
        if a.end <= b.end { one += 1 } else { other += 1 }
    }
    sum
}
