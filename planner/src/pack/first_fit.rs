//! Blocks one after the other, each as low as it can lie among those that are there.

use super::block::Block;
use super::sections::Rows;

/// The blocks that each block meets, as far as it is worth to keep them.
pub(super) enum Meetings<'a> {
    /// Kept.
    Listed(&'a Rows<u32>),
    /// To be found out each time: there are too many.
    Unlisted,
}

/// Offsets for blocks placed in an order, each in the lowest gap that holds it; `None` if one would
/// lie too high.
pub(super) fn first_fit(blocks: &[Block], meetings: &Meetings, order: &[u32]) -> Option<Vec<u64>> {
    let mut offsets: Vec<Option<u64>> = vec![None; blocks.len()];
    let mut below: Vec<(u64, u64)> = Vec::new();
    for (placed, id) in order.iter().enumerate() {
        let block = &blocks[*id as usize];
        below.clear();
        let taken = |other: &u32| offsets[*other as usize].map(|at| (at, at + blocks[*other as usize].room));
        match meetings {
            Meetings::Listed(rows) => below.extend(rows.row(*id as usize).iter().filter_map(taken)),
            Meetings::Unlisted => {
                let met = order[..placed].iter().filter(|it| blocks[**it as usize].meets(block));
                below.extend(met.filter_map(taken));
            }
        }
        below.sort_unstable();
        let mut at = block.lowest;
        for (low, high) in &below {
            if at + block.room <= *low {
                break;
            }
            at = at.max(high.next_multiple_of(block.alignment));
        }
        if block.highest < at {
            return None;
        }
        offsets[*id as usize] = Some(at);
    }
    offsets.into_iter().collect()
}
