//! The least traffic of any plan, addresses included: by trying every address.
//!
//! A state is which operators have run, what lies where in the scratchpad, and what has a host
//! copy. A move runs one more operator: of its operands that are there, any may stay and the others
//! go out and come in elsewhere; those, what is missing, what it writes and its workspace go to any
//! aligned addresses at which the operator's own blocks are disjoint. Whatever else lay there
//! leaves. Nothing is lost by that, since a tensor may as well come in at the last moment, and lie
//! where it is until something else comes to lie there.

use super::least_cost::{State, least_cost};
use crate::{Bytes, Error, MemoryId, OpId, Problem, TensorId};
use std::ops::Range;

/// The least non-compulsory traffic of any [`Plan`](crate::Plan), further uses of streamed weights
/// included.
///
/// For a handful of operators on a dozen multiples of the alignment.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn joint_optimum(problem: &Problem) -> Result<Bytes, Error> {
    problem.check()?;
    assert!(problem.graph.ops().len() <= 64 && problem.graph.tensors().len() <= 64, "a set is 64 bits");
    let arguments = problem.graph.tensor_ids().filter(|it| problem.graph.producer(*it).is_none());
    let start = Layout { ran: 0, present: Vec::new(), copied: arguments.fold(0, |set, it| set | bit(it)) };
    let goal = problem.graph.ops().len() as u32;
    let total = least_cost(start, goal, |layout, push| {
        for op in problem.graph.op_ids().filter(|it| layout.is_ready(problem, *it)) {
            moves(problem, layout, op, push);
        }
    });
    let total = Bytes(total.expect("each operator fits alone, so there is a way"));
    Ok(total - problem.compulsory())
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Layout {
    ran: u64,
    /// What lies in the scratchpad and is still to be read, and where; sorted.
    present: Vec<(TensorId, Bytes)>,
    /// What has a host copy and is still to be read.
    copied: u64,
}

impl State for Layout {
    fn progress(&self) -> u32 {
        self.ran.count_ones()
    }
}

impl Layout {
    /// What is still to be read is there or has a host copy as soon as it exists.
    fn is_ready(&self, problem: &Problem, op: OpId) -> bool {
        let has_run = |op: OpId| self.ran & (1 << op.0) != 0;
        let exists = |it: TensorId| self.copied & bit(it) != 0 || self.offset(it).is_some();
        let is_its_turn = problem.graph.edges().iter().all(|(before, after)| *after != op || has_run(*before));
        !has_run(op) && is_its_turn && problem.graph.op(op).reads_on_chip().all(exists)
    }

    fn offset(&self, tensor: TensorId) -> Option<Bytes> {
        self.present.iter().find(|it| it.0 == tensor).map(|it| it.1)
    }
}

/// A block of the operator that is to run; the workspace has no tensor.
#[derive(Clone, Copy)]
struct Block {
    tensor: Option<TensorId>,
    offset: Bytes,
    size: Bytes,
}

impl Block {
    fn overlaps(self, other: Block) -> bool {
        self.offset.max(other.offset) < (self.offset + self.size).min(other.offset + other.size)
    }
}

fn moves(problem: &Problem, layout: &Layout, op: OpId, push: &mut dyn FnMut(Layout, u64)) {
    let either_way: Vec<TensorId> = problem.graph.op(op).reads_either_way().collect();
    for passing in 0_u64..1 << either_way.len() {
        let passing = either_way.iter().enumerate().filter(|it| passing & (1 << it.0) != 0).map(|it| *it.1);
        moves_with(problem, layout, op, &passing.collect::<Vec<_>>(), push);
    }
}

/// Likewise, where these pass by of what may do so.
fn moves_with(problem: &Problem, layout: &Layout, op: OpId, passing: &[TensorId], push: &mut dyn FnMut(Layout, u64)) {
    let coming = problem.graph.op(op).reads_either_way().filter(|it| !passing.contains(it));
    let operands: Vec<TensorId> = problem.operands(op).chain(coming).collect();
    let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
    let block = |tensor: TensorId, offset| Block { tensor: Some(tensor), offset, size: size(tensor) };
    let there: Vec<(TensorId, Bytes)> = operands.iter().filter_map(|it| Some((*it, layout.offset(*it)?))).collect();
    let missing = operands.iter().copied().filter(|it| layout.offset(*it).is_none());
    let workspace = Block { tensor: None, offset: Bytes::ZERO, size: problem.graph.op(op).workspace };
    let missing: Vec<Block> = missing.map(|it| block(it, Bytes::ZERO)).chain([workspace]).collect();

    for stay in 0_u64..1 << there.len() {
        let (mut placed, mut to_place) = (Vec::new(), missing.clone());
        for (index, &(tensor, offset)) in there.iter().enumerate() {
            let blocks = if stay & (1 << index) != 0 { &mut placed } else { &mut to_place };
            blocks.push(block(tensor, offset));
        }
        let n_stay = placed.len();
        let shares = |a: Block, b: Block| may_share(problem, layout, op, a, b);
        place(problem, &mut placed, &to_place, &shares, &mut |placed| {
            let (next, price) = run(problem, layout, op, &placed[..n_stay], &placed[n_stay..]);
            push(next, price + passing.iter().map(|it| size(*it).0).sum::<u64>());
        });
    }
}

/// Whether two blocks may lie one over the other as they do: a result and an operand that nobody is
/// still to read, as the operator allows.
fn may_share(problem: &Problem, layout: &Layout, op: OpId, a: Block, b: Block) -> bool {
    let dies = |tensor| problem.graph.readers(tensor).iter().all(|it| *it == op || layout.ran & (1 << it.0) != 0);
    problem.graph.op(op).in_place.iter().any(|it| {
        let pair = [Some(it.result), Some(it.operand)];
        let fits = pair == [a.tensor, b.tensor] && it.fits(a.offset, b.offset)
            || pair == [b.tensor, a.tensor] && it.fits(b.offset, a.offset);
        fits && dies(it.operand) && !problem.graph.may_pass_by(it.operand)
    })
}

/// Every way to give aligned addresses to blocks, disjoint from each other and from those placed, or
/// sharing a place as they may.
fn place(
    problem: &Problem,
    placed: &mut Vec<Block>,
    to_place: &[Block],
    shares: &dyn Fn(Block, Block) -> bool,
    found: &mut dyn FnMut(&[Block]),
) {
    let Some((&block, rest)) = to_place.split_first() else { return found(placed) };
    let last = problem.machine.scratchpad().saturating_sub(block.size).0;
    let last = if block.size == Bytes::ZERO { 0 } else { last };
    for offset in (0..=last).step_by(problem.machine.alignment().0 as usize) {
        let block = Block { offset: Bytes(offset), ..block };
        let is_in_the_way = |it: &Block| it.overlaps(block) && !shares(*it, block);
        let reserved = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()].reserved;
        let is_reserved = |it: &Range<Bytes>| block.offset.max(it.start) < (block.offset + block.size).min(it.end);
        if reserved.iter().any(is_reserved) {
            continue;
        }
        if block.offset + block.size <= problem.machine.scratchpad() && !placed.iter().any(is_in_the_way) {
            placed.push(block);
            place(problem, placed, rest, shares, found);
            placed.pop();
        }
    }
}

/// Runs an operator with some blocks where they lie and others at new places.
fn run(problem: &Problem, layout: &Layout, op: OpId, stay: &[Block], new: &[Block]) -> (Layout, u64) {
    let graph = &problem.graph;
    let operator = graph.op(op);
    let mut copied = layout.copied;
    let mut price = Bytes::ZERO;
    let mut present = Vec::new();
    for &(tensor, offset) in &layout.present {
        let block = Block { tensor: Some(tensor), offset, size: graph.tensor(tensor).size };
        let stays = stay.iter().any(|it| it.tensor == block.tensor);
        let moves = new.iter().any(|it| it.tensor == block.tensor);
        if stays || !moves && !new.iter().any(|it| it.overlaps(block)) {
            present.push((tensor, offset));
        } else if copied & bit(tensor) == 0 {
            copied |= bit(tensor);
            price += block.size;
        }
    }
    for block in new {
        let Some(tensor) = block.tensor else { continue };
        present.push((tensor, block.offset));
        if !operator.writes.contains(&tensor) {
            price += block.size;
        }
    }
    let must_pass = operator.reads.iter().filter(|it| !it.from.contains(MemoryId::SCRATCHPAD));
    let streamed = must_pass.map(|it| it.tensor);
    let stored = operator.writes.iter().filter(|it| graph.is_written_back(**it));
    price += streamed.chain(stored.clone().copied()).map(|it| graph.tensor(it).size).sum();
    copied = stored.fold(copied, |set, it| set | bit(*it));

    let ran = layout.ran | 1 << op.0;
    let is_live = |tensor: TensorId| graph.readers(tensor).iter().any(|it| ran & (1 << it.0) == 0);
    present.retain(|it| is_live(it.0));
    present.sort();
    copied = graph.tensor_ids().filter(|it| is_live(*it)).fold(0, |set, it| set | copied & bit(it));
    (Layout { ran, present, copied }, price.0)
}

fn bit(tensor: TensorId) -> u64 {
    1 << tensor.0
}
