//! Packings from the bottom up in near-linear time, for problems of any size.
//!
//! The skyline is how high memory is taken at each step. Its lowest stretch gets the best of the
//! blocks whose life is within it; if there is none, the stretch is given up up to its lower
//! neighbour. This is best fit as Burke et al. (2004) pack strips and Sekiyama et al. (2018) memory
//! of networks, with any order of preference.

use super::block::Block;
use super::contained::Contained;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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

/// Offsets for blocks, however high; those with a greater key are preferred. Keys are positive and all
/// different. Gaps are not made use of. `None` if an offset is fixed.
pub(super) fn best_fit(blocks: &[Block], keys: &[u64]) -> Option<Vec<u64>> {
    if blocks.iter().any(Block::is_fixed) {
        return None;
    }
    let hulls: Vec<(u32, u32)> = blocks.iter().map(Block::hull).collect();
    let mut left = Contained::new(&hulls, keys);
    let mut n_left = blocks.len();
    let mut offsets = vec![0; blocks.len()];
    let mut skyline = Skyline::new(hulls.iter().map(|it| it.1).max().unwrap_or(0));
    while n_left != 0 {
        let at = skyline.lowest();
        let Stretch { start, end, height, .. } = skyline.stretches[at as usize];
        let Some(best) = left.best(start, end) else {
            skyline.lift(at);
            continue;
        };
        left.take(best);
        n_left -= 1;
        let block = &blocks[best as usize];
        let offset = height.max(block.lowest).next_multiple_of(block.alignment);
        offsets[best as usize] = offset;
        skyline.build(at, hulls[best as usize], offset + block.room);
    }
    Some(offsets)
}

impl Skyline {
    fn new(end: u32) -> Skyline {
        let mut skyline = Skyline { stretches: Vec::new(), lowest: BinaryHeap::new() };
        skyline.add(0, end, 0, NONE, NONE);
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

    /// Puts a stretch of the same steps, or more, in the place of one.
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

    /// Takes a neighbour out, if it has this height.
    fn level(&mut self, id: u32, height: u64) -> Option<Stretch> {
        let other = self.stretches.get_mut(id as usize).filter(|it| it.height == height)?;
        other.is_there = false;
        Some(*other)
    }

    /// Gives up what lies below the lower neighbour.
    fn lift(&mut self, at: u32) {
        let Stretch { before, after, .. } = self.stretches[at as usize];
        let height = |id: u32| self.stretches.get(id as usize).map_or(u64::MAX, |it| it.height);
        let height = height(before).min(height(after));
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
