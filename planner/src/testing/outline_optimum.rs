//! The least traffic over all orders and residencies, without addresses: by trying everything.
//!
//! A state consists of the operators that have run, the tensors in the scratchpad and the tensors with a host copy. The
//! moves are elementary: load a tensor, evict a tensor, run an operator. Everything may be loaded at any time and
//! anything evicted; there is no dominance and no heuristic, so the number of states is exponential in the number of
//! tensors that are live at once. It is a reference for the search, so it shares nothing with it.

use super::least_cost::{State, least_cost};
use crate::{Bytes, Error, InPlace, Keep, MemoryId, OpId, Problem, TensorId, Use};

/// The least non-compulsory traffic of any [`Outline`](crate::Outline), including repeated streaming of weights.
///
/// The contents of the scratchpad fit if their padded sizes add up to at most the scratchpad rounded up to the
/// alignment, since the last block needs no padding. So the result is a lower bound for plans, and usually the optimum.
///
/// For at most 64 operators and 64 tensors, and in practice a dozen.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn outline_optimum(problem: &Problem) -> Result<Bytes, Error> {
    problem.check()?;
    Ok(optimum(problem, 0).expect("each operator fits alone, so there is a way") - problem.compulsory())
}

/// The least non-compulsory traffic of each further run, if weights may be kept from one run to the next: over all sets
/// of them that are in the scratchpad when a run begins, and again when it ends. Each weight that must be kept is in
/// the set, and is never evicted.
///
/// # Errors
/// Those of [`Problem::check`] if no weight is kept.
pub fn kept_optimum(problem: &Problem) -> Result<Option<Bytes>, Error> {
    let keepable: Vec<TensorId> = problem.graph.keepable().collect();
    let always = |it: &TensorId| problem.graph.tensor(*it).keep == Keep::Always;
    let fixed = keepable.iter().copied().filter(always).map(bit).fold(0, |a, b| a | b);
    let sets = (0_u64..1 << keepable.len()).map(|set| {
        let members = keepable.iter().enumerate().filter(|it| set & (1 << it.0) != 0);
        members.map(|it| bit(*it.1)).fold(0, |a, b| a | b)
    });
    let best = sets.filter(|it| it & fixed == fixed).filter_map(|it| optimum(problem, it)).min();
    Ok(best.map(|it| it - problem.compulsory()))
}

/// The least traffic of a run that begins and ends with these weights in the scratchpad.
fn optimum(problem: &Problem, kept: u64) -> Option<Bytes> {
    assert!(problem.graph.ops().len() <= 64 && problem.graph.tensors().len() <= 64, "a set is 64 bits");
    let arguments = problem.graph.tensor_ids().filter(|it| problem.graph.producer(*it).is_none());
    let room: Bytes = problem.graph.tensor_ids().filter(|it| kept & bit(*it) != 0).map(|it| problem.room(it)).sum();
    if room_in_all(problem) < room {
        return None;
    }
    let start = Sets { ran: 0, present: kept, kept, copied: arguments.map(bit).fold(0, |a, b| a | b) };
    let goal = problem.graph.ops().len() as u32 + 1;
    let total = least_cost(start, goal, |state, push| moves(problem, *state, push));
    total.map(Bytes)
}

/// Sets as bits of the ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Sets {
    ran: u64,
    /// The tensors in the scratchpad when a run begins, and when it ends.
    kept: u64,
    /// The tensors in the scratchpad that are still to be read, or are kept.
    present: u64,
    /// The tensors with a host copy that are still to be read.
    copied: u64,
}

impl State for Sets {
    fn progress(&self) -> u32 {
        self.ran.count_ones() + u32::from(self.kept & !self.present == 0)
    }
}

fn moves(problem: &Problem, state: Sets, push: &mut dyn FnMut(Sets, u64)) {
    let graph = &problem.graph;
    let capacity = room_in_all(problem);
    let is_live = |tensor: TensorId, ran: u64| {
        state.kept & bit(tensor) != 0 || graph.readers(tensor).iter().any(|it| ran & (1 << it.0) == 0)
    };
    let room =
        |set: u64| -> Bytes { graph.tensor_ids().filter(|it| set & bit(*it) != 0).map(|it| problem.room(it)).sum() };
    let size = |tensor: TensorId| graph.tensor(tensor).size.0;

    for tensor in graph.tensor_ids().filter(|it| is_live(*it, state.ran)) {
        let is_present = state.present & bit(tensor) != 0;
        let is_copied = state.copied & bit(tensor) != 0;
        if is_present && graph.tensor(tensor).keep == Keep::Always {
            continue;
        }
        if is_present {
            let present = state.present & !bit(tensor);
            let price = if is_copied { 0 } else { size(tensor) };
            push(Sets { present, copied: state.copied | bit(tensor), ..state }, price);
        } else if is_copied && room(state.present | bit(tensor)) <= capacity {
            push(Sets { present: state.present | bit(tensor), ..state }, size(tensor));
        }
    }

    for op in graph.op_ids().filter(|it| state.ran & (1 << it.0) == 0) {
        let operator = graph.op(op);
        let is_there = |it: &TensorId| state.present & bit(*it) != 0;
        let passes = |it: &&Use| !it.from.contains(MemoryId::SCRATCHPAD) || it.may_pass_by() && !is_there(&it.tensor);
        let streamed: Vec<TensorId> = operator.reads.iter().filter(passes).map(|it| it.tensor).collect();
        let writes = operator.writes.iter().map(|it| bit(*it)).fold(0, |a, b| a | b);
        let workspace = operator.workspace.align_up(problem.machine.alignment());
        // Except for arguments, present tensors were written, so operands are present only in a valid order; streamed
        // weights are arguments.
        let has_operands = operator.reads_on_chip().all(|it| is_there(&it) || streamed.contains(&it));
        let is_its_turn = graph.edges().iter().all(|it| it.1 != op || state.ran & (1 << it.0.0) != 0);
        let ran = state.ran | 1 << op.0;
        if !has_operands
            || !is_its_turn
            || capacity < room(state.present | writes) + workspace - most_saved(problem, op, ran, state.kept)
        {
            continue;
        }
        let stored = operator.writes.iter().filter(|it| graph.is_written_back(**it));
        let price = streamed.iter().chain(stored.clone()).map(|it| size(*it)).sum();
        let live = graph.tensor_ids().filter(|it| is_live(*it, ran)).map(bit).fold(0, |a, b| a | b);
        let stored = stored.map(|it| bit(*it)).fold(0, |a, b| a | b);
        let present = (state.present | writes) & live;
        push(Sets { ran, kept: state.kept, present, copied: (state.copied | stored) & live }, price);
    }
}

/// The size of all addresses at which a block may begin: the maximum sum of padded sizes.
fn room_in_all(problem: &Problem) -> Bytes {
    let Bytes(alignment) = problem.machine.alignment();
    let reserved = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()].reserved;
    if reserved.is_empty() {
        return problem.machine.scratchpad().align_up(Bytes(alignment));
    }
    let addresses = (0..problem.machine.scratchpad().0).step_by(alignment as usize);
    let free = addresses.filter(|it| !reserved.iter().any(|range| range.contains(&Bytes(*it))));
    Bytes(alignment * free.count() as u64)
}

/// The saving of shared bytes: the maximum over all ways to pair results and operands.
fn most_saved(problem: &Problem, op: OpId, ran: u64, kept: u64) -> Bytes {
    let dies = |tensor: TensorId| {
        kept & bit(tensor) == 0 && problem.graph.readers(tensor).iter().all(|it| ran & (1 << it.0) != 0)
    };
    let operator = problem.graph.op(op);
    let pairs = operator.in_place.iter();
    let is_possible = |it: &&InPlace| {
        let is_aligned = it.at().0.is_multiple_of(problem.machine.alignment().0);
        let is_counted_on = !problem.graph.may_pass_by(it.operand);
        is_counted_on && dies(it.operand) && operator.reads_on_chip().any(|read| read == it.operand) && is_aligned
    };
    let pairs: Vec<_> = pairs.filter(is_possible).collect();
    // Operands and results are in at most one pair each.
    let are_possible = |a: &InPlace, b: &InPlace| {
        let is_apart = a.result != b.result && a.operand != b.operand;
        is_apart || a.is_part() && b.is_part() && a.outer() == b.outer()
    };
    let saved = |chosen: u64| -> Option<Bytes> {
        let chosen: Vec<_> = (0..pairs.len()).filter(|it| chosen & (1 << it) != 0).map(|it| pairs[it]).collect();
        let is_possible = |at: usize| chosen[..at].iter().all(|it| are_possible(it, chosen[at]));
        (0..chosen.len()).all(is_possible).then(|| chosen.iter().map(|it| problem.room(it.inner())).sum())
    };
    (0..1 << pairs.len()).filter_map(saved).max().unwrap_or(Bytes::ZERO)
}

fn bit(tensor: TensorId) -> u64 {
    1 << tensor.0
}
