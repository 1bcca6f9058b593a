//! Divides a problem into parts, and combines their results.

use super::block::{Block, components, fixed_overlap};
use super::budget::Budget;
use super::clash::clash;
use super::ground::{Ground, meetings};
use super::portfolio::{Attempts, first_attempt};
use super::reduce::{divide, take_easy, take_floors};
use super::search::Outcome;
use super::units::{Refusal, height, load, to_bytes, to_units};
use super::windows::{Windows, has_windows};
use super::{Interval, Packing};
use crate::Bytes;

/// The number of pairs that meet, above which looking for easy blocks takes too long.
const MANY: u64 = 10_000_000;

/// The number of attempts with the least possible capacity, before those with the given one.
const FIRST_ATTEMPTS: u64 = 8;

pub(super) fn pack(
    intervals: &[Interval],
    capacity: Bytes,
    alignment: Bytes,
    attempts: u64,
    budget: &mut Budget<'_>,
) -> Packing {
    let units = match to_units(intervals, capacity, alignment) {
        Ok(units) => units,
        Err(Refusal::Infeasible) => return Packing::Infeasible,
        Err(Refusal::TooLarge) => return Packing::Undecided,
    };
    let load = load(intervals, alignment);
    if capacity < load || clash(intervals, alignment).is_some() {
        return Packing::Infeasible;
    }
    // With no space to spare and fixed offsets there is little choice, which can be easier.
    if load < capacity
        && units.blocks.iter().any(Block::is_fixed)
        && let Ok(units) = to_units(intervals, load, alignment)
        && let Outcome::Placed(placed) = pack_blocks(units.blocks, FIRST_ATTEMPTS, budget)
    {
        return Packing::Placed(to_bytes(intervals, units.unit, &placed));
    }
    let outcome = if has_windows(intervals) {
        pack_windows(intervals, &mut Windows::new(intervals, alignment), capacity, alignment, attempts, budget)
    } else {
        match pack_blocks(units.blocks, u64::MAX, budget) {
            Outcome::Placed(placed) => Outcome::Placed(to_bytes(intervals, units.unit, &placed)),
            Outcome::Infeasible => Outcome::Infeasible,
            Outcome::Stopped => Outcome::Stopped,
        }
    };
    match outcome {
        Outcome::Infeasible => Packing::Infeasible,
        Outcome::Stopped => Packing::Undecided,
        Outcome::Placed(offsets) => Packing::Placed(offsets),
    }
}

/// Packs within a capacity, with more attempts each time, if gaps may have windows.
pub(super) fn pack_windows(
    intervals: &[Interval],
    windows: &mut Windows,
    capacity: Bytes,
    alignment: Bytes,
    attempts: u64,
    budget: &mut Budget<'_>,
) -> Outcome<Vec<Bytes>> {
    let mut is_hopeful = true;
    let mut effort = 4;
    loop {
        // First as if the gaps with a window were none: the packer for that is the stronger one.
        if is_hopeful && let Ok(units) = to_units(intervals, capacity, alignment) {
            match pack_blocks(units.blocks, effort, budget) {
                Outcome::Placed(placed) => return Outcome::Placed(to_bytes(intervals, units.unit, &placed)),
                Outcome::Infeasible => is_hopeful = false,
                Outcome::Stopped => {}
            }
        }
        let offsets = windows.first_fit(effort, budget);
        if let Some(offsets) = offsets.filter(|it| height(intervals, it) <= capacity) {
            return Outcome::Placed(offsets);
        }
        match windows.search(capacity, effort.saturating_mul(250), budget) {
            Outcome::Stopped => {}
            outcome => return outcome,
        }
        if attempts <= effort || budget.is_over_now() {
            return Outcome::Stopped;
        }
        effort = effort.saturating_mul(4);
    }
}

/// Blocks that meet no others, moved up by `base` and divided by `scale`.
struct Part {
    blocks: Vec<Block>,
    base: u64,
    scale: u64,
}

/// A block that can be packed after others.
struct Later {
    block: Block,
    /// The owners of all blocks that it meets above `base`.
    met: Vec<u32>,
    base: u64,
    scale: u64,
}

/// Removes easy blocks and divides the rest; `Err` if there is no packing.
#[expect(clippy::type_complexity, reason = "taken apart where it is called")]
fn reduce(blocks: Vec<Block>, budget: &mut Budget<'_>) -> Result<(Vec<Part>, Vec<(u32, u64)>, Vec<Later>), ()> {
    let (mut parts, mut placed, mut later) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = vec![Part { blocks, base: 0, scale: 1 }];
    while let Some(part) = left.pop() {
        for mut blocks in components(part.blocks) {
            let (mut base, scale) = (part.base, part.scale * divide(&mut blocks));
            let n_blocks = blocks.len();
            for floor in take_floors(&mut blocks)? {
                placed.push((floor.owner, base));
                base += floor.room * scale;
            }
            if blocks.is_empty() {
                continue;
            }
            // Blocks that are not removed are packed with the rest.
            let in_time = !budget.spend(blocks.len());
            if in_time && blocks.len() == n_blocks && meetings(&blocks) <= MANY {
                let (hard, easy) = take_easy(blocks, budget);
                later.extend(easy.into_iter().map(|(block, met)| Later { block, met, base, scale }));
                blocks = hard;
            }
            if !in_time || blocks.len() == n_blocks {
                parts.push(Part { blocks, base, scale });
            } else {
                left.push(Part { blocks, base, scale });
            }
        }
    }
    Ok((parts, placed, later))
}

/// Packs blocks; gives up when each part has had this many attempts.
pub(super) fn pack_blocks(blocks: Vec<Block>, attempts: u64, budget: &mut Budget<'_>) -> Outcome<Vec<(u32, u64)>> {
    let n_owners = blocks.iter().map(|it| it.owner as usize + 1).max().unwrap_or(0);
    let rooms = rooms(&blocks, n_owners);
    let Ok((parts, mut placed, later)) = reduce(blocks, budget) else {
        return Outcome::Infeasible;
    };
    if parts.iter().any(|it| fixed_overlap(&it.blocks)) {
        return Outcome::Infeasible;
    }
    let mut still_open: Vec<(&Part, Option<Ground>)> = Vec::new();
    for part in &parts {
        // Most are placed without a ground, which is expensive.
        match first_attempt(&part.blocks, budget) {
            Some(offsets) => place_part(part, &offsets, &mut placed),
            None => still_open.push((part, Ground::new(&part.blocks, budget))),
        }
        if budget.is_over_now() && !still_open.is_empty() {
            return Outcome::Stopped;
        }
    }
    let mut open: Vec<(&Part, Attempts<'_>)> = Vec::new();
    for (part, ground) in &still_open {
        let mut attempts = Attempts::new(&part.blocks, ground.as_ref());
        match attempts.first(budget) {
            Outcome::Infeasible => return Outcome::Infeasible,
            Outcome::Placed(offsets) => place_part(part, &offsets, &mut placed),
            Outcome::Stopped => open.push((part, attempts)),
        }
        if budget.is_over_now() {
            return Outcome::Stopped;
        }
    }
    for _ in 0..attempts {
        if open.is_empty() {
            break;
        }
        let mut still_open = Vec::new();
        for (part, mut attempts) in open {
            match attempts.next(budget) {
                Outcome::Infeasible => return Outcome::Infeasible,
                Outcome::Placed(offsets) => place_part(part, &offsets, &mut placed),
                Outcome::Stopped => still_open.push((part, attempts)),
            }
            if budget.is_over_now() {
                return Outcome::Stopped;
            }
        }
        open = still_open;
    }
    if !open.is_empty() {
        return Outcome::Stopped;
    }
    place_later(&rooms, &later, &mut placed);
    Outcome::Placed(placed)
}

fn place_part(part: &Part, offsets: &[u64], placed: &mut Vec<(u32, u64)>) {
    placed
        .extend(part.blocks.iter().zip(offsets).map(|(block, offset)| (block.owner, part.base + part.scale * offset)));
}

/// By owner: the size of its block.
fn rooms(blocks: &[Block], n_owners: usize) -> Vec<u64> {
    let mut rooms = vec![0; n_owners];
    blocks.iter().for_each(|it| rooms[it.owner as usize] = it.room);
    rooms
}

/// Places the blocks that have space in any case, in reverse order of their removal.
fn place_later(rooms: &[u64], later: &[Later], placed: &mut Vec<(u32, u64)>) {
    let mut offsets = vec![None; rooms.len()];
    for (owner, offset) in placed.iter() {
        offsets[*owner as usize] = Some(*offset);
    }
    for Later { block, met, base, scale } in later.iter().rev() {
        let taken = |owner: &u32| offsets[*owner as usize].map(|offset| (offset, offset + rooms[*owner as usize]));
        let mut taken: Vec<(u64, u64)> = met.iter().filter_map(taken).collect();
        taken.sort_unstable();
        let mut at = *base;
        for (low, high) in taken {
            if at + block.room * scale <= low {
                break;
            }
            at = at.max(high);
        }
        offsets[block.owner as usize] = Some(at);
        placed.push((block.owner, at));
    }
}
