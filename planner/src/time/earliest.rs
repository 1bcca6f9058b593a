//! From which step on there is room for each load.
//!
//! That is a question of steps, not of time: what lies in the scratchpad depends on the step, and of the loads that
//! come before in the queue only those take room that are not used yet. So for a given queue, the earliest step of each
//! load follows at once, and to begin as soon as that is optimal.

use super::slices::LoadSlice;
use super::transfers::{Load, Transfers};
use crate::{Bytes, Plan, Problem};

/// By slice: the earliest step before whose operator it can begin, if only the sum of rooms counts. Slices are in the
/// order in which they go, which is the order in which they are due.
pub(super) fn earliest_by_rooms(
    problem: &Problem,
    transfers: &Transfers,
    slices: &[LoadSlice],
    capacity: Bytes,
) -> Vec<usize> {
    let alignment = problem.machine.alignment();
    let mut rooms: Vec<Bytes> = transfers.steps.iter().map(|it| it.room).collect();
    let mut since = Vec::with_capacity(slices.len());
    for step in 0..transfers.steps.len() {
        while let Some(slice) = slices.get(since.len()) {
            let Load { due, not_before, .. } = transfers.loads[slice.load];
            if step < not_before {
                break;
            }
            let room = slice.bytes.size().align_up(alignment);
            if step < due {
                let taken = rooms[step..due].iter().copied().max().unwrap_or_default();
                if capacity < taken + room {
                    break;
                }
                rooms[step..due].iter_mut().for_each(|it| *it += room);
            }
            since.push(step.min(due));
        }
    }
    since
}

/// Slices in the order in which they go, and by slice: the earliest step before whose operator it can begin where a plan
/// puts it. From then on, nothing else lies there before the slice is due. Of one load, those go first that have their
/// room first.
pub(super) fn earliest_by_addresses(
    problem: &Problem,
    plan: &Plan,
    transfers: &Transfers,
    slices: &[LoadSlice],
) -> (Vec<LoadSlice>, Vec<usize>) {
    let size = |residency: usize| problem.graph.tensor(plan.residencies[residency].tensor).size;
    let blocks = (0..plan.residencies.len()).map(|it| {
        let residency = &plan.residencies[it];
        (residency.offset, residency.offset + size(it), residency.steps.start.index(), residency.steps.end.index())
    });
    let workspaces = plan.order.iter().zip(&plan.workspaces).enumerate();
    let workspaces =
        workspaces.map(|(step, (op, &offset))| (offset, offset + problem.graph.op(*op).workspace, step, step + 1));
    let blocks: Vec<(Bytes, Bytes, usize, usize)> = blocks.chain(workspaces).filter(|it| it.0 < it.1).collect();
    let mut found = Vec::with_capacity(slices.len());
    for of_load in slices.chunk_by(|a, b| a.load == b.load) {
        let load = &transfers.loads[of_load[0].load];
        let start = plan.residencies[load.residency].offset;
        let end = start + load.size;
        let is_before = |it: &&(Bytes, Bytes, usize, usize)| it.0 < end && start < it.1 && it.2 < load.due;
        let before: Vec<_> = blocks.iter().filter(is_before).collect();
        let first = found.len();
        for slice in of_load {
            let (low, high) = (start + slice.bytes.low, start + slice.bytes.high);
            let met = before.iter().filter(|it| it.0 < high && low < it.1);
            let since = met.map(|it| it.3).max().unwrap_or(0).max(load.not_before).min(load.due);
            found.push((*slice, since));
        }
        found[first..].sort_by_key(|it| it.1);
    }
    found.into_iter().unzip()
}
