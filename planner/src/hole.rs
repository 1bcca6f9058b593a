//! Holes between blocks in memory.

use crate::Bytes;

/// The choice among several holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fit {
    /// The lowest one that is large enough.
    First,
    /// The smallest one that is large enough; among equals, the lowest.
    Best,
}

/// The offset for a block among others, given as offset and size sorted by offset, if there is a hole for it below
/// `end`.
///
/// The offset is a multiple of the alignment. A block of size zero always fits at zero.
pub(crate) fn find_hole(
    taken: &[(Bytes, Bytes)],
    size: Bytes,
    alignment: Bytes,
    end: Bytes,
    fit: Fit,
) -> Option<Bytes> {
    if size == Bytes::ZERO {
        return Some(Bytes::ZERO);
    }
    let taken = taken.iter().copied().filter(|(_, size)| *size != Bytes::ZERO);
    let mut best: Option<(Bytes, Bytes)> = None;
    let mut start = Bytes::ZERO;
    for (offset, length) in taken.chain([(end, Bytes::ZERO)]) {
        if start.0.checked_add(size.0).is_some_and(|it| it <= offset.0) {
            let hole = offset - start;
            if best.is_none_or(|(least, _)| hole < least) {
                best = Some((hole, start));
            }
            if fit == Fit::First {
                break;
            }
        }
        match (offset + length).0.checked_next_multiple_of(alignment.0) {
            Some(after) => start = start.max(Bytes(after)),
            None => break,
        }
    }
    best.map(|(_, offset)| offset)
}

#[cfg(test)]
mod tests {
    use super::{Fit, find_hole};
    use crate::Bytes;

    /// Blocks at 10..20, 40..45 and 60..70 of 80 bytes with alignment 10: the holes are at 0 (10 bytes), 20 (20), 50
    /// (10) and 70 (10).
    fn find(size: u64, fit: Fit) -> Option<u64> {
        let taken = [(10, 10), (40, 5), (60, 10)].map(|(offset, size)| (Bytes(offset), Bytes(size)));
        find_hole(&taken, Bytes(size), Bytes(10), Bytes(80), fit).map(|it| it.0)
    }

    #[test]
    fn the_lowest_hole_or_the_smallest() {
        assert_eq!(find(10, Fit::First), Some(0));
        assert_eq!(find(11, Fit::First), Some(20));
        assert_eq!(find(21, Fit::First), None);
        assert_eq!(find(10, Fit::Best), Some(0));
        assert_eq!(find(20, Fit::Best), Some(20));
        assert_eq!(find(21, Fit::Best), None);
        let taken = [(Bytes(30), Bytes(10))];
        let fit = |fit| find_hole(&taken, Bytes(5), Bytes(1), Bytes(50), fit);
        assert_eq!((fit(Fit::First), fit(Fit::Best)), (Some(Bytes(0)), Some(Bytes(40))));
    }

    #[test]
    fn nothing_fits_anywhere_and_something_not_past_the_end() {
        assert_eq!(find(0, Fit::Best), Some(0));
        let all = [(Bytes(0), Bytes(u64::MAX))];
        assert_eq!(find_hole(&all, Bytes(1), Bytes(64), Bytes(u64::MAX), Fit::First), None);
    }
}
