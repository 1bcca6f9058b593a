//! Reductions of problems that preserve the answer.

use super::block::{Block, are_free};
use super::budget::Budget;
use super::sections::Sections;
use crate::divisor::gcd;
use std::collections::HashMap;

/// Divides all lengths by their greatest common divisor, and returns it.
///
/// Without fixed offsets, a block that cannot be moved down lies at a sum of sizes, so at a multiple.
pub(super) fn divide(blocks: &mut [Block]) -> u64 {
    if !are_free(blocks) {
        return 1;
    }
    let common = blocks.iter().map(|it| it.room).fold(0, gcd).max(1);
    for block in blocks {
        block.room /= common;
        block.highest /= common;
    }
    common
}

/// Removes blocks that are live whenever any other one is, from below: in any packing such a block can change places
/// with everything below it. `Err` if the rest certainly does not fit.
///
/// The rest may end earlier or start later, so that another block is live whenever any other one is.
pub(super) fn take_floors(blocks: &mut Vec<Block>) -> Result<Vec<Block>, ()> {
    if !are_free(blocks) {
        return Ok(Vec::new());
    }
    // The least last, for popping.
    let sorted = |key: &dyn Fn(&Block) -> u64| {
        let mut ids: Vec<usize> = (0..blocks.len()).collect();
        ids.sort_by_key(|it| std::cmp::Reverse((key(&blocks[*it]), *it)));
        ids
    };
    let mut by_start = sorted(&|it| u64::from(it.hull().0));
    let mut by_end = sorted(&|it| u64::from(u32::MAX - it.hull().1));
    let mut by_limit = sorted(&Block::limit);
    // Blocks without a gap, by their steps.
    let mut whole: HashMap<(u32, u32), Vec<usize>> = HashMap::new();
    for id in by_limit.iter().filter(|it| blocks[**it].spans.len() == 1) {
        whole.entry(blocks[*id].spans[0]).or_default().push(*id);
    }
    let mut is_out = vec![false; blocks.len()];
    let mut floors = Vec::new();
    let mut taken = 0_u64;
    let least = |ids: &mut Vec<usize>, is_out: &[bool]| {
        while ids.pop_if(|it| is_out[*it]).is_some() {}
        ids.last().copied()
    };
    while let (Some(first), Some(last), Some(lowest)) =
        (least(&mut by_start, &is_out), least(&mut by_end, &is_out), least(&mut by_limit, &is_out))
    {
        let hull = (blocks[first].hull().0, blocks[last].hull().1);
        // One that may reach higher than others may have to lie at the top.
        let limit = blocks[lowest].limit();
        let Some(floor) = whole.get_mut(&hull).and_then(|it| it.pop_if(|it| blocks[*it].limit() == limit)) else {
            break;
        };
        if blocks[floor].highest < taken {
            return Err(());
        }
        taken += blocks[floor].room;
        is_out[floor] = true;
        floors.push(floor);
    }
    let floors = floors.into_iter().map(|it| blocks[it].clone()).collect();
    let mut ids = 0..;
    blocks.retain(|_| ids.next().is_some_and(|it| !is_out[it]));
    for block in blocks {
        block.highest = block.highest.checked_sub(taken).ok_or(())?;
    }
    Ok(floors)
}

/// Removes blocks that have space wherever the others lie, one at a time; none if the budget is exhausted first.
///
/// A block of size *a* that meets another of size *b* is excluded from at most *a* + *b* − 1 offsets; if all blocks
/// that it meets leave it an offset up to its greatest, it can be placed last. Each removed block comes with the owners
/// of all blocks that it meets.
pub(super) fn take_easy(blocks: Vec<Block>, budget: &mut Budget<'_>) -> (Vec<Block>, Vec<(Block, Vec<u32>)>) {
    if !are_free(&blocks) {
        return (blocks, Vec::new());
    }
    let Some(neighbours) = Sections::new(&blocks).neighbours(blocks.len(), budget) else {
        return (blocks, Vec::new());
    };
    let kept_from = |id: usize, other: u32| u128::from(blocks[id].room + blocks[other as usize].room - 1);
    let mut kept: Vec<u128> =
        (0..blocks.len()).map(|id| neighbours.row(id).iter().map(|it| kept_from(id, *it)).sum()).collect();
    let is_easy = |id: usize, kept: &[u128]| kept[id] <= u128::from(blocks[id].highest);
    let mut is_out = vec![false; blocks.len()];
    let mut out: Vec<u32> = (0..blocks.len() as u32).filter(|it| is_easy(*it as usize, &kept)).collect();
    out.iter().for_each(|it| is_out[*it as usize] = true);
    let mut next = 0;
    while next < out.len() {
        let block = out[next];
        next += 1;
        for other in neighbours.row(block as usize) {
            let id = *other as usize;
            kept[id] -= kept_from(id, block);
            if !is_out[id] && is_easy(id, &kept) {
                is_out[id] = true;
                out.push(*other);
            }
        }
    }
    let met = |id: usize| neighbours.row(id).iter().map(|it| blocks[*it as usize].owner).collect();
    let easy = out.iter().map(|it| (blocks[*it as usize].clone(), met(*it as usize))).collect();
    let hard = blocks.into_iter().zip(&is_out).filter(|it| !it.1).map(|it| it.0).collect();
    (hard, easy)
}
