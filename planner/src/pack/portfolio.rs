//! Many ways to look for a packing of one part, taken in turns.

use super::block::Block;
use super::first_fit::{Meetings, squeeze};
use super::random::Random;
use super::search::{Focus, Outcome, Search, Strategy};
use super::watch::Watch;

/// Orders of blocks: the greatest first.
pub(super) fn ranks(blocks: &[Block], pressures: &[u64]) -> Vec<Vec<u64>> {
    let by = |rank: &dyn Fn(usize) -> (u64, u64, u64)| order_to_rank(blocks.len(), rank);
    let area = |id: usize| blocks[id].room.saturating_mul(blocks[id].length());
    vec![
        by(&|id| (area(id), 0, 0)),
        by(&|id| (blocks[id].length(), area(id), 0)),
        by(&|id| (blocks[id].room, area(id), 0)),
        by(&|id| (pressures[id], area(id), 0)),
        by(&|id| (pressures[id], blocks[id].length(), blocks[id].room)),
        by(&|id| (u64::from(u32::MAX - blocks[id].hull().0), area(id), 0)),
        by(&|id| (u64::from(blocks[id].hull().1), area(id), 0)),
    ]
}

/// Per block its place in the order of a key, counted from the last and from 1.
fn order_to_rank(count: usize, key: &dyn Fn(usize) -> (u64, u64, u64)) -> Vec<u64> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|id| (key(*id), std::cmp::Reverse(*id)));
    let mut ranks = vec![0; count];
    for (rank, id) in order.into_iter().enumerate() {
        ranks[id] = rank as u64 + 1;
    }
    ranks
}

/// Blocks in the order of their ranks, the greatest first.
pub(super) fn order(rank: &[u64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rank.len() as u32).collect();
    order.sort_by_key(|it| std::cmp::Reverse(rank[*it as usize]));
    order
}

/// One part of a problem, and how far the attempts at it have come.
pub(super) struct Attempts<'a> {
    blocks: &'a [Block],
    search: Search<'a>,
    ranks: Vec<Vec<u64>>,
    round: u64,
    random: Random,
}

const FOCI: [Focus; 4] = [Focus::Choice, Focus::Lowest, Focus::Slack, Focus::First];

impl<'a> Attempts<'a> {
    /// Prepares the attempts.
    pub fn new(blocks: &'a [Block]) -> Attempts<'a> {
        let search = Search::new(blocks);
        let ranks = ranks(blocks, &search.pressures());
        Attempts { blocks, search, ranks, round: 0, random: Random::new() }
    }

    /// First fit in each of the orders, and in those that follow when what lies too high goes ahead.
    pub fn first_fit(&mut self, passes: u32) -> Option<Vec<u64>> {
        let meetings = Meetings::Listed(self.search.neighbours());
        self.ranks.iter().find_map(|rank| squeeze(self.blocks, &meetings, order(rank), passes, &mut self.random))
    }

    /// The next attempt: another strategy, or after all of them a higher limit.
    pub fn next(&mut self, watch: &mut Watch<'_>) -> Outcome<Vec<u64>> {
        let n_foci = FOCI.len() as u64;
        let n_strategies = n_foci * self.ranks.len() as u64;
        let (lap, at) = (self.round / n_strategies, self.round % n_strategies);
        self.round += 1;
        let mut rank = self.ranks[(at / n_foci) as usize].clone();
        if lap != 0 {
            let divisor = [64, 16, 64, 8][(lap % 4) as usize];
            self.shuffle(&mut rank, divisor);
        }
        let failures = 100 << lap.min(40);
        let strategy = Strategy { focus: FOCI[(at % n_foci) as usize], rank, failures };
        self.search.run(&strategy, watch)
    }

    /// Blocks change places in the order, with those that are not farther than a fraction of it.
    fn shuffle(&mut self, rank: &mut [u64], divisor: u64) {
        let reach = rank.len() as u64 / divisor + 2;
        for it in rank {
            *it = *it * 4 + self.random.below(4 * reach);
        }
    }
}
