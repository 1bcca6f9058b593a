//! Explanations of infeasibility: a small set of intervals that cannot be packed together.
//!
//! 1. An interval that does not fit even alone, or two with conflicting fixed offsets, are the explanation.
//! 2. If the load exceeds the capacity, the largest intervals of that step are.
//! 3. Otherwise all are. The packer is called repeatedly to check whether the set stays infeasible without some of
//!    them: first halves, then ever smaller groups of neighbours in time, finally each one alone.
//!
//! The last round is a deletion filter (Chinneck and Dravnieks 1991): a packing of the others shows that an interval is
//! needed, which stays true when more are removed later.

use super::clash::clash;
use super::{Interval, Packing, load, pack};
use crate::{Bytes, Deadline};

/// Intervals that have no packing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Their indices, ascending.
    pub intervals: Vec<usize>,
    /// Whether the others have a packing without any one of them. If not, the deadline passed first.
    pub irreducible: bool,
}

/// Intervals that cannot be packed together, if infeasibility is proven before the deadline.
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

/// The largest of the intervals at the step with the greatest load, until they exceed the capacity.
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
    // The padding of the highest does not count, so the step with the largest padded sum may not be the infeasible one:
    // then all are returned.
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

    /// A small infeasible subset of the suspects.
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
                // One hard query must not use the time of the others.
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
