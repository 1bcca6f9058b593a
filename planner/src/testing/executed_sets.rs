//! The least traffic over all orders and residencies, without addresses: dynamic programming over the sets of executed
//! operators, the smaller ones first (Held and Karp, *A Dynamic Programming Approach to Sequencing Problems*, 1962).
//!
//! For each set, all possible contents of the scratchpad and of host copies are kept, with their least cost. From there
//! another operator runs: missing operands are loaded just before, and tensors that it does not use are evicted only as
//! far as necessary, since evictions can wait. So there are far fewer states than with independent transfers of every
//! tensor, and problems of 14 operators take milliseconds. It uses no dominance and no bounds, and has its own rules
//! for sharing bytes: it is a reference for the solvers, so it shares nothing with them.

use crate::{Bytes, Error, MemoryId, OpId, Overlay, Problem, TensorId};
use std::collections::{BTreeMap, HashMap};

/// The least non-compulsory traffic of any [`Outline`](crate::Outline), including repeated streaming of weights.
///
/// For at most 32 operators and 64 tensors, and in practice about 14 operators.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn optimum_by_executed_sets(problem: &Problem) -> Result<Bytes, Error> {
    problem.check()?;
    let graph = &problem.graph;
    assert!(graph.ops().len() <= 32 && graph.tensors().len() <= 64, "sets are words of bits");
    let copied = set(graph.tensor_ids().filter(|tensor| graph.producer(*tensor).is_none()));
    let mut levels: Vec<BTreeMap<u32, HashMap<Memory, u64>>> = vec![BTreeMap::new(); graph.ops().len() + 1];
    levels[0].entry(0).or_default().insert(Memory { present: 0, copied }, 0);
    for level in 0..graph.ops().len() {
        for (executed, states) in std::mem::take(&mut levels[level]) {
            for op in graph.op_ids().filter(|op| is_ready(problem, executed, *op)) {
                let after = levels[level + 1].entry(executed | 1 << op.0).or_default();
                for (memory, cost) in &states {
                    run(problem, executed, *memory, op, &mut |memory, price| {
                        let known = after.entry(memory).or_insert(u64::MAX);
                        *known = (*known).min(cost + price);
                    });
                }
            }
        }
    }
    let ends = levels.pop().into_iter().flat_map(BTreeMap::into_values).flat_map(HashMap::into_values);
    let total = Bytes(ends.min().expect("each operator fits alone, so there is a way"));
    Ok(total - problem.compulsory())
}

/// Sets of tensors that are still to be read, as bits of their ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Memory {
    /// The tensors in the scratchpad.
    present: u64,
    /// The tensors with a host copy.
    copied: u64,
}

fn bit(tensor: TensorId) -> u64 {
    1 << tensor.0
}

fn set(tensors: impl Iterator<Item = TensorId>) -> u64 {
    tensors.fold(0, |set, tensor| set | bit(tensor))
}

fn tensors(set: u64) -> impl Iterator<Item = TensorId> {
    (0..64).filter(move |index| set >> index & 1 == 1).map(TensorId)
}

/// Whether an operator has not run and all its predecessors have.
fn is_ready(problem: &Problem, executed: u32, op: OpId) -> bool {
    let has_run = |op: OpId| executed >> op.0 & 1 == 1;
    let mut producers = problem.graph.op(op).reads.iter().filter_map(|read| problem.graph.producer(read.tensor));
    let mut before = problem.graph.edges().iter().filter(|edge| edge.1 == op).map(|edge| edge.0);
    !has_run(op) && producers.all(has_run) && before.all(has_run)
}

/// All possible memories after another operator has run, with the cost in bytes.
fn run(problem: &Problem, executed: u32, memory: Memory, op: OpId, found: &mut dyn FnMut(Memory, u64)) {
    let either_way = set(problem.graph.op(op).reads_either_way());
    for passing in subsets(either_way) {
        run_with(problem, executed, memory, op, passing, found);
    }
}

/// The same if these tensors are streamed.
fn run_with(
    problem: &Problem,
    executed: u32,
    memory: Memory,
    op: OpId,
    passing: u64,
    found: &mut dyn FnMut(Memory, u64),
) {
    let graph = &problem.graph;
    let alignment = problem.machine.alignment();
    let operator = graph.op(op);
    let room = |set: u64| -> u64 { tensors(set).map(|it| graph.tensor(it).size.align_up(alignment).0).sum() };
    let size = |set: u64| -> u64 { tensors(set).map(|it| graph.tensor(it).size.0).sum() };
    let capacity = problem.machine.scratchpad().align_up(alignment).0;

    let on_chip = operator.reads.iter().filter(|read| read.from.contains(MemoryId::SCRATCHPAD));
    let reads = set(on_chip.map(|read| read.tensor)) & !passing;
    let streamed = set(operator.reads.iter().map(|read| read.tensor)) & !reads;
    let writes = set(operator.writes.iter().copied());
    let stored = writes & set(graph.tensor_ids().filter(|tensor| graph.is_written_back(*tensor)));
    let missing = reads & !memory.present;
    if missing & !memory.copied != 0 {
        return;
    }
    let executed = executed | 1 << op.0;
    let own = room(reads | writes) + operator.workspace.align_up(alignment).0 - saved(problem, executed, op);
    let idle = memory.present & !reads;
    let fits = |gone: u64| own + room(idle & !gone) <= capacity;
    let is_live = |tensor: TensorId| graph.readers(tensor).iter().any(|reader| executed >> reader.0 & 1 == 0);
    let live = set(graph.tensor_ids().filter(|tensor| is_live(*tensor)));
    for gone in subsets(idle) {
        let is_least = tensors(gone).all(|tensor| !fits(gone & !bit(tensor)));
        if fits(gone) && is_least {
            let price = size(gone & !memory.copied) + size(missing) + size(streamed) + size(stored);
            let present = (idle & !gone | reads | writes) & live;
            found(Memory { present, copied: (memory.copied | gone | stored) & live }, price);
        }
    }
}

/// All subsets of a set, the empty one first.
fn subsets(set: u64) -> impl Iterator<Item = u64> {
    let next = move |subset: &u64| Some(subset.wrapping_sub(set) & set).filter(|next| *next != 0);
    std::iter::successors(Some(0), next)
}

/// A result within an operand or the other way round, as bits of both, and the saving.
struct Shared {
    tensors: u64,
    is_part: bool,
    room: u64,
}

/// The most that the results of an operator save by lying over operands that are read for the last time.
fn saved(problem: &Problem, executed: u32, op: OpId) -> u64 {
    let graph = &problem.graph;
    let alignment = problem.machine.alignment();
    let mut all = Vec::new();
    for pair in &graph.op(op).in_place {
        let readers = graph.readers(pair.operand);
        let is_counted_on = readers.contains(&op) && !graph.may_pass_by(pair.operand);
        let is_dead = is_counted_on && readers.iter().all(|reader| executed >> reader.0 & 1 == 1);
        let (at, inner) = match pair.overlay {
            Overlay::Whole => (Bytes::ZERO, pair.result),
            Overlay::PartOfResult(at) => (at, pair.operand),
            Overlay::PartOfOperand(at) => (at, pair.result),
        };
        if is_dead && at.align_up(alignment) == at {
            let tensors = bit(pair.result) | bit(pair.operand);
            let room = graph.tensor(inner).size.align_up(alignment).0;
            all.push(Shared { tensors, is_part: pair.overlay != Overlay::Whole, room });
        }
    }
    most_saved(&all, 0)
}

/// The maximum over all choices of pairs; pairs of whole tensors must be disjoint. No operator has other pairs of a
/// tensor with parts, or of a part.
fn most_saved(pairs: &[Shared], taken: u64) -> u64 {
    let Some((pair, rest)) = pairs.split_first() else { return 0 };
    let without = most_saved(rest, taken);
    if pair.is_part {
        pair.room + without
    } else if pair.tensors & taken == 0 {
        without.max(pair.room + most_saved(rest, taken | pair.tensors))
    } else {
        without
    }
}
