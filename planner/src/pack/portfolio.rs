//! Several ways to look for a packing of one part, concurrently and in turn.
//!
//! The run time of a search has a heavy tail: many orders lead to a packing after a hundred failures, and many others
//! never do. So searches are short and numerous, with longer ones in between (Luby, Sinclair and Zuckerman 1993).

use super::block::Block;
use super::budget::Budget;
use super::first_fit::squeeze;
use super::ground::Ground;
use super::orders::{order, order_of_time, pressures, ranks, shuffle};
use super::random::Random;
use super::search::{Focus, Outcome, Search, Strategy};
use super::skyline::best_fit;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of concurrent attempts. The result depends on this number, and not on the number of cores.
const LANES: usize = 8;

/// The number of passes of first fit for each order before the search begins.
const FIRST_PASSES: u32 = 4;

/// The number of blocks above which each step of a search that looks everywhere is slow.
const MANY: usize = 2000;

/// The failure limit of the shortest search.
const FAILURES: u64 = 64;

/// The focus of the searches, in turn.
const FOCI: [Focus; 5] = [Focus::Choice, Focus::Slack, Focus::Choice, Focus::Slack, Focus::Lowest];

/// The orders of the searches, in turn: the first two lead to a packing most often.
const RANKS: [usize; 13] = [0, 1, 2, 0, 1, 3, 0, 1, 4, 0, 1, 5, 6];

/// How far blocks move in an order, as a divisor of their number, in turn.
const DIVISORS: [u64; 4] = [64, 256, 16, 1024];

/// The fastest way, if it works.
pub(super) fn first_attempt(blocks: &[Block], budget: &mut Budget<'_>) -> Option<Vec<u64>> {
    let keys: Vec<u64> = order_of_time(blocks);
    best_fit(blocks, &keys, None, budget).filter(|it| fits(blocks, it))
}

fn fits(blocks: &[Block], offsets: &[u64]) -> bool {
    blocks.iter().zip(offsets).all(|it| *it.1 <= it.0.highest)
}

/// One part of a problem, and the progress of the attempts at it.
pub(super) struct Attempts<'a> {
    blocks: &'a [Block],
    ground: Option<&'a Ground>,
    lanes: Vec<Search<'a>>,
    ranks: Vec<Vec<u64>>,
    /// The number of rounds of searches.
    round: u64,
    /// The number of searches, or of orders tried without one.
    count: u64,
    random: Random,
}

impl<'a> Attempts<'a> {
    /// Prepares the attempts. Without a ground, nothing can be proven.
    pub fn new(blocks: &'a [Block], ground: Option<&'a Ground>) -> Attempts<'a> {
        let ranks = ranks(blocks, &pressures(blocks));
        Attempts { blocks, ground, lanes: Vec::new(), ranks, round: 0, count: 0, random: Random::new() }
    }

    /// The fast ways: best fit in each of the orders, a short search, then repeated first fit from each of the orders.
    pub fn first(&mut self, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        // Without fixed offsets it makes no difference.
        let obstacles = self.ground.filter(|it| it.barred.len() != 0);
        let mut found = self.ranks.iter().filter_map(|it| best_fit(self.blocks, it, obstacles, budget));
        if let Some(offsets) = found.find(|it| fits(self.blocks, it)) {
            return Outcome::Placed(offsets);
        }
        let Some(ground) = self.ground else { return Outcome::Stopped };
        let mut passes = 1;
        if self.blocks.len() < MANY {
            passes = FIRST_PASSES;
            match self.search(ground, 1, budget) {
                Outcome::Stopped => {}
                outcome => return outcome,
            }
        }
        let mut squeeze =
            |rank: &Vec<u64>| squeeze(self.blocks, &ground.neighbours, order(rank), passes, &mut self.random, budget);
        self.ranks.iter().find_map(&mut squeeze).map_or(Outcome::Stopped, Outcome::Placed)
    }

    /// The next attempts: other strategies, sometimes with a higher limit.
    pub fn next(&mut self, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        match self.ground {
            Some(ground) => self.search(ground, LANES, budget),
            None => self.next_without_search(budget),
        }
    }

    /// Runs this many searches concurrently.
    fn search(&mut self, ground: &'a Ground, n_lanes: usize, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        self.round += 1;
        while self.lanes.len() < n_lanes {
            self.lanes.push(Search::new(self.blocks, ground));
        }
        let strategies: Vec<Strategy> = (0..n_lanes).map(|_| self.strategy()).collect();
        let winner = AtomicUsize::new(usize::MAX);
        let run = |(lane, (search, strategy)): (usize, (&mut Search<'a>, &Strategy))| {
            let outcome = search.run(strategy, &mut budget.in_race(&winner, lane));
            if outcome != Outcome::Stopped {
                winner.fetch_min(lane, Ordering::Relaxed);
            }
            outcome
        };
        let outcomes: Vec<Outcome<Vec<u64>>> = match n_lanes {
            1 => vec![run((0, (&mut self.lanes[0], &strategies[0])))],
            _ => self.lanes.par_iter_mut().zip(&strategies).enumerate().map(run).collect(),
        };
        outcomes.into_iter().find(|it| *it != Outcome::Stopped).unwrap_or(Outcome::Stopped)
    }

    fn strategy(&mut self) -> Strategy {
        // Both change each time, and since their periods are coprime, all pairs occur.
        let at = self.count as usize;
        let (focus_at, rank_at) = (at % FOCI.len(), (at + at / FOCI.len()) % RANKS.len());
        self.count += 1;
        let (mut focus, mut rank) = (FOCI[focus_at], self.ranks[RANKS[rank_at]].clone());
        let is_new = at < FOCI.len() * RANKS.len()
            && !FOCI[..focus_at].contains(&focus)
            && !RANKS[..rank_at].contains(&RANKS[rank_at]);
        if !is_new {
            shuffle(&mut rank, DIVISORS[at % DIVISORS.len()], &mut self.random);
        }
        if focus == Focus::Lowest && MANY <= self.blocks.len() {
            focus = Focus::First;
        }
        Strategy { focus, rank, failures: FAILURES * luby(self.round) }
    }

    fn next_without_search(&mut self, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        let mut shuffled = Vec::new();
        for _ in 0..LANES {
            let mut rank = self.ranks[(self.count % self.ranks.len() as u64) as usize].clone();
            shuffle(&mut rank, [8, 64, 2, 16][(self.count / 7 % 4) as usize], &mut self.random);
            self.count += 1;
            shuffled.push(rank);
        }
        let fit = |rank: &Vec<u64>| best_fit(self.blocks, rank, None, &mut budget.clone());
        let found: Vec<Vec<u64>> = shuffled.par_iter().filter_map(fit).collect();
        found.into_iter().find(|it| fits(self.blocks, it)).map_or(Outcome::Stopped, Outcome::Placed)
    }
}

/// The element at an index, counted from 1, of the sequence 1, 1, 2, 1, 1, 2, 4, 1, …
fn luby(mut place: u64) -> u64 {
    loop {
        // The elements up to each 2^k − 1 end with 2^(k−1), and the sequence repeats after that.
        let power = 1 << place.ilog2();
        if place == 2 * power - 1 {
            return power;
        }
        place -= power - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_searches_come_more_and_more_seldom() {
        let limits: Vec<u64> = (1..=15).map(luby).collect();
        assert_eq!(limits, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
    }
}
