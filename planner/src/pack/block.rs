//! Blocks in the units and coordinates of the search, and the division of a problem into parts.

use std::collections::BTreeMap;

/// A block to place. All lengths are in a unit that the caller has chosen.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The index of its interval in the caller's list.
    pub owner: u32,
    /// Its lifetime: half-open ranges of steps, ascending and disjoint.
    pub spans: Vec<(u32, u32)>,
    /// Its size.
    pub room: u64,
    /// The least offset.
    pub lowest: u64,
    /// The greatest offset.
    pub highest: u64,
    /// Its offset is a multiple of this.
    pub alignment: u64,
}

impl Block {
    /// From the first step to the last.
    pub fn hull(&self) -> (u32, u32) {
        (self.spans[0].0, self.spans[self.spans.len() - 1].1)
    }

    /// Whether both are live in some step.
    pub fn meets(&self, other: &Block) -> bool {
        let mut from = 0;
        self.spans.iter().any(|(start, end)| {
            while from < other.spans.len() && other.spans[from].1 <= *start {
                from += 1;
            }
            other.spans.get(from).is_some_and(|span| span.0 < *end)
        })
    }

    /// The number of steps.
    pub fn length(&self) -> u64 {
        self.spans.iter().map(|(start, end)| u64::from(end - start)).sum()
    }

    /// Whether it has only one possible offset.
    pub fn is_fixed(&self) -> bool {
        self.lowest == self.highest
    }

    /// The greatest possible end.
    pub fn limit(&self) -> u64 {
        self.highest + self.room
    }
}

/// Whether blocks differ only in sizes and limits: no offset is fixed or aligned.
pub(super) fn are_free(blocks: &[Block]) -> bool {
    blocks.iter().all(|it| it.lowest == 0 && it.alignment == 1)
}

/// Whether two blocks with fixed offsets overlap.
pub(super) fn fixed_overlap(blocks: &[Block]) -> bool {
    let mut events: Vec<(u32, bool, u64, u64)> = Vec::new();
    for block in blocks.iter().filter(|it| it.is_fixed()) {
        for (start, end) in &block.spans {
            events.extend([(*start, true, block.lowest, block.limit()), (*end, false, block.lowest, block.limit())]);
        }
    }
    // Ends come before starts: if one ends where another starts, they do not meet.
    events.sort_unstable();
    let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, starts, low, high) in events {
        if !starts {
            taken.remove(&low);
        } else if taken.range(..high).next_back().is_some_and(|it| low < *it.1) {
            return true;
        } else {
            taken.insert(low, high);
        }
    }
    false
}

/// Groups of blocks that never meet a block of another group.
pub(super) fn components(mut blocks: Vec<Block>) -> Vec<Vec<Block>> {
    blocks.sort_by_key(|it| (it.hull(), it.owner));
    let mut groups: Vec<Vec<Block>> = Vec::new();
    let mut until = 0;
    for block in blocks {
        let (start, end) = block.hull();
        match groups.last_mut() {
            Some(group) if start < until => group.push(block),
            _ => groups.push(vec![block]),
        }
        until = until.max(end);
    }
    groups
}
