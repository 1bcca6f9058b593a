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

    /// What lies in memory when: steps, and the part of the block, both half-open. The pieces are
    /// in the order of the steps and do not overlap.
    pub fn pieces(&self) -> Vec<Piece> {
        if self.is_empty() {
            return Vec::new();
        }
        let whole = |start, end| Piece { start, end, low: Bytes::ZERO, high: self.size };
        let mut gaps: Vec<&Gap> = self.gaps.iter().filter(|it| it.start < it.end).collect();
        gaps.sort_by_key(|it| (it.start, it.end));
        let mut pieces = Vec::new();
        let mut at = self.start;
        for gap in gaps {
            // Gaps that overlap, or reach out of the interval, count for the steps that are left.
            let (start, end) = (gap.start.max(at), gap.end.min(self.end));
            if end <= start {
                continue;
            }
            if at < start {
                pieces.push(whole(at, start));
            }
            if let Some((low, high)) = gap.window {
                let high = high.min(self.size);
                if low < high {
                    pieces.push(Piece { start, end, low, high });
                }
            }
            at = end;
        }
        if at < self.end {
            pieces.push(whole(at, self.end));
        }
        pieces
    }
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
