//! ExecuTorch's placement of tensors, as a baseline.

use super::settled::Apart;
use super::{Accesses, Lives, Placement, Settled};
use crate::{Bytes, Error, MemoryId, OpId, Place, Problem, TensorId};
use std::ops::Range;

/// The placement in source order by the rule of ExecuTorch's greedy memory planning, one memory after the other: the
/// largest tensor first, each in the fastest memory that has an offset for it, and there at the lowest offset that is
/// free in all of its steps. No result takes the place of an operand.
///
/// # Errors
/// Those of [`place()`](crate::place()).
pub fn place_largest_first(problem: &Problem) -> Result<Placement, Error> {
    let settled = Settled::new(problem)?;
    let accesses = Accesses::of(&settled)?;
    let order: Vec<OpId> = settled.problem.graph.op_ids().collect();
    let lives = Lives::in_order(&settled.problem, &order);
    match largest_first(&settled.problem, &accesses, &settled.apart, &lives) {
        Some(Places { places, workspaces }) => Ok(settled.back(Placement { order, places, workspaces })),
        None => Err(super::not_placed(problem, &accesses, false)),
    }
}

/// The memory and the address of everything.
pub(super) struct Places {
    pub places: Vec<Option<Place>>,
    pub workspaces: Vec<Bytes>,
}

/// A placed block.
struct Block {
    steps: Range<u32>,
    low: u64,
    high: u64,
}

/// The same for lives in the order of the steps; `None` if some tensor finds no place.
pub(super) fn largest_first(problem: &Problem, accesses: &Accesses, apart: &Apart, lives: &Lives) -> Option<Places> {
    let Problem { graph, machine } = problem;
    let mut blocks: Vec<Vec<Block>> = machine.memories().iter().map(|_| Vec::new()).collect();
    let mut find = |memory: MemoryId, steps: Range<u32>, size: Bytes| {
        let of = &machine.memories()[memory.index()];
        if of.size.is_none() || size == Bytes::ZERO {
            return Some(Bytes::ZERO);
        }
        let blocks = &mut blocks[memory.index()];
        let taken = || blocks.iter().filter(|it| it.steps.start.max(steps.start) < it.steps.end.min(steps.end));
        let mut offset = None;
        for stretch in of.stretches() {
            let mut taken: Vec<(u64, u64)> = taken().map(|it| (it.low, it.high)).collect();
            taken.retain(|it| stretch.start.0 < it.1 && it.0 < stretch.end.0);
            taken.sort_unstable();
            let mut at = stretch.start.0;
            for (low, high) in taken {
                if at + size.0 <= low {
                    break;
                }
                at = at.max(high.next_multiple_of(of.alignment.0));
            }
            if at + size.0 <= stretch.end.0 {
                offset = Some(at);
                break;
            }
        }
        let at = offset?;
        blocks.push(Block { steps, low: at, high: at + size.0 });
        Some(Bytes(at))
    };
    let mut workspaces = vec![Bytes::ZERO; lives.n_rows];
    for (step, workspace) in lives.workspaces.iter().enumerate() {
        workspaces[step] = find(MemoryId::SCRATCHPAD, step as u32..step as u32 + 1, *workspace)?;
    }
    let mut order: Vec<TensorId> = graph.tensor_ids().filter(|it| !accesses.options[it.index()].is_empty()).collect();
    order.sort_by_key(|it| (std::cmp::Reverse(graph.tensor(*it).size), *it));
    let mut places = vec![None; graph.tensors().len()];
    let mut assignment = places.iter().map(|_| None).collect::<Vec<Option<MemoryId>>>();
    for tensor in order {
        let steps = lives.rows[tensor.index()].first()?.clone();
        let size = graph.tensor(tensor).size;
        let options = accesses.options[tensor.index()].iter().map(|it| it.0);
        let mut options = options.filter(|it| apart.may_lie(tensor, *it, &assignment));
        let place = options.find_map(|memory| Some(Place { memory, offset: find(memory, steps.clone(), size)? }))?;
        places[tensor.index()] = Some(place);
        assignment[tensor.index()] = Some(place.memory);
    }
    Some(Places { places, workspaces })
}
