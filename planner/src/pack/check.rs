//! A checker of packings: simple rather than fast, and without any code in common with the packer.

use super::Interval;
use crate::Bytes;

/// An error in a packing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overlap {
    /// There is not one offset per interval.
    #[error("{offsets} offsets for {intervals} intervals")]
    Count {
        /// Number of intervals.
        intervals: usize,
        /// Number of offsets.
        offsets: usize,
    },
    /// Two intervals share bytes during a step.
    #[error("intervals {first} and {second} share bytes in step {step}")]
    Shared {
        /// The index of the first interval.
        first: usize,
        /// The index of the second interval.
        second: usize,
        /// The first such step.
        step: u32,
    },
    /// An interval ends above the capacity.
    #[error("interval {interval} ends at {end}, but the capacity is {capacity}")]
    TooHigh {
        /// Its index.
        interval: usize,
        /// Its end.
        end: u128,
        /// The capacity.
        capacity: Bytes,
    },
    /// An offset is not a multiple of an alignment.
    #[error("interval {interval} lies at {offset}, which is not a multiple of {alignment}")]
    Unaligned {
        /// Its index.
        interval: usize,
        /// Its offset.
        offset: Bytes,
        /// The alignment.
        alignment: Bytes,
    },
    /// An interval does not lie at its fixed offset.
    #[error("interval {interval} lies at {offset} instead of {fixed}")]
    Moved {
        /// Its index.
        interval: usize,
        /// Its offset.
        offset: Bytes,
        /// Its fixed offset.
        fixed: Bytes,
    },
}

/// All errors in a packing, by comparing every pair of intervals.
pub fn check_packing(intervals: &[Interval], offsets: &[Bytes], capacity: Bytes, alignment: Bytes) -> Vec<Overlap> {
    if intervals.len() != offsets.len() {
        return vec![Overlap::Count { intervals: intervals.len(), offsets: offsets.len() }];
    }
    let mut found = Vec::new();
    for (at, (interval, offset)) in intervals.iter().zip(offsets).enumerate() {
        let end = u128::from(offset.0) + u128::from(interval.size.0);
        if u128::from(capacity.0) < end && !interval.is_empty() {
            found.push(Overlap::TooHigh { interval: at, end, capacity });
        }
        for alignment in [alignment, interval.alignment] {
            if !offset.0.is_multiple_of(alignment.0) {
                found.push(Overlap::Unaligned { interval: at, offset: *offset, alignment });
            }
        }
        if let Some(fixed) = interval.fixed.filter(|it| it != offset) {
            found.push(Overlap::Moved { interval: at, offset: *offset, fixed });
        }
        for (other, (second, second_offset)) in intervals.iter().zip(offsets).enumerate().skip(at + 1) {
            let (first_end, second_end) = (interval.end.min(second.end), interval.start.max(second.start));
            if first_end <= second_end {
                continue;
            }
            if let Some(step) = first_shared_step((interval, *offset), (second, *second_offset)) {
                found.push(Overlap::Shared { first: at, second: other, step });
            }
        }
    }
    found
}

fn first_shared_step(
    (first, first_offset): (&Interval, Bytes),
    (second, second_offset): (&Interval, Bytes),
) -> Option<u32> {
    let mut steps = Vec::new();
    for mine in first.pieces() {
        for its in second.pieces() {
            let byte = |offset: Bytes, within: Bytes| u128::from(offset.0) + u128::from(within.0);
            let share_steps = mine.start.max(its.start) < mine.end.min(its.end);
            let share_bytes = byte(first_offset, mine.low).max(byte(second_offset, its.low))
                < byte(first_offset, mine.high).min(byte(second_offset, its.high));
            if share_steps && share_bytes {
                steps.push(mine.start.max(its.start));
            }
        }
    }
    steps.into_iter().min()
}
