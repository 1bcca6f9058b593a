//! New places for what comes in, so that it can come in early.
//!
//! Results, workspaces, and loads that share bytes with results stay where they are. All other loads are placed again, in
//! the order in which they are due. A place that is free while the load is used may have been in use shortly before, and
//! then the load has to wait: so of all places at the borders of other blocks, the one is taken where the load begins the
//! least too late, slice by slice, in the order in which its bytes get free.

use super::slices::LoadSlice;
use super::transfers::Transfers;
use crate::address::address_low;
use crate::{Bytes, Cycles, Deadline, Plan, Problem};
use std::cmp::Reverse;
use std::ops::Range;

/// Which of equally good places is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
    /// Low for every other load, high for those between.
    Both,
    /// Where the least is left beside it.
    Tight,
}

impl Side {
    pub const ALL: [Side; 4] = [Side::Low, Side::High, Side::Both, Side::Tight];
}

/// How often packing low is tried for each capacity.
const ATTEMPTS: u64 = 4;

/// When each slice should be able to begin.
pub(super) struct Wishes<'a> {
    pub slices: &'a [LoadSlice],
    /// By slice: the step before whose operator it should begin.
    pub since: &'a [usize],
    /// By step: when the lines before its operator begin.
    pub begins: &'a [Cycles],
}

/// What lies somewhere: the bytes and the steps, both half-open.
#[derive(Clone)]
struct Block {
    bytes: Range<u64>,
    steps: Range<usize>,
}

/// The same plan with other places for loads; none if one of them finds no place.
pub(super) fn place_again(
    problem: &Problem,
    plan: &Plan,
    transfers: &Transfers,
    wishes: &Wishes<'_>,
    side: Side,
) -> Option<Plan> {
    let is_free = free_loads(problem, plan, transfers);
    let mut placed = fixed_blocks(problem, plan, transfers, &is_free);
    let mut plan = plan.clone();
    let stretches = problem.machine.stretches();
    let alignment = problem.machine.alignment();
    let mut is_low = true;
    let slices = wishes.slices.chunk_by(|a, b| a.load == b.load);
    let mut at = 0;
    for of_load in slices {
        let wished = at..at + of_load.len();
        at = wished.end;
        let load = of_load[0].load;
        if !is_free[load] {
            continue;
        }
        let it = &transfers.loads[load];
        let steps = it.due..plan.residencies[it.residency].steps.end.index();
        let first = wishes.since[wished.clone()].iter().copied().min().unwrap_or(it.due).min(it.due);
        // What lies there while it is used, and what lay there when it should come in.
        let during: Vec<&Block> =
            placed.iter().filter(|it| it.steps.start < steps.end && steps.start < it.steps.end).collect();
        let before: Vec<&Block> =
            placed.iter().filter(|it| first < it.steps.end && it.steps.end <= steps.start).collect();
        let now = plan.residencies[it.residency].offset.0;
        let mut offsets: Vec<u64> = vec![now];
        offsets.extend(stretches.iter().map(|it| it.start.0));
        let below = |end: u64| end.checked_sub(it.size.0).map(|it| it / alignment.0 * alignment.0);
        offsets.extend(stretches.iter().filter_map(|it| below(it.end.0)));
        for block in during.iter().chain(&before) {
            offsets.push(block.bytes.end.next_multiple_of(alignment.0));
            offsets.extend(below(block.bytes.start));
        }
        offsets.sort_unstable();
        offsets.dedup();
        let meets = |block: &&&Block, offset: u64| block.bytes.start < offset + it.size.0 && offset < block.bytes.end;
        let is_free = |offset: u64| {
            let is_inside = |it2: &Range<Bytes>| it2.start.0 <= offset && offset + it.size.0 <= it2.end.0;
            stretches.iter().any(is_inside) && !during.iter().any(|it| meets(&it, offset))
        };
        let cost = |offset: u64| {
            let met: Vec<&Block> = before.iter().filter(|it| meets(it, offset)).copied().collect();
            let late = lateness(&met, offset..offset + it.size.0, wishes, wished.clone());
            let gap = || {
                let low = during.iter().map(|it| it.bytes.end).filter(|it| *it <= offset).max().unwrap_or(0);
                let end = offset + it.size.0;
                let high = during.iter().map(|it| it.bytes.start).filter(|it| end <= *it).min().unwrap_or(u64::MAX);
                (offset - low).min(high - end)
            };
            let tie = match side {
                Side::Low => (offset, Reverse(0)),
                Side::High => (0, Reverse(offset)),
                Side::Both if is_low => (offset, Reverse(0)),
                Side::Both => (0, Reverse(offset)),
                Side::Tight => (gap(), Reverse(0)),
            };
            (late, tie)
        };
        let offset = offsets.into_iter().filter(|it| is_free(*it)).min_by_key(|it| cost(*it))?;
        is_low = !is_low;
        plan.residencies[it.residency].offset = Bytes(offset);
        placed.push(Block { bytes: offset..offset + it.size.0, steps });
    }
    Some(plan)
}

/// The same plan, where all but the loads that can lie anywhere are packed as low as it can be found quickly: so what is
/// left is in one piece. Those loads stay where they are, whatever lies there now.
pub(super) fn compact(problem: &Problem, plan: &Plan, transfers: &Transfers, deadline: Deadline) -> Option<Plan> {
    let mut is_moved = vec![true; plan.residencies.len()];
    let is_free = free_loads(problem, plan, transfers);
    transfers.loads.iter().zip(is_free).filter(|it| it.1).for_each(|(load, _)| is_moved[load.residency] = false);
    let mut rest = plan.outline();
    let mut moved = is_moved.iter();
    rest.stays.retain(|_| *moved.next().expect("there is one for each"));
    let packed = address_low(problem, &rest, ATTEMPTS, deadline)?;
    let mut compact = Plan { workspaces: packed.workspaces, ..plan.clone() };
    let moved = compact.residencies.iter_mut().zip(is_moved).filter(|it| it.1);
    moved.zip(packed.residencies).for_each(|((residency, _), packed)| residency.offset = packed.offset);
    Some(compact)
}

/// By load: whether it can lie anywhere. Where a result takes its place, it cannot.
pub(super) fn free_loads(problem: &Problem, plan: &Plan, transfers: &Transfers) -> Vec<bool> {
    let in_place = problem.in_place_by_step(&plan.order);
    let is_free = |it: &super::transfers::Load| {
        let residency = &plan.residencies[it.residency];
        let last = residency.steps.end.index() - 1;
        it.size != Bytes::ZERO && in_place[last].iter().all(|pair| pair.operand != residency.tensor)
    };
    transfers.loads.iter().map(is_free).collect()
}

/// All but the loads that can lie anywhere.
fn fixed_blocks(problem: &Problem, plan: &Plan, transfers: &Transfers, is_free: &[bool]) -> Vec<Block> {
    let mut is_moved = vec![false; plan.residencies.len()];
    transfers.loads.iter().zip(is_free).for_each(|(load, is_free)| is_moved[load.residency] = *is_free);
    let residencies = plan.residencies.iter().zip(is_moved).filter(|it| !it.1).map(|(it, _)| Block {
        bytes: it.offset.0..it.offset.0 + problem.graph.tensor(it.tensor).size.0,
        steps: it.steps.start.index()..it.steps.end.index(),
    });
    let workspaces = plan.order.iter().zip(&plan.workspaces).enumerate().map(|(step, (op, offset))| Block {
        bytes: offset.0..offset.0 + problem.graph.op(*op).workspace.0,
        steps: step..step + 1,
    });
    residencies.chain(workspaces).filter(|it| !it.bytes.is_empty()).collect()
}

/// By how much a load begins too late where these blocks lay before: the most of any slice, and the sum of all.
fn lateness(met: &[&Block], bytes: Range<u64>, wishes: &Wishes<'_>, wished: Range<usize>) -> (u64, u128) {
    if met.is_empty() {
        return (0, 0);
    }
    // From which step on the bytes are free, piece by piece.
    let mut borders: Vec<u64> = met.iter().flat_map(|it| [it.bytes.start, it.bytes.end]).collect();
    borders.extend([bytes.start, bytes.end]);
    borders.retain(|it| bytes.start <= *it && *it <= bytes.end);
    borders.sort_unstable();
    borders.dedup();
    let piece = |ends: &[u64]| {
        let lay = met.iter().filter(|it| it.bytes.start < ends[1] && ends[0] < it.bytes.end);
        (lay.map(|it| it.steps.end).max().unwrap_or(0), ends[1] - ends[0])
    };
    let mut pieces: Vec<(usize, u64)> = borders.windows(2).map(piece).collect();
    pieces.sort_unstable();
    let mut left = pieces.into_iter();
    let (mut most, mut sum) = (0, 0);
    let (mut since, mut n_free) = (0, 0);
    for slice in wished {
        let mut size = wishes.slices[slice].bytes.size().0;
        let mut last = 0;
        while size != 0 {
            if n_free == 0 {
                let Some(next) = left.next() else { break };
                (since, n_free) = next;
            }
            let taken = size.min(n_free);
            (size, n_free, last) = (size - taken, n_free - taken, since);
        }
        let late = wishes.begins[last].saturating_sub(wishes.begins[wishes.since[slice]]).0;
        most = most.max(late);
        sum += u128::from(late);
    }
    (most, sum)
}
