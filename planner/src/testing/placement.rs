//! Random machines on which nothing moves, and the best placement by trying everything.

use super::Choices;
use crate::{Apart, Banks, Bytes, InPlace, Link, Machine, Memory, MemoryId, OpId, Origin, Problem, TensorId};
use std::ops::Range;

/// The same graph on a machine on which nothing moves: with a home that may hold anything, only weights, or nothing,
/// and one to three memories with sizes, and with various alignments, prices, banks and reserved addresses. Often there
/// is no placement.
pub fn without_moves(problem: &Problem, choices: &mut Choices) -> Problem {
    let graph = &problem.graph;
    let Bytes(unit) = problem.machine.alignment();
    let sizes = graph.tensors().iter().map(|it| it.size.0.next_multiple_of(unit));
    let all = sizes.sum::<u64>() / unit;
    let workspace = graph.ops().iter().map(|it| it.workspace.0.next_multiple_of(unit)).max().unwrap_or(0);
    let mut memories =
        vec![Memory { name: "flash".into(), size: None, alignment: Bytes(1), reserved: Vec::new(), banks: None }];
    let n_memories = choices.one_of(&[1, 2, 2, 3]);
    for index in 0..n_memories {
        let alignment = choices.one_of(&[unit, unit, unit * 2]);
        let mut size = choices.below(all + 2) * unit / choices.one_of(&[1, 2, 2, 3]) + choices.below(2) * (unit / 2);
        if index == 0 {
            size += workspace;
        }
        let mut reserved: Vec<Range<Bytes>> = Vec::new();
        if choices.chance(20) {
            let low = choices.below(size + 1);
            reserved.push(Bytes(low)..Bytes(low + 1 + choices.below(unit * 2)));
        }
        let banks = choices.chance(30).then(|| {
            let n_banks = choices.one_of(&[2, 2, 3, 4]);
            size += choices.below(2) * size / 2;
            size = size.max(1).next_multiple_of(n_banks);
            Banks { size: Bytes(size / n_banks), apart: if choices.chance(50) { Apart::Must } else { Apart::No } }
        });
        memories.push(Memory {
            name: format!("m{index}"),
            size: Some(Bytes(size)),
            alignment: Bytes(alignment),
            reserved,
            banks,
        });
    }
    let mut links = Vec::new();
    for index in (0..=n_memories as u32).filter(|it| *it != MemoryId::SCRATCHPAD.0) {
        let (memory, scratchpad) = (MemoryId(index), MemoryId::SCRATCHPAD);
        let price = choices.one_of(&[3, 1, 0, 7, 10]);
        if !choices.chance(10) {
            links.push(Link { from: memory, to: scratchpad, price });
        }
        if !choices.chance(if index == 0 { 40 } else { 10 }) {
            links.push(Link { from: scratchpad, to: memory, price: choices.one_of(&[price, price, price + 2, 0]) });
        }
    }
    let machine = Machine::new(memories, links).expect("a machine").without_moves().expect("it has no clock");
    Problem { graph: graph.clone(), machine }
}

/// The cost of the best placement in an order, by trying all memories and all addresses; `None` if there is no
/// placement. Only for a handful of tensors and units.
pub fn placement_optimum(problem: &Problem, order: &[OpId]) -> Option<u128> {
    let graph = &problem.graph;
    let tensors: Vec<TensorId> = graph.tensor_ids().filter(|it| is_touched(problem, *it)).collect();
    let lifetimes: Vec<Range<usize>> = graph.tensor_ids().map(|it| lifetime(problem, order, it)).collect();
    let n_memories = problem.machine.memories().len() as u32;
    let mut assignments: Vec<(u128, Vec<(TensorId, MemoryId)>)> = vec![(0, Vec::new())];
    for &tensor in &tensors {
        let mut more = Vec::new();
        for (cost, assignment) in &assignments {
            for memory in (0..n_memories).map(MemoryId) {
                if let Some(price) = price(problem, tensor, memory) {
                    let mut assignment = assignment.clone();
                    assignment.push((tensor, memory));
                    more.push((cost + price, assignment));
                }
            }
        }
        assignments = more;
    }
    assignments.sort_by_key(|it| it.0);
    let fits = |assignment: &Vec<(TensorId, MemoryId)>| {
        (0..n_memories).map(MemoryId).all(|memory| fits(problem, order, &lifetimes, memory, assignment))
    };
    assignments.into_iter().find(|it| fits(&it.1)).map(|it| it.0)
}

fn is_touched(problem: &Problem, tensor: TensorId) -> bool {
    let graph = &problem.graph;
    graph.ops().iter().any(|it| it.reads_tensor(tensor) || it.writes.contains(&tensor))
        || graph.results().contains(&tensor)
}

/// The cost of a tensor in a memory; `None` if it may not be there, regardless of size.
fn price(problem: &Problem, tensor: TensorId, memory: MemoryId) -> Option<u128> {
    let scratchpad = MemoryId::SCRATCHPAD;
    let price = |from: MemoryId, to: MemoryId| match from == to {
        true => Some(0),
        false => problem.machine.links().iter().find(|it| (it.from, it.to) == (from, to)).map(|it| it.price),
    };
    let n_reads = problem.graph.ops().iter().filter(|it| it.reads_tensor(tensor)).count() as u128;
    let read = if 0 < n_reads { price(memory, scratchpad)? } else { 0 };
    let written = match problem.graph.tensor(tensor).origin {
        Origin::Weight => 0,
        Origin::Op(_) => price(scratchpad, memory)?,
        Origin::Argument | Origin::Staged => {
            price(scratchpad, memory)?;
            0
        }
    };
    let size = u128::from(problem.graph.tensor(tensor).size.0);
    Some(size * (n_reads * u128::from(read) + u128::from(written)))
}

fn lifetime(problem: &Problem, order: &[OpId], tensor: TensorId) -> Range<usize> {
    let graph = &problem.graph;
    let n_steps = order.len().max(1);
    let last = order.iter().rposition(|it| graph.op(*it).reads_tensor(tensor));
    let first = order.iter().position(|it| graph.op(*it).writes.contains(&tensor));
    if graph.results().contains(&tensor) || graph.tensor(tensor).origin == Origin::Weight {
        return first.unwrap_or(0)..n_steps;
    }
    first.unwrap_or(0)..last.or(first).map_or(1, |it| it + 1)
}

struct Block {
    tensor: Option<TensorId>,
    steps: Range<usize>,
    offset: u64,
    size: u64,
}

/// Whether everything that a memory holds can be given addresses there.
fn fits(
    problem: &Problem,
    order: &[OpId],
    lifetimes: &[Range<usize>],
    memory: MemoryId,
    assignment: &[(TensorId, MemoryId)],
) -> bool {
    let Some(_) = problem.machine.memories()[memory.index()].size else { return true };
    let tensors = assignment.iter().filter(|it| it.1 == memory).map(|it| Block {
        tensor: Some(it.0),
        steps: lifetimes[it.0.index()].clone(),
        offset: 0,
        size: problem.graph.tensor(it.0).size.0,
    });
    let of_ops = order.iter().enumerate().filter(|_| memory == MemoryId::SCRATCHPAD);
    let workspaces = of_ops.map(|(step, op)| Block {
        tensor: None,
        steps: step..step + 1,
        offset: 0,
        size: problem.graph.op(*op).workspace.0,
    });
    let mut blocks: Vec<Block> = tensors.chain(workspaces).filter(|it| it.size != 0).collect();
    // Sums of sizes that are too large need no search.
    let Bytes(size) = problem.machine.memories()[memory.index()].size.unwrap_or_default();
    if blocks.iter().any(|it| size < it.size) {
        return false;
    }
    put(problem, order, lifetimes, memory, &mut blocks, 0)
}

fn put(
    problem: &Problem,
    order: &[OpId],
    lifetimes: &[Range<usize>],
    memory: MemoryId,
    blocks: &mut [Block],
    next: usize,
) -> bool {
    if next == blocks.len() {
        return true;
    }
    let of = &problem.machine.memories()[memory.index()];
    let size = of.size.unwrap_or_default().0;
    let last = size.saturating_sub(blocks[next].size);
    for offset in (0..=last).step_by(of.alignment.0 as usize) {
        blocks[next].offset = offset;
        let (before, rest) = blocks.split_at(next);
        let block = &rest[0];
        let end = offset + block.size;
        let is_reserved = of.reserved.iter().any(|it| it.start.0 < end && offset < it.end.0);
        let bank = |at: u64| of.banks.map(|it| at / it.size.0);
        if bank(offset) != bank(end - 1) {
            continue;
        }
        let are_banks_apart = of.banks.is_some_and(|it| it.apart == Apart::Must);
        let is_beside = |it: &Block| {
            let are_read = it.tensor.zip(block.tensor).is_some_and(|(a, b)| are_operands(problem, a, b));
            are_banks_apart && are_read && bank(it.offset) == bank(offset)
        };
        if before.iter().any(is_beside) {
            continue;
        }
        let is_apart = |it: &Block| {
            let meet = it.steps.start.max(block.steps.start) < it.steps.end.min(block.steps.end);
            !meet || it.offset + it.size <= offset || end <= it.offset || share(problem, order, lifetimes, it, block)
        };
        if !is_reserved && before.iter().all(is_apart) && put(problem, order, lifetimes, memory, blocks, next + 1) {
            return true;
        }
    }
    false
}

/// Whether one operator reads both.
fn are_operands(problem: &Problem, a: TensorId, b: TensorId) -> bool {
    problem.graph.ops().iter().any(|it| it.reads_tensor(a) && it.reads_tensor(b))
}

/// Whether one is a result that lies over the other, an operand, as their operator allows, and the operand dies in its
/// step.
fn share(problem: &Problem, order: &[OpId], lifetimes: &[Range<usize>], a: &Block, b: &Block) -> bool {
    let (Some(one), Some(other)) = (a.tensor, b.tensor) else { return false };
    let graph = &problem.graph;
    let dies = |pair: &InPlace, step: usize| {
        let is_kept = graph.results().contains(&pair.operand) || graph.tensor(pair.operand).origin == Origin::Weight;
        !is_kept && lifetimes[pair.operand.index()].end == step + 1
    };
    order.iter().enumerate().any(|(step, op)| {
        graph.op(*op).in_place.iter().any(|pair| {
            let fits = (pair.result, pair.operand) == (one, other) && pair.fits(Bytes(a.offset), Bytes(b.offset))
                || (pair.result, pair.operand) == (other, one) && pair.fits(Bytes(b.offset), Bytes(a.offset));
            fits && dies(pair, step)
        })
    })
}
