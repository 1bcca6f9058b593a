//! Copies beside operators: from a program whose lines run one after the other to one whose copies go on while operators
//! run, on a machine of several memories with a clock.
//!
//! Operators stay in their order, and all addresses as they are. Two lines that have bytes in common, at least one of
//! which writes them, stay in theirs. Everything else may change places:
//!
//! - What an operator waits for is issued before it, with all that it depends on.
//! - While an operator runs, each channel is given copies until it is busy for as long: those first which are needed
//!   first.
//!
//! A copy waits for nothing that its own channel does before it: channels work first in, first out.
//!
//! The same is tried with what comes from home into another memory as early as there is room in that (`prefetch.rs`).

use super::prefetch::prefetched;
use crate::time::{ChannelId, Timeline, simulate};
use crate::{
    Action, Bytes, Copy, Cycles, Error, MemoryId, Objective, OpId, Origin, Place, Problem, Slot, TensorId, Traffic,
};
use std::collections::HashSet;
use std::ops::Range;

/// A program whose copies go on beside its operators, and how it goes: the given one where nothing is faster. Where the
/// objective is latency, copies may go over memories between home and the scratchpad although that costs more.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`].
pub fn overlap(problem: &Problem, actions: &[Action], objective: Objective) -> Result<(Vec<Action>, Timeline), Error> {
    let mut best = Overlapped { timeline: simulate(problem, actions)?, actions: actions.to_vec() };
    best.replace_if_faster(problem, Overlapped::new(problem, actions)?);
    for memory in (2..problem.machine.memories().len() as u32).map(MemoryId) {
        if let Some(early) = prefetched(problem, actions, memory, &|_| false) {
            best.replace_if_faster(problem, Overlapped::new(problem, &early)?);
        }
        if objective == Objective::Traffic {
            continue;
        }
        if let Some(early) = prefetched(problem, actions, memory, &|_| true) {
            best.replace_if_faster(problem, Overlapped::new(problem, &early)?);
        }
        // Only what operators wait for: that costs less.
        let mut slow: HashSet<TensorId> = HashSet::new();
        let mut stalls = Overlapped::new(problem, actions)?.timeline.stalls;
        for _ in 0..MOST_ROUNDS {
            let n_before = slow.len();
            slow.extend(stalls.iter().map(|stall| stall.tensor));
            if slow.len() == n_before {
                break;
            }
            let Some(early) = prefetched(problem, actions, memory, &|tensor| slow.contains(&tensor)) else { break };
            let overlapped = Overlapped::new(problem, &early)?;
            stalls = overlapped.timeline.stalls.clone();
            best.replace_if_faster(problem, overlapped);
        }
    }
    Ok((best.actions, best.timeline))
}

/// How often more tensors come over a memory between home and the scratchpad.
const MOST_ROUNDS: usize = 4;

/// A program, and how it goes.
struct Overlapped {
    actions: Vec<Action>,
    timeline: Timeline,
}

impl Overlapped {
    /// The fastest of the programs that give channels copies for different times ahead.
    fn new(problem: &Problem, actions: &[Action]) -> Result<Overlapped, Error> {
        let lines = Lines::new(problem, actions);
        let mut best: Option<Overlapped> = None;
        for ahead in [Ahead::Run, Ahead::TwoRuns, Ahead::Everything] {
            let actions = Emission::new(problem, &lines, ahead)?.emit()?;
            let timeline = simulate(problem, &actions)?;
            if best.as_ref().is_none_or(|best| timeline.makespan < best.timeline.makespan) {
                best = Some(Overlapped { actions, timeline });
            }
        }
        Ok(best.expect("there are several"))
    }

    /// Takes the other one if it takes less time, or as much and costs less.
    fn replace_if_faster(&mut self, problem: &Problem, other: Overlapped) {
        let rank = |it: &Overlapped| (it.timeline.makespan, Traffic::of(problem, &it.actions).cost);
        if rank(&other) < rank(self) {
            *self = other;
        }
    }
}

/// For how long channels are given copies before an operator runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Until it ends.
    Run,
    /// As if it took twice as long.
    TwoRuns,
    /// For ever: all that may begin.
    Everything,
}

/// Bytes of one memory, or, where tensors need no address, one tensor there.
#[derive(Clone, PartialEq, Eq)]
struct Region {
    memory: MemoryId,
    apart: Option<TensorId>,
    bytes: Range<u64>,
}

impl Region {
    fn of(problem: &Problem, tensor: TensorId, place: Place) -> Region {
        let size = problem.graph.tensor(tensor).size;
        let needs_address = problem.machine.memories()[place.memory.index()].size.is_some() && size != Bytes::ZERO;
        Region {
            memory: place.memory,
            apart: (!needs_address).then_some(tensor),
            bytes: if needs_address { place.offset.0..place.offset.0 + size.0 } else { 0..0 },
        }
    }

    fn meets(&self, other: &Region) -> bool {
        let have_bytes = self.bytes.start.max(other.bytes.start) < self.bytes.end.min(other.bytes.end);
        let are_one = self.apart.is_some() && self.apart == other.apart;
        self.memory == other.memory && (have_bytes || are_one)
    }

    fn covers(&self, other: &Region) -> bool {
        let has_bytes = self.bytes.start <= other.bytes.start && other.bytes.end <= self.bytes.end;
        self.memory == other.memory && self.apart == other.apart && has_bytes
    }
}

/// That a line comes after another.
#[derive(Clone, Copy)]
struct Dependence {
    on: usize,
    /// Both write the same bytes: no order of a channel is enough.
    both_write: bool,
}

/// The lines of a program, and what each depends on.
struct Lines<'a> {
    actions: &'a [Action],
    /// By line, ascending.
    dependences: Vec<Vec<Dependence>>,
    /// By line: which of the operators is the first that needs it, counted in program order; for an operator itself, which
    /// one it is.
    needed_by: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(problem: &Problem, actions: &'a [Action]) -> Lines<'a> {
        let mut dependences: Vec<Vec<Dependence>> = Vec::with_capacity(actions.len());
        // What earlier lines read and wrote, unless it was written over as a whole.
        let mut known: Vec<(usize, Region, bool)> = Vec::new();
        for (line, action) in actions.iter().enumerate() {
            let touched = touched(problem, action);
            let mut found: Vec<Dependence> = Vec::new();
            for (region, writes) in &touched {
                for (on, _, wrote) in known.iter().filter(|it| (*writes || it.2) && it.1.meets(region)) {
                    let both_write = *writes && *wrote;
                    match found.iter_mut().find(|it| it.on == *on) {
                        Some(same) => same.both_write |= both_write,
                        None => found.push(Dependence { on: *on, both_write }),
                    }
                }
            }
            found.sort_by_key(|it| it.on);
            dependences.push(found);
            let written: Vec<&Region> = touched.iter().filter(|it| it.1).map(|it| &it.0).collect();
            known.retain(|it| !written.iter().any(|region| region.covers(&it.1)));
            known.extend(touched.iter().map(|(region, writes)| (line, region.clone(), *writes)));
        }
        let n_runs = actions.iter().filter(|it| matches!(it, Action::Run { .. })).count();
        let mut needed_by = vec![n_runs; actions.len()];
        let mut run = n_runs;
        for line in (0..actions.len()).rev() {
            if matches!(actions[line], Action::Run { .. }) {
                run -= 1;
                needed_by[line] = run;
            }
            let first = needed_by[line];
            for it in &dependences[line] {
                if !matches!(actions[it.on], Action::Run { .. }) {
                    needed_by[it.on] = needed_by[it.on].min(first);
                }
            }
        }
        Lines { actions, dependences, needed_by }
    }

    fn copy(&self, line: usize) -> Option<&'a Copy> {
        match &self.actions[line] {
            Action::Copy(copy) => Some(copy),
            _ => None,
        }
    }
}

/// What a line reads and writes, and whether it writes it.
fn touched(problem: &Problem, action: &Action) -> Vec<(Region, bool)> {
    let read = |slot: &Slot| -> Vec<(Region, bool)> {
        let is_staged = problem.graph.tensor(slot.tensor).origin == Origin::Staged;
        let parts: &[TensorId] = match is_staged && slot.place.memory == MemoryId::HOME {
            true => problem.graph.parts(slot.tensor),
            false => &[slot.tensor],
        };
        parts.iter().map(|part| (Region::of(problem, *part, slot.place), false)).collect()
    };
    match action {
        Action::Start(slot) => vec![(Region::of(problem, slot.tensor, slot.place), true)],
        Action::Copy(Copy { tensor, from, to }) => {
            let mut all = read(&Slot { tensor: *tensor, place: *from });
            all.push((Region::of(problem, *tensor, *to), true));
            all
        }
        Action::Run { op, reads, writes, workspace } => {
            let size = problem.graph.op(*op).workspace;
            let bytes = workspace.0..workspace.0.saturating_add(size.0);
            let workspace = Region { memory: MemoryId::SCRATCHPAD, apart: None, bytes };
            let written = writes.iter().map(|slot| (Region::of(problem, slot.tensor, slot.place), true));
            reads.iter().flat_map(read).chain(written).chain([(workspace, true)]).collect()
        }
        // Programs that are given have none of these.
        Action::Issue(_) | Action::IssueSlice(..) | Action::Wait(_) => Vec::new(),
    }
}

/// Where a copy is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    NotIssued,
    /// Until when.
    Issued(Cycles),
    Waited,
}

/// A program that is written, and its time so far as the judge of time counts it.
struct Emission<'a> {
    problem: &'a Problem,
    lines: &'a Lines<'a>,
    ahead: Ahead,
    states: Vec<State>,
    /// Copies that were not issued, by when they are needed.
    pending: Vec<usize>,
    written: Vec<Action>,
    now: Cycles,
    /// By channel: when it is done with all that it was given.
    free: Vec<Cycles>,
}

impl<'a> Emission<'a> {
    fn new(problem: &'a Problem, lines: &'a Lines<'a>, ahead: Ahead) -> Result<Emission<'a>, Error> {
        let clock = problem.machine.clock().ok_or(Error::NoClock)?;
        let mut pending: Vec<usize> = (0..lines.actions.len()).filter(|it| lines.copy(*it).is_some()).collect();
        pending.sort_by_key(|it| (lines.needed_by[*it], *it));
        Ok(Emission {
            problem,
            lines,
            ahead,
            states: vec![State::NotIssued; lines.actions.len()],
            pending,
            written: Vec::new(),
            now: Cycles::ZERO,
            free: vec![Cycles::ZERO; clock.channels.len()],
        })
    }

    fn emit(mut self) -> Result<Vec<Action>, Error> {
        for line in 0..self.lines.actions.len() {
            match &self.lines.actions[line] {
                Action::Run { op, reads, .. } => self.run(line, *op, reads)?,
                Action::Start(_) => {
                    self.written.push(self.lines.actions[line].clone());
                    self.states[line] = State::Waited;
                }
                _ => {}
            }
        }
        let mut left = self.pending.clone();
        left.sort_unstable();
        for line in left {
            self.issue_after_all(line)?;
        }
        for line in 0..self.states.len() {
            self.wait(line);
        }
        Ok(self.written)
    }

    fn run(&mut self, line: usize, op: OpId, reads: &[Slot]) -> Result<(), Error> {
        for needed in self.needed(line) {
            self.issue_after_all(needed)?;
        }
        let cycles = self.problem.cycles(op)?.unwrap_or_default();
        let streams: Vec<ChannelId> =
            reads.iter().filter_map(|it| self.channel(it.place.memory, MemoryId::SCRATCHPAD)).collect();
        self.issue_ahead(cycles, &streams)?;
        let dependences = &self.lines.dependences[line];
        dependences.iter().for_each(|it| self.wait(it.on));
        self.issue_ahead(cycles, &streams)?;
        self.written.push(self.lines.actions[line].clone());
        self.states[line] = State::Waited;
        let mut end = self.now.plus(cycles)?;
        for slot in reads {
            let Some(timing) = self.timing(slot.place.memory, MemoryId::SCRATCHPAD) else { continue };
            let start = self.now.max(self.free[timing.channel.index()]);
            let read = start.plus(timing.busy(self.problem.graph.tensor(slot.tensor).size)?)?;
            self.free[timing.channel.index()] = read;
            end = end.max(read.plus(timing.latency)?).max(start.plus(cycles)?);
        }
        self.now = end;
        Ok(())
    }

    /// The copies that were not issued without which a line cannot be, in an order in which they can be.
    fn needed(&self, line: usize) -> Vec<usize> {
        let mut needed = Vec::new();
        let mut open = vec![line];
        while let Some(line) = open.pop() {
            for it in &self.lines.dependences[line] {
                let is_new = self.lines.copy(it.on).is_some() && self.states[it.on] == State::NotIssued;
                if is_new && !needed.contains(&it.on) {
                    needed.push(it.on);
                    open.push(it.on);
                }
            }
        }
        needed.sort_unstable();
        needed
    }

    /// Gives channels copies that may begin, for as long as an operator runs; not those from which it reads itself.
    fn issue_ahead(&mut self, cycles: Cycles, streams: &[ChannelId]) -> Result<(), Error> {
        let end = match self.ahead {
            Ahead::Run => self.now.plus(cycles)?,
            Ahead::TwoRuns => self.now.plus(cycles)?.plus(cycles)?,
            Ahead::Everything => Cycles(u64::MAX),
        };
        // What one copy makes room for may be another's place.
        loop {
            let may_begin = |line: &&usize| {
                let channel = self.channel_of(**line);
                channel.is_none_or(|it| self.free[it.index()] < end && !streams.contains(&it)) && self.is_ready(**line)
            };
            let Some(&line) = self.pending.iter().find(may_begin) else { return Ok(()) };
            self.issue_after_all(line)?;
        }
    }

    /// Whether a copy can be issued without a stall.
    fn is_ready(&self, line: usize) -> bool {
        self.lines.dependences[line].iter().all(|it| match self.states[it.on] {
            State::Waited => true,
            State::NotIssued => false,
            State::Issued(complete) => complete <= self.now || self.is_in_queue(line, *it),
        })
    }

    /// Whether the channel of a copy keeps it behind what it depends on.
    fn is_in_queue(&self, line: usize, dependence: Dependence) -> bool {
        let channel = self.channel_of(line);
        !dependence.both_write && channel.is_some() && channel == self.channel_of(dependence.on)
    }

    /// Issues a copy, once it was waited for all that it depends on.
    fn issue_after_all(&mut self, line: usize) -> Result<(), Error> {
        let Some(copy) = self.lines.copy(line).filter(|_| self.states[line] == State::NotIssued) else { return Ok(()) };
        let mut data = Cycles::ZERO;
        for it in &self.lines.dependences[line] {
            if self.is_in_queue(line, *it) {
                let State::Issued(complete) = self.states[it.on] else { continue };
                let brings_it =
                    self.lines.copy(it.on).is_some_and(|other| (other.tensor, other.to) == (copy.tensor, copy.from));
                data = data.max(if brings_it { complete } else { Cycles::ZERO });
            } else {
                self.wait(it.on);
            }
        }
        let mut complete = self.now;
        if let Some(timing) = self.timing(copy.from.memory, copy.to.memory) {
            let channel = timing.channel.index();
            let start = self.now.max(self.free[channel]).max(data);
            self.free[channel] = start.plus(timing.busy(self.problem.graph.tensor(copy.tensor).size)?)?;
            complete = self.free[channel].plus(timing.latency)?;
        }
        self.written.push(Action::Issue(*copy));
        self.states[line] = State::Issued(complete);
        self.pending.retain(|it| *it != line);
        Ok(())
    }

    /// Waits for a copy that was issued, once.
    fn wait(&mut self, line: usize) {
        if let (State::Issued(complete), Some(copy)) = (self.states[line], self.lines.copy(line)) {
            self.written.push(Action::Wait(Slot { tensor: copy.tensor, place: copy.to }));
            self.states[line] = State::Waited;
            self.now = self.now.max(complete);
        }
    }

    fn channel_of(&self, line: usize) -> Option<ChannelId> {
        self.lines.copy(line).and_then(|it| self.channel(it.from.memory, it.to.memory))
    }

    fn channel(&self, from: MemoryId, to: MemoryId) -> Option<ChannelId> {
        self.timing(from, to).map(|it| it.channel)
    }

    fn timing(&self, from: MemoryId, to: MemoryId) -> Option<&'a crate::time::Timing> {
        self.problem.machine.timing(from, to).filter(|_| from != to)
    }
}
