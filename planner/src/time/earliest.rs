//! The step from which on there is space for each load.
//!
//! This depends on steps, not on time: the contents of the scratchpad depend on the step, and of the earlier loads in
//! the queue only those take space that are not used yet. So a given queue determines the earliest step of each load,
//! and it is optimal to begin it then.

use super::slices::LoadSlice;
use super::transfers::{Load, Transfers};
use crate::{Bytes, Plan, Problem};
use std::ops::Range;

/// By slice: the earliest step before whose operator it can begin, by sums of padded sizes. Slices are sorted by the
/// step in which they are due.
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

/// The slices in issue order, and by slice: the earliest step before whose operator it can begin at the addresses of a
/// plan. From then on, nothing else lies there before the slice is due. Slices of one load are sorted by the step from
/// which on they have space.
pub(super) fn earliest_by_addresses(
    problem: &Problem,
    plan: &Plan,
    transfers: &Transfers,
    slices: &[LoadSlice],
) -> (Vec<LoadSlice>, Vec<usize>) {
    let mut used = Used::default();
    let mut found = Vec::with_capacity(slices.len());
    let mut of_loads = slices.chunk_by(|a, b| a.load == b.load).peekable();
    let mut residencies = plan.residencies.iter().peekable();
    for (step, (op, workspace)) in plan.order.iter().zip(&plan.workspaces).enumerate() {
        // The place of a loaded tensor counts only until a result takes it.
        while let Some(of_load) = of_loads.next_if(|it| transfers.loads[it[0].load].due <= step) {
            let Load { residency, due, not_before, .. } = transfers.loads[of_load[0].load];
            let start = plan.residencies[residency].offset.0;
            let first = found.len();
            for slice in of_load {
                let since = used.last(start + slice.bytes.low.0..start + slice.bytes.high.0);
                found.push((*slice, since.max(not_before).min(due)));
            }
            found[first..].sort_by_key(|it| it.1);
        }
        while let Some(it) = residencies.next_if(|it| it.steps.start.index() <= step) {
            let size = problem.graph.tensor(it.tensor).size;
            used.set(it.offset.0..it.offset.0 + size.0, it.steps.end.index());
        }
        let size = problem.graph.op(*op).workspace;
        used.set(workspace.0..workspace.0 + size.0, step + 1);
    }
    found.into_iter().unzip()
}

/// By address: one past the last step in which something lay there.
#[derive(Default)]
struct Used {
    /// By first byte, ascending; each piece ends at the next one, and the last has no end. Nothing lay before the
    /// first.
    pieces: Vec<(u64, usize)>,
}

impl Used {
    /// Marks bytes as used until a step, which is later than all earlier ones there.
    fn set(&mut self, bytes: Range<u64>, until: usize) {
        if bytes.is_empty() {
            return;
        }
        let first = self.pieces.partition_point(|it| it.0 < bytes.start);
        let behind = self.pieces.partition_point(|it| it.0 <= bytes.end);
        let after = behind.checked_sub(1).map_or(0, |it| self.pieces[it].1);
        self.pieces.splice(first..behind, [(bytes.start, until), (bytes.end, after)]);
    }

    /// The end of the last use of any of these bytes.
    fn last(&self, bytes: Range<u64>) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        let first = self.pieces.partition_point(|it| it.0 <= bytes.start).saturating_sub(1);
        let behind = self.pieces.partition_point(|it| it.0 < bytes.end);
        self.pieces.get(first..behind).into_iter().flatten().map(|it| it.1).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Used;

    #[test]
    fn what_lies_there_now_counts() {
        let mut used = Used::default();
        used.set(10..20, 3);
        used.set(20..40, 4);
        used.set(15..25, 7);
        used.set(5..5, 9);
        let last = |from, to| used.last(from..to);
        assert_eq!((last(0, 10), last(0, 11), last(14, 15), last(14, 16)), (0, 3, 3, 7));
        assert_eq!((last(25, 40), last(39, 50), last(40, 50), last(12, 12)), (4, 4, 0, 0));
    }
}
