//! Intervals to pack.

use crate::Bytes;

/// A block of memory with a lifetime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first step of its lifetime.
    pub start: u32,
    /// One past the last step of its lifetime.
    pub end: u32,
    /// Its size.
    pub size: Bytes,
    /// Its offset is a multiple of this and of the common alignment; at least 1.
    pub alignment: Bytes,
    /// Its offset, if that is fixed.
    pub fixed: Option<Bytes>,
    /// Ranges of steps during which it needs none or only a part of its memory.
    pub gaps: Vec<Gap>,
}

/// Steps within an [`Interval`] during which others may use its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first step of the gap.
    pub start: u32,
    /// One past its last step.
    pub end: u32,
    /// The part of the block that stays in use, half-open, counted from the block's start. If several gaps have the
    /// same steps, all of their windows are in use.
    pub window: Option<(Bytes, Bytes)>,
}

impl Interval {
    /// A block without a fixed offset or gaps. Steps are half-open.
    pub fn new(start: u32, end: u32, size: Bytes) -> Interval {
        Interval { start, end, size, alignment: Bytes(1), fixed: None, gaps: Vec::new() }
    }

    /// Whether it occupies no bytes in any step.
    pub fn is_empty(&self) -> bool {
        self.size == Bytes::ZERO || self.end <= self.start
    }

    /// A block with only these parts in use during these steps. Parts of the same steps are disjoint.
    pub fn of_parts(size: Bytes, mut parts: Vec<Piece>) -> Interval {
        parts.retain(|it| it.start < it.end && it.low < it.high);
        let mut steps: Vec<u32> = parts.iter().flat_map(|it| [it.start, it.end]).collect();
        steps.sort_unstable();
        steps.dedup();
        let (Some(&start), Some(&end)) = (steps.first(), steps.last()) else {
            return Interval::new(0, 0, Bytes::ZERO);
        };
        let mut interval = Interval::new(start, end, size);
        // The parts in use, and the step since when.
        let mut before: (u32, Vec<(Bytes, Bytes)>) = (start, Vec::new());
        let mut close = |from: u32, to: u32, windows: Vec<(Bytes, Bytes)>| {
            if from == to || windows == [(Bytes::ZERO, size)] {
                return;
            }
            let windows = if windows.is_empty() { vec![None] } else { windows.into_iter().map(Some).collect() };
            interval.gaps.extend(windows.into_iter().map(|window| Gap { start: from, end: to, window }));
        };
        parts.sort_by_key(|it| it.start);
        let mut next = parts.iter().peekable();
        let mut there: Vec<&Piece> = Vec::new();
        for step in steps {
            there.retain(|it| step < it.end);
            there.extend(std::iter::from_fn(|| next.next_if(|it| it.start <= step)));
            let windows = merged(there.iter().map(|it| (it.low, it.high)).collect());
            if windows != before.1 {
                close(before.0, step, before.1);
                before = (step, windows);
            }
        }
        interval
    }

    /// The memory in use by time: ranges of steps and parts of the block, both half-open. The pieces are sorted by
    /// steps; those of the same steps are sorted by address, and no two overlap in both.
    pub fn pieces(&self) -> Vec<Piece> {
        if self.is_empty() {
            return Vec::new();
        }
        let whole = |start, end| Piece { start, end, low: Bytes::ZERO, high: self.size };
        let mut gaps: Vec<&Gap> = self.gaps.iter().filter(|it| it.start < it.end).collect();
        gaps.sort_by_key(|it| (it.start, it.end));
        let mut pieces = Vec::new();
        let mut at = self.start;
        for same in gaps.chunk_by(|a, b| (a.start, a.end) == (b.start, b.end)) {
            // Of overlapping gaps, and those beyond the interval, the remaining steps count.
            let gap = same[0];
            let (start, end) = (gap.start.max(at), gap.end.min(self.end));
            if end <= start {
                continue;
            }
            if at < start {
                pieces.push(whole(at, start));
            }
            let windows = same.iter().filter_map(|it| it.window).map(|(low, high)| (low, high.min(self.size)));
            let windows = merged(windows.collect()).into_iter();
            pieces.extend(windows.map(|(low, high)| Piece { start, end, low, high }));
            at = end;
        }
        if at < self.end {
            pieces.push(whole(at, self.end));
        }
        pieces
    }
}

/// Windows sorted by address, adjacent ones merged, empty ones removed.
fn merged(mut windows: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Bytes)> {
    windows.retain(|it| it.0 < it.1);
    windows.sort_unstable();
    let mut merged: Vec<(Bytes, Bytes)> = Vec::with_capacity(windows.len());
    for (low, high) in windows {
        match merged.last_mut() {
            Some(last) if low <= last.1 => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    merged
}

/// A part of a block that is in use during some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first step.
    pub start: u32,
    /// One past the last step.
    pub end: u32,
    /// The start of the part within the block.
    pub low: Bytes,
    /// Its end.
    pub high: Bytes,
}
