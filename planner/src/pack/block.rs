//! Blocks in the units and the coordinates in which the search thinks, and how a problem falls
//! into parts.

/// A block to be placed. All lengths are in a unit that the caller has chosen.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Whose block it is: an index into the caller's list.
    pub owner: u32,
    /// Steps during which it lies in memory: half-open, in order, without overlap.
    pub spans: Vec<(u32, u32)>,
    /// How much it takes.
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

    /// The number of steps.
    pub fn length(&self) -> u64 {
        self.spans.iter().map(|(start, end)| u64::from(end - start)).sum()
    }

    /// Whether there is only one place for it.
    pub fn is_fixed(&self) -> bool {
        self.lowest == self.highest
    }

    /// Where it ends at most.
    pub fn limit(&self) -> u64 {
        self.highest + self.room
    }

    /// Whether both lie in memory during some step.
    pub fn meets(&self, other: &Block) -> bool {
        let (mut mine, mut its) = (0, 0);
        while mine < self.spans.len() && its < other.spans.len() {
            let ((start, end), (other_start, other_end)) = (self.spans[mine], other.spans[its]);
            if start < other_end && other_start < end {
                return true;
            }
            if end <= other_end { mine += 1 } else { its += 1 }
        }
        false
    }
}

/// Whether nothing but room and limits tells blocks apart: no offset is fixed, none is aligned.
pub(super) fn are_free(blocks: &[Block]) -> bool {
    blocks.iter().all(|it| it.lowest == 0 && it.alignment == 1)
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

/// Blocks in the order in which they start.
pub(super) struct ByStart<'a> {
    blocks: Vec<&'a Block>,
    /// The greatest end up to each.
    ends: Vec<u32>,
}

impl<'a> ByStart<'a> {
    /// Sorts them.
    pub fn new(blocks: &'a [Block]) -> ByStart<'a> {
        let mut blocks: Vec<&Block> = blocks.iter().collect();
        blocks.sort_by_key(|it| it.hull().0);
        let mut end = 0;
        let ends = blocks.iter().map(|it| {
            end = end.max(it.hull().1);
            end
        });
        ByStart { ends: ends.collect(), blocks }
    }

    /// Each of them that meets a block.
    pub fn each_met(&self, block: &Block, mut with: impl FnMut(&Block)) {
        let (start, end) = block.hull();
        let after = self.blocks.partition_point(|it| it.hull().0 < end);
        for at in (0..after).rev().take_while(|it| start < self.ends[*it]) {
            if self.blocks[at].meets(block) {
                with(self.blocks[at]);
            }
        }
    }
}
