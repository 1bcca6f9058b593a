//! The time of the last use of each byte of a memory.

use crate::{Cycles, MemoryId};
use std::collections::BTreeMap;
use std::ops::Range;

/// By memory and address: ranges of bytes that were last used at one time.
#[derive(Default)]
pub(super) struct Touched {
    /// By first byte: one past the last byte, and the time. Ranges are disjoint.
    stretches: BTreeMap<(MemoryId, u64), (u64, Cycles)>,
}

impl Touched {
    /// Marks bytes as used until some time; an earlier, longer use stays.
    pub fn touch(&mut self, memory: MemoryId, bytes: Range<u64>, until: Cycles) {
        if bytes.is_empty() {
            return;
        }
        let mut next = bytes.start;
        for (start, end, time) in self.take(memory, &bytes) {
            if start < bytes.start {
                self.stretches.insert((memory, start), (bytes.start, time));
            }
            if bytes.end < end {
                self.stretches.insert((memory, bytes.end), (end, time));
            }
            let (low, high) = (start.max(bytes.start), end.min(bytes.end));
            if next < low {
                self.stretches.insert((memory, next), (low, until));
            }
            self.stretches.insert((memory, low), (high, time.max(until)));
            next = high;
        }
        if next < bytes.end {
            self.stretches.insert((memory, next), (bytes.end, until));
        }
    }

    /// The last time at which one of these bytes was in use; zero if none was.
    pub fn last(&self, memory: MemoryId, bytes: &Range<u64>) -> Cycles {
        self.meeting(memory, bytes).map(|it| it.2).max().unwrap_or(Cycles::ZERO)
    }

    fn meeting(&self, memory: MemoryId, bytes: &Range<u64>) -> impl Iterator<Item = (u64, u64, Cycles)> {
        let before = self.stretches.range((memory, 0)..(memory, bytes.start)).next_back();
        let within = self.stretches.range((memory, bytes.start)..(memory, bytes.end.max(bytes.start)));
        let all = before.into_iter().chain(within).map(|(&(_, start), &(end, time))| (start, end, time));
        let bytes = bytes.clone();
        all.filter(move |it| it.0.max(bytes.start) < it.1.min(bytes.end))
    }

    /// Removes the ranges that overlap these bytes, ascending.
    fn take(&mut self, memory: MemoryId, bytes: &Range<u64>) -> Vec<(u64, u64, Cycles)> {
        let met: Vec<(u64, u64, Cycles)> = self.meeting(memory, bytes).collect();
        met.iter().for_each(|it| _ = self.stretches.remove(&(memory, it.0)));
        met
    }
}

#[cfg(test)]
mod tests {
    use super::Touched;
    use crate::{Cycles, MemoryId};

    #[test]
    fn stretches_are_cut_and_keep_the_later_time() {
        let on_chip = MemoryId::SCRATCHPAD;
        let mut touched = Touched::default();
        touched.touch(on_chip, 10..20, Cycles(5));
        touched.touch(on_chip, 30..40, Cycles(7));
        touched.touch(on_chip, 15..35, Cycles(6));
        touched.touch(on_chip, 0..0, Cycles(99));
        let last = |from, to| touched.last(on_chip, &(from..to)).0;
        assert_eq!((last(0, 10), last(10, 15), last(14, 16), last(20, 30)), (0, 5, 6, 6));
        assert_eq!((last(30, 31), last(0, 100), last(40, 50), last(12, 12)), (7, 7, 0, 0));
        assert_eq!(touched.last(MemoryId::HOME, &(0..100)), Cycles::ZERO);
    }
}
