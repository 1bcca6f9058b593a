//! The layout of a program over steps and addresses, its transfers, and its use of the scratchpad.
//!
//! All of it is derived from the program's lines, so hand-written programs can be shown too. A block
//! begins with the line that puts a tensor into the scratchpad and ends with the last line that needs it
//! there. Transfers in belong to the step of the operator after them, transfers out to that of the
//! operator before them.
//!
//! A transfer that is issued and waited for later is under way in the steps between. On its way in, a tensor is no block
//! yet, but takes its place, slice by slice; on its way out, it still is one.

mod flights;

use crate::units::counted;
use crate::{Exhibit, Line, Part};
use cosma_planner::{Bytes, Kind, MemoryId, OpId, Slot, Step, TensorId};
use flights::Flights;
use std::collections::BTreeSet;
use std::iter::Sum;
use std::ops::Range;

/// A program laid out over steps and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The operator of each step.
    pub order: Vec<OpId>,
    /// The blocks, in the order in which the program begins them.
    pub blocks: Vec<Block>,
    /// Pairs of consecutive blocks of one tensor, ordered by the earlier block.
    pub links: Vec<Link>,
    /// By step: the bytes moved.
    pub moved: Vec<Moved>,
    /// By step: the bytes in use in the scratchpad, including workspace, without padding. Bytes that
    /// a result and an operand share count once.
    pub occupied: Vec<Bytes>,
    /// By step: the bytes that would be in use if nothing were evicted: every tensor from its first use
    /// to its last, and workspace. Bytes that a result and an operand share count once.
    pub live: Vec<Bytes>,
    /// By tensor: how often it is moved.
    pub costs: Vec<Cost>,
    /// By tensor: the steps that write or read it, ascending.
    pub uses: Vec<Vec<Step>>,
}

/// A range of addresses in use during a range of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What is in it.
    pub content: Content,
    /// The steps, half-open.
    pub steps: Range<Step>,
    /// The address of its first byte.
    pub offset: Bytes,
    /// Its size, without padding.
    pub size: Bytes,
    /// The blocks with which it shares bytes in its first step, which is their last: an operand at the
    /// same address, operands that become parts of it, or an operand that it becomes a part of.
    pub in_place_of: Vec<usize>,
    /// Its transfers that are under way beside operators, in the order in which they begin.
    pub flights: Vec<Flight>,
}

/// Bytes of a tensor that are under way beside operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The steps, half-open and not empty: from the first operator behind the issue to the last one before the wait.
    pub steps: Range<Step>,
    /// The address of their first byte in the scratchpad.
    pub offset: Bytes,
    /// How many they are.
    pub size: Bytes,
    /// Whether they come in; otherwise they go out.
    pub is_inward: bool,
}

impl Block {
    /// The first step in which some byte of its place is taken: of a tensor that is on its way in, before the first of
    /// its own.
    pub fn since(&self) -> Step {
        self.flights_in().map(|it| it.steps.start).fold(self.steps.start, Step::min)
    }

    /// What comes in.
    pub fn flights_in(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().filter(|it| it.is_inward)
    }
}

/// What is in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A tensor.
    Tensor(TensorId),
    /// The workspace of an operator.
    Workspace(OpId),
}

/// An eviction: the tensor was in host memory only, between two of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index of the block before the eviction.
    pub from: usize,
    /// Index of the block after the reload.
    pub to: usize,
    /// Whether it was spilled; otherwise host memory had a copy already.
    pub is_spilled: bool,
}

/// Bytes moved in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Arguments loaded for the first time.
    pub loaded: Bytes,
    /// Tensors loaded again.
    pub reloaded: Bytes,
    /// Results stored.
    pub stored: Bytes,
    /// Tensors written to host memory to be reloaded.
    pub spilled: Bytes,
}

/// How often a tensor is moved, by kind of transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Reloads, non-compulsory.
    pub reloads: u64,
    /// Spills, non-compulsory.
    pub spills: u64,
    /// Loads, compulsory.
    pub loads: u64,
    /// Stores, compulsory.
    pub stores: u64,
}

impl Cost {
    /// Whether it has non-compulsory transfers.
    pub fn is_moved(self) -> bool {
        0 < self.reloads + self.spills
    }

    /// The non-compulsory transfers in words: `1 spill, 2 reloads`.
    pub fn times(self) -> String {
        let times = [(self.spills, "spill"), (self.reloads, "reload")];
        times.into_iter().filter(|it| 0 < it.0).map(|it| counted(it.0, it.1)).collect::<Vec<_>>().join(", ")
    }

    /// Bytes of spills and reloads of a tensor of this size.
    pub fn non_compulsory(self, size: Bytes) -> Bytes {
        Bytes(size.0 * (self.reloads + self.spills))
    }

    /// Bytes of all transfers of a tensor of this size.
    pub fn total(self, size: Bytes) -> Bytes {
        Bytes(size.0 * (self.reloads + self.spills + self.loads + self.stores))
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::default(), |sum, it| Cost {
            reloads: sum.reloads + it.reloads,
            spills: sum.spills + it.spills,
            loads: sum.loads + it.loads,
            stores: sum.stores + it.stores,
        })
    }
}

impl Picture {
    /// The picture of a program.
    pub fn new(exhibit: &Exhibit) -> Picture {
        let order = exhibit.order();
        let mut reader = Reader::new(exhibit, order.len());
        for line in exhibit.lines() {
            match line {
                Line::In { kind, tensor, offset, part } => reader.transfer_in(kind, tensor, offset, part),
                Line::Out { kind, tensor, part, .. } => reader.transfer_out(kind, tensor, part),
                Line::Wait { slot } => reader.wait(slot),
                Line::Run { op, reads, writes, workspace } => reader.run(op, &reads, writes, workspace),
            }
        }
        let Reader { mut blocks, mut links, mut moved, costs, uses, uses_on_chip, spilled, .. } = reader;
        moved.truncate(order.len());
        find_in_place(exhibit, &order, &mut blocks);
        links.iter_mut().for_each(|it| it.is_spilled = spilled.contains(&it.from));
        links.sort_by_key(|it| it.from);
        let occupied = occupied(&blocks, order.len());
        let live = live(exhibit, &order, &blocks, &uses_on_chip);
        Picture { order, blocks, links, moved, occupied, live, costs, uses }
    }

    /// The number of steps: of operators that run.
    pub fn n_steps(&self) -> usize {
        self.order.len()
    }

    /// The upper end of the address axis: the scratchpad, or the end of the highest block if that is
    /// below half of the scratchpad, since blocks would be too small to see otherwise.
    pub fn top(&self, scratchpad: Bytes) -> Bytes {
        let highest = self.blocks.iter().map(|it| it.offset + it.size).max().unwrap_or_default();
        if highest.0.saturating_mul(2) < scratchpad.0 { highest } else { scratchpad.max(highest) }
    }

    /// The bytes that a block shares in its first step with each block in [`Block::in_place_of`].
    pub fn shared(&self, block: &Block) -> impl Iterator<Item = Bytes> {
        shared(&self.blocks, block)
    }

    /// Whether a block's tensor has non-compulsory transfers; false for a workspace.
    pub fn is_moved(&self, block: &Block) -> bool {
        match block.content {
            Content::Tensor(it) => self.costs[it.index()].is_moved(),
            Content::Workspace(_) => false,
        }
    }
}

/// The state of [`Picture::new`] between two lines.
struct Reader<'a> {
    exhibit: &'a Exhibit,
    /// The number of operators that have run.
    n_run: u32,
    blocks: Vec<Block>,
    links: Vec<Link>,
    /// By tensor: its last block.
    open: Vec<Option<usize>>,
    /// The blocks whose tensor was spilled.
    spilled: BTreeSet<usize>,
    flights: Flights,
    /// By step, and one more for transfers after the last.
    moved: Vec<Moved>,
    /// By tensor.
    costs: Vec<Cost>,
    /// By tensor: the steps that use it.
    uses: Vec<Vec<Step>>,
    /// By tensor: the steps that use it in the scratchpad.
    uses_on_chip: Vec<Vec<Step>>,
}

impl Reader<'_> {
    fn new(exhibit: &Exhibit, n_steps: usize) -> Reader<'_> {
        let n_tensors = exhibit.problem.graph.tensors().len();
        Reader {
            exhibit,
            n_run: 0,
            blocks: Vec::new(),
            links: Vec::new(),
            open: vec![None; n_tensors],
            spilled: BTreeSet::new(),
            flights: Flights::default(),
            moved: vec![Moved::default(); n_steps + 1],
            costs: vec![Cost::default(); n_tensors],
            uses: vec![Vec::new(); n_tensors],
            uses_on_chip: vec![Vec::new(); n_tensors],
        }
    }

    /// Reads a load or reload, which belongs to the next step.
    fn transfer_in(&mut self, kind: Kind, tensor: TensorId, offset: Option<Bytes>, part: Part) {
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
            self.begin(slot, step);
        }
        if let Some(block) = self.open[tensor.index()].filter(|_| part.is_issued()) {
            self.flights.begin(slot, block, offset + slice.low, slice.size(), step);
        }
    }

    /// Reads a spill or store, which belongs to the step before.
    fn transfer_out(&mut self, kind: Kind, tensor: TensorId, part: Part) {
        let step = Step(self.n_run.saturating_sub(1));
        let (moved, cost) = (&mut self.moved[step.index()], &mut self.costs[tensor.index()]);
        let (bytes, times) = match kind {
            Kind::Spill => (&mut moved.spilled, &mut cost.spills),
            _ => (&mut moved.stored, &mut cost.stores),
        };
        let slice = part.slice(self.exhibit.size(tensor));
        *bytes += slice.size();
        *times += u64::from(part.is_first());
        self.keep(tensor, step);
        let Some(block) = self.open[tensor.index()] else { return };
        if kind == Kind::Spill {
            self.spilled.insert(block);
        }
        if part.is_issued() {
            let offset = self.blocks[block].offset + slice.low;
            self.flights.begin(Slot::at_home(tensor), block, offset, slice.size(), Step(self.n_run));
        }
    }

    /// Reads that what was issued is complete, before the next step.
    fn wait(&mut self, slot: Slot) {
        let step = Step(self.n_run);
        let is_inward = slot.place.memory != MemoryId::HOME;
        for (block, mut flight) in self.flights.end(slot, step) {
            let block = &mut self.blocks[block];
            flight.is_inward = is_inward;
            let steps = &mut block.steps;
            if is_inward {
                *steps = step..step.next().max(steps.end);
            } else {
                steps.end = steps.end.max(step);
            }
            if flight.steps.start < flight.steps.end && flight.size != Bytes::ZERO {
                block.flights.push(flight);
            }
        }
    }

    fn run(&mut self, op: OpId, reads: &[Slot], writes: &[Slot], workspace: Bytes) {
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
            self.keep(slot.tensor, step);
        }
        for slot in writes {
            self.begin(*slot, step);
        }
        let size = operator.workspace;
        if size != Bytes::ZERO {
            let (content, steps) = (Content::Workspace(op), step..step.next());
            let (in_place_of, flights) = (Vec::new(), Vec::new());
            self.blocks.push(Block { content, steps, offset: workspace, size, in_place_of, flights });
        }
        self.n_run += 1;
    }

    /// Opens a block for a tensor, and links it to the tensor's previous one.
    fn begin(&mut self, slot: Slot, step: Step) {
        let index = self.blocks.len();
        self.blocks.push(Block {
            content: Content::Tensor(slot.tensor),
            steps: step..step.next(),
            offset: slot.offset(),
            size: self.exhibit.size(slot.tensor),
            in_place_of: Vec::new(),
            flights: Vec::new(),
        });
        if let Some(from) = self.open[slot.tensor.index()].replace(index) {
            self.links.push(Link { from, to: index, is_spilled: false });
        }
    }

    /// Extends the tensor's open block to include a step.
    fn keep(&mut self, tensor: TensorId, step: Step) {
        if let Some(block) = self.open[tensor.index()] {
            let end = &mut self.blocks[block].steps.end;
            *end = step.next().max(*end);
        }
    }
}

/// The bytes that a block shares in its first step with each block that it is in place of.
fn shared(blocks: &[Block], block: &Block) -> impl Iterator<Item = Bytes> {
    block.in_place_of.iter().map(|it| blocks[*it].size.min(block.size))
}

/// Sets [`Block::in_place_of`].
fn find_in_place(exhibit: &Exhibit, order: &[OpId], blocks: &mut [Block]) {
    // By tensor: its last block. An operand that is overwritten is in it.
    let mut last: Vec<Option<usize>> = vec![None; exhibit.tensors.len()];
    for (index, block) in blocks.iter().enumerate() {
        if let Content::Tensor(tensor) = block.content {
            last[tensor.index()] = Some(index);
        }
    }
    for index in 0..blocks.len() {
        let Content::Tensor(result) = blocks[index].content else { continue };
        let step = blocks[index].steps.start;
        let Some(op) = order.get(step.index()) else { continue };
        let pairs = exhibit.problem.graph.op(*op).in_place.iter().filter(|it| it.result == result);
        let offset = blocks[index].offset;
        let followed = pairs.filter_map(|pair| {
            let operand = last[pair.operand.index()]?;
            let block = &blocks[operand];
            let dies = block.steps.end == step.next() && operand != index;
            (dies && pair.fits(offset, block.offset)).then_some(operand)
        });
        blocks[index].in_place_of = followed.collect();
    }
}

fn occupied(blocks: &[Block], n_steps: usize) -> Vec<Bytes> {
    let mut occupied = vec![Bytes::ZERO; n_steps];
    for block in blocks {
        for flight in block.flights_in() {
            let steps = flight.steps.start.index()..flight.steps.end.index();
            occupied[steps].iter_mut().for_each(|it| *it += flight.size);
        }
        let steps = block.steps.start.index()..block.steps.end.index().min(n_steps);
        let Some(during) = occupied.get_mut(steps) else { continue };
        during.iter_mut().for_each(|it| *it += block.size);
        if let Some(first) = during.first_mut() {
            *first -= shared(blocks, block).sum();
        }
    }
    occupied
}

fn live(exhibit: &Exhibit, order: &[OpId], blocks: &[Block], uses: &[Vec<Step>]) -> Vec<Bytes> {
    let problem = &exhibit.problem;
    let mut live: Vec<Bytes> = order.iter().map(|it| problem.graph.op(*it).workspace).collect();
    for tensor in problem.graph.tensor_ids() {
        let uses = &uses[tensor.index()];
        if let (Some(first), Some(last)) = (uses.first(), uses.last()) {
            live[first.index()..last.next().index()].iter_mut().for_each(|it| *it += exhibit.size(tensor));
        }
    }
    for block in blocks {
        if let Some(first) = live.get_mut(block.steps.start.index()) {
            *first -= shared(blocks, block).sum();
        }
    }
    live
}
