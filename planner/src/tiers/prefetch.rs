//! A memory between home and the scratchpad as a buffer for what comes from home.
//!
//! What a program brings from home into the memory comes as early as there is room for it, in the order in which it is
//! needed: the first comes first, each to where the memory is free the longest before. So a slow link from home is busy while
//! operators compute, whatever lies in the scratchpad.
//!
//! With a *detour*, what comes from home straight to the scratchpad comes over the memory as well, if there is room for it.
//! That costs the link between the two besides, and is only faster.

use crate::{Action, Bytes, Copy, MemoryId, Origin, Place, Problem, Slot, TensorId, check};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The program with all that comes from home into a memory as early as there is room, and the same copies else. Lines run one
/// after the other. None if nothing comes earlier.
pub(super) fn prefetched(
    problem: &Problem,
    actions: &[Action],
    memory: MemoryId,
    has_detour: &dyn Fn(TensorId) -> bool,
) -> Option<Vec<Action>> {
    let machine = &problem.machine;
    let ways = [(MemoryId::HOME, memory), (memory, MemoryId::SCRATCHPAD)];
    machine.memories()[memory.index()].size?;
    if ways.iter().any(|(from, to)| machine.link(*from, *to).is_none()) {
        return None;
    }
    let mut buffer = Buffer::new(problem, memory);
    let arrivals = buffer.read(actions, has_detour);
    let mut changes = Changes::default();
    let mut start = 0;
    for arrival in arrivals {
        // A detour is only faster if an operator runs meanwhile.
        let is_early = |line: usize| {
            !arrival.is_detour || actions[line..arrival.line].iter().any(|it| matches!(it, Action::Run { .. }))
        };
        match buffer.place(&arrival, arrival.earliest.max(start)).filter(|(line, _)| is_early(*line)) {
            Some((line, offset)) => {
                buffer.take(&arrival, line, offset);
                start = line;
                changes.add(&arrival, line, offset);
            }
            None if arrival.is_detour => {}
            None => return None,
        }
    }
    if changes.arrivals.is_empty() {
        return None;
    }
    let changed = changes.apply(actions, memory);
    check(problem, &changed).is_ok().then_some(changed)
}

/// A tensor that comes from home into the memory.
struct Arrival {
    tensor: TensorId,
    /// The line that brings it, so far.
    line: usize,
    /// The last line that reads it in the memory.
    last: usize,
    /// The first line before which it may come.
    earliest: usize,
    /// Whether the line brings it to the scratchpad so far.
    is_detour: bool,
}

/// What lies in the memory: bytes, from one line to another.
struct Stay {
    bytes: Range<u64>,
    first: usize,
    last: usize,
}

struct Buffer<'a> {
    problem: &'a Problem,
    memory: MemoryId,
    stays: Vec<Stay>,
}

impl<'a> Buffer<'a> {
    fn new(problem: &'a Problem, memory: MemoryId) -> Buffer<'a> {
        let reserved = problem.machine.memories()[memory.index()].reserved.iter();
        let stays =
            reserved.map(|bytes| Stay { bytes: bytes.start.0..bytes.end.0, first: 0, last: usize::MAX }).collect();
        Buffer { problem, memory, stays }
    }

    /// Notes what lies in the memory and cannot come earlier; gives all else, in the order in which it is needed.
    fn read(&mut self, actions: &[Action], has_detour: &dyn Fn(TensorId) -> bool) -> Vec<Arrival> {
        let mut arrivals: Vec<Arrival> = Vec::new();
        // By tensor in the memory: which of the arrivals it is, or of the stays.
        let mut present: HashMap<TensorId, Result<usize, usize>> = HashMap::new();
        // By tensor: the line after the one that brought it home last.
        let mut at_home: HashMap<TensorId, usize> = HashMap::new();
        for (line, action) in actions.iter().enumerate() {
            let read: Vec<TensorId> = match action {
                Action::Copy(copy) if copy.from.memory == self.memory => vec![copy.tensor],
                Action::Run { reads, .. } => {
                    reads.iter().filter(|slot| slot.place.memory == self.memory).map(|slot| slot.tensor).collect()
                }
                _ => Vec::new(),
            };
            for tensor in read {
                match present.get(&tensor) {
                    Some(Ok(index)) => arrivals[*index].last = line,
                    Some(Err(index)) => self.stays[*index].last = line,
                    None => {}
                }
            }
            let Action::Copy(Copy { tensor, from, to }) = *action else { continue };
            let is_staged = self.problem.graph.tensor(tensor).origin == Origin::Staged;
            let earliest = at_home.get(&tensor).copied().unwrap_or(0);
            let arrival = Arrival { tensor, line, last: line, earliest, is_detour: to.memory != self.memory };
            if to == Place::HOME {
                at_home.insert(tensor, line + 1);
            } else if to.memory == self.memory && from == Place::HOME && !is_staged {
                present.insert(tensor, Ok(arrivals.len()));
                arrivals.push(arrival);
            } else if to.memory == self.memory {
                let end = to.offset.0.saturating_add(self.problem.graph.tensor(tensor).size.0);
                present.insert(tensor, Err(self.stays.len()));
                self.stays.push(Stay { bytes: to.offset.0..end, first: line, last: line });
            } else if from == Place::HOME && !is_staged && !present.contains_key(&tensor) && has_detour(tensor) {
                arrivals.push(arrival);
            }
        }
        arrivals
    }

    /// Where an arrival may come the earliest, not before a line: before which line it comes, and to which offset.
    /// None where there is no room for it even at the line that brings it so far.
    fn place(&self, arrival: &Arrival, earliest: usize) -> Option<(usize, u64)> {
        let memory = &self.problem.machine.memories()[self.memory.index()];
        let (size, alignment) = (self.problem.graph.tensor(arrival.tensor).size.0, memory.alignment.0.max(1));
        let relevant: Vec<&Stay> = self.stays.iter().filter(|stay| stay.first <= arrival.last).collect();
        let ends = relevant.iter().map(|stay| stay.bytes.end);
        let offsets = ends.chain([0]).filter_map(|end| end.checked_next_multiple_of(alignment));
        let place = |offset: u64| {
            let end = offset.checked_add(size).filter(|end| Some(Bytes(*end)) <= memory.size)?;
            let meets = |stay: &&&Stay| stay.bytes.start.max(offset) < stay.bytes.end.min(end);
            let free = relevant.iter().filter(meets).map(|stay| stay.last.saturating_add(1)).max().unwrap_or(0);
            let line = free.max(earliest);
            (line <= arrival.line).then_some((line, offset))
        };
        offsets.filter_map(place).min()
    }

    fn take(&mut self, arrival: &Arrival, line: usize, offset: u64) {
        let end = offset + self.problem.graph.tensor(arrival.tensor).size.0;
        self.stays.push(Stay { bytes: offset..end, first: line, last: arrival.last });
    }
}

/// What changes in a program.
#[derive(Default)]
struct Changes {
    /// By line: what comes before it, and where to.
    arrivals: BTreeMap<usize, Vec<(TensorId, u64)>>,
    /// Lines that bring in what came earlier: none that goes on to the scratchpad, else from which offset.
    brought: HashMap<usize, Option<u64>>,
    /// By tensor: its new offset from one line to another.
    offsets: HashMap<TensorId, Vec<(Range<usize>, u64)>>,
}

impl Changes {
    fn add(&mut self, arrival: &Arrival, line: usize, offset: u64) {
        self.arrivals.entry(line).or_default().push((arrival.tensor, offset));
        self.brought.insert(arrival.line, arrival.is_detour.then_some(offset));
        if !arrival.is_detour {
            let lines = arrival.line..arrival.last + 1;
            self.offsets.entry(arrival.tensor).or_default().push((lines, offset));
        }
    }

    fn apply(&self, actions: &[Action], memory: MemoryId) -> Vec<Action> {
        let mut changed = Vec::with_capacity(actions.len() + self.arrivals.len());
        let there = |offset: u64| Place { memory, offset: Bytes(offset) };
        for (line, action) in actions.iter().enumerate() {
            for (tensor, offset) in self.arrivals.get(&line).into_iter().flatten() {
                changed.push(Action::Copy(Copy { tensor: *tensor, from: Place::HOME, to: there(*offset) }));
            }
            // Where a tensor lies in the memory now.
            let moved = |tensor: TensorId, place: Place| {
                let offsets = self.offsets.get(&tensor).filter(|_| place.memory == memory);
                let found = offsets.and_then(|all| all.iter().find(|(lines, _)| lines.contains(&line)));
                found.map_or(place, |(_, offset)| there(*offset))
            };
            match (action, self.brought.get(&line)) {
                (Action::Copy(_), Some(None)) => {}
                (Action::Copy(copy), Some(Some(offset))) => {
                    changed.push(Action::Copy(Copy { from: there(*offset), ..*copy }));
                }
                (Action::Copy(copy), None) => {
                    changed.push(Action::Copy(Copy { from: moved(copy.tensor, copy.from), ..*copy }));
                }
                (Action::Run { op, reads, writes, workspace }, _) => {
                    let moved = |slot: &Slot| Slot { tensor: slot.tensor, place: moved(slot.tensor, slot.place) };
                    let (op, reads) = (*op, reads.iter().map(moved).collect());
                    changed.push(Action::Run { op, reads, writes: writes.clone(), workspace: *workspace });
                }
                (action, _) => changed.push(action.clone()),
            }
        }
        changed
    }
}
