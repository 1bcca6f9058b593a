//! The layout of a program over steps and addresses, its transfers, and its use of the scratchpad.
//!
//! All of it is derived from the program's lines, so hand-written programs can be shown too. A block
//! begins with the line that puts a tensor into the scratchpad and ends with the last line that needs it
//! there. Transfers in belong to the step of the operator after them, transfers out to that of the
//! operator before them.
//!
//! An asynchronous transfer is in progress in the steps between its issue and its wait. While it is on its way in, a
//! tensor is not yet a block, but occupies its place, slice by slice; on its way out, it still is a block.

mod flights;
mod reader;

use crate::units::counted;
use crate::{Exhibit, Line};
use cosma_planner::{Bytes, OpId, Slot, Step, TensorId};
use reader::Reader;
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
    /// By step: the bytes in use in the scratchpad, including workspace and incoming tensors, without padding. Bytes
    /// that a result and an operand share count once.
    pub occupied: Vec<Bytes>,
    /// By step: the bytes that would be in use if nothing were evicted: every tensor from its first use to its last,
    /// kept weights, and workspace. Bytes that a result and an operand share count once.
    pub live: Vec<Bytes>,
    /// By tensor: how often it is moved.
    pub costs: Vec<Cost>,
    /// By tensor: the steps that write or read it, ascending.
    pub uses: Vec<Vec<Step>>,
}

/// A range of addresses in use during a range of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its content.
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
    /// Whether it stays from run to run, and is loaded once, before the first run.
    pub is_kept: bool,
    /// Its asynchronous transfers, in the order in which they begin.
    pub flights: Vec<Flight>,
}

/// Bytes of a tensor that are in transit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The steps, half-open and not empty: from the first operator after the issue to the last one before the wait.
    pub steps: Range<Step>,
    /// The address of their first byte in the scratchpad.
    pub offset: Bytes,
    /// The number of bytes.
    pub size: Bytes,
    /// Whether they are incoming; otherwise they are outgoing.
    pub is_inward: bool,
}

impl Block {
    /// The first step in which some byte of its place is occupied: for an incoming tensor, before its own first step.
    /// its own.
    pub fn since(&self) -> Step {
        self.flights_in().map(|it| it.steps.start).fold(self.steps.start, Step::min)
    }

    /// The incoming transfers.
    pub fn flights_in(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().filter(|it| it.is_inward)
    }
}

/// The content of a block.
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
                Line::Out { kind, tensor, offset, part } => {
                    reader.transfer_out(kind, Slot::on_chip(tensor, offset), part);
                }
                Line::Wait { slot } => reader.wait(slot),
                Line::Run { op, reads, writes, workspace } => reader.run(op, &reads, writes, workspace),
            }
        }
        let Reader { mut blocks, mut links, mut moved, mut costs, uses, uses_on_chip, spilled, .. } = reader;
        keep(exhibit, order.len(), &mut blocks);
        leave_out_prologue(exhibit, &mut moved, &mut costs);
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

    /// The steps in which more is live than fits, in runs, each half-open.
    pub fn oversubscribed(&self, scratchpad: Bytes) -> Vec<Range<Step>> {
        let mut runs: Vec<Range<Step>> = Vec::new();
        for (index, _) in self.live.iter().enumerate().filter(|it| scratchpad < *it.1) {
            let step = Step(index as u32);
            match runs.last_mut() {
                Some(run) if run.end == step => run.end = step.next(),
                _ => runs.push(step..step.next()),
            }
        }
        runs
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

/// Extends the blocks that are kept from run to run to the end of each run.
fn keep(exhibit: &Exhibit, n_steps: usize, blocks: &mut [Block]) {
    for Slot { tensor, place } in exhibit.kept() {
        let is_kept = |it: &&mut Block| it.content == Content::Tensor(tensor) && it.offset == place.offset;
        if let Some(block) = blocks.iter_mut().filter(is_kept).max_by_key(|it| it.steps.start) {
            block.steps.end = Step(n_steps as u32);
            block.is_kept = true;
        }
    }
}

/// Removes the loads that happen once, before the first run: they are not transfers of a run.
fn leave_out_prologue(exhibit: &Exhibit, moved: &mut [Moved], costs: &mut [Cost]) {
    for Slot { tensor, .. } in exhibit.kept() {
        moved[0].loaded = moved[0].loaded.saturating_sub(exhibit.size(tensor));
        let loads = &mut costs[tensor.index()].loads;
        *loads = loads.saturating_sub(1);
    }
}

/// The bytes that a block shares in its first step with each block that it is in place of.
fn shared(blocks: &[Block], block: &Block) -> impl Iterator<Item = Bytes> {
    block.in_place_of.iter().map(|it| blocks[*it].size.min(block.size))
}

/// Sets [`Block::in_place_of`].
fn find_in_place(exhibit: &Exhibit, order: &[OpId], blocks: &mut [Block]) {
    // By tensor: its blocks. An operand that is overwritten is in one that ends there.
    let mut of_tensor: Vec<Vec<usize>> = vec![Vec::new(); exhibit.tensors.len()];
    for (index, block) in blocks.iter().enumerate() {
        if let Content::Tensor(tensor) = block.content {
            of_tensor[tensor.index()].push(index);
        }
    }
    for index in 0..blocks.len() {
        let Content::Tensor(result) = blocks[index].content else { continue };
        let step = blocks[index].steps.start;
        let Some(op) = order.get(step.index()) else { continue };
        let pairs = exhibit.problem.graph.op(*op).in_place.iter().filter(|it| it.result == result);
        let offset = blocks[index].offset;
        let followed = pairs.filter_map(|pair| {
            let dies = |it: &&usize| {
                let block = &blocks[**it];
                block.steps.end == step.next() && **it != index && pair.fits(offset, block.offset)
            };
            of_tensor[pair.operand.index()].iter().rev().find(dies).copied()
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
    let mut is_kept = vec![false; problem.graph.tensors().len()];
    exhibit.kept().for_each(|it| is_kept[it.tensor.index()] = true);
    for tensor in problem.graph.tensor_ids() {
        if is_kept[tensor.index()] {
            live.iter_mut().for_each(|it| *it += exhibit.size(tensor));
            continue;
        }
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
