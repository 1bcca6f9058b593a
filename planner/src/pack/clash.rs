//! Conflicts between fixed offsets, for any capacity.

use super::Interval;
use super::units::is_misaligned;
use crate::Bytes;
use std::collections::BTreeMap;

/// Intervals whose fixed offsets are invalid: one that is not aligned, or two that share bytes; the first such conflict
/// in time.
pub(super) fn clash(intervals: &[Interval], alignment: Bytes) -> Option<Vec<usize>> {
    let mut events = Vec::new();
    for (at, interval) in intervals.iter().enumerate() {
        let Some(fixed) = interval.fixed else { continue };
        if is_misaligned(interval, alignment) {
            return Some(vec![at]);
        }
        for piece in interval.pieces() {
            let byte = |it: Bytes| u128::from(fixed.0) + u128::from(it.0);
            let bytes = (byte(piece.low), byte(piece.high));
            // Ends come before starts: if one ends where another starts, they do not meet.
            events.extend([(piece.start, true, bytes, at), (piece.end, false, bytes, at)]);
        }
    }
    events.sort_unstable();
    let mut taken: BTreeMap<u128, (u128, usize)> = BTreeMap::new();
    for (_, starts, (low, high), at) in events {
        if !starts {
            taken.remove(&low);
            continue;
        }
        if let Some((_, (end, other))) = taken.range(..high).next_back()
            && low < *end
        {
            return Some(vec![*other.min(&at), *other.max(&at)]);
        }
        taken.insert(low, (high, at));
    }
    None
}
