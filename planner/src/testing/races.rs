//! Detects whether the result of a program depends on the speed of memories, by enumerating all states.
//!
//! The compute engine executes the program line by line. Each channel performs its transfers one after the other: it
//! reads all of one, and may begin the next while the bytes of the first are still being written, unless the next one
//! accesses that place. Without a clock, each transfer has its own channel. Two accesses are a race if both can be next
//! in some state, share a byte, and one of them writes.

use crate::{Action, Bytes, Copy, MemoryId, Origin, Place, Problem, Slot, TensorId};
use std::collections::HashSet;
use std::ops::Range;

/// Whether there is no race, and each transfer is waited for after it begins. The number of states is exponential in
/// the number of channels and of transfers in flight: for small programs.
pub fn is_free_of_races(problem: &Problem, actions: &[Action]) -> bool {
    Program::new(problem, actions).is_some_and(|it| it.is_free_of_races())
}

/// Bytes of a memory; without addresses, bytes of a tensor.
type Extent = (MemoryId, Option<TensorId>, Range<u128>);

struct Access {
    reads: Vec<Extent>,
    writes: Vec<Extent>,
}

enum Line {
    Issue,
    /// For these transfers.
    Wait(Vec<usize>),
    Run(Access),
}

struct Program {
    lines: Vec<Line>,
    /// In issue order.
    transfers: Vec<Access>,
    /// By channel: its transfers.
    queues: Vec<Vec<usize>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    line: usize,
    issued: usize,
    /// By channel: the number of transfers that were read completely.
    read: Vec<usize>,
    /// By transfer.
    has_landed: Vec<bool>,
}

impl Program {
    /// `None` if a wait is missing or superfluous.
    fn new(problem: &Problem, actions: &[Action]) -> Option<Program> {
        let mut program = Program { lines: Vec::new(), transfers: Vec::new(), queues: Vec::new() };
        let n_channels = problem.machine.clock().map_or(0, |it| it.channels.len());
        program.queues.resize(n_channels, Vec::new());
        let mut open: Vec<(Slot, usize)> = Vec::new();
        for action in actions {
            let size = |it: TensorId| problem.graph.tensor(it).size;
            match action {
                Action::Start(_) => {}
                Action::Copy(copy) => {
                    let transfer = program.issue(problem, copy, Bytes::ZERO..size(copy.tensor));
                    program.lines.push(Line::Wait(vec![transfer]));
                }
                Action::Issue(copy) => {
                    let transfer = program.issue(problem, copy, Bytes::ZERO..size(copy.tensor));
                    open.push((Slot { tensor: copy.tensor, place: copy.to }, transfer));
                }
                Action::IssueSlice(copy, slice) => {
                    let transfer = program.issue(problem, copy, slice.low..slice.high);
                    open.push((Slot { tensor: copy.tensor, place: copy.to }, transfer));
                }
                Action::Wait(slot) => {
                    let (met, left): (Vec<_>, Vec<_>) = open.into_iter().partition(|it| it.0 == *slot);
                    if met.is_empty() {
                        return None;
                    }
                    program.lines.push(Line::Wait(met.into_iter().map(|it| it.1).collect()));
                    open = left;
                }
                Action::Run { op, reads, writes, workspace } => {
                    let extents = |slots: &[Slot]| {
                        let extent = |it: &Slot| extents(problem, it.tensor, it.place, Bytes::ZERO..size(it.tensor));
                        slots.iter().flat_map(extent).collect::<Vec<Extent>>()
                    };
                    let mut access = Access { reads: extents(reads), writes: extents(writes) };
                    let start = u128::from(workspace.0);
                    let end = start + u128::from(problem.graph.op(*op).workspace.0);
                    access.writes.push((MemoryId::SCRATCHPAD, None, start..end));
                    program.lines.push(Line::Run(access));
                }
            }
        }
        open.is_empty().then_some(program)
    }

    fn issue(&mut self, problem: &Problem, copy: &Copy, slice: Range<Bytes>) -> usize {
        let transfer = self.transfers.len();
        let extents = |place| extents(problem, copy.tensor, place, slice.clone());
        self.transfers.push(Access { reads: extents(copy.from), writes: extents(copy.to) });
        match problem.machine.timing(copy.from.memory, copy.to.memory) {
            Some(timing) => self.queues[timing.channel.index()].push(transfer),
            None => self.queues.push(vec![transfer]),
        }
        self.lines.push(Line::Issue);
        transfer
    }

    fn is_free_of_races(&self) -> bool {
        let (read, has_landed) = (vec![0; self.queues.len()], vec![false; self.transfers.len()]);
        let mut waiting = vec![State { line: 0, issued: 0, read, has_landed }];
        let mut seen: HashSet<State> = waiting.iter().cloned().collect();
        while let Some(state) = waiting.pop() {
            let next = self.next(&state);
            for (at, (_, access)) in next.iter().enumerate() {
                if next[..at].iter().any(|(_, other)| races(access, other)) {
                    return false;
                }
            }
            for (state, _) in next {
                if seen.insert(state.clone()) {
                    waiting.push(state);
                }
            }
        }
        true
    }

    /// The possible next events, with their accesses.
    fn next(&self, state: &State) -> Vec<(State, Access)> {
        let nothing = || Access { reads: Vec::new(), writes: Vec::new() };
        let mut next = Vec::new();
        let following = || State { line: state.line + 1, ..state.clone() };
        match self.lines.get(state.line) {
            Some(Line::Issue) => next.push((State { issued: state.issued + 1, ..following() }, nothing())),
            Some(Line::Wait(transfers)) if transfers.iter().all(|it| state.has_landed[*it]) => {
                next.push((following(), nothing()));
            }
            Some(Line::Run(access)) => next.push((following(), access.copied())),
            Some(Line::Wait(_)) | None => {}
        }
        for (channel, queue) in self.queues.iter().enumerate() {
            let (done, left) = queue.split_at(state.read[channel]);
            let under_way = || done.iter().filter(|it| !state.has_landed[**it]).copied();
            for landing in under_way() {
                let mut after = state.clone();
                after.has_landed[landing] = true;
                let writes = self.transfers[landing].writes.clone();
                next.push((after, Access { reads: Vec::new(), writes }));
            }
            let Some(&transfer) = left.first().filter(|it| **it < state.issued) else { continue };
            let access = &self.transfers[transfer];
            let is_met = |it: usize| {
                let goal = &self.transfers[it].writes;
                do_meet(goal, &access.reads) || do_meet(goal, &access.writes)
            };
            if !under_way().any(is_met) {
                let mut after = state.clone();
                after.read[channel] += 1;
                next.push((after, access.copied()));
            }
        }
        next
    }
}

impl Access {
    fn copied(&self) -> Access {
        Access { reads: self.reads.clone(), writes: self.writes.clone() }
    }
}

fn races(one: &Access, other: &Access) -> bool {
    do_meet(&one.writes, &other.writes) || do_meet(&one.writes, &other.reads) || do_meet(&one.reads, &other.writes)
}

fn do_meet(some: &[Extent], others: &[Extent]) -> bool {
    let meet = |a: &Extent, b: &Extent| (a.0, a.1) == (b.0, b.1) && a.2.start.max(b.2.start) < a.2.end.min(b.2.end);
    some.iter().any(|a| others.iter().any(|b| meet(a, b)))
}

/// The location of bytes of a tensor: a staged one in host memory is all of its parts.
fn extents(problem: &Problem, tensor: TensorId, place: Place, slice: Range<Bytes>) -> Vec<Extent> {
    let has_addresses = problem.machine.memories()[place.memory.index()].size.is_some();
    let range = |start: u128, slice: &Range<Bytes>| start + u128::from(slice.start.0)..start + u128::from(slice.end.0);
    if has_addresses {
        return vec![(place.memory, None, range(place.offset.0.into(), &slice))];
    }
    let whole = |it: TensorId| (place.memory, Some(it), range(0, &(Bytes::ZERO..problem.graph.tensor(it).size)));
    match problem.graph.tensor(tensor).origin {
        Origin::Staged => problem.graph.parts(tensor).iter().copied().map(whole).collect(),
        _ => vec![(place.memory, Some(tensor), range(0, &slice))],
    }
}
