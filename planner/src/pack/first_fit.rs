//! First fit: blocks one at a time, each as low as possible among those placed before.

use super::block::Block;
use super::budget::Budget;
use super::random::Random;
use super::sections::Rows;

/// Offsets for blocks placed in an order, each in the lowest gap that holds it, without a limit of height. Blocks with
/// fixed offsets come first, and do not overlap. `None` if the budget is exhausted first.
pub(super) fn first_fit(
    blocks: &[Block],
    neighbours: &Rows<u32>,
    order: &[u32],
    budget: &mut Budget<'_>,
) -> Option<Vec<u64>> {
    let mut offsets: Vec<Option<u64>> = blocks.iter().map(|it| it.is_fixed().then_some(it.lowest)).collect();
    // The placed blocks by offset: if most blocks meet, one sorted list serves all of them.
    let is_dense = blocks.len() * blocks.len() / 4 <= neighbours.len();
    let fixed = blocks.iter().zip(0..).filter(|(block, _)| is_dense && block.is_fixed());
    let mut placed: Vec<(u64, u32)> = fixed.map(|(block, id)| (block.lowest, id)).collect();
    placed.sort_unstable();
    let mut below: Vec<(u64, u64)> = Vec::new();
    for id in order.iter().filter(|it| !blocks[**it as usize].is_fixed()) {
        let block = &blocks[*id as usize];
        let met = neighbours.row(*id as usize);
        let range = |at: u64, other: u32| (at, at + blocks[other as usize].room);
        let at = if is_dense {
            let is_met = |other: &&(u64, u32)| blocks[other.1 as usize].meets(block);
            lowest_gap(block, placed.iter().filter(is_met).map(|(at, other)| range(*at, *other)))
        } else {
            below.clear();
            below.extend(met.iter().filter_map(|other| Some(range(offsets[*other as usize]?, *other))));
            below.sort_unstable();
            lowest_gap(block, below.iter().copied())
        };
        if budget.spend(1 + met.len()) {
            return None;
        }
        offsets[*id as usize] = Some(at);
        if is_dense {
            placed.insert(placed.partition_point(|it| *it < (at, *id)), (at, *id));
        }
    }
    offsets.into_iter().collect()
}

/// The lowest offset of a block beside others, which are given as start and end, sorted by start.
fn lowest_gap(block: &Block, others: impl Iterator<Item = (u64, u64)>) -> u64 {
    let mut at = block.lowest;
    for (low, high) in others {
        if at + block.room <= low {
            break;
        }
        at = at.max(high.next_multiple_of(block.alignment));
    }
    at
}

/// Blocks above their greatest offset.
pub(super) fn too_high<'a>(blocks: &'a [Block], offsets: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
    (0..blocks.len()).filter(|it| blocks[*it].highest < offsets[*it])
}

/// Repeated first fit: blocks that end up too high go earlier the next time.
///
/// This is squeaky wheel optimisation (Joslin and Clements 1999).
pub(super) fn squeeze(
    blocks: &[Block],
    neighbours: &Rows<u32>,
    mut order: Vec<u32>,
    passes: u32,
    random: &mut Random,
    budget: &mut Budget<'_>,
) -> Option<Vec<u64>> {
    for _ in 0..passes {
        let offsets = first_fit(blocks, neighbours, &order, budget)?;
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
