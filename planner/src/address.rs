//! Addresses for an outline: each stay is an interval to be packed, and so is each workspace.
//!
//! A result in the place of an operand makes one interval of two stays, which lasts from the start
//! of the first to the end of the second; so whole chains of stays are one interval. If those cannot
//! be packed, stays are separated at each step where there is room for both.

use crate::pack::{Interval, Packing, pack};
use crate::{Bytes, Deadline, InPlace, Outline, Plan, Problem};

/// The plan that follows an outline, if its stays can be packed and the deadline allows.
pub fn address(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Plan> {
    let mut in_place = problem.in_place_by_step(&outline.order);
    let plan = pack_chains(problem, outline, &in_place, deadline);
    if plan.is_some() || !separate(problem, outline, &mut in_place) {
        return plan;
    }
    pack_chains(problem, outline, &in_place, deadline)
}

/// Packs stays, where these results take the place of operands.
fn pack_chains(problem: &Problem, outline: &Outline, in_place: &[Vec<InPlace>], deadline: Deadline) -> Option<Plan> {
    let graph = &problem.graph;
    let chain_of = chains(problem, outline, in_place);
    let mut intervals: Vec<Interval> = Vec::new();
    for (stay, &chain) in outline.stays.iter().zip(&chain_of) {
        let (start, end) = (stay.steps.start.0, stay.steps.end.0);
        match intervals.get_mut(chain) {
            Some(interval) => interval.end = end,
            None => intervals.push(Interval::new(start, end, graph.tensor(stay.tensor).size)),
        }
    }
    let n_chains = intervals.len();
    let workspaces = outline.order.iter().enumerate();
    let workspaces = workspaces.map(|(step, op)| Interval::new(step as u32, step as u32 + 1, graph.op(*op).workspace));
    intervals.extend(workspaces);
    let machine = &problem.machine;
    match pack(&intervals, machine.scratchpad, machine.alignment, deadline) {
        Packing::Placed(offsets) => {
            let (chains, workspaces) = offsets.split_at(n_chains);
            let stays: Vec<Bytes> = chain_of.iter().map(|it| chains[*it]).collect();
            Some(outline.at(&stays, workspaces.to_vec()))
        }
        Packing::Infeasible | Packing::Undecided => None,
    }
}

/// Per stay, the chain that it belongs to, counted by their first stays.
///
/// Stays are sorted by their start, then by tensor; and an operand's number is less than a result's.
/// So the stay that a result continues comes before its own.
fn chains(problem: &Problem, outline: &Outline, in_place: &[Vec<InPlace>]) -> Vec<usize> {
    let mut chain_of = Vec::with_capacity(outline.stays.len());
    // Per tensor, the chain of its latest stay.
    let mut latest: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
    let mut n_chains = 0;
    for stay in &outline.stays {
        // A result that was put out and came in again takes nobody's place.
        let pair = in_place[stay.steps.start.index()].iter().find(|it| it.result == stay.tensor);
        let chain = pair.and_then(|it| latest[it.operand.index()]).unwrap_or(n_chains);
        n_chains = n_chains.max(chain + 1);
        latest[stay.tensor.index()] = Some(chain);
        chain_of.push(chain);
    }
    chain_of
}

/// Gives results places of their own where there is room; gives whether there was.
fn separate(problem: &Problem, outline: &Outline, in_place: &mut [Vec<InPlace>]) -> bool {
    let mut rooms: Vec<Bytes> = outline.order.iter().map(|it| problem.workspace_room(*it)).collect();
    for stay in &outline.stays {
        let during = &mut rooms[stay.steps.start.index()..stay.steps.end.index()];
        during.iter_mut().for_each(|it| *it += problem.room(stay.tensor));
    }
    let mut is_separated = false;
    for (room, pairs) in rooms.into_iter().zip(in_place) {
        let mut taken = room - problem.saved(pairs);
        pairs.retain(|it| {
            let apart = taken + problem.room(it.result);
            if apart <= problem.capacity() {
                (taken, is_separated) = (apart, true);
            }
            problem.capacity() < apart
        });
    }
    is_separated
}
