//! Placement orders of blocks.

use super::block::Block;
use super::random::Random;

/// Orders of blocks as ranks, the greatest first. Ranks are positive and distinct. The orders that lead to a packing
/// most often come first.
pub(super) fn ranks(blocks: &[Block], pressures: &[u64]) -> Vec<Vec<u64>> {
    let by = |rank: &dyn Fn(usize) -> (u64, u64, u64)| order_to_rank(blocks.len(), rank);
    let area = |id: usize| blocks[id].room.saturating_mul(blocks[id].length());
    vec![
        by(&|id| (pressures[id], blocks[id].length(), blocks[id].room)),
        by(&|id| (blocks[id].length(), area(id), 0)),
        by(&|id| (u64::from(blocks[id].hull().1), area(id), 0)),
        by(&|id| (u64::from(u32::MAX - blocks[id].hull().0), area(id), 0)),
        by(&|id| (pressures[id], area(id), 0)),
        by(&|id| (area(id), 0, 0)),
        by(&|id| (blocks[id].room, area(id), 0)),
    ]
}

/// The largest first; equal ones in their original order.
pub(super) fn order_of_size(blocks: &[Block]) -> Vec<u64> {
    order_to_rank(blocks.len(), &|id| (blocks[id].room, 0, 0))
}

/// By start, then the larger first.
pub(super) fn order_of_time(blocks: &[Block]) -> Vec<u64> {
    order_to_rank(blocks.len(), &|id| {
        let area = blocks[id].room.saturating_mul(blocks[id].length());
        (u64::from(u32::MAX - blocks[id].hull().0), area, 0)
    })
}

/// By block: its position in the order of a key, counted from the last, from 1.
fn order_to_rank(count: usize, key: &dyn Fn(usize) -> (u64, u64, u64)) -> Vec<u64> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|id| (key(*id), std::cmp::Reverse(*id)));
    let mut ranks = vec![0; count];
    for (rank, id) in order.into_iter().enumerate() {
        ranks[id] = rank as u64 + 1;
    }
    ranks
}

/// Blocks by rank, the greatest first.
pub(super) fn order(rank: &[u64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rank.len() as u32).collect();
    order.sort_by_key(|it| std::cmp::Reverse(rank[*it as usize]));
    order
}

/// Shuffles the order such that blocks move by at most a fraction of it.
pub(super) fn shuffle(rank: &mut [u64], divisor: u64, random: &mut Random) {
    let count = rank.len() as u64;
    let reach = count / divisor + 2;
    for (id, it) in rank.iter_mut().enumerate() {
        // All stay distinct.
        *it = (*it * 4 + random.below(4 * reach)) * count + id as u64 + 1;
    }
}

/// By block: the largest total size of simultaneous blocks during its lifetime.
pub(super) fn pressures(blocks: &[Block]) -> Vec<u64> {
    let mut steps: Vec<u32> = blocks.iter().flat_map(|it| &it.spans).flat_map(|it| [it.0, it.1]).collect();
    steps.sort_unstable();
    steps.dedup();
    let number = |step: u32| steps.partition_point(|it| *it < step);
    let mut changes = vec![0i128; steps.len()];
    for block in blocks {
        for (start, end) in &block.spans {
            changes[number(*start)] += i128::from(block.room);
            changes[number(*end)] -= i128::from(block.room);
        }
    }
    let mut room = 0;
    let rooms: Vec<u64> = changes
        .into_iter()
        .map(|it| {
            room += it;
            u64::try_from(room).unwrap_or(0)
        })
        .collect();
    let most = Most::new(rooms);
    blocks
        .iter()
        .map(|it| it.spans.iter().map(|(start, end)| most.within(number(*start), number(*end))).max().unwrap_or(0))
        .collect()
}

/// Range maxima of a list: for each power of two, the maximum of that many elements from each index on.
struct Most(Vec<Vec<u64>>);

impl Most {
    fn new(list: Vec<u64>) -> Most {
        let mut levels = vec![list];
        let mut reach = 1;
        while 2 * reach <= levels[0].len() {
            let last = &levels[levels.len() - 1];
            let next = (0..=levels[0].len() - 2 * reach).map(|it| last[it].max(last[it + reach])).collect();
            levels.push(next);
            reach *= 2;
        }
        Most(levels)
    }

    fn within(&self, start: usize, end: usize) -> u64 {
        let level = (end - start).ilog2() as usize;
        self.0[level][start].max(self.0[level][end - (1 << level)])
    }
}
