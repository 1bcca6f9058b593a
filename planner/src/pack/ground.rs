//! Data that all searches over the same blocks share.

use super::block::{Block, are_free};
use super::budget::Budget;
use super::sections::{Rows, Sections};

/// The pairs of blocks that meet, and when.
pub(super) struct Ground {
    /// The sections of time.
    pub sections: Sections,
    /// By block: the blocks that it meets.
    pub neighbours: Rows<u32>,
    /// By block: its first section, and one past its last.
    pub hulls: Vec<(u32, u32)>,
    /// Interchangeable blocks have the same number.
    pub kinds: Vec<u32>,
    /// By block: the offsets at which it would overlap one with a fixed offset; half-open, ascending and not adjacent.
    pub barred: Rows<(u64, u64)>,
    /// Whether blocks differ only in sizes and limits.
    pub free: bool,
}

/// The limit of pairs of blocks that meet.
const MANY: u64 = 10_000_000;

impl Ground {
    /// The ground of these blocks, unless too many of them meet or the budget is exhausted.
    pub fn new(blocks: &[Block], budget: &mut Budget<'_>) -> Option<Ground> {
        if MANY < meetings(blocks) {
            return None;
        }
        let sections = Sections::new(blocks);
        let neighbours = sections.neighbours(blocks.len(), budget)?;
        let hull = |id: usize| {
            let spans = sections.spans.row(id);
            (spans[0].0, spans[spans.len() - 1].1)
        };
        let key = |id: &u32| {
            let block = &blocks[*id as usize];
            (sections.spans.row(*id as usize), block.room, block.lowest, block.highest, block.alignment)
        };
        let mut by_kind: Vec<u32> = (0..blocks.len() as u32).collect();
        by_kind.sort_by_key(key);
        let mut kinds = vec![0; blocks.len()];
        for pair in by_kind.windows(2) {
            let next = u32::from(key(&pair[0]) != key(&pair[1]));
            kinds[pair[1] as usize] = kinds[pair[0] as usize] + next;
        }
        let hulls = (0..blocks.len()).map(hull).collect();
        let mut ranges = Vec::with_capacity(blocks.len());
        for block in 0..blocks.len() {
            if budget.spend(neighbours.row(block).len()) {
                return None;
            }
            ranges.push(barred(blocks, block, &neighbours));
        }
        let barred = Rows::new(ranges);
        Some(Ground { hulls, neighbours, kinds, barred, free: are_free(blocks), sections })
    }

    /// The least offset of a block from `offset` on at which it is aligned and overlaps none with a fixed offset.
    pub fn next_clear(&self, id: usize, offset: u64, alignment: u64) -> u64 {
        let mut offset = offset.next_multiple_of(alignment);
        let barred = self.barred.row(id);
        for (from, to) in &barred[barred.partition_point(|it| it.1 <= offset)..] {
            if offset < *from {
                break;
            }
            // With an alignment, this may be beyond the next one as well.
            offset = offset.max(to.next_multiple_of(alignment));
        }
        offset
    }
}

fn barred(blocks: &[Block], id: usize, neighbours: &Rows<u32>) -> Vec<(u64, u64)> {
    let fixed = neighbours.row(id).iter().map(|it| &blocks[*it as usize]).filter(|it| it.is_fixed());
    let mut ranges: Vec<(u64, u64)> =
        fixed.map(|it| ((it.lowest + 1).saturating_sub(blocks[id].room), it.limit())).collect();
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let touches = next.0 <= last.1;
        if touches {
            last.1 = last.1.max(next.1);
        }
        touches
    });
    ranges
}

/// The number of pairs of spans, of all blocks, that share a step.
pub(super) fn meetings(blocks: &[Block]) -> u64 {
    let spans = || blocks.iter().flat_map(|it| &it.spans);
    let mut starts: Vec<u32> = spans().map(|it| it.0).collect();
    let mut ends: Vec<u32> = spans().map(|it| it.1).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    // Each span meets those that start before it ends, except those that end before it starts; so each pair is counted
    // twice, and each span meets itself.
    let before = |steps: &[u32], step: u32| steps.partition_point(|it| *it < step) as u64;
    let met = |(start, end): &(u32, u32)| before(&starts, *end) - before(&ends, start + 1) - 1;
    spans().map(met).sum::<u64>() / 2
}
