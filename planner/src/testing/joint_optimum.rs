//! The least traffic of any plan, addresses included: by trying every address.
//!
//! A state consists of the operators that have run, the tensors in the scratchpad with their addresses, and the tensors
//! with a host copy. A move runs another operator. Each of its operands that are present may stay, or be evicted and
//! reloaded elsewhere; these, the missing ones, the results and the workspace go to any aligned addresses at which the
//! operator's blocks are disjoint. Whatever else lies there is evicted. This is exhaustive, since a tensor can be
//! loaded at the last moment, and stay until something else overwrites it.

use super::least_cost::{State, least_cost};
use crate::{Apart, Banks, Bytes, Error, MemoryId, OpId, Problem, TensorId};
use std::ops::Range;

/// The least non-compulsory traffic of any [`Plan`](crate::Plan), including repeated streaming of weights.
/// Includes the price of bank conflicts, if they have one.
///
/// For a handful of operators on a dozen multiples of the alignment.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn joint_optimum(problem: &Problem) -> Result<Bytes, Error> {
    problem.check()?;
    Ok(joint_optimum_if_any(problem).expect("each operator fits alone, so there is a way"))
}

/// The same; `None` if there is no plan at all, whatever [`Problem::check`] says.
pub fn joint_optimum_if_any(problem: &Problem) -> Option<Bytes> {
    let graph = &problem.graph;
    assert!(graph.ops().len() <= 62 && graph.tensors().len() <= 64, "a set is 64 bits");
    let arguments = graph.tensor_ids().filter(|it| graph.producer(*it).is_none() && !graph.tensor(*it).starts_on_chip);
    let start = Layout { ran: 0, present: Vec::new(), copied: arguments.fold(0, |set, it| set | bit(it)) };
    let turns = turns(problem);
    let total = least_cost(start, turns.len() as u32, |layout, push| {
        for turn in turns.iter().filter(|it| layout.is_ready(it)) {
            moves(problem, layout, turn, push);
        }
    });
    Some(Bytes(total?) - problem.compulsory())
}

/// Something with requirements on the scratchpad: an operator, the start, or the end.
struct Turn {
    op: Option<OpId>,
    /// Its bit in the set of executed turns.
    bit: u64,
    /// The bits of its predecessors.
    before: u64,
    reads: Vec<TensorId>,
    writes: Vec<TensorId>,
    workspace: Bytes,
}

const START: u64 = 1 << 62;
const END: u64 = 1 << 63;

/// All turns; the start writes the tensors that start in the scratchpad, and the end reads those that end there.
fn turns(problem: &Problem) -> Vec<Turn> {
    let graph = &problem.graph;
    let op = |id: OpId| {
        let op = graph.op(id);
        let before = graph.edges().iter().filter(|it| it.1 == id).fold(START, |set, it| set | 1 << it.0.0);
        // Tensors that may be streamed are handled by the ways to run it.
        let either_way: Vec<TensorId> = op.reads_either_way().collect();
        let reads = op.reads_on_chip().filter(|it| !either_way.contains(it)).collect();
        Turn { op: Some(id), bit: 1 << id.0, before, reads, writes: op.writes.clone(), workspace: op.workspace }
    };
    let all = graph.op_ids().fold(START, |set, it| set | 1 << it.0);
    let ends = |bit, before, reads, writes| Turn { op: None, bit, before, reads, writes, workspace: Bytes::ZERO };
    let starts = graph.tensor_ids().filter(|it| graph.tensor(*it).starts_on_chip).collect();
    let left = graph.tensor_ids().filter(|it| graph.tensor(*it).ends_on_chip).collect();
    let start = ends(START, 0, Vec::new(), starts);
    [start].into_iter().chain(graph.op_ids().map(op)).chain([ends(END, all, left, Vec::new())]).collect()
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Layout {
    ran: u64,
    /// The tensors in the scratchpad that are still to be read, with their addresses; sorted.
    present: Vec<(TensorId, Bytes)>,
    /// The tensors with a host copy that are still to be read.
    copied: u64,
}

impl State for Layout {
    fn progress(&self) -> u32 {
        self.ran.count_ones()
    }
}

impl Layout {
    /// Tensors that are still to be read are present or have a host copy as soon as they exist.
    fn is_ready(&self, turn: &Turn) -> bool {
        let exists = |it: &TensorId| self.copied & bit(*it) != 0 || self.offset(*it).is_some();
        self.ran & turn.bit == 0 && turn.before & !self.ran == 0 && turn.reads.iter().all(exists)
    }

    fn offset(&self, tensor: TensorId) -> Option<Bytes> {
        self.present.iter().find(|it| it.0 == tensor).map(|it| it.1)
    }
}

/// A block of the operator to run; the workspace has no tensor.
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

fn moves(problem: &Problem, layout: &Layout, turn: &Turn, push: &mut dyn FnMut(Layout, u64)) {
    let either_way: Vec<TensorId> =
        turn.op.into_iter().flat_map(|it| problem.graph.op(it).reads_either_way()).collect();
    for passing in 0_u64..1 << either_way.len() {
        let is_passing = |nth: usize| passing & (1 << nth) != 0;
        let (passing, coming): (Vec<_>, Vec<_>) = either_way.iter().enumerate().partition(|it| is_passing(it.0));
        let tensors = |it: Vec<(usize, &TensorId)>| it.into_iter().map(|it| *it.1).collect::<Vec<_>>();
        moves_with(problem, layout, turn, &tensors(passing), &tensors(coming), push);
    }
}

/// The same with some tensors streamed, and the others loaded.
fn moves_with(
    problem: &Problem,
    layout: &Layout,
    turn: &Turn,
    passing: &[TensorId],
    coming: &[TensorId],
    push: &mut dyn FnMut(Layout, u64),
) {
    let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
    let block = |tensor: TensorId, offset| Block { tensor: Some(tensor), offset, size: size(tensor) };
    let operands = || turn.reads.iter().chain(&turn.writes).chain(coming).copied();
    let there: Vec<(TensorId, Bytes)> = operands().filter_map(|it| Some((it, layout.offset(it)?))).collect();
    let missing = operands().filter(|it| layout.offset(*it).is_none());
    let workspace = Block { tensor: None, offset: Bytes::ZERO, size: turn.workspace };
    let missing: Vec<Block> = missing.map(|it| block(it, Bytes::ZERO)).chain([workspace]).collect();

    for stay in 0_u64..1 << there.len() {
        let (mut placed, mut to_place) = (Vec::new(), missing.clone());
        for (index, &(tensor, offset)) in there.iter().enumerate() {
            let blocks = if stay & (1 << index) != 0 { &mut placed } else { &mut to_place };
            blocks.push(block(tensor, offset));
        }
        let n_stay = placed.len();
        let shares = |a: Block, b: Block| may_share(problem, layout, turn, a, b);
        place(problem, &mut placed, &to_place, &shares, &mut |placed| {
            let Some(conflicts) = price_of_banks(problem, turn, coming, placed) else { return };
            let (next, price) = run(problem, layout, turn, &placed[..n_stay], &placed[n_stay..]);
            push(next, price + conflicts + passing.iter().map(|it| size(*it).0).sum::<u64>());
        });
    }
}

/// The cost of bank conflicts; `None` if they are not allowed.
fn price_of_banks(problem: &Problem, turn: &Turn, coming: &[TensorId], placed: &[Block]) -> Option<u64> {
    let Some(Banks { size, apart }) = problem.machine.memories()[MemoryId::SCRATCHPAD.index()].banks else {
        return Some(0);
    };
    let is_read = |it: &&Block| it.tensor.is_some_and(|it| turn.reads.contains(&it) || coming.contains(&it));
    let reads: Vec<&Block> = placed.iter().filter(is_read).filter(|it| it.size != Bytes::ZERO).collect();
    let bank = |it: &Block| it.offset.0 / size.0;
    let n_before = |(nth, one): (usize, &&Block)| reads[..nth].iter().filter(|it| bank(it) == bank(one)).count() as u64;
    let conflicts: u64 = reads.iter().enumerate().map(n_before).sum();
    match apart {
        Apart::Price(price) if turn.op.is_some() => Some(price * conflicts),
        Apart::Must if turn.op.is_some() && 0 < conflicts => None,
        _ => Some(0),
    }
}

/// Whether two blocks may overlap like this: a result and an operand without further readers, as the operator allows.
fn may_share(problem: &Problem, layout: &Layout, turn: &Turn, a: Block, b: Block) -> bool {
    let Some(op) = turn.op else { return false };
    let is_left = |tensor: TensorId| problem.graph.tensor(tensor).ends_on_chip;
    let dies = |tensor| {
        let mut readers = problem.graph.readers(tensor).iter();
        !is_left(tensor) && readers.all(|it| *it == op || layout.ran & (1 << it.0) != 0)
    };
    problem.graph.op(op).in_place.iter().any(|it| {
        let pair = [Some(it.result), Some(it.operand)];
        let fits = pair == [a.tensor, b.tensor] && it.fits(a.offset, b.offset)
            || pair == [b.tensor, a.tensor] && it.fits(b.offset, a.offset);
        fits && dies(it.operand) && !problem.graph.may_pass_by(it.operand)
    })
}

/// All ways to assign aligned addresses to blocks, disjoint from each other and from placed ones, or sharing bytes as
/// allowed.
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
        let pin = block.tensor.and_then(|it| problem.graph.tensor(it).pin);
        if block.size != Bytes::ZERO && pin.is_some_and(|it| it != block.offset) {
            continue;
        }
        let is_in_the_way = |it: &Block| it.overlaps(block) && !shares(*it, block);
        let scratchpad = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()];
        let reserved = &scratchpad.reserved;
        let bank = |at: u64| scratchpad.banks.map(|it| at / it.size.0);
        if block.size != Bytes::ZERO && bank(offset) != bank((block.offset + block.size).0 - 1) {
            continue;
        }
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

/// Runs an operator with some blocks in place and others at new places.
fn run(problem: &Problem, layout: &Layout, turn: &Turn, stay: &[Block], new: &[Block]) -> (Layout, u64) {
    let graph = &problem.graph;
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
        if !turn.writes.contains(&tensor) {
            price += block.size;
        }
    }
    let reads = turn.op.into_iter().flat_map(|it| &graph.op(it).reads);
    let streamed = reads.filter(|it| !it.from.contains(MemoryId::SCRATCHPAD)).map(|it| it.tensor);
    let stored = turn.writes.iter().filter(|it| graph.is_written_back(**it));
    price += streamed.chain(stored.clone().copied()).map(|it| graph.tensor(it).size).sum();
    copied = stored.fold(copied, |set, it| set | bit(*it));

    let ran = layout.ran | turn.bit;
    let is_left = |tensor: TensorId| graph.tensor(tensor).ends_on_chip && ran & END == 0;
    let is_live = |tensor: TensorId| is_left(tensor) || graph.readers(tensor).iter().any(|it| ran & (1 << it.0) == 0);
    present.retain(|it| is_live(it.0));
    present.sort();
    copied = graph.tensor_ids().filter(|it| is_live(*it)).fold(0, |set, it| set | copied & bit(it));
    (Layout { ran, present, copied }, price.0)
}

fn bit(tensor: TensorId) -> u64 {
    1 << tensor.0
}
