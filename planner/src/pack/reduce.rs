//! Problems made smaller without a change to their answer.

use super::block::{Block, are_free};
use super::sections::Sections;

/// Divides all lengths by what they have in common; returns by how much.
///
/// Without fixed offsets, a block that cannot sink lies at a sum of rooms, so at a multiple.
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

/// The greatest common divisor.
pub(super) fn gcd(first: u64, second: u64) -> u64 {
    if second == 0 { first } else { gcd(second, first % second) }
}

/// Takes out a block that is there whenever any other is: in any packing it can change places with
/// all that lies below it. `Err` if what is left has too little room for sure.
pub(super) fn take_floor(blocks: &mut Vec<Block>) -> Result<Option<Block>, ()> {
    if !are_free(blocks) {
        return Ok(None);
    }
    let hull = blocks.iter().map(Block::hull).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    // One that may reach higher than others must perhaps lie at the top.
    let limit = blocks.iter().map(Block::limit).min();
    let Some(at) = blocks.iter().position(|it| Some(it.spans[0]) == hull && Some(it.limit()) == limit) else {
        return Ok(None);
    };
    let floor = blocks.swap_remove(at);
    for block in blocks {
        block.highest = block.highest.checked_sub(floor.room).ok_or(())?;
    }
    Ok(Some(floor))
}

/// Takes out blocks that find room wherever the others lie, one after the other.
///
/// A block of room *a* that meets another of room *b* is kept from *a* + *b* − 1 offsets at most; if
/// all that it meets leave it one of those up to its greatest, it can wait.
pub(super) fn take_easy(blocks: Vec<Block>) -> (Vec<Block>, Vec<Block>) {
    if !are_free(&blocks) {
        return (blocks, Vec::new());
    }
    let neighbours = Sections::new(&blocks).neighbours(blocks.len());
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
    let easy = out.iter().map(|it| blocks[*it as usize].clone()).collect();
    let hard = blocks.into_iter().zip(&is_out).filter(|it| !it.1).map(|it| it.0).collect();
    (hard, easy)
}
