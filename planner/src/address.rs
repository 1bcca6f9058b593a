//! Addresses for an outline: each stay is an interval to be packed, and so is each workspace.

use crate::pack::{Interval, Packing, pack};
use crate::{Deadline, Outline, Plan, Problem};

/// The plan that follows an outline, if its stays can be packed and the deadline allows.
pub fn address(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<Plan> {
    let graph = &problem.graph;
    let stays =
        outline.stays.iter().map(|it| Interval::new(it.steps.start.0, it.steps.end.0, graph.tensor(it.tensor).size));
    let workspaces = outline
        .order
        .iter()
        .enumerate()
        .map(|(step, op)| Interval::new(step as u32, step as u32 + 1, graph.op(*op).workspace));
    let intervals: Vec<Interval> = stays.chain(workspaces).collect();
    let machine = &problem.machine;
    match pack(&intervals, machine.scratchpad, machine.alignment, deadline) {
        Packing::Placed(offsets) => {
            let (stays, workspaces) = offsets.split_at(outline.stays.len());
            Some(outline.at(stays, workspaces.to_vec()))
        }
        Packing::Infeasible | Packing::Undecided => None,
    }
}
