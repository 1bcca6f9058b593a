//! Packings as low as can be.
//!
//! 1. Best fit in every order: in milliseconds something that is close to the load, mostly.
//! 2. The best order is shuffled, and what lies highest goes ahead, again and again: each round the
//!    lowest of several becomes the next to be shuffled.
//! 3. The exact packer with capacities between the bound and the best height known, the bound first;
//!    undecided ones are tried again with more attempts.

use super::block::Block;
use super::clash::clash;
use super::orders::{pressures, ranks, shuffle};
use super::part::{pack_blocks, pack_windows};
use super::random::Random;
use super::search::Outcome;
use super::skyline::best_fit;
use super::units::{Units, height, load, to_bytes, to_units};
use super::watch::Watch;
use super::windows::{Windows, has_windows};
use super::{Interval, Lowest, LowestPacking};
use crate::Bytes;
use rayon::prelude::*;

/// Orders that are tried in a round.
const LANES: u64 = 8;

/// Rounds without progress, at most.
const MOST_ROUNDS: u64 = 100;

/// Blocks that are placed in all rounds without progress, about.
const PATIENCE: u64 = 2_000_000;

pub(super) fn pack_lowest(intervals: &[Interval], alignment: Bytes, watch: &mut Watch<'_>) -> Lowest {
    if clash(intervals, alignment).is_some() {
        return Lowest::Infeasible;
    }
    let Ok(Units { unit, blocks }) = to_units(intervals, Bytes(u64::MAX), alignment) else {
        return Lowest::Undecided;
    };
    let of = |offsets: &[u64]| {
        let placed: Vec<(u32, u64)> = blocks.iter().zip(offsets).map(|it| (it.0.owner, *it.1)).collect();
        let offsets = to_bytes(intervals, unit, &placed);
        (height(intervals, &offsets), offsets)
    };
    let lower_bound = load(intervals, alignment);
    let mut windows = has_windows(intervals).then(|| Windows::new(intervals, alignment));
    let in_windows = windows.as_mut().and_then(|it| it.first_fit(4, watch)).map(|it| (height(intervals, &it), it));
    let found = best_order(&blocks);
    let rank = found.as_ref().map(|it| it.1.clone());
    let on_skyline = found.map(|it| of(&it.0));
    let Some((height, offsets)) = on_skyline.into_iter().chain(in_windows).min_by_key(|it| it.0) else {
        return Lowest::Undecided;
    };
    let mut best = LowestPacking { height, offsets, lower_bound };
    if let Some(rank) = rank.filter(|_| lower_bound < best.height) {
        improve(&blocks, &rank, watch, |offsets| {
            let (height, offsets) = of(offsets);
            if height < best.height {
                (best.height, best.offsets) = (height, offsets);
            }
            best.height == lower_bound
        });
    }
    narrow(intervals, alignment, windows, &mut best, watch);
    Lowest::Placed(best)
}

fn top(blocks: &[Block], offsets: &[u64]) -> u64 {
    blocks.iter().zip(offsets).map(|it| it.0.room + it.1).max().unwrap_or(0)
}

/// The lowest packing by best fit, and its order.
fn best_order(blocks: &[Block]) -> Option<(Vec<u64>, Vec<u64>)> {
    let ranks = ranks(blocks, &pressures(blocks));
    let found: Vec<_> = ranks.into_par_iter().map(|rank| best_fit(blocks, &rank).map(|it| (it, rank))).collect();
    found.into_iter().flatten().min_by_key(|it| top(blocks, &it.0))
}

/// Looks around an order for better ones, until `done` with what is found or until patience is over.
fn improve(blocks: &[Block], rank: &[u64], watch: &mut Watch<'_>, mut done: impl FnMut(&[u64]) -> bool) {
    let mut random = Random::new();
    let mut rank = rank.to_vec();
    let Some(mut offsets) = best_fit(blocks, &rank).filter(|_| !blocks.is_empty()) else { return };
    let n_blocks = blocks.len() as u64;
    let rounds = (PATIENCE / (LANES * n_blocks) + 2).min(n_blocks).min(MOST_ROUNDS);
    let mut left = rounds;
    while left != 0 && !watch.is_over_now() {
        left -= 1;
        let height = top(blocks, &offsets);
        let tries: Vec<Vec<u64>> = (0..LANES).map(|lane| vary(blocks, &rank, &offsets, lane, &mut random)).collect();
        let found: Vec<Vec<u64>> = tries.par_iter().filter_map(|it| best_fit(blocks, it)).collect();
        let Some((lane, lowest)) = found.into_iter().enumerate().min_by_key(|it| (top(blocks, &it.1), it.0)) else {
            return;
        };
        let new_height = top(blocks, &lowest);
        if new_height <= height {
            rank = tries.into_iter().nth(lane).expect("there are as many");
            rank = compact(&rank);
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

/// The same order with numbers as small as can be.
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
/// Each round tries the bound, then capacities below the best height by half of the gap, an eighth and
/// so on: what is undecided is left to the next round, with more attempts.
fn narrow(
    intervals: &[Interval],
    alignment: Bytes,
    mut windows: Option<Windows>,
    best: &mut LowestPacking,
    watch: &mut Watch<'_>,
) {
    let mut attempts = 4;
    while best.lower_bound < best.height && !watch.is_over_now() {
        let mut step = best.height.0 - best.lower_bound.0;
        let least = step / 64;
        while least < step && best.lower_bound < best.height && !watch.is_over_now() {
            let capacity = Bytes(best.height.0.saturating_sub(step).max(best.lower_bound.0));
            let outcome = match (&mut windows, to_units(intervals, capacity, alignment)) {
                (_, Err(_)) => Outcome::Infeasible,
                (Some(windows), _) => pack_windows(intervals, windows, capacity, alignment, attempts, watch),
                (None, Ok(units)) => match pack_blocks(units.blocks, attempts, watch) {
                    Outcome::Placed(placed) => Outcome::Placed(to_bytes(intervals, units.unit, &placed)),
                    Outcome::Infeasible => Outcome::Infeasible,
                    Outcome::Stopped => Outcome::Stopped,
                },
            };
            match outcome {
                Outcome::Placed(offsets) => {
                    best.height = height(intervals, &offsets);
                    best.offsets = offsets;
                }
                Outcome::Infeasible => {
                    best.lower_bound = Bytes(capacity.0 + 1);
                    step = (best.height.0 - best.lower_bound.0).div_ceil(2).max(1);
                }
                Outcome::Stopped if capacity == best.lower_bound => step /= 2,
                Outcome::Stopped => step /= 4,
            }
        }
        attempts = attempts.saturating_mul(2);
    }
}
