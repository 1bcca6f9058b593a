//! What there is to see of a program: who lies where and when, what moves, how full it gets.
//!
//! Everything is read off the program's lines, so that programs written by hand are shown, too:
//! a block begins with what puts a tensor into the scratchpad and ends with the last line that needs
//! it there. Step and line are related as a plan relates them: what comes in before the operator
//! of a step, and what goes out after it, belongs to that step.

use crate::units::counted;
use crate::{Exhibit, Line};
use cosma_planner::{Bytes, Kind, OpId, Slot, Step, TensorId};
use std::collections::BTreeSet;
use std::ops::Range;

/// A picture of a program, in steps and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// By first step; of one step, in the order of the program.
    pub blocks: Vec<Block>,
    /// From each block of a tensor to the next one, by the first of the two.
    pub links: Vec<Link>,
    /// By step.
    pub moved: Vec<Moved>,
    /// By step: the bytes that lie in the scratchpad, workspace included, without padding. Bytes that
    /// a result and an operand share count once.
    pub occupied: Vec<Bytes>,
    /// By step: what would lie in the scratchpad if nothing that is still needed ever left: every
    /// tensor from its first use to its last, workspace included, counted likewise.
    pub live: Vec<Bytes>,
    /// By tensor.
    pub costs: Vec<Cost>,
    /// By tensor: the steps that write or read it, ascending.
    pub uses: Vec<Vec<Step>>,
}

/// A place that is taken for some steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Who lies there.
    pub content: Content,
    /// Half-open.
    pub steps: Range<Step>,
    /// Of its first byte.
    pub offset: Bytes,
    /// Of what lies there, without padding.
    pub size: Bytes,
    /// The blocks with which it shares bytes in its first step, which is their last: one that it
    /// follows in place, those that become parts of it, or the one that it is a part of.
    pub in_place_of: Vec<usize>,
}

/// Who lies in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A tensor.
    Tensor(TensorId),
    /// What an operator needs for itself while it runs.
    Workspace(OpId),
}

/// A tensor was away between two of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The block that it left.
    pub from: usize,
    /// The block to which it came back.
    pub to: usize,
    /// Whether it was written to host memory as it left; otherwise there was a copy already.
    pub is_spilled: bool,
}

/// Bytes that move in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// For the first time in.
    pub loaded: Bytes,
    /// In again.
    pub reloaded: Bytes,
    /// Results, out.
    pub stored: Bytes,
    /// What will come back, out.
    pub spilled: Bytes,
}

/// How often a tensor moves, and which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Times in, the first one excepted if it is compulsory.
    pub reloads: u64,
    /// Times out to come back.
    pub spills: u64,
    /// Compulsory times in.
    pub loads: u64,
    /// Compulsory times out.
    pub stores: u64,
}

impl Cost {
    /// Whether it moves more often than every program must move it.
    pub fn is_moved(self) -> bool {
        0 < self.reloads + self.spills
    }

    /// How often it moves beyond that, in words: `1 spill, 2 reloads`.
    pub fn times(self) -> String {
        let times = [(self.spills, "spill"), (self.reloads, "reload")];
        times.into_iter().filter(|it| 0 < it.0).map(|it| counted(it.0, it.1)).collect::<Vec<_>>().join(", ")
    }

    /// Bytes of spills and reloads of a tensor of this size.
    pub fn non_compulsory(self, size: Bytes) -> Bytes {
        Bytes(size.0 * (self.reloads + self.spills))
    }

    /// All bytes moved of a tensor of this size.
    pub fn total(self, size: Bytes) -> Bytes {
        Bytes(size.0 * (self.reloads + self.spills + self.loads + self.stores))
    }
}

impl Picture {
    /// The picture of a program.
    pub fn new(exhibit: &Exhibit) -> Picture {
        let problem = &exhibit.problem;
        let n_tensors = problem.graph.tensors().len();
        let order = exhibit.order();
        let mut reader = Reader {
            exhibit,
            blocks: Vec::new(),
            links: Vec::new(),
            open: vec![None; n_tensors],
            spilled: BTreeSet::new(),
        };
        let mut moved = vec![Moved::default(); order.len()];
        let mut costs = vec![Cost::default(); n_tensors];
        let mut uses: Vec<Vec<Step>> = vec![Vec::new(); n_tensors];
        let mut on_chip = uses.clone();
        let mut n_run = 0;
        for line in exhibit.lines() {
            let next = Step(n_run);
            let last = Step(n_run.saturating_sub(1));
            let none = &mut Moved::default();
            match line {
                Line::In { kind, tensor, offset } => {
                    let (moved, cost) = (moved.get_mut(next.index()).unwrap_or(none), &mut costs[tensor.index()]);
                    let (bytes, times) = match kind {
                        Kind::Load => (&mut moved.loaded, &mut cost.loads),
                        _ => (&mut moved.reloaded, &mut cost.reloads),
                    };
                    *bytes += exhibit.size(tensor);
                    *times += 1;
                    if let Some(offset) = offset {
                        reader.begin(Slot::on_chip(tensor, offset), next);
                    }
                }
                Line::Out { kind: Kind::Spill, tensor, .. } => {
                    moved.get_mut(last.index()).unwrap_or(none).spilled += exhibit.size(tensor);
                    costs[tensor.index()].spills += 1;
                    reader.keep(tensor, last);
                    reader.spilled.extend(reader.open[tensor.index()]);
                }
                Line::Out { tensor, .. } => {
                    moved.get_mut(last.index()).unwrap_or(none).stored += exhibit.size(tensor);
                    costs[tensor.index()].stores += 1;
                    reader.keep(tensor, last);
                }
                Line::Run { op, reads, writes, workspace } => {
                    let operator = problem.graph.op(op);
                    let all = operator.reads.iter().map(|it| &it.tensor).chain(&operator.writes);
                    all.for_each(|it| uses[it.index()].push(next));
                    problem.operands(op).for_each(|it| on_chip[it.index()].push(next));
                    reads.iter().for_each(|it| reader.keep(it.tensor, next));
                    writes.iter().for_each(|it| reader.begin(*it, next));
                    reader.workspace(op, workspace, next);
                    n_run += 1;
                }
            }
        }
        let Reader { mut blocks, mut links, spilled, .. } = reader;
        follow(exhibit, &order, &mut blocks);
        links.iter_mut().for_each(|it| it.is_spilled = spilled.contains(&it.from));
        links.sort_by_key(|it| it.from);
        let occupied = occupied(&blocks, order.len());
        let live = live(exhibit, &order, &blocks, &on_chip);
        Picture { order, blocks, links, moved, occupied, live, costs, uses }
    }

    /// Steps of the program.
    pub fn n_steps(&self) -> usize {
        self.order.len()
    }

    /// How high the map of a scratchpad goes: as high as anything lies where most of the scratchpad is
    /// empty, beside which nothing would be seen of it.
    pub fn top(&self, scratchpad: Bytes) -> Bytes {
        let highest = self.blocks.iter().map(|it| it.offset + it.size).max().unwrap_or_default();
        if highest.0.saturating_mul(2) < scratchpad.0 { highest } else { scratchpad.max(highest) }
    }

    /// How many bytes a block shares in its first step, with each of the blocks that it is in place of.
    pub fn shared(&self, block: &Block) -> impl Iterator<Item = Bytes> {
        shared(&self.blocks, block)
    }

    /// Whether a block's tensor moves more often than every program must move it; never a workspace.
    pub fn is_moved(&self, block: &Block) -> bool {
        match block.content {
            Content::Tensor(it) => self.costs[it.index()].is_moved(),
            Content::Workspace(_) => false,
        }
    }
}

struct Reader<'a> {
    exhibit: &'a Exhibit,
    blocks: Vec<Block>,
    links: Vec<Link>,
    /// By tensor: its last block.
    open: Vec<Option<usize>>,
    /// The blocks whose tensor was written to host memory to come back.
    spilled: BTreeSet<usize>,
}

impl Reader<'_> {
    fn begin(&mut self, slot: Slot, step: Step) {
        let index = self.blocks.len();
        self.blocks.push(Block {
            content: Content::Tensor(slot.tensor),
            steps: step..step.next(),
            offset: slot.offset(),
            size: self.exhibit.size(slot.tensor),
            in_place_of: Vec::new(),
        });
        if let Some(from) = self.open[slot.tensor.index()].replace(index) {
            self.links.push(Link { from, to: index, is_spilled: false });
        }
    }

    /// The tensor is still needed where it lies.
    fn keep(&mut self, tensor: TensorId, step: Step) {
        if let Some(block) = self.open[tensor.index()] {
            let end = &mut self.blocks[block].steps.end;
            *end = step.next().max(*end);
        }
    }

    fn workspace(&mut self, op: OpId, offset: Bytes, step: Step) {
        let size = self.exhibit.problem.graph.op(op).workspace;
        if size != Bytes::ZERO {
            let steps = step..step.next();
            self.blocks.push(Block { content: Content::Workspace(op), steps, offset, size, in_place_of: Vec::new() });
        }
    }
}

fn shared(blocks: &[Block], block: &Block) -> impl Iterator<Item = Bytes> {
    block.in_place_of.iter().map(|it| blocks[*it].size.min(block.size))
}

/// Finds who lies in the place of whom.
fn follow(exhibit: &Exhibit, order: &[OpId], blocks: &mut [Block]) {
    // By tensor: its last block, which is the one that it dies in.
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
        let steps = block.steps.start.index()..block.steps.end.index().min(n_steps);
        let Some(during) = occupied.get_mut(steps) else { continue };
        during.iter_mut().for_each(|it| *it += block.size);
        during[0] -= shared(blocks, block).sum();
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
        live[block.steps.start.index()] -= shared(blocks, block).sum();
    }
    live
}
