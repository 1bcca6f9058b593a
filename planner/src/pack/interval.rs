//! What is to be placed.

use crate::Bytes;

/// One block of memory that is needed during some steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first step during which it lies in memory.
    pub start: u32,
    /// The first step, from `start` on, during which it no longer does.
    pub end: u32,
    /// How much room it takes.
    pub size: Bytes,
    /// Its offset is a multiple of this and of the alignment of all; at least 1.
    pub alignment: Bytes,
    /// The offset that it must have, where others have decided already.
    pub fixed: Option<Bytes>,
    /// Steps in between during which it needs no memory, or less of it.
    pub gaps: Vec<Gap>,
}

/// Steps within an [`Interval`] during which others may use its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first step of the gap.
    pub start: u32,
    /// The first step after it.
    pub end: u32,
    /// The part of the block that is in use nevertheless, half-open, counted from the block's start.
    /// Where several gaps have the same steps, all of their windows are in use.
    pub window: Option<(Bytes, Bytes)>,
}

impl Interval {
    /// A block that may lie anywhere, without gaps. Steps are half-open.
    pub fn new(start: u32, end: u32, size: Bytes) -> Interval {
        Interval { start, end, size, alignment: Bytes(1), fixed: None, gaps: Vec::new() }
    }

    /// Whether it takes no room at any step.
    pub fn is_empty(&self) -> bool {
        self.size == Bytes::ZERO || self.end <= self.start
    }

    /// A block of which these parts are in use during these steps, and nothing else. Parts of the same
    /// steps have no byte in common.
    pub fn of_parts(size: Bytes, mut parts: Vec<Piece>) -> Interval {
        parts.retain(|it| it.start < it.end && it.low < it.high);
        let mut steps: Vec<u32> = parts.iter().flat_map(|it| [it.start, it.end]).collect();
        steps.sort_unstable();
        steps.dedup();
        let (Some(&start), Some(&end)) = (steps.first(), steps.last()) else {
            return Interval::new(0, 0, Bytes::ZERO);
        };
        let mut interval = Interval::new(start, end, size);
        // What is in use, and from which step on.
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

    /// What lies in memory when: steps, and the part of the block, both half-open. The pieces are
    /// in the order of the steps; those of the same steps follow one another from below, and no two
    /// overlap in both.
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
            // Gaps that overlap, or reach out of the interval, count for the steps that are left.
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

/// Windows from below, those that touch as one, those without a byte left out.
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

/// Part of a block that lies in memory during some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first step.
    pub start: u32,
    /// The first step after it.
    pub end: u32,
    /// Where the part starts within the block.
    pub low: Bytes,
    /// Where it ends.
    pub high: Bytes,
}
