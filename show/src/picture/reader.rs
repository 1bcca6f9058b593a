//! Reads a program's lines in order and makes blocks of them.

use super::flights::Flights;
use super::{Block, Content, Cost, Flight, Link, Moved};
use crate::{Exhibit, Part};
use cosma_planner::{Bytes, Kind, MemoryId, OpId, Slot, Step, TensorId};
use std::collections::BTreeSet;

/// The state of [`Picture::new`](super::Picture::new) between two lines.
pub(super) struct Reader<'a> {
    exhibit: &'a Exhibit,
    /// The number of operators that have run.
    n_run: u32,
    pub blocks: Vec<Block>,
    pub links: Vec<Link>,
    /// By tensor: its blocks.
    of_tensor: Vec<Vec<usize>>,
    /// The blocks whose tensor was spilled.
    pub spilled: BTreeSet<usize>,
    flights: Flights,
    /// By step, and one more for transfers after the last.
    pub moved: Vec<Moved>,
    /// By tensor.
    pub costs: Vec<Cost>,
    /// By tensor: the steps that use it.
    pub uses: Vec<Vec<Step>>,
    /// By tensor: the steps that use it in the scratchpad.
    pub uses_on_chip: Vec<Vec<Step>>,
}

impl Reader<'_> {
    pub fn new(exhibit: &Exhibit, n_steps: usize) -> Reader<'_> {
        let n_tensors = exhibit.problem.graph.tensors().len();
        Reader {
            exhibit,
            n_run: 0,
            blocks: Vec::new(),
            links: Vec::new(),
            of_tensor: vec![Vec::new(); n_tensors],
            spilled: BTreeSet::new(),
            flights: Flights::default(),
            moved: vec![Moved::default(); n_steps + 1],
            costs: vec![Cost::default(); n_tensors],
            uses: vec![Vec::new(); n_tensors],
            uses_on_chip: vec![Vec::new(); n_tensors],
        }
    }

    /// Reads a load or reload, which belongs to the next step.
    pub fn transfer_in(&mut self, kind: Kind, tensor: TensorId, offset: Option<Bytes>, part: Part) {
        let step = Step(self.n_run);
        let (moved, cost) = (&mut self.moved[step.index()], &mut self.costs[tensor.index()]);
        let (bytes, times) = match kind {
            Kind::Load => (&mut moved.loaded, &mut cost.loads),
            _ => (&mut moved.reloaded, &mut cost.reloads),
        };
        let slice = part.slice(self.exhibit.size(tensor));
        *bytes += slice.size();
        *times += u64::from(part.is_first());
        let Some(offset) = offset else { return };
        let slot = Slot::on_chip(tensor, offset);
        if part.is_first() {
            self.begin(slot, step, part.is_issued());
        }
        if let Some(block) = self.block_at(slot).filter(|_| part.is_issued()) {
            self.take((offset + slice.low, slice.size()));
            self.flights.begin(slot, block, (offset + slice.low, slice.size()), step);
        }
    }

    /// Reads a spill or store, which belongs to the step before.
    pub fn transfer_out(&mut self, kind: Kind, slot: Slot, part: Part) {
        let tensor = slot.tensor;
        let step = Step(self.n_run.saturating_sub(1));
        let (moved, cost) = (&mut self.moved[step.index()], &mut self.costs[tensor.index()]);
        let (bytes, times) = match kind {
            Kind::Spill => (&mut moved.spilled, &mut cost.spills),
            _ => (&mut moved.stored, &mut cost.stores),
        };
        let slice = part.slice(self.exhibit.size(tensor));
        *bytes += slice.size();
        *times += u64::from(part.is_first());
        self.keep(slot, step);
        let Some(block) = self.block_at(slot) else { return };
        if kind == Kind::Spill {
            self.spilled.insert(block);
        }
        if part.is_issued() {
            let offset = self.blocks[block].offset + slice.low;
            self.flights.begin(Slot::at_home(tensor), block, (offset, slice.size()), Step(self.n_run));
        }
    }

    /// Records that an asynchronous transfer is complete before the next step.
    pub fn wait(&mut self, slot: Slot) {
        let step = Step(self.n_run);
        let mut ended = self.flights.end(slot, step);
        if slot.place.memory != MemoryId::HOME {
            ended.extend(self.flights.end_of(slot.tensor, step));
        }
        self.settle(ended);
    }

    /// Occupies the place of some bytes, from an offset on, in the next step.
    fn take(&mut self, bytes: (Bytes, Bytes)) {
        let ended = self.flights.end_in(bytes, Step(self.n_run));
        self.settle(ended);
    }

    /// Adds transfers that ended to their blocks.
    fn settle(&mut self, ended: Vec<(usize, Flight)>) {
        for (block, flight) in ended {
            let block = &mut self.blocks[block];
            let (steps, end) = (&mut block.steps, flight.steps.end);
            if flight.is_inward {
                *steps = end..end.next().max(steps.end);
            } else {
                steps.end = steps.end.max(end);
            }
            if flight.steps.start < end && flight.size != Bytes::ZERO {
                block.flights.push(flight);
            }
        }
    }

    pub fn run(&mut self, op: OpId, reads: &[Slot], writes: &[Slot], workspace: Bytes) {
        let step = Step(self.n_run);
        let graph = &self.exhibit.problem.graph;
        let operator = graph.op(op);
        for tensor in operator.reads.iter().map(|it| &it.tensor).chain(&operator.writes) {
            self.uses[tensor.index()].push(step);
        }
        for tensor in self.exhibit.problem.operands(op) {
            self.uses_on_chip[tensor.index()].push(step);
        }
        for slot in reads {
            self.keep(*slot, step);
        }
        for slot in writes {
            self.begin(*slot, step, false);
        }
        let size = operator.workspace;
        if size != Bytes::ZERO {
            let (content, steps) = (Content::Workspace(op), step..step.next());
            let (in_place_of, flights) = (Vec::new(), Vec::new());
            self.blocks.push(Block { content, steps, offset: workspace, size, in_place_of, is_kept: false, flights });
        }
        self.n_run += 1;
    }

    /// Opens a block for a tensor, and links it to the tensor's previous one. An issued transfer occupies its place
    /// later.
    fn begin(&mut self, slot: Slot, step: Step, is_issued: bool) {
        let index = self.blocks.len();
        self.blocks.push(Block {
            content: Content::Tensor(slot.tensor),
            steps: step..step.next(),
            offset: slot.offset(),
            size: self.exhibit.size(slot.tensor),
            in_place_of: Vec::new(),
            is_kept: false,
            flights: Vec::new(),
        });
        if !is_issued {
            self.take((slot.offset(), self.exhibit.size(slot.tensor)));
        }
        let of_tensor = &mut self.of_tensor[slot.tensor.index()];
        let before = of_tensor.last().copied();
        of_tensor.push(index);
        if let Some(from) = before {
            self.links.push(Link { from, to: index, is_spilled: false });
        }
    }

    /// Extends the block of a tensor to include a step.
    fn keep(&mut self, slot: Slot, step: Step) {
        if let Some(block) = self.block_at(slot) {
            let end = &mut self.blocks[block].steps.end;
            *end = step.next().max(*end);
        }
    }

    /// The latest block of a tensor at an address. It need not be the tensor's last one: a copy may still be read
    /// while the tensor is loaded elsewhere.
    fn block_at(&self, slot: Slot) -> Option<usize> {
        let blocks = &self.of_tensor[slot.tensor.index()];
        let is_there = |it: &&usize| self.blocks[**it].offset == slot.offset();
        blocks.iter().rev().find(is_there).or(blocks.last()).copied()
    }
}
