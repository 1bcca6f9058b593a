//! Packings as low as possible.
//!
//! 1. Best fit in every order: usually close to the load, within milliseconds. With fixed offsets also first fit, which
//!    uses the space below them. If the result is not the load, first fit of the largest first, so that no packing is
//!    worse than that. If more than ten million pairs of blocks meet, that takes seconds, and comes after step 2 if
//!    there is time left.
//! 2. The best order is shuffled repeatedly, with the highest blocks moved ahead: in each round the lowest of several
//!    results is the next to shuffle.
//! 3. The exact packer with capacities between the bound and the best known height, the bound first; undecided ones are
//!    tried again with more attempts.

use super::block::Block;
use super::budget::Budget;
use super::clash::clash;
use super::first_fit::first_fit;
use super::ground::{Ground, meetings};
use super::orders::{order, order_of_size, pressures, ranks, shuffle};
use super::part::{pack_blocks, pack_windows};
use super::random::Random;
use super::search::Outcome;
use super::skyline::best_fit;
use super::units::{Units, height as height_of, load, to_bytes, to_units};
use super::windows::{Windows, has_windows};
use super::{Interval, Lowest, LowestPacking};
use crate::Bytes;
use rayon::prelude::*;

/// The number of orders in a round.
const LANES: u64 = 8;

/// The limit of rounds without progress.
const MOST_ROUNDS: u64 = 100;

/// The steps granted to best fit among fixed offsets, or first fit among windows, after any deadline: some tenths of a
/// second.
const GRANTED: u64 = 20_000_000;

/// The steps granted to first fit of the largest first after any deadline, half a second: more than it needs if at most
/// 10 million pairs of blocks meet, or of pieces of blocks with windows.
const GRANTED_BY_SIZE: u64 = 200_000_000;

/// The number of pairs of blocks that meet, above which first fit of the largest first takes too long to come first.
const MANY_MEETINGS: u64 = 10_000_000;

/// The approximate number of blocks in all attempts at the bound before anything else is tried.
const MANY: u64 = 2500;

/// The approximate number of blocks that are placed in all rounds without progress.
const PATIENCE: u64 = 2_000_000;

pub(super) fn pack_lowest(intervals: &[Interval], alignment: Bytes, budget: &mut Budget<'_>) -> Lowest {
    if clash(intervals, alignment).is_some() {
        return Lowest::Infeasible;
    }
    let Ok(Units { unit, blocks }) = to_units(intervals, Bytes(u64::MAX), alignment) else {
        return Lowest::Undecided;
    };
    let of = |offsets: &[u64]| {
        let placed: Vec<(u32, u64)> = blocks.iter().zip(offsets).map(|it| (it.0.owner, *it.1)).collect();
        let offsets = to_bytes(intervals, unit, &placed);
        (height_of(intervals, &offsets), offsets)
    };
    let lower_bound = load(intervals, alignment);
    let mut windows = has_windows(intervals).then(|| Windows::new(intervals, alignment));
    let in_windows = windows.as_mut().and_then(|it| it.first_fit(4, &mut budget.granting(GRANTED)));
    let in_windows = in_windows.map(|it| (height_of(intervals, &it), it));
    let has_fixed = blocks.iter().any(Block::is_fixed);
    let ground = if has_fixed { Ground::new(&blocks, &mut budget.granting(u64::MAX)) } else { None };
    let start = best_order(&blocks, ground.as_ref(), budget);
    let (height, offsets) = std::iter::once(of(&start.offsets)).chain(in_windows).min_by_key(|it| it.0).expect("one");
    let mut best = LowestPacking { height, offsets, lower_bound };
    let by_size = |windows: &Option<Windows>, best: &mut LowestPacking, mut budget: Budget<'_>| {
        if best.height <= lower_bound {
            return;
        }
        let by_size = match windows {
            Some(windows) => windows.first_fit_by_size(&mut budget),
            None => Windows::new(intervals, alignment).first_fit_by_size(&mut budget),
        };
        let by_size = by_size.map(|offsets| (height_of(intervals, &offsets), offsets));
        if let Some((height, offsets)) = by_size.filter(|(height, _)| *height < best.height) {
            (best.height, best.offsets) = (height, offsets);
        }
    };
    let is_quick = meetings(&blocks) <= MANY_MEETINGS;
    if is_quick {
        by_size(&windows, &mut best, budget.granting(GRANTED_BY_SIZE));
    }
    // Fixed offsets leave little choice: then the exact packer often finishes immediately.
    if lower_bound < best.height && ground.is_some() && !budget.is_over_now() {
        let attempts = (MANY / blocks.len().max(1) as u64).clamp(1, 8);
        try_capacity(intervals, alignment, &mut windows, &mut best, lower_bound, attempts, budget);
    }
    if best.lower_bound < best.height {
        improve(&blocks, start, budget, |offsets| {
            let (height, offsets) = of(offsets);
            if height < best.height {
                (best.height, best.offsets) = (height, offsets);
            }
            best.height == lower_bound
        });
    }
    if !is_quick && !budget.is_over_now() {
        by_size(&windows, &mut best, budget.clone());
    }
    narrow(intervals, alignment, windows, &mut best, budget);
    Lowest::Placed(best)
}

fn top(blocks: &[Block], offsets: &[u64]) -> u64 {
    blocks.iter().zip(offsets).map(|it| it.0.room + it.1).max().unwrap_or(0)
}

/// A placement method for an order.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// From the bottom up; without a ground, above all fixed blocks.
    BestFit(Option<&'a Ground>),
    /// One at a time, beside the blocks that each meets.
    FirstFit(&'a Ground),
}

impl Way<'_> {
    /// Offsets, unless the budget is exhausted first.
    fn place(self, blocks: &[Block], rank: &[u64], budget: &mut Budget<'_>) -> Option<Vec<u64>> {
        match self {
            Way::BestFit(ground) => best_fit(blocks, rank, ground, budget),
            Way::FirstFit(ground) => first_fit(blocks, &ground.neighbours, &order(rank), budget),
        }
    }

    /// The approximate number of steps.
    fn effort(self, blocks: &[Block]) -> u64 {
        match self {
            Way::BestFit(_) => blocks.len() as u64,
            Way::FirstFit(ground) => blocks.len() as u64 + ground.neighbours.len() as u64 / 4,
        }
    }
}

/// A packing, and how it was found.
struct Found<'a> {
    offsets: Vec<u64>,
    rank: Vec<u64>,
    way: Way<'a>,
}

/// The lowest packing in some orders. The first two are always tried, with granted steps; packing above all fixed
/// blocks takes almost no time.
fn best_order<'a>(blocks: &[Block], ground: Option<&'a Ground>, budget: &Budget<'_>) -> Found<'a> {
    let by_size = order_of_size(blocks);
    let ways = std::iter::once(Way::BestFit(ground)).chain(ground.map(Way::FirstFit));
    let mut tries: Vec<(Way<'a>, Vec<u64>, Budget<'_>)> =
        ways.clone().map(|way| (way, by_size.clone(), budget.granting(2 * GRANTED))).collect();
    for rank in ranks(blocks, &pressures(blocks)) {
        tries.extend(ways.clone().map(|way| (way, rank.clone(), budget.clone())));
    }
    let found: Vec<Found<'a>> = tries
        .into_par_iter()
        .filter_map(|(way, rank, mut budget)| {
            Some(Found { offsets: way.place(blocks, &rank, &mut budget)?, rank, way })
        })
        .collect();
    found.into_iter().min_by_key(|it| top(blocks, &it.offsets)).unwrap_or_else(|| {
        let offsets = best_fit(blocks, &by_size, None, &mut budget.granting(u64::MAX));
        let offsets = offsets.expect("it has all the time that it needs");
        Found { offsets, rank: by_size, way: Way::BestFit(None) }
    })
}

/// Looks for better orders close to one, until `done` accepts the result or patience is exhausted.
fn improve(blocks: &[Block], start: Found<'_>, budget: &mut Budget<'_>, mut done: impl FnMut(&[u64]) -> bool) {
    if blocks.is_empty() {
        return;
    }
    let Found { mut offsets, mut rank, way } = start;
    let mut random = Random::new();
    let rounds = PATIENCE / (LANES * way.effort(blocks)) + 2;
    let rounds = rounds.min(blocks.len() as u64).min(MOST_ROUNDS);
    let mut left = rounds;
    while left != 0 && !budget.is_over_now() {
        left -= 1;
        let height = top(blocks, &offsets);
        let tries: Vec<Vec<u64>> = (0..LANES).map(|lane| vary(blocks, &rank, &offsets, lane, &mut random)).collect();
        let place = |rank: &Vec<u64>| way.place(blocks, rank, &mut budget.clone());
        let found: Vec<Option<Vec<u64>>> = tries.par_iter().map(place).collect();
        let found = found.into_iter().zip(tries).filter_map(|(offsets, rank)| Some((offsets?, rank)));
        let Some((lowest, its_rank)) = found.min_by_key(|it| top(blocks, &it.0)) else {
            return;
        };
        let new_height = top(blocks, &lowest);
        if new_height <= height {
            rank = compact(&its_rank);
            offsets = lowest;
        }
        if new_height < height {
            left = rounds;
            if done(&offsets) {
                return;
            }
        }
    }
}

/// Another order: some blocks change places, and some of the highest come first.
fn vary(blocks: &[Block], rank: &[u64], offsets: &[u64], lane: u64, random: &mut Random) -> Vec<u64> {
    let mut rank = rank.to_vec();
    let count = rank.len() as u64;
    if lane.is_multiple_of(2) {
        shuffle(&mut rank, [4, 32, 256, 2048][(lane / 2 % 4) as usize], random);
        rank = compact(&rank);
    }
    if 2 <= lane {
        let most = rank.iter().max().copied().unwrap_or(0);
        let height = top(blocks, offsets);
        let margin = height / [16, 64, 256, 1024][(lane / 2 % 4) as usize];
        for (id, it) in rank.iter_mut().enumerate() {
            if height <= offsets[id] + blocks[id].room + margin && random.below(2) == 0 {
                *it += random.below(most);
            }
            *it = *it * count + id as u64 + 1;
        }
    }
    rank
}

/// The same order with the smallest possible ranks.
fn compact(rank: &[u64]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..rank.len()).collect();
    order.sort_by_key(|it| rank[*it]);
    let mut ranks = vec![0; rank.len()];
    for (place, id) in order.into_iter().enumerate() {
        ranks[id] = place as u64 + 1;
    }
    ranks
}

/// Closes the gap between height and bound by exact packing, as far as time allows.
///
/// Each round tries the bound, then capacities below the best height by half of the gap, an eighth and so on: undecided
/// ones are left to the next round, with more attempts.
fn narrow(
    intervals: &[Interval],
    alignment: Bytes,
    mut windows: Option<Windows>,
    best: &mut LowestPacking,
    budget: &mut Budget<'_>,
) {
    let mut attempts = 4;
    while best.lower_bound < best.height && !budget.is_over_now() {
        let mut step = best.height.0 - best.lower_bound.0;
        let least = step / 64;
        while least < step && best.lower_bound < best.height && !budget.is_over_now() {
            let capacity = Bytes(best.height.0.saturating_sub(step).max(best.lower_bound.0));
            match try_capacity(intervals, alignment, &mut windows, best, capacity, attempts, budget) {
                Outcome::Placed(()) => {}
                Outcome::Infeasible => step = (best.height.0 - best.lower_bound.0).div_ceil(2).max(1),
                Outcome::Stopped if capacity == best.lower_bound => step /= 2,
                Outcome::Stopped => step /= 4,
            }
        }
        attempts = attempts.saturating_mul(2);
    }
}

/// Packs within a capacity, and records the result.
fn try_capacity(
    intervals: &[Interval],
    alignment: Bytes,
    windows: &mut Option<Windows>,
    best: &mut LowestPacking,
    capacity: Bytes,
    attempts: u64,
    budget: &mut Budget<'_>,
) -> Outcome<()> {
    let outcome = match (windows, to_units(intervals, capacity, alignment)) {
        (_, Err(_)) => Outcome::Infeasible,
        (Some(windows), _) => pack_windows(intervals, windows, capacity, alignment, attempts, budget),
        (None, Ok(units)) => match pack_blocks(units.blocks, attempts, budget) {
            Outcome::Placed(placed) => Outcome::Placed(to_bytes(intervals, units.unit, &placed)),
            Outcome::Infeasible => Outcome::Infeasible,
            Outcome::Stopped => Outcome::Stopped,
        },
    };
    match outcome {
        Outcome::Placed(offsets) => {
            best.height = height_of(intervals, &offsets);
            best.offsets = offsets;
            Outcome::Placed(())
        }
        Outcome::Infeasible => {
            best.lower_bound = Bytes(capacity.0 + 1);
            Outcome::Infeasible
        }
        Outcome::Stopped => Outcome::Stopped,
    }
}
