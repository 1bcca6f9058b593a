//! The blocks of a section that must rest on others.
//!
//! With its bound *r* and its size *p*, a block below all of a set Ω of others requires that *r* + *p* + the sizes of Ω
//! is at most the limit. If it is more, the block lies above one of Ω, at the lowest top that one of them can have, or
//! higher. The smaller Ω is, taking those with the highest tops first, the stronger this is.
//!
//! In scheduling, where a section is a machine, this is the rule "not first" (Carlier and Pinson 1990; all deadlines
//! are equal here, so the other rules of that kind do not apply).

/// The rule, and its reusable memory.
#[derive(Debug, Default)]
pub(super) struct Rests {
    /// By block: its lowest top and its size; or the prefix sum of the sizes.
    tops: Vec<(u64, u64)>,
    /// The blocks that must rest on others, with their new bounds.
    raises: Vec<(u32, u64)>,
}

impl Rests {
    /// The blocks that must rest on others, with their new bounds.
    ///
    /// `rooms` has the sizes of all blocks, `blocks` the indices of those in the section, sorted by their bounds. All
    /// of them fit between these and the limit.
    pub fn find(&mut self, blocks: &[u32], bounds: &[u64], rooms: &[u64], limit: u64) -> &[(u32, u64)] {
        let Rests { tops, raises } = self;
        raises.clear();
        tops.clear();
        tops.extend(blocks.iter().zip(bounds).map(|(block, bound)| {
            let room = rooms[*block as usize];
            (bound + room, room)
        }));
        let waste = limit - tops.iter().map(|it| it.1).sum::<u64>();
        let first = bounds.partition_point(|it| *it <= waste);
        // Usually the space below is enough, which can be seen without sorting.
        let is_filled = |bound: u64| {
            let below: u64 = tops.iter().map(|it| if it.0 <= bound { it.1 } else { 0 }).sum();
            bound <= waste + below
        };
        let mut last = None;
        if bounds[first..].iter().all(|it| last.replace(*it) == Some(*it) || is_filled(*it)) {
            return raises;
        }
        tops.sort_unstable_by(|one, other| other.cmp(one));
        let mut sum = 0;
        for (_, room) in &mut *tops {
            sum += *room;
            *room = sum;
        }
        for (block, bound) in blocks.iter().zip(bounds).skip(first) {
            let room = rooms[*block as usize];
            // The lowest top of the smallest set whose sizes exceed `most`.
            let lowest = |most: u64| tops.get(tops.partition_point(|it| it.1 <= most)).map(|it| it.0);
            let most = limit - bound - room;
            // If the block is one of those itself, its size does not count.
            let top = lowest(most).filter(|it| bound + room < *it).or_else(|| lowest(most + room));
            if let Some(top) = top.filter(|it| bound < it) {
                raises.push((*block, top));
            }
        }
        raises
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::Random;

    /// The same by trying every set of others.
    fn highest_of_lowest_tops(at: usize, bounds: &[u64], rooms: &[u64], limit: u64) -> u64 {
        let others = |set: u32| (0..rooms.len()).filter(move |it| *it != at && set >> it & 1 == 1);
        let room = |set: u32| others(set).map(|it| rooms[it]).sum::<u64>();
        let sets = (1..1 << rooms.len()).filter(|it| limit < bounds[at] + rooms[at] + room(*it));
        let lowest = sets.filter_map(|it| others(it).map(|it| bounds[it] + rooms[it]).min());
        lowest.max().unwrap_or(0).max(bounds[at])
    }

    #[test]
    fn all_sets_of_others_are_considered() {
        let mut random = Random::new();
        let mut n_raised = 0;
        for _ in 0..2000 {
            let count = 1 + random.below(7) as usize;
            let rooms: Vec<u64> = (0..count).map(|_| 1 + random.below(9)).collect();
            let mut bounds: Vec<u64> = (0..count).map(|_| random.below(20)).collect();
            bounds.sort_unstable();
            let top = bounds.iter().zip(&rooms).fold(0, |top: u64, it| top.max(*it.0) + it.1);
            let limit = top + random.below(4);
            let blocks: Vec<u32> = (0..count as u32).collect();
            let mut rests = Rests::default();
            let raises = rests.find(&blocks, &bounds, &rooms, limit);
            let mut raised = bounds.clone();
            raises.iter().for_each(|(block, bound)| raised[*block as usize] = *bound);
            let expected: Vec<u64> = (0..count).map(|it| highest_of_lowest_tops(it, &bounds, &rooms, limit)).collect();
            assert_eq!(raised, expected, "{bounds:?} {rooms:?} {limit}");
            n_raised += raises.len();
        }
        assert!(1000 < n_raised, "{n_raised}");
    }
}
