//! Why there is no packing: intervals that cannot lie together, as few as will do.
//!
//! 1. One that fits nowhere even alone, or two whose fixed offsets clash, are the whole reason.
//! 2. Where the load is above the capacity, the largest of those that are there at that step are.
//! 3. Else all are, and the packer is asked again and again whether there still is no packing without
//!    some of them: halves first, then ever smaller groups of neighbours in time, at last each alone.
//!
//! The last round is a deletion filter (Chinneck and Dravnieks 1991): what is kept was shown to be
//! needed by a packing of the others, and still is when more goes away later.

use super::clash::clash;
use super::{Interval, Packing, load, pack};
use crate::{Bytes, Deadline};

/// Intervals that have no packing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Their places in the list, in order.
    pub intervals: Vec<usize>,
    /// Whether without any one of them the others have a packing. If not, the deadline came first.
    pub irreducible: bool,
}

/// Intervals that cannot be packed together, if it is proven before the deadline that not all can be.
pub fn conflict(intervals: &[Interval], capacity: Bytes, alignment: Bytes, deadline: Deadline) -> Option<Conflict> {
    let question = Question { intervals, capacity, alignment };
    for at in 0..intervals.len() {
        if question.ask(&[at], deadline) == Packing::Infeasible {
            return Some(Conflict { intervals: vec![at], irreducible: true });
        }
    }
    if let Some(pair) = clash(intervals, alignment) {
        return Some(Conflict { intervals: pair, irreducible: true });
    }
    let suspects = match clique(intervals, capacity, alignment) {
        Some(clique) => clique,
        None if pack(intervals, capacity, alignment, deadline) == Packing::Infeasible => {
            let mut all: Vec<usize> = (0..intervals.len()).filter(|it| !intervals[*it].is_empty()).collect();
            all.sort_by_key(|it| (intervals[*it].start, intervals[*it].end));
            all
        }
        None => return None,
    };
    Some(question.reduce(suspects, deadline))
}

/// The largest of the intervals at the step with the greatest load, as many as are too much.
fn clique(intervals: &[Interval], capacity: Bytes, alignment: Bytes) -> Option<Vec<usize>> {
    let loads = |ids: &[usize]| load(&ids.iter().map(|it| intervals[*it].clone()).collect::<Vec<_>>(), alignment);
    if load(intervals, alignment) <= capacity {
        return None;
    }
    let mut events: Vec<(u32, bool, usize, u64)> = Vec::new();
    for (at, interval) in intervals.iter().enumerate() {
        for piece in interval.pieces() {
            let size = piece.high.0 - piece.low.0;
            let room = size.div_ceil(alignment.0.max(1)).saturating_mul(alignment.0.max(1));
            events.extend([(piece.start, true, at, room), (piece.end, false, at, room)]);
        }
    }
    events.sort_unstable();
    let (mut sum, mut most, mut step) = (0u128, 0u128, 0);
    for (when, starts, _, room) in &events {
        if *starts {
            sum += u128::from(*room)
        } else {
            sum -= u128::from(*room)
        }
        if most < sum {
            (most, step) = (sum, *when);
        }
    }
    let is_there = |it: &&(u32, bool, usize, u64)| {
        it.1 && intervals[it.2].pieces().iter().any(|piece| piece.start <= step && step < piece.end)
    };
    let mut live: Vec<(u64, usize)> = events.iter().filter(is_there).map(|it| (it.3, it.2)).collect();
    live.sort_unstable_by_key(|it| (std::cmp::Reverse(it.0), it.1));
    let mut live: Vec<usize> = live.into_iter().map(|it| it.1).collect();
    let mut known = std::collections::BTreeSet::new();
    live.retain(|it| known.insert(*it));
    // The padding of the highest counts for nothing, so the step of the most room need not be the one
    // that is too full: then all are suspects.
    if loads(&live) <= capacity {
        return Some((0..intervals.len()).filter(|it| !intervals[*it].is_empty()).collect());
    }
    let (mut too_few, mut enough) = (0, live.len());
    while too_few + 1 < enough {
        let middle = usize::midpoint(too_few, enough);
        if loads(&live[..middle]) <= capacity { too_few = middle } else { enough = middle }
    }
    live.truncate(enough);
    Some(live)
}

struct Question<'a> {
    intervals: &'a [Interval],
    capacity: Bytes,
    alignment: Bytes,
}

impl Question<'_> {
    fn ask(&self, ids: &[usize], deadline: Deadline) -> Packing {
        if let Some(offsets) = self.stack(ids) {
            return Packing::Placed(offsets);
        }
        let asked: Vec<Interval> = ids.iter().map(|it| self.intervals[*it].clone()).collect();
        pack(&asked, self.capacity, self.alignment, deadline)
    }

    /// All on top of each other: a clique at one step has no other packing, and often needs none.
    fn stack(&self, ids: &[usize]) -> Option<Vec<Bytes>> {
        let mut top = 0_u64;
        let mut offsets = Vec::new();
        let mut padding = 0;
        for id in ids {
            let interval = &self.intervals[*id];
            if interval.fixed.is_some() || interval.alignment != Bytes(1) {
                return None;
            }
            offsets.push(Bytes(top));
            let room = interval.size.0.checked_next_multiple_of(self.alignment.0.max(1))?;
            padding = padding.max(room - interval.size.0);
            top = top.checked_add(room)?;
        }
        // The one with the most padding can be the highest.
        (top - padding <= self.capacity.0).then_some(offsets)
    }

    /// As few of the suspects as have no packing.
    fn reduce(&self, mut suspects: Vec<usize>, deadline: Deadline) -> Conflict {
        let mut irreducible = true;
        let mut group = suspects.len().div_ceil(2).max(1);
        loop {
            let is_last = group == 1;
            let mut at = 0;
            while at < suspects.len() {
                if deadline.has_passed() {
                    suspects.sort_unstable();
                    return Conflict { intervals: suspects, irreducible: false };
                }
                let mut others = suspects.clone();
                others.drain(at..suspects.len().min(at + group));
                // One hard question must not leave the others without an answer.
                let patience = deadline.left().map_or(deadline, |it| deadline.within(it / 8));
                match self.ask(&others, patience) {
                    Packing::Infeasible => suspects = others,
                    Packing::Placed(_) => at += group,
                    Packing::Undecided => {
                        irreducible &= !is_last;
                        at += group;
                    }
                }
            }
            if is_last {
                break;
            }
            group = group.div_ceil(2);
        }
        suspects.sort_unstable();
        Conflict { intervals: suspects, irreducible }
    }
}
