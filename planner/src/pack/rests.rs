//! Which blocks of a section of time must rest on others.
//!
//! With its bound *r* and its room *p*, a block below all of a set Ω of others needs *r* + *p* + the rooms of
//! Ω to be at most the limit. If that is more, it lies above one of Ω, so at the lowest top that one of them
//! can have, or higher. The fewer of Ω it takes, those with the highest tops first, the more that says.
//!
//! In scheduling, where a section is a machine, this is the rule "not first" (Carlier and Pinson 1990; all
//! deadlines are the same here, so the other rules of that kind have nothing to say).

/// The rule, and the memory that it needs.
#[derive(Debug, Default)]
pub(super) struct Rests {
    /// Per block its lowest top and its room; or the room of those up to there.
    tops: Vec<(u64, u64)>,
    /// Per block that must rest on another, its number and its new bound.
    raises: Vec<(u32, u64)>,
}

impl Rests {
    /// The numbers of those that must rest on others, and their new bounds.
    ///
    /// `rooms` are all blocks by number, `blocks` the numbers of those in the section, in the order of their
    /// bounds. All of them fit between these and the limit.
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
        // Mostly, what fits below is enough, and that is seen without an order.
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
            // The lowest top of as few as are more than `most`.
            let lowest = |most: u64| tops.get(tops.partition_point(|it| it.1 <= most)).map(|it| it.0);
            let most = limit - bound - room;
            // If the block is one of those itself, its room does not count.
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

    /// Every set of others says what it says.
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
