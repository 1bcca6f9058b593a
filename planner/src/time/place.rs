//! New places for loads, so that they can begin early.
//!
//! Workspaces, pinned blocks, and blocks that share bytes with others stay in place. All others can be placed again, in
//! the order in which they begin. A place that is free while a load is used may have been in use shortly before, which
//! delays the load. So among all places at the borders of other blocks, the one is taken where the load is the least
//! late, slice by slice in the order in which its bytes become free, and where it does the least harm to later loads
//! there.

use super::slices::LoadSlice;
use super::transfers::Transfers;
use crate::address::address_low;
use crate::{Bytes, Cycles, Deadline, Plan, Problem, Residency};
use std::ops::Range;

/// The choice among equally good places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
    /// The one with the least space left beside it.
    Tight,
}

impl Side {
    pub const ALL: [Side; 3] = [Side::Low, Side::High, Side::Tight];
}

/// The number of low packing attempts for each capacity.
const ATTEMPTS: u64 = 4;

/// The desired start of each slice.
pub(super) struct Wishes<'a> {
    pub slices: &'a [LoadSlice],
    /// By slice: the step before whose operator it should begin.
    pub since: &'a [usize],
    /// By step: the start of the lines before its operator.
    pub begins: &'a [Cycles],
    /// By residency: its slices; empty if it is not a load.
    of_residency: Vec<Range<usize>>,
}

impl Wishes<'_> {
    pub fn new<'a>(
        plan: &Plan,
        transfers: &Transfers,
        slices: &'a [LoadSlice],
        since: &'a [usize],
        begins: &'a [Cycles],
    ) -> Wishes<'a> {
        let mut of_residency: Vec<Range<usize>> = vec![0..0; plan.residencies.len()];
        for (slice, it) in slices.iter().enumerate() {
            let slices = &mut of_residency[transfers.loads[it.load].residency];
            *slices = if slices.start == slices.end { slice..slice + 1 } else { slices.start..slice + 1 };
        }
        Wishes { slices, since, begins, of_residency }
    }

    /// Whether a residency begins with a load.
    pub fn is_load(&self, residency: usize) -> bool {
        self.of_residency[residency].start < self.of_residency[residency].end
    }
}

/// A block: its bytes and steps, both half-open.
#[derive(Clone)]
struct Block {
    bytes: Range<u64>,
    steps: Range<usize>,
    /// The slices of a load.
    wished: Range<usize>,
}

/// The same plan with other places for some residencies; `None` if one of them finds no place.
pub(super) fn place_again(
    problem: &Problem,
    plan: &Plan,
    wishes: &Wishes<'_>,
    is_moved: &[bool],
    mut side: impl FnMut() -> Side,
) -> Option<Plan> {
    let mut ground = Ground { wishes, placed: fixed_blocks(problem, plan, wishes, is_moved), problem };
    let mut plan = plan.clone();
    for (index, residency) in plan.residencies.iter_mut().enumerate().filter(|it| is_moved[it.0]) {
        let block = block(problem, residency, wishes.of_residency[index].clone());
        let place = ground.place(block, side())?;
        residency.offset = Bytes(place.bytes.start);
        ground.placed.push(place);
    }
    Some(plan)
}

fn block(problem: &Problem, residency: &Residency, wished: Range<usize>) -> Block {
    let Residency { tensor, steps, offset } = residency;
    let bytes = offset.0..offset.0 + problem.graph.tensor(*tensor).size.0;
    Block { bytes, steps: steps.start.index()..steps.end.index(), wished }
}

/// The blocks placed so far.
struct Ground<'a> {
    problem: &'a Problem,
    wishes: &'a Wishes<'a>,
    placed: Vec<Block>,
}

impl Ground<'_> {
    /// The best place for a load.
    fn place(&self, block: Block, side: Side) -> Option<Block> {
        let Block { ref bytes, ref steps, ref wished } = block;
        let size = bytes.end - bytes.start;
        let first = self.wishes.since[wished.clone()].iter().copied().min().unwrap_or(steps.start).min(steps.start);
        // The blocks during its use, before it when it should be loaded, and after it.
        let (mut during, mut before, mut after): (Vec<&Block>, Vec<&Block>, Vec<&Block>) = Default::default();
        for it in &self.placed {
            if it.steps.start < steps.end && steps.start < it.steps.end {
                during.push(it);
            } else if it.steps.end <= steps.start {
                if first < it.steps.end {
                    before.push(it);
                }
            } else if self.first_wish(it).is_some_and(|wish| wish < steps.end) {
                after.push(it);
            }
        }
        let alignment = self.problem.machine.alignment().0;
        let all = during.iter().chain(&before).chain(&after).copied().collect();
        if let Some(offset) = free_offset(&self.gaps(all), size, alignment, side) {
            return Some(Block { bytes: offset..offset + size, ..block.clone() });
        }
        let gaps = self.gaps(during);
        let gap = |offset: u64| {
            let found = gaps.partition_point(|it| it.start <= offset).checked_sub(1);
            found.map(|it| &gaps[it]).filter(|it| offset + size <= it.end)
        };
        let below = |end: u64| end.checked_sub(size).map(|it| it / alignment * alignment);
        let mut offsets: Vec<u64> = vec![bytes.start];
        let borders = gaps.iter().chain(before.iter().chain(&after).map(|it| &it.bytes));
        for border in borders {
            offsets.extend([border.start.next_multiple_of(alignment), border.end.next_multiple_of(alignment)]);
            offsets.extend([border.start, border.end].into_iter().filter_map(below));
        }
        offsets.retain(|it| gap(*it).is_some());
        offsets.sort_unstable();
        offsets.dedup();
        let meets = |block: &Block, offset: u64| block.bytes.start < offset + size && offset < block.bytes.end;
        let cost = |offset: u64| {
            let met: Vec<&Block> = before.iter().filter(|it| meets(it, offset)).copied().collect();
            let place = Block { bytes: offset..offset + size, ..block.clone() };
            let (most, sum) = lateness(&met, &place, self.wishes);
            let harm = after.iter().filter(|it| meets(it, offset)).map(|it| self.harm(&place, it));
            let (most, sum) = harm.fold((most, sum), |(most, sum), it| (most.max(it), sum + u128::from(it)));
            (most, sum)
        };
        // Preferred offsets come first, so the first one without any delay is the best.
        let beside = |offset: u64| gap(offset).map_or(0, |it| (offset - it.start).min(it.end - offset - size));
        match side {
            Side::Low => {}
            Side::High => offsets.reverse(),
            Side::Tight => offsets.sort_by_cached_key(|it| beside(*it)),
        }
        let mut best: Option<((u64, u128), u64)> = None;
        for offset in offsets {
            let late = cost(offset);
            if best.is_none_or(|it| late < it.0) {
                best = Some((late, offset));
            }
            if late == (0, 0) {
                break;
            }
        }
        best.map(|(_, it)| Block { bytes: it..it + size, ..block.clone() })
    }

    /// The parts of the scratchpad free of these blocks.
    fn gaps(&self, mut blocks: Vec<&Block>) -> Vec<Range<u64>> {
        blocks.sort_by_key(|it| it.bytes.start);
        let mut gaps = Vec::new();
        for stretch in self.problem.machine.stretches() {
            let mut start = stretch.start.0;
            for block in &blocks {
                let end = block.bytes.start.min(stretch.end.0);
                if start < end {
                    gaps.push(start..end);
                }
                start = start.max(block.bytes.end);
            }
            if start < stretch.end.0 {
                gaps.push(start..stretch.end.0);
            }
        }
        gaps
    }

    /// The first step before which a load should begin; `None` for anything else.
    fn first_wish(&self, block: &Block) -> Option<usize> {
        self.wishes.since[block.wished.clone()].iter().copied().min()
    }

    /// The delay of a placed load if another block lies before it.
    fn harm(&self, place: &Block, later: &Block) -> u64 {
        let shared = place.bytes.end.min(later.bytes.end) - place.bytes.start.max(later.bytes.start);
        // It begins with the free bytes.
        let mut left = (later.bytes.end - later.bytes.start) - shared;
        let mut slices = later.wished.clone();
        let size = |slice: usize| self.wishes.slices[slice].bytes.size().0;
        let first = slices.find(|it| {
            let is_free = size(*it) <= left;
            left = left.saturating_sub(size(*it));
            !is_free
        });
        let wish = first.map_or(place.steps.end, |it| self.wishes.since[it]);
        self.wishes.begins[place.steps.end].saturating_sub(self.wishes.begins[wish]).0
    }
}

/// An offset in one of some gaps, ascending, which are always free.
fn free_offset(gaps: &[Range<u64>], size: u64, alignment: u64, side: Side) -> Option<u64> {
    let low = |gap: &Range<u64>| {
        let start = gap.start.checked_next_multiple_of(alignment)?;
        (start <= gap.end && size <= gap.end - start).then_some(start)
    };
    match side {
        Side::Low => gaps.iter().find_map(low),
        Side::High => {
            let high = |gap: &Range<u64>| low(gap).map(|it| ((gap.end - size) / alignment * alignment).max(it));
            gaps.iter().rev().find_map(high)
        }
        Side::Tight => {
            let fits = gaps.iter().filter_map(|gap| low(gap).map(|it| (gap.end - gap.start, it)));
            fits.min().map(|it| it.1)
        }
    }
}

/// The same plan with everything packed as low as can be found quickly, except movable loads: so the remaining space is
/// contiguous. Those loads stay in place, whatever lies there now.
pub(super) fn compact(problem: &Problem, plan: &Plan, is_load: &[bool], deadline: Deadline) -> Option<Plan> {
    let mut rest = plan.outline();
    let mut left = is_load.iter();
    rest.stays.retain(|_| !*left.next().expect("there is one for each residency"));
    let packed = address_low(problem, &rest, ATTEMPTS, deadline)?;
    let mut compact = Plan { workspaces: packed.workspaces, ..plan.clone() };
    let moved = compact.residencies.iter_mut().zip(is_load).filter(|it| !it.1);
    moved.zip(packed.residencies).for_each(|((residency, _), packed)| residency.offset = packed.offset);
    Some(compact)
}

/// By residency: whether it can be moved, since it has no pin and shares no bytes with any other.
pub(super) fn is_alone(problem: &Problem, plan: &Plan) -> Vec<bool> {
    let in_place = problem.in_place_by_step(&plan.order);
    let is_alone = |it: &Residency| {
        let (first, last) = (it.steps.start.index(), it.steps.end.index() - 1);
        problem.graph.tensor(it.tensor).size != Bytes::ZERO
            && problem.graph.tensor(it.tensor).pin.is_none()
            && in_place[last].iter().all(|pair| pair.operand != it.tensor)
            && in_place[first].iter().all(|pair| pair.result != it.tensor)
    };
    plan.residencies.iter().map(is_alone).collect()
}

/// All blocks except those to be moved.
fn fixed_blocks(problem: &Problem, plan: &Plan, wishes: &Wishes<'_>, is_moved: &[bool]) -> Vec<Block> {
    let residencies = plan.residencies.iter().zip(&wishes.of_residency).zip(is_moved).filter(|it| !it.1);
    let residencies = residencies.map(|((it, wished), _)| block(problem, it, wished.clone()));
    let workspaces = plan.order.iter().zip(&plan.workspaces).enumerate().map(|(step, (op, offset))| Block {
        bytes: offset.0..offset.0 + problem.graph.op(*op).workspace.0,
        steps: step..step + 1,
        wished: 0..0,
    });
    residencies.chain(workspaces).filter(|it| !it.bytes.is_empty()).collect()
}

/// The delay of a load if these blocks lay there before: the largest of any slice, and the sum.
fn lateness(met: &[&Block], place: &Block, wishes: &Wishes<'_>) -> (u64, u128) {
    let bytes = &place.bytes;
    if met.is_empty() {
        return (0, 0);
    }
    // The step from which on the bytes are free, piece by piece.
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
    for slice in place.wished.clone() {
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
