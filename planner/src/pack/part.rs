//! From intervals in bytes to parts in units, and back.

use super::block::{Block, components};
use super::ground::{Ground, meetings};
use super::portfolio::{Attempts, first_attempt};
use super::reduce::{divide, gcd, take_easy, take_floor};
use super::search::Outcome;
use super::watch::Watch;
use super::windows::{Windows, has_windows};
use super::{Interval, Packing};
use crate::Bytes;

/// Sizes, their sums included, stay below.
const MOST: u64 = 1 << 62;

/// Pairs that meet, above which it takes too long to look for what is easy.
const MANY: u64 = 10_000_000;

/// The blocks of a problem, in units.
pub(super) struct Units {
    pub unit: u64,
    pub blocks: Vec<Block>,
}

/// Why there are no blocks: one alone does not fit, or there is more than can be counted.
pub(super) enum Refusal {
    Infeasible,
    TooLarge,
}

pub(super) fn alignment_of(interval: &Interval, alignment: Bytes) -> u64 {
    let (own, all) = (interval.alignment.0.max(1), alignment.0.max(1));
    // A multiple that cannot be counted leaves offset zero alone, as does any that large.
    (own / gcd(own, all)).checked_mul(all).unwrap_or(MOST).min(MOST)
}

/// The unit divides all alignments and fixed offsets: everything may lie at multiples only.
fn unit(intervals: &[Interval], alignment: Bytes) -> u64 {
    let lengths = intervals.iter().filter(|it| !it.is_empty()).map(|it| match it.fixed {
        Some(fixed) => fixed.0,
        None => alignment_of(it, alignment),
    });
    let unit = lengths.fold(0, gcd);
    if unit == 0 { alignment.0.max(1) } else { unit }
}

/// What an interval adds to the height of a stack of all at most.
fn reach(it: &Interval, alignment: Bytes) -> u128 {
    if it.is_empty() {
        return 0;
    }
    u128::from(it.size.0) + u128::from(alignment_of(it, alignment)) + u128::from(it.fixed.unwrap_or_default().0)
}

pub(super) fn first_beyond_count(intervals: &[Interval], alignment: Bytes) -> Option<usize> {
    let mut total = 0;
    intervals.iter().position(|it| {
        total += reach(it, alignment);
        u128::from(MOST) <= total
    })
}

pub(super) fn to_units(intervals: &[Interval], capacity: Bytes, alignment: Bytes) -> Result<Units, Refusal> {
    let unit = unit(intervals, alignment);
    let total: u128 = intervals.iter().map(|it| reach(it, alignment)).sum();
    if u128::from(MOST) <= total {
        return Err(Refusal::TooLarge);
    }
    // No packing that cannot sink is higher than all blocks on top of each other.
    let capacity = capacity.0.min(total as u64);
    let mut blocks = Vec::new();
    for (owner, interval) in intervals.iter().enumerate() {
        let own = alignment_of(interval, alignment);
        if interval.fixed.is_some_and(|it| !it.0.is_multiple_of(own)) {
            return Err(Refusal::Infeasible);
        }
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for piece in interval.pieces() {
            match spans.last_mut() {
                Some(last) if last.1 == piece.start => last.1 = piece.end,
                _ => spans.push((piece.start, piece.end)),
            }
        }
        if spans.is_empty() {
            continue;
        }
        let highest = capacity.checked_sub(interval.size.0).ok_or(Refusal::Infeasible)? / own * own;
        let (lowest, highest, alignment) = match interval.fixed {
            Some(fixed) if fixed.0 <= capacity - interval.size.0 => (fixed.0 / unit, fixed.0 / unit, 1),
            Some(_) => return Err(Refusal::Infeasible),
            None => (0, highest / unit, own / unit),
        };
        blocks.push(Block {
            owner: owner as u32,
            spans,
            room: interval.size.0.div_ceil(unit),
            lowest,
            highest,
            alignment,
        });
    }
    Ok(Units { unit, blocks })
}

/// The least capacity by room alone.
pub(super) fn load(intervals: &[Interval], alignment: Bytes) -> Bytes {
    let unit = unit(intervals, alignment);
    let mut events: Vec<(u32, bool, u64)> = Vec::new();
    for piece in intervals.iter().flat_map(Interval::pieces) {
        let size = piece.high.0 - piece.low.0;
        events.extend([(piece.start, true, size), (piece.end, false, size)]);
    }
    events.sort_unstable();
    let padded = |size: u64| u128::from(size.div_ceil(unit)) * u128::from(unit);
    let (mut room, mut load) = (0u128, 0);
    let mut paddings = std::collections::BTreeMap::new();
    for (_, starts, size) in events {
        let padding = padded(size) - u128::from(size);
        if starts {
            room += padded(size);
            *paddings.entry(padding).or_insert(0u32) += 1;
            let most = paddings.last_key_value().map_or(0, |it| *it.0);
            load = load.max(room - most);
        } else {
            room -= padded(size);
            let count = paddings.get_mut(&padding).expect("what ends has started");
            *count -= 1;
            if *count == 0 {
                paddings.remove(&padding);
            }
        }
    }
    Bytes(u64::try_from(load).unwrap_or(u64::MAX))
}

pub(super) fn pack(intervals: &[Interval], capacity: Bytes, alignment: Bytes, watch: &mut Watch<'_>) -> Packing {
    let units = match to_units(intervals, capacity, alignment) {
        Ok(units) => units,
        Err(Refusal::Infeasible) => return Packing::Infeasible,
        Err(Refusal::TooLarge) => return Packing::Undecided,
    };
    if capacity < load(intervals, alignment) {
        return Packing::Infeasible;
    }
    let outcome = if has_windows(intervals) {
        pack_windows(intervals, &mut Windows::new(intervals, alignment), capacity, alignment, u64::MAX, watch)
    } else {
        match pack_blocks(units.blocks, u64::MAX, watch) {
            Outcome::Placed(placed) => Outcome::Placed(to_bytes(intervals, units.unit, &placed)),
            Outcome::Infeasible => Outcome::Infeasible,
            Outcome::Stopped => Outcome::Stopped,
        }
    };
    match outcome {
        Outcome::Infeasible => Packing::Infeasible,
        Outcome::Stopped => Packing::Undecided,
        Outcome::Placed(offsets) => Packing::Placed(offsets),
    }
}

/// Packs within a capacity, with more attempts each time, whether gaps are free at all times or only
/// in part.
pub(super) fn pack_windows(
    intervals: &[Interval],
    windows: &mut Windows,
    capacity: Bytes,
    alignment: Bytes,
    attempts: u64,
    watch: &mut Watch<'_>,
) -> Outcome<Vec<Bytes>> {
    let mut is_hopeful = true;
    let mut effort = 4;
    loop {
        // As if the gaps with a window were none: the packer for that is the stronger one.
        if is_hopeful && let Ok(units) = to_units(intervals, capacity, alignment) {
            match pack_blocks(units.blocks, effort, watch) {
                Outcome::Placed(placed) => return Outcome::Placed(to_bytes(intervals, units.unit, &placed)),
                Outcome::Infeasible => is_hopeful = false,
                Outcome::Stopped => {}
            }
        }
        let offsets = windows.first_fit(effort);
        if let Some(offsets) = offsets.filter(|it| height(intervals, it) <= capacity) {
            return Outcome::Placed(offsets);
        }
        match windows.search(capacity, effort.saturating_mul(250), watch) {
            Outcome::Stopped => {}
            outcome => return outcome,
        }
        if attempts <= effort || watch.is_over_now() {
            return Outcome::Stopped;
        }
        effort = effort.saturating_mul(4);
    }
}

pub(super) fn to_bytes(intervals: &[Interval], unit: u64, placed: &[(u32, u64)]) -> Vec<Bytes> {
    let mut offsets: Vec<Bytes> = intervals.iter().map(|it| it.fixed.unwrap_or_default()).collect();
    for (owner, offset) in placed {
        offsets[*owner as usize] = Bytes(offset * unit);
    }
    offsets
}

pub(super) fn height(intervals: &[Interval], offsets: &[Bytes]) -> Bytes {
    let ends = intervals.iter().zip(offsets).filter(|it| !it.0.is_empty()).map(|it| it.0.size + *it.1);
    ends.max().unwrap_or(Bytes::ZERO)
}

/// Blocks that meet no others, moved up by `base` and divided by `scale`.
struct Part {
    blocks: Vec<Block>,
    base: u64,
    scale: u64,
}

/// What can be packed after something else.
struct Later {
    block: Block,
    base: u64,
    scale: u64,
}

/// Takes out what is easy and divides the rest; `Err` if there is no packing.
#[expect(clippy::type_complexity, reason = "taken apart where it is called")]
fn reduce(blocks: Vec<Block>) -> Result<(Vec<Part>, Vec<(u32, u64)>, Vec<Later>), ()> {
    let (mut parts, mut placed, mut later) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = vec![Part { blocks, base: 0, scale: 1 }];
    while let Some(part) = left.pop() {
        for mut blocks in components(part.blocks) {
            let (mut base, scale) = (part.base, part.scale * divide(&mut blocks));
            let n_blocks = blocks.len();
            while let Some(floor) = take_floor(&mut blocks)? {
                placed.push((floor.owner, base));
                base += floor.room * scale;
            }
            if blocks.is_empty() {
                continue;
            }
            if blocks.len() == n_blocks && meetings(&blocks) <= MANY {
                let (hard, easy) = take_easy(blocks);
                later.extend(easy.into_iter().map(|block| Later { block, base, scale }));
                blocks = hard;
            }
            if blocks.len() == n_blocks {
                parts.push(Part { blocks, base, scale });
            } else {
                left.push(Part { blocks, base, scale });
            }
        }
    }
    Ok((parts, placed, later))
}

/// Packs blocks; gives up when each part has had so many attempts.
pub(super) fn pack_blocks(blocks: Vec<Block>, attempts: u64, watch: &mut Watch<'_>) -> Outcome<Vec<(u32, u64)>> {
    let all = blocks.clone();
    let Ok((parts, mut placed, later)) = reduce(blocks) else {
        return Outcome::Infeasible;
    };
    let mut still_open: Vec<(&Part, Option<Ground>)> = Vec::new();
    for part in &parts {
        // Most are placed without a ground, which takes its time.
        match first_attempt(&part.blocks) {
            Some(offsets) => place_part(part, &offsets, &mut placed),
            None => still_open.push((part, Ground::new(&part.blocks))),
        }
    }
    let mut open: Vec<(&Part, Attempts<'_>)> = Vec::new();
    for (part, ground) in &still_open {
        let mut attempts = Attempts::new(&part.blocks, ground.as_ref());
        match attempts.heuristics() {
            Some(offsets) => place_part(part, &offsets, &mut placed),
            None => open.push((part, attempts)),
        }
        if watch.is_over_now() {
            return Outcome::Stopped;
        }
    }
    for _ in 0..attempts {
        if open.is_empty() {
            break;
        }
        let mut still_open = Vec::new();
        for (part, mut attempts) in open {
            match attempts.next(watch) {
                Outcome::Infeasible => return Outcome::Infeasible,
                Outcome::Placed(offsets) => place_part(part, &offsets, &mut placed),
                Outcome::Stopped => still_open.push((part, attempts)),
            }
            if watch.is_over_now() {
                return Outcome::Stopped;
            }
        }
        open = still_open;
    }
    if !open.is_empty() {
        return Outcome::Stopped;
    }
    place_later(&all, &later, &mut placed);
    Outcome::Placed(placed)
}

fn place_part(part: &Part, offsets: &[u64], placed: &mut Vec<(u32, u64)>) {
    placed
        .extend(part.blocks.iter().zip(offsets).map(|(block, offset)| (block.owner, part.base + part.scale * offset)));
}

/// Places what finds room in any case, the last that was taken out first.
fn place_later(all: &[Block], later: &[Later], placed: &mut Vec<(u32, u64)>) {
    let by_start = ByStart::new(all);
    let n_owners = all.iter().map(|it| it.owner as usize + 1).max().unwrap_or(0);
    let mut offsets = vec![None; n_owners];
    for (owner, offset) in placed.iter() {
        offsets[*owner as usize] = Some(*offset);
    }
    for Later { block, base, scale } in later.iter().rev() {
        let mut taken: Vec<(u64, u64)> = Vec::new();
        by_start.each_met(block, |other| {
            taken.extend(offsets[other.owner as usize].map(|offset| (offset, offset + other.room)));
        });
        taken.sort_unstable();
        let mut at = *base;
        for (low, high) in taken {
            if at + block.room * scale <= low {
                break;
            }
            at = at.max(high);
        }
        offsets[block.owner as usize] = Some(at);
        placed.push((block.owner, at));
    }
}

/// Blocks in the order in which they start.
struct ByStart<'a> {
    blocks: Vec<&'a Block>,
    /// The greatest end up to each.
    ends: Vec<u32>,
}

impl<'a> ByStart<'a> {
    fn new(blocks: &'a [Block]) -> ByStart<'a> {
        let mut blocks: Vec<&Block> = blocks.iter().collect();
        blocks.sort_by_key(|it| it.hull().0);
        let mut end = 0;
        let ends = blocks.iter().map(|it| {
            end = end.max(it.hull().1);
            end
        });
        ByStart { ends: ends.collect(), blocks }
    }

    fn each_met(&self, block: &Block, mut with: impl FnMut(&Block)) {
        let (start, end) = block.hull();
        let after = self.blocks.partition_point(|it| it.hull().0 < end);
        for at in (0..after).rev().take_while(|it| start < self.ends[*it]) {
            if self.blocks[at].meets(block) {
                with(self.blocks[at]);
            }
        }
    }
}
