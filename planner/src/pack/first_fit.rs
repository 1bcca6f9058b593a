//! Blocks one after the other, each as low as it can lie among those that are there.

use super::block::Block;
use super::random::Random;
use super::sections::Rows;
use super::watch::Watch;

/// Offsets for blocks placed in an order, each in the lowest gap that holds it, however high that
/// is. Those whose offset is fixed come first, and do not overlap. `None` if time was over first.
pub(super) fn first_fit(
    blocks: &[Block],
    neighbours: &Rows<u32>,
    order: &[u32],
    watch: &mut Watch<'_>,
) -> Option<Vec<u64>> {
    let mut offsets: Vec<Option<u64>> = blocks.iter().map(|it| it.is_fixed().then_some(it.lowest)).collect();
    let mut below: Vec<(u64, u64)> = Vec::new();
    for id in order.iter().filter(|it| !blocks[**it as usize].is_fixed()) {
        let block = &blocks[*id as usize];
        if watch.spend(1 + neighbours.row(*id as usize).len()) {
            return None;
        }
        below.clear();
        let taken = |other: &u32| offsets[*other as usize].map(|at| (at, at + blocks[*other as usize].room));
        below.extend(neighbours.row(*id as usize).iter().filter_map(taken));
        below.sort_unstable();
        let mut at = block.lowest;
        for (low, high) in &below {
            if at + block.room <= *low {
                break;
            }
            at = at.max(high.next_multiple_of(block.alignment));
        }
        offsets[*id as usize] = Some(at);
    }
    offsets.into_iter().collect()
}

/// Blocks that lie above their greatest offset.
pub(super) fn too_high<'a>(blocks: &'a [Block], offsets: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
    (0..blocks.len()).filter(|it| blocks[*it].highest < offsets[*it])
}

/// First fit again and again: blocks that come to lie too high go ahead of others the next time.
///
/// This is squeaky wheel optimisation (Joslin and Clements 1999).
pub(super) fn squeeze(
    blocks: &[Block],
    neighbours: &Rows<u32>,
    mut order: Vec<u32>,
    passes: u32,
    random: &mut Random,
    watch: &mut Watch<'_>,
) -> Option<Vec<u64>> {
    for _ in 0..passes {
        let offsets = first_fit(blocks, neighbours, &order, watch)?;
        let mut squeaks = vec![false; blocks.len()];
        too_high(blocks, &offsets).for_each(|it| squeaks[it] = true);
        if !squeaks.contains(&true) {
            return Some(offsets);
        }
        let mut places: Vec<(u64, u32)> = (0..).zip(order).collect();
        for (place, block) in &mut places {
            *place *= 2;
            if squeaks[*block as usize] {
                *place = random.below(*place + 1);
            }
        }
        places.sort_unstable();
        order = places.into_iter().map(|it| it.1).collect();
    }
    None
}
