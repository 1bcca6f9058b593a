//! Conversion of intervals in bytes to blocks in units, and back.

use super::Interval;
use super::block::Block;
use crate::Bytes;
use crate::divisor::gcd;

/// An upper bound on sizes and their sums.
const MOST: u64 = 1 << 62;

/// The blocks of a problem, in units.
pub(super) struct Units {
    pub unit: u64,
    pub blocks: Vec<Block>,
}

/// The reason why there are no blocks: an interval alone does not fit, or sums are too large.
pub(super) enum Refusal {
    Infeasible,
    TooLarge,
}

pub(super) fn alignment_of(interval: &Interval, alignment: Bytes) -> u64 {
    let (own, all) = (interval.alignment.0.max(1), alignment.0.max(1));
    // A multiple that overflows only allows offset zero, as does any that large.
    (own / gcd(own, all)).checked_mul(all).unwrap_or(MOST).min(MOST)
}

/// The unit divides all alignments and fixed offsets: everything lies at multiples only.
fn unit(intervals: &[Interval], alignment: Bytes) -> u64 {
    let lengths = intervals.iter().filter(|it| !it.is_empty()).map(|it| match it.fixed {
        Some(fixed) => fixed.0,
        None => alignment_of(it, alignment),
    });
    let unit = lengths.fold(0, gcd);
    if unit == 0 { alignment.0.max(1) } else { unit }
}

/// Whether the fixed offset of an interval is misaligned.
pub(super) fn is_misaligned(interval: &Interval, alignment: Bytes) -> bool {
    let is_off = |at: Bytes| [alignment, interval.alignment].iter().any(|it| !at.0.is_multiple_of(it.0.max(1)));
    interval.fixed.is_some_and(is_off)
}

/// The most that an interval adds to the height of a stack of all.
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
    // No packing in which nothing can be moved down is higher than a stack of all blocks.
    let capacity = capacity.0.min(total as u64);
    let mut blocks = Vec::new();
    for (owner, interval) in intervals.iter().enumerate() {
        let own = alignment_of(interval, alignment);
        if is_misaligned(interval, alignment) {
            return Err(Refusal::Infeasible);
        }
        if interval.is_empty() {
            continue;
        }
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for piece in interval.pieces() {
            match spans.last_mut() {
                Some(last) if piece.start <= last.1 => last.1 = last.1.max(piece.end),
                _ => spans.push((piece.start, piece.end)),
            }
        }
        let highest = capacity.checked_sub(interval.size.0).ok_or(Refusal::Infeasible)? / own * own;
        let (lowest, highest, alignment) = match interval.fixed {
            Some(fixed) if fixed.0 <= capacity - interval.size.0 => (fixed.0 / unit, fixed.0 / unit, 1),
            Some(_) => return Err(Refusal::Infeasible),
            None => (0, highest / unit, own / unit),
        };
        // One with gaps at all times meets no other block, but must end within the capacity.
        if spans.is_empty() {
            continue;
        }
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

/// The least capacity by sizes alone.
///
/// Blocks that begin at a multiple of the unit count with their padding. A window in the middle of a block does not: it
/// may lie in the padding of another one, so the sum without padding counts, too.
pub(super) fn load(intervals: &[Interval], alignment: Bytes) -> Bytes {
    let unit = unit(intervals, alignment);
    let mut events: Vec<(u32, bool, u64, bool)> = Vec::new();
    for piece in intervals.iter().flat_map(Interval::pieces) {
        let (size, is_aligned) = (piece.high.0 - piece.low.0, piece.low.0.is_multiple_of(unit));
        events.extend([(piece.start, true, size, is_aligned), (piece.end, false, size, is_aligned)]);
    }
    events.sort_unstable();
    let padded = |size: u64| u128::from(size.div_ceil(unit)) * u128::from(unit);
    let (mut room, mut bare, mut load) = (0u128, 0u128, 0);
    let mut paddings = std::collections::BTreeMap::new();
    for (_, starts, size, is_aligned) in events {
        let padding = padded(size) - u128::from(size);
        if starts {
            bare += u128::from(size);
            if is_aligned {
                room += padded(size);
                *paddings.entry(padding).or_insert(0u32) += 1;
            }
            let most = paddings.last_key_value().map_or(0, |it| *it.0);
            load = load.max(room - most).max(bare);
        } else {
            bare -= u128::from(size);
            if !is_aligned {
                continue;
            }
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
