//! The residencies of tensors, read off a program.
//!
//! A block begins with the line that puts a tensor into a memory with addresses. It ends after the last operator that
//! reads or writes the tensor there, or with the wait for its last outgoing transfer if that comes later. Blocks do
//! not depend on the plan that the program was made from. Steps are counted as operators run: lines between two
//! operators belong to the boundary between them.
//!
//! A channel carries out its copies in order. So if a copy comes in through the same channel by which another copy
//! still goes out, and overwrites its source, the source's bytes are free from that line on, wherever the wait is.

use cosma_planner::pack::{Interval, Piece};
use cosma_planner::{
    Action, Bytes, Copy, InPlace, Machine, MemoryId, OpId, Place, Problem, Slice, Slot, Step, TensorId,
};
use std::collections::HashMap;
use std::ops::Range;

/// A tensor in a memory with addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub tensor: TensorId,
    pub place: Place,
    /// Half-open: the steps during which it occupies its bytes, including those of its transfers.
    pub steps: Range<Step>,
    /// Half-open: from the first step before which it is complete, to the end of the last operator that uses it.
    pub used: Range<Step>,
    /// The line that puts it there, or begins to put it there.
    pub came: usize,
    /// The last line that copies it from there, if any.
    pub left: Option<usize>,
    /// For a load in slices: the bytes of each slice, and the step from which on it occupies them.
    pub slices: Vec<(Slice, Step)>,
}

/// A stay of a tensor at a place in a memory with addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedStay {
    /// The tensor.
    pub tensor: TensorId,
    /// Where it is.
    pub place: Place,
    /// Half-open: the steps during which it occupies its bytes, including those of its transfers. Empty if it only passes
    /// through between two steps.
    pub steps: Range<Step>,
}

/// The stays of tensors in all memories with addresses, read off a program: in the order of the lines with which they begin.
pub fn stays(problem: &Problem, actions: &[Action]) -> Vec<PlacedStay> {
    let stay = |it: Block| PlacedStay { tensor: it.tensor, place: it.place, steps: it.steps };
    Blocks::of(problem, actions).blocks.into_iter().map(stay).collect()
}

/// An operator's workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub op: OpId,
    pub step: Step,
    pub offset: Bytes,
    pub size: Bytes,
}

/// All blocks and workspaces of a program.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// Ordered by the line with which they begin.
    pub blocks: Vec<Block>,
    /// Ordered by step; only those with bytes.
    pub workspaces: Vec<Workspace>,
    /// The steps of the program.
    pub n_steps: usize,
    /// Results that an operator writes over an operand: the block of the result, the block of the operand, and the
    /// pair that allows it. The operand may live on.
    over: Vec<(usize, usize, InPlace)>,
}

impl Blocks {
    /// Reads a program.
    pub fn of(problem: &Problem, actions: &[Action]) -> Blocks {
        let mut reading = Reading { problem, found: Blocks::default(), at: HashMap::new(), under_way: HashMap::new() };
        actions.iter().enumerate().for_each(|(line, action)| reading.read(line, action));
        reading.found
    }

    /// The pairs of a result and an operand that share bytes, by block: the operand ends with the step in which the result
    /// begins.
    pub fn shared(&self) -> impl Iterator<Item = (usize, usize, InPlace)> {
        self.over
            .iter()
            .copied()
            .filter(|(result, operand, _)| self.blocks[*operand].steps.end == self.blocks[*result].steps.start.next())
    }

    /// The blocks of a memory, put together where they share bytes.
    pub fn groups(&self, problem: &Problem, memory: MemoryId) -> Vec<Group> {
        let mut root: Vec<usize> = (0..self.blocks.len()).collect();
        let find = |root: &[usize], mut at: usize| {
            while root[at] != at {
                at = root[at];
            }
            at
        };
        // By block: the one that takes its bytes at a step at which both are there.
        let mut steps: Vec<Range<Step>> = self.blocks.iter().map(|it| it.steps.clone()).collect();
        for (result, operand, pair) in self.shared() {
            let (first, second) = (find(&root, result), find(&root, operand));
            root[first.max(second)] = first.min(second);
            // The outer one covers the inner one.
            if pair.inner() == self.blocks[result].tensor {
                steps[result].start = steps[result].start.next();
            } else {
                steps[operand].end = self.blocks[result].steps.start;
            }
        }
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.blocks.len()];
        for at in 0..self.blocks.len() {
            if self.blocks[at].place.memory == memory {
                members[find(&root, at)].push(at);
            }
        }
        members.retain(|it| !it.is_empty());
        members.into_iter().map(|it| self.group(problem, it, &steps)).collect()
    }

    fn group(&self, problem: &Problem, members: Vec<usize>, steps: &[Range<Step>]) -> Group {
        let size = |at: &usize| problem.graph.tensor(self.blocks[*at].tensor).size;
        let offset = |at: &usize| self.blocks[*at].place.offset;
        let low = members.iter().map(offset).min().unwrap_or(Bytes::ZERO);
        let high = members.iter().map(|it| offset(it) + size(it)).max().unwrap_or(Bytes::ZERO);
        let mut pieces = Vec::new();
        for at in &members {
            let (block, from) = (&self.blocks[*at], offset(at) - low);
            let mut piece = |slice: Slice, start: Step| {
                let (low, high) = (from + slice.low, from + slice.high);
                pieces.push(Piece { start: start.0, end: steps[*at].end.0, low, high });
            };
            match &block.slices[..] {
                [] => piece(Slice { low: Bytes::ZERO, high: size(at) }, steps[*at].start),
                slices => slices.iter().for_each(|(slice, start)| piece(*slice, *start)),
            }
        }
        Group { offset: low, interval: Interval::of_parts(high - low, pieces), members }
    }
}

/// The parts of the scratchpad that are never free, ascending and disjoint: reserved addresses, and the bytes between
/// them and the next multiple of the alignment.
pub fn reserved(machine: &Machine) -> Vec<Range<Bytes>> {
    let (mut ranges, mut at) = (Vec::new(), Bytes::ZERO);
    for stretch in machine.stretches() {
        ranges.push(at..stretch.start);
        at = stretch.end;
    }
    ranges.push(at..machine.scratchpad());
    ranges.retain(|it| it.start < it.end);
    ranges
}

/// Blocks that share bytes and can move only together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Ascending indices into [`Blocks::blocks`].
    pub members: Vec<usize>,
    /// The offset of the lowest byte.
    pub offset: Bytes,
    /// The bytes of all blocks together.
    pub interval: Interval,
}

struct Reading<'a> {
    problem: &'a Problem,
    found: Blocks,
    /// The tensor at a place: the last one that was put there.
    at: HashMap<Slot, usize>,
    /// Copies that nothing has waited for yet, by destination, and whether the bytes of their source are free
    /// already.
    under_way: HashMap<Slot, (Copy, bool)>,
}

impl Reading<'_> {
    fn now(&self) -> Step {
        Step(self.found.n_steps as u32)
    }

    fn read(&mut self, line: usize, action: &Action) {
        match action {
            Action::Start(slot) => self.come(*slot, line),
            Action::Copy(copy) => {
                self.leave(copy, line);
                self.free(copy, self.whole(copy));
                self.come(Slot { tensor: copy.tensor, place: copy.to }, line);
            }
            Action::Issue(copy) => {
                self.free(copy, self.whole(copy));
                self.issue(copy, line);
            }
            Action::IssueSlice(copy, slice) => {
                let to = Slot { tensor: copy.tensor, place: copy.to };
                self.free(copy, *slice);
                if !self.under_way.contains_key(&to) {
                    self.issue(copy, line);
                }
                let now = self.now();
                if let Some(at) = self.at.get(&to) {
                    self.found.blocks[*at].slices.push((*slice, now));
                }
            }
            Action::Wait(slot) => {
                let now = self.now();
                if let Some(at) = self.at.get(slot) {
                    let block = &mut self.found.blocks[*at];
                    (block.used, block.steps.end) = (now..now, block.steps.end.max(now));
                }
                if let Some((copy, false)) = self.under_way.remove(slot)
                    && let Some(at) = self.at.get(&Slot { tensor: copy.tensor, place: copy.from })
                {
                    let block = &mut self.found.blocks[*at];
                    block.steps.end = block.steps.end.max(now);
                }
            }
            Action::Run { op, reads, writes, workspace } => self.run(line, *op, reads, writes, *workspace),
        }
    }

    fn issue(&mut self, copy: &Copy, line: usize) {
        let to = Slot { tensor: copy.tensor, place: copy.to };
        self.leave(copy, line);
        self.come(to, line);
        self.under_way.insert(to, (*copy, false));
    }

    fn whole(&self, copy: &Copy) -> Slice {
        Slice { low: Bytes::ZERO, high: self.problem.graph.tensor(copy.tensor).size }
    }

    /// Records the earlier copy that goes out through the channel of this copy, from the bytes that it overwrites.
    fn free(&mut self, copy: &Copy, slice: Slice) {
        let Problem { graph, machine } = self.problem;
        let channel = |it: &Copy| machine.timing(it.from.memory, it.to.memory).map(|it| it.channel);
        let end = |low: Bytes, size: Bytes| u128::from(low.0) + u128::from(size.0);
        let (low, high) = (end(copy.to.offset, slice.low), end(copy.to.offset, slice.high));
        let now = self.now();
        for (other, is_free) in self.under_way.values_mut().filter(|it| !it.1) {
            let (from, size) = (other.from, graph.tensor(other.tensor).size);
            let is_over = u128::from(from.offset.0) < high && low < end(from.offset, size);
            if from.memory == copy.to.memory && is_over && channel(other).is_some() && channel(other) == channel(copy) {
                *is_free = true;
                if let Some(at) = self.at.get(&Slot { tensor: other.tensor, place: from }) {
                    let block = &mut self.found.blocks[*at];
                    block.steps.end = block.steps.end.max(now);
                }
            }
        }
    }

    fn leave(&mut self, copy: &Copy, line: usize) {
        let now = self.now();
        if let Some(at) = self.at.get(&Slot { tensor: copy.tensor, place: copy.from }) {
            let block = &mut self.found.blocks[*at];
            (block.left, block.steps.end) = (Some(line), block.steps.end.max(now));
        }
    }

    fn come(&mut self, slot: Slot, line: usize) {
        let memory = self.problem.machine.memories().get(slot.place.memory.index());
        // Elsewhere each tensor lies apart.
        if memory.is_none_or(|it| it.size.is_none()) {
            return;
        }
        let now = self.now();
        self.at.insert(slot, self.found.blocks.len());
        self.found.blocks.push(Block {
            tensor: slot.tensor,
            place: slot.place,
            steps: now..now,
            used: now..now,
            came: line,
            left: None,
            slices: Vec::new(),
        });
    }

    fn run(&mut self, line: usize, op: OpId, reads: &[Slot], writes: &[Slot], workspace: Bytes) {
        let (now, operator) = (self.now(), self.problem.graph.op(op));
        let read: Vec<Option<usize>> = reads.iter().map(|it| self.at.get(it).copied()).collect();
        writes.iter().for_each(|it| self.come(*it, line));
        let written: Vec<usize> = writes.iter().filter_map(|it| self.at.get(it).copied()).collect();
        for at in read.iter().flatten().chain(&written) {
            let block = &mut self.found.blocks[*at];
            (block.used.end, block.steps.end) = (now.next(), block.steps.end.max(now.next()));
        }
        for result in &written {
            let Block { tensor, place, .. } = self.found.blocks[*result];
            for operand in read.iter().flatten() {
                let under = &self.found.blocks[*operand];
                let pair = operator.in_place.iter().find(|it| (it.result, it.operand) == (tensor, under.tensor));
                if let Some(pair) = pair
                    && place.memory == under.place.memory
                    && pair.fits(place.offset, under.place.offset)
                {
                    self.found.over.push((*result, *operand, *pair));
                }
            }
        }
        if operator.workspace != Bytes::ZERO {
            self.found.workspaces.push(Workspace { op, step: now, offset: workspace, size: operator.workspace });
        }
        self.found.n_steps += 1;
    }
}
