//! Many ways to look for a packing of one part, side by side and one after the other.

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

/// How many attempts are made side by side. What comes out does not depend on the number of cores,
/// but on this.
const LANES: usize = 8;

/// How often each order is tried with first fit before the search begins.
const FIRST_PASSES: u32 = 4;

/// Blocks for which each step of a search that looks everywhere would take long.
const MANY: usize = 2000;

const FOCI: [Focus; 4] = [Focus::Choice, Focus::Slack, Focus::First, Focus::Lowest];

/// The quickest way, if it works.
pub(super) fn first_attempt(blocks: &[Block], budget: &mut Budget<'_>) -> Option<Vec<u64>> {
    let keys: Vec<u64> = order_of_time(blocks);
    best_fit(blocks, &keys, None, budget).filter(|it| fits(blocks, it))
}

fn fits(blocks: &[Block], offsets: &[u64]) -> bool {
    blocks.iter().zip(offsets).all(|it| *it.1 <= it.0.highest)
}

/// One part of a problem, and how far the attempts at it have come.
pub(super) struct Attempts<'a> {
    blocks: &'a [Block],
    ground: Option<&'a Ground>,
    lanes: Vec<Search<'a>>,
    ranks: Vec<Vec<u64>>,
    round: u64,
    random: Random,
}

impl<'a> Attempts<'a> {
    /// Prepares the attempts. Without a ground, nothing can be proven.
    pub fn new(blocks: &'a [Block], ground: Option<&'a Ground>) -> Attempts<'a> {
        let ranks = ranks(blocks, &pressures(blocks));
        Attempts { blocks, ground, lanes: Vec::new(), ranks, round: 0, random: Random::new() }
    }

    /// Best fit and first fit in each of the orders, and in those that follow when what lies too high
    /// goes ahead.
    pub fn heuristics(&mut self, budget: &mut Budget<'_>) -> Option<Vec<u64>> {
        // Without any that are fixed it makes no difference.
        let obstacles = self.ground.filter(|it| it.barred.len() != 0);
        let mut found = self.ranks.iter().filter_map(|it| best_fit(self.blocks, it, obstacles, budget));
        if let Some(offsets) = found.find(|it| fits(self.blocks, it)) {
            return Some(offsets);
        }
        let neighbours = &self.ground?.neighbours;
        let passes = if self.blocks.len() < MANY { FIRST_PASSES } else { 1 };
        self.ranks
            .iter()
            .find_map(|rank| squeeze(self.blocks, neighbours, order(rank), passes, &mut self.random, budget))
    }

    /// The next attempts: other strategies, or after all of them a higher limit.
    pub fn next(&mut self, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        let Some(ground) = self.ground else { return self.next_without_search(budget) };
        // Most problems take no more than the first attempt.
        let n_lanes = if self.round == 0 { 1 } else { LANES };
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
        let n_foci = if self.blocks.len() < MANY { FOCI.len() } else { FOCI.len() - 1 } as u64;
        let n_strategies = n_foci * self.ranks.len() as u64;
        let (lap, at) = (self.round / n_strategies, self.round % n_strategies);
        self.round += 1;
        let mut rank = self.ranks[(at / n_foci) as usize].clone();
        if lap != 0 {
            shuffle(&mut rank, [64, 16, 64, 8][(lap % 4) as usize], &mut self.random);
        }
        Strategy { focus: FOCI[(at % n_foci) as usize], rank, failures: 100 << lap.min(40) }
    }

    fn next_without_search(&mut self, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        let mut shuffled = Vec::new();
        for _ in 0..LANES {
            let mut rank = self.ranks[(self.round % self.ranks.len() as u64) as usize].clone();
            shuffle(&mut rank, [8, 64, 2, 16][(self.round / 7 % 4) as usize], &mut self.random);
            self.round += 1;
            shuffled.push(rank);
        }
        let fit = |rank: &Vec<u64>| best_fit(self.blocks, rank, None, &mut budget.clone());
        let found: Vec<Vec<u64>> = shuffled.par_iter().filter_map(fit).collect();
        found.into_iter().find(|it| fits(self.blocks, it)).map_or(Outcome::Stopped, Outcome::Placed)
    }
}
