//! B0: bounds from sums over the whole program. The largest of
//!
//! - all operators in sequence, after the loads of one that can be the first, and before the stores of one that can be
//!   the last;
//! - all transfers of a channel: the compulsory ones, and proven additional ones;
//! - the longest chain of operators, each after the loads of its own arguments.

use crate::time::Timing;
use crate::{Bytes, Cycles, Error, MemoryId, OpId, Origin, Problem, TensorId};

/// A bound from sums for every program of a problem, if every plan has at least `non_compulsory` non-compulsory bytes.
///
/// # Errors
/// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction.
pub(super) fn bound_of_sums(problem: &Problem, non_compulsory: Bytes) -> Result<Cycles, Error> {
    let graph = &problem.graph;
    let way = |from, to| problem.machine.timing(from, to).ok_or(Error::NotPlanned("a machine without a link".into()));
    problem.machine.clock().ok_or(Error::NoClock)?;
    let inward = way(MemoryId::HOME, MemoryId::SCRATCHPAD)?;
    let outward = way(MemoryId::SCRATCHPAD, MemoryId::HOME)?;
    let size = |it: TensorId| graph.tensor(it).size;
    let is_argument = |it: TensorId| matches!(graph.tensor(it).origin, Origin::Argument | Origin::Weight);

    let mut computing = Cycles::ZERO;
    let (mut head, mut tail, mut path): (Option<Cycles>, Option<Cycles>, Cycles) = (None, None, Cycles::ZERO);
    let mut ends: Vec<Cycles> = Vec::with_capacity(graph.ops().len());
    for op in graph.op_ids() {
        let operator = graph.op(op);
        // An operand that may be streamed need not be loaded before, nor while it runs.
        let loads = problem.operands(op).filter(|it| is_argument(*it) && graph.tensor(*it).size != Bytes::ZERO);
        let before = one_after_the_other(inward, loads.map(size))?;
        let after =
            one_after_the_other(outward, operator.writes.iter().copied().filter(|it| graph.is_stored(*it)).map(size))?;
        let streamed = operator.reads.iter().filter(|it| !it.from.contains(MemoryId::SCRATCHPAD));
        let streaming = one_after_the_other(inward, streamed.map(|it| size(it.tensor)))?;
        let cycles = problem.cycles(op)?.unwrap_or_default().max(streaming);
        computing = computing.plus(cycles)?;
        if graph.predecessors(op).is_empty() {
            head = Some(head.map_or(before, |it| it.min(before)));
        }
        if graph.successors(op).is_empty() {
            tail = Some(tail.map_or(after, |it| it.min(after)));
        }
        let ready = graph.predecessors(op).iter().map(|it: &OpId| ends[it.index()]).max().unwrap_or_default();
        let end = ready.max(before).plus(cycles)?;
        path = path.max(end.plus(after)?);
        ends.push(end);
    }
    let computing = head.unwrap_or_default().plus(computing)?.plus(tail.unwrap_or_default())?;

    let mut is_used = vec![false; graph.tensors().len()];
    graph.ops().iter().flat_map(|it| &it.reads).for_each(|it| is_used[it.tensor.index()] = true);
    let mut carried = [0_u128; 2];
    for tensor in graph.tensor_ids().filter(|it| is_argument(*it) && is_used[it.index()]) {
        carried[0] += u128::from(inward.busy(size(tensor))?.0);
    }
    for tensor in graph.tensor_ids().filter(|it| graph.is_stored(*it)) {
        carried[1] += u128::from(outward.busy(size(tensor))?.0);
    }
    let cycles = |timing: &Timing, bytes: u64| u128::from(timing.rate.goes_into(bytes).unwrap_or(u64::MAX));
    let channels = if inward.channel == outward.channel {
        // In either direction. Rounded up together, since rounding up one by one is not less.
        let all = carried[0] + carried[1] + cycles(inward, non_compulsory.0).min(cycles(outward, non_compulsory.0));
        // The last one is complete after a latency.
        all + if all == 0 { 0 } else { u128::from(inward.latency.min(outward.latency).0) }
    } else {
        // Of spills and reloads, at least half are inward.
        let back = non_compulsory.saturating_sub(problem.restreamed()).0 / 2;
        (carried[0] + cycles(inward, back)).max(carried[1])
    };
    let channels = u64::try_from(channels).ok().filter(|it| *it < 1 << 63).ok_or(Error::TooManyCycles)?;
    Ok(computing.max(Cycles(channels)).max(path))
}

/// When the last of several transfers over a link is complete, if the channel does nothing else.
fn one_after_the_other(timing: &Timing, sizes: impl Iterator<Item = Bytes>) -> Result<Cycles, Error> {
    let mut sum = None;
    for size in sizes {
        sum = Some(sum.unwrap_or(Cycles::ZERO).plus(timing.busy(size)?)?);
    }
    sum.map_or(Ok(Cycles::ZERO), |it: Cycles| it.plus(timing.latency))
}
