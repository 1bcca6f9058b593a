//! Blocks of which parts stay in use during gaps: what a gap frees can lie above and below that part.
//!
//! Such blocks are no longer stacked: one can lie above another at one step and below it at the next.
//!
//! 1. First fit: each block as low as none of its pieces overlaps one of those that are there.
//! 2. An exact search: start with every block as low as it may; take two pieces that overlap; one of
//!    them lies above the other, so raise the one block or the other, and with it whatever was decided
//!    to lie above. These are difference constraints: of all solutions one is least in every block, and
//!    if nothing overlaps there, it is a packing. If a block comes to lie too high, go back.
//!
//! The search is complete for any alignments and fixed offsets, but knows no other bounds; it is for
//! problems with few blocks.

use super::orders::shuffle;
use super::random::Random;
use super::search::Outcome;
use super::units::alignment_of;
use super::watch::Watch;
use super::{Interval, Piece};
use crate::Bytes;

/// An interval that is not empty.
struct Body {
    owner: usize,
    pieces: Vec<Piece>,
    lowest: u64,
    alignment: u64,
    is_fixed: bool,
    size: u64,
}

impl Body {
    fn start(&self) -> u32 {
        self.pieces[0].start
    }

    fn end(&self) -> u32 {
        self.pieces[self.pieces.len() - 1].end
    }
}

/// Pieces of two bodies that share steps: offsets differ by at least one of these.
struct Pair {
    bodies: (usize, usize),
    /// The second above the first.
    up: i128,
    /// The first above the second.
    down: i128,
}

/// What was decided of pairs: whether the second is above the first.
struct State {
    offsets: Vec<i128>,
    decided: Vec<(u32, bool)>,
}

/// Blocks above which pairs are too many to be searched.
const MANY: usize = 400;

/// What there is to be packed, and what was found out about it.
pub(super) struct Windows {
    bodies: Vec<Body>,
    pairs: Vec<Pair>,
    /// Bodies in the order in which they start, and the greatest end up to each.
    by_start: Vec<(usize, u32)>,
    /// Offsets of all, as far as they are given.
    given: Vec<Bytes>,
    random: Random,
}

/// Whether a part of some interval stays in use during a gap.
pub(super) fn has_windows(intervals: &[Interval]) -> bool {
    let is_window = |it: &(Bytes, Bytes)| it.0 < it.1;
    intervals.iter().flat_map(|it| &it.gaps).filter_map(|it| it.window).any(|it| is_window(&it))
}

impl Windows {
    /// Prepares the search. Sizes and the like do not add up to 2^62 or more.
    pub fn new(intervals: &[Interval], alignment: Bytes) -> Windows {
        let body = |(owner, it): (usize, &Interval)| Body {
            owner,
            pieces: it.pieces(),
            lowest: it.fixed.unwrap_or_default().0,
            alignment: if it.fixed.is_some() { 1 } else { alignment_of(it, alignment) },
            is_fixed: it.fixed.is_some(),
            size: it.size.0,
        };
        let bodies: Vec<Body> = intervals
            .iter()
            .enumerate()
            .filter(|it| !it.1.is_empty())
            .map(body)
            .filter(|it| !it.pieces.is_empty())
            .collect();
        let pairs = if bodies.len() <= MANY { pairs(&bodies) } else { Vec::new() };
        let mut by_start: Vec<(usize, u32)> = (0..bodies.len()).map(|it| (it, 0)).collect();
        by_start.sort_by_key(|it| bodies[it.0].start());
        let mut end = 0;
        for (id, latest) in &mut by_start {
            end = end.max(bodies[*id].end());
            *latest = end;
        }
        Windows {
            bodies,
            pairs,
            by_start,
            given: intervals.iter().map(|it| it.fixed.unwrap_or_default()).collect(),
            random: Random::new(),
        }
    }

    /// First fit in some orders, the next time in others: the lowest packing, if fixed offsets allow one.
    pub fn first_fit(&mut self, rounds: u64, watch: &mut Watch<'_>) -> Option<Vec<Bytes>> {
        let mut best: Option<(u64, Vec<u64>)> = None;
        for round in 0..rounds {
            if 0 < round && watch.is_over_now() {
                break;
            }
            let key = |at: &usize| {
                let body = &self.bodies[*at];
                let length = body.pieces.iter().map(|it| u64::from(it.end - it.start)).sum::<u64>();
                let start = u64::from(u32::MAX - body.pieces[0].start);
                [body.size.saturating_mul(length), body.size, length, start][(round % 4) as usize]
            };
            let mut order: Vec<usize> = (0..self.bodies.len()).collect();
            order.sort_by_cached_key(|it| (!self.bodies[*it].is_fixed, std::cmp::Reverse(key(it)), *it));
            let mut places: Vec<u64> = (1..=order.len() as u64).collect();
            if 4 <= round {
                shuffle(&mut places, [2, 8, 32][(round / 4 % 3) as usize], &mut self.random);
            }
            let mut order: Vec<(bool, u64, usize)> =
                order.into_iter().zip(places).map(|(id, place)| (!self.bodies[id].is_fixed, place, id)).collect();
            order.sort_unstable();
            let Some(offsets) = self.place(order.into_iter().map(|it| it.2)) else { continue };
            let top = self.bodies.iter().zip(&offsets).map(|it| it.0.size + it.1).max().unwrap_or(0);
            if best.as_ref().is_none_or(|it| top < it.0) {
                best = Some((top, offsets));
            }
        }
        best.map(|it| self.to_bytes(&it.1))
    }

    fn place(&self, order: impl Iterator<Item = usize>) -> Option<Vec<u64>> {
        let mut offsets = vec![0; self.bodies.len()];
        let mut is_placed = vec![false; self.bodies.len()];
        let mut taken: Vec<(i128, i128)> = Vec::new();
        for id in order {
            let body = &self.bodies[id];
            taken.clear();
            let before = self.by_start.partition_point(|it| self.bodies[it.0].start() < body.end());
            let near = self.by_start[..before].iter().rev().take_while(|it| body.start() < it.1);
            for (other, _) in near.filter(|it| is_placed[it.0]) {
                each_meeting(body, &self.bodies[*other], |mine, its| {
                    let at = |it: Bytes| i128::from(offsets[*other]) + i128::from(it.0);
                    taken.push((at(its.low) - i128::from(mine.high.0) + 1, at(its.high) - i128::from(mine.low.0)));
                });
            }
            taken.sort_unstable();
            let mut at = i128::from(body.lowest);
            let alignment = i128::from(body.alignment);
            for (low, high) in &taken {
                if at < *low {
                    break;
                }
                if at < *high {
                    at = (*high + alignment - 1) / alignment * alignment;
                }
            }
            // What was too high before it was aligned may be free where it is, or not.
            while let Some(found) = taken.iter().find(|it| it.0 <= at && at < it.1) {
                at = (found.1 + alignment - 1) / alignment * alignment;
            }
            if body.is_fixed && at != i128::from(body.lowest) {
                return None;
            }
            offsets[id] = u64::try_from(at).ok()?;
            is_placed[id] = true;
        }
        Some(offsets)
    }

    /// Whether there is a packing; `Stopped` after so many decisions.
    pub fn search(&self, capacity: Bytes, decisions: u64, watch: &mut Watch<'_>) -> Outcome<Vec<Bytes>> {
        if MANY < self.bodies.len() {
            return Outcome::Stopped;
        }
        let mut highest = Vec::new();
        for body in &self.bodies {
            match capacity.0.checked_sub(body.size).filter(|it| body.lowest <= *it) {
                Some(most) => highest.push(i128::from(if body.is_fixed { body.lowest } else { most })),
                None => return Outcome::Infeasible,
            }
        }
        let offsets = self.bodies.iter().map(|it| i128::from(it.lowest)).collect();
        let mut open = vec![State { offsets, decided: Vec::new() }];
        let mut left = decisions;
        while let Some(State { offsets, decided }) = open.pop() {
            if left == 0 || watch.is_over() {
                return Outcome::Stopped;
            }
            left -= 1;
            let overlap = |it: &Pair| {
                let difference = offsets[it.bodies.1] - offsets[it.bodies.0];
                difference < it.up && -difference < it.down
            };
            let height = |it: &Pair| offsets[it.bodies.0].max(offsets[it.bodies.1]);
            let found = self.pairs.iter().enumerate().filter(|it| overlap(it.1)).min_by_key(|it| (height(it.1), it.0));
            let Some((pair, _)) = found else {
                let offsets: Vec<u64> = offsets.iter().map(|it| *it as u64).collect();
                return Outcome::Placed(self.to_bytes(&offsets));
            };
            for up in [false, true] {
                let mut decided = decided.clone();
                decided.push((pair as u32, up));
                if let Some(offsets) = self.raise(offsets.clone(), &decided, &highest) {
                    open.push(State { offsets, decided });
                }
            }
        }
        Outcome::Infeasible
    }

    /// The least offsets that follow from what was decided; `None` if one is too high.
    fn raise(&self, mut offsets: Vec<i128>, decided: &[(u32, bool)], highest: &[i128]) -> Option<Vec<i128>> {
        let mut changes = true;
        while changes {
            changes = false;
            for (pair, up) in decided.iter().rev() {
                let Pair { bodies: (first, second), up: above, down: below } = self.pairs[*pair as usize];
                let (low, high, distance) = if *up { (first, second, above) } else { (second, first, below) };
                let least = offsets[low] + distance;
                if offsets[high] < least {
                    let alignment = i128::from(self.bodies[high].alignment);
                    let least = (least + alignment - 1).div_euclid(alignment) * alignment;
                    if highest[high] < least {
                        return None;
                    }
                    offsets[high] = least;
                    changes = true;
                }
            }
        }
        Some(offsets)
    }

    fn to_bytes(&self, offsets: &[u64]) -> Vec<Bytes> {
        let mut all = self.given.clone();
        for (body, offset) in self.bodies.iter().zip(offsets) {
            all[body.owner] = Bytes(*offset);
        }
        all
    }
}

fn each_meeting(first: &Body, second: &Body, mut with: impl FnMut(&Piece, &Piece)) {
    for mine in &first.pieces {
        for its in &second.pieces {
            if mine.start.max(its.start) < mine.end.min(its.end) {
                with(mine, its);
            }
        }
    }
}

fn pairs(bodies: &[Body]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for second in 0..bodies.len() {
        for first in 0..second {
            let from = pairs.len();
            each_meeting(&bodies[first], &bodies[second], |mine, its| {
                let distance = |high: Bytes, low: Bytes| i128::from(high.0) - i128::from(low.0);
                let (up, down) = (distance(mine.high, its.low), distance(its.high, mine.low));
                if !pairs[from..].iter().any(|it| (it.up, it.down) == (up, down)) {
                    pairs.push(Pair { bodies: (first, second), up, down });
                }
            });
        }
    }
    pairs
}
