//! Packings from the bottom up in near-linear time, for problems of any size.
//!
//! The skyline is the height of used memory at each step. Its lowest stretch gets the best block whose lifetime is
//! within it; if there is none, the stretch is raised to its lower neighbour. This is best fit as in Burke et al.
//! (2004) for strip packing and Sekiyama et al. (2018) for the memory of networks, with any order of preference.

use super::block::Block;
use super::budget::Budget;
use super::contained::Contained;
use super::ground::Ground;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Steps with the same height, in a list from the first step to the last.
#[derive(Clone, Copy)]
struct Stretch {
    start: u32,
    end: u32,
    height: u64,
    before: u32,
    after: u32,
    is_there: bool,
}

const NONE: u32 = u32::MAX;

struct Skyline {
    stretches: Vec<Stretch>,
    lowest: BinaryHeap<Reverse<(u64, u32, u32)>>,
}

/// Offsets for blocks, of any height; those with a greater key are preferred. Keys are positive and distinct. Gaps are
/// not used. Blocks with fixed offsets must not overlap; the space below them is used if there is a ground. `None` if
/// the budget is exhausted first.
pub(super) fn best_fit(
    blocks: &[Block],
    keys: &[u64],
    ground: Option<&Ground>,
    budget: &mut Budget<'_>,
) -> Option<Vec<u64>> {
    let hulls: Vec<(u32, u32)> = blocks.iter().map(Block::hull).collect();
    let mut left = Contained::new(&hulls, keys);
    let mut n_left = blocks.len();
    let mut offsets = vec![0; blocks.len()];
    let end = hulls.iter().map(|it| it.1).max().unwrap_or(0);
    let mut skyline = Skyline::new(match ground {
        Some(_) => vec![((0, end), 0)],
        None => fixed_heights(blocks, end),
    });
    for (id, block) in blocks.iter().enumerate().filter(|it| it.1.is_fixed()) {
        offsets[id] = block.lowest;
        left.take(id as u32);
        n_left -= 1;
    }
    while n_left != 0 {
        let at = skyline.lowest();
        let Stretch { start, end, height, .. } = skyline.stretches[at as usize];
        let lowest = |id: u32| height.max(blocks[id as usize].lowest).next_multiple_of(blocks[id as usize].alignment);
        // The height from which on some block is clear of the fixed ones, if none is yet.
        let mut next_clear = u64::MAX;
        let may_take = |id: u32| {
            let lowest = lowest(id);
            let clear = ground.map_or(lowest, |it| it.next_clear(id as usize, lowest, 1));
            next_clear = next_clear.min(clear);
            clear == lowest
        };
        let (best, visited) = left.best(start, end, may_take);
        if budget.spend(visited) {
            return None;
        }
        let Some(best) = best else {
            skyline.lift(at, next_clear);
            continue;
        };
        left.take(best);
        n_left -= 1;
        let offset = lowest(best);
        offsets[best as usize] = offset;
        skyline.build(at, hulls[best as usize], offset + blocks[best as usize].room);
    }
    Some(offsets)
}

/// The heights of blocks with fixed offsets, from the first step to `end`.
fn fixed_heights(blocks: &[Block], end: u32) -> Vec<((u32, u32), u64)> {
    let mut events: Vec<(u32, bool, u64)> = Vec::new();
    for block in blocks.iter().filter(|it| it.is_fixed()) {
        for span in &block.spans {
            events.extend([(span.0, true, block.limit()), (span.1, false, block.limit())]);
        }
    }
    // Ends come before starts: if one ends where another starts, they do not meet.
    events.sort_unstable();
    let mut ground = Vec::new();
    // The ends of live blocks, with the number of blocks that end there.
    let mut taken: BTreeMap<u64, u32> = BTreeMap::new();
    let mut from = 0;
    for (step, starts, limit) in events.into_iter().chain([(end, false, u64::MAX)]) {
        if from < step {
            ground.push(((from, step), taken.last_key_value().map_or(0, |it| *it.0)));
            from = step;
        }
        if starts {
            *taken.entry(limit).or_insert(0) += 1;
        } else if let Some(count) = taken.get_mut(&limit) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&limit);
            }
        }
    }
    ground
}

impl Skyline {
    fn new(heights: Vec<((u32, u32), u64)>) -> Skyline {
        let mut skyline = Skyline { stretches: Vec::new(), lowest: BinaryHeap::new() };
        let mut before = NONE;
        for ((start, end), height) in heights {
            before = skyline.add(start, end, height, before, NONE);
        }
        skyline
    }

    fn add(&mut self, start: u32, end: u32, height: u64, before: u32, after: u32) -> u32 {
        let id = self.stretches.len() as u32;
        self.stretches.push(Stretch { start, end, height, before, after, is_there: true });
        if before != NONE {
            self.stretches[before as usize].after = id;
        }
        if after != NONE {
            self.stretches[after as usize].before = id;
        }
        self.lowest.push(Reverse((height, start, id)));
        id
    }

    fn lowest(&mut self) -> u32 {
        loop {
            let Reverse((_, _, id)) = *self.lowest.peek().expect("every step belongs to a stretch");
            if self.stretches[id as usize].is_there {
                return id;
            }
            self.lowest.pop();
        }
    }

    /// Replaces a stretch by others with the same steps, or more.
    fn replace(&mut self, at: u32, height: u64) {
        let Stretch { mut start, mut end, mut before, mut after, .. } = self.stretches[at as usize];
        self.stretches[at as usize].is_there = false;
        if let Some(other) = self.level(before, height) {
            (start, before) = (other.start, other.before);
        }
        if let Some(other) = self.level(after, height) {
            (end, after) = (other.end, other.after);
        }
        self.add(start, end, height, before, after);
    }

    /// Removes a neighbour if it has this height.
    fn level(&mut self, id: u32, height: u64) -> Option<Stretch> {
        let other = self.stretches.get_mut(id as usize).filter(|it| it.height == height)?;
        other.is_there = false;
        Some(*other)
    }

    /// Raises a stretch to its lower neighbour, but not to `most` or higher.
    fn lift(&mut self, at: u32, most: u64) {
        let Stretch { before, after, .. } = self.stretches[at as usize];
        let height = |id: u32| self.stretches.get(id as usize).map_or(u64::MAX, |it| it.height);
        let height = height(before).min(height(after)).min(most);
        self.replace(at, height);
    }

    /// Raises some steps of a stretch.
    fn build(&mut self, at: u32, (start, end): (u32, u32), height: u64) {
        let old = self.stretches[at as usize];
        self.stretches[at as usize].is_there = false;
        let mut before = old.before;
        if old.start < start {
            before = self.add(old.start, start, old.height, before, NONE);
        }
        let middle = self.add(start, end, height, before, NONE);
        if end < old.end {
            self.add(end, old.end, old.height, middle, old.after);
        } else if old.after != NONE {
            self.stretches[middle as usize].after = old.after;
            self.stretches[old.after as usize].before = middle;
        }
        self.replace(middle, height);
    }
}
