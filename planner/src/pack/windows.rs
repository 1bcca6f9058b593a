//! Blocks with parts that stay in use during gaps: others can lie above and below such a part.
//!
//! Such blocks are not stacked: one can lie above another at one step and below it at the next.
//!
//! 1. First fit: each block as low as possible without an overlap of its pieces with those of placed blocks.
//! 2. An exact search: start with every block as low as its limits allow. Take two pieces that overlap; one of them
//!    lies above the other, so raise one block or the other, and with it the blocks that were decided to lie above.
//!    These are difference constraints: one of their solutions is least in every block, and if it has no overlap, it is
//!    a packing. If a block is too high, backtrack.
//!
//! The search is complete for any alignments and fixed offsets, but has no other bounds; it is for problems with few
//! blocks.

use super::budget::Budget;
use super::orders::shuffle;
use super::random::Random;
use super::search::Outcome;
use super::units::alignment_of;
use super::{Interval, Piece};
use crate::Bytes;
use crate::divisor::gcd;
use std::cmp::Reverse;

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

/// Pieces of two bodies that share steps: the offsets differ by at least one of these.
struct Pair {
    bodies: (usize, usize),
    /// The distance with the second above the first.
    up: i128,
    /// The distance with the first above the second.
    down: i128,
}

/// A body that lies above another: their offsets differ by at least `distance`.
struct Above {
    low: usize,
    high: usize,
    distance: i128,
}

/// A pair, and whether its second body lies above its first.
type Decision = (u32, bool);

/// An open node of the search: a decision after some earlier ones, and the resulting offsets.
struct State {
    offsets: Vec<i128>,
    n_decided: usize,
    decision: Option<Decision>,
}

/// The consequence of decisions.
enum Raised {
    /// The least offsets.
    To(Vec<i128>),
    /// Some body would provably lie too high.
    TooHigh,
    /// The budget was exhausted first.
    Stopped,
}

/// The number of blocks above which there are too many pairs to search.
const MANY: usize = 400;

/// The limit of pairs of pieces for the search: 100 MB.
const MANY_PAIRS: usize = 2_000_000;

/// The number of pairs of pieces of two bodies from which on implied pairs are omitted.
const SEVERAL: usize = 64;

/// The limit of offsets in all open nodes: 256 MB.
const MANY_OFFSETS: usize = 16_000_000;

/// The intervals to pack, and derived data.
pub(super) struct Windows {
    bodies: Vec<Body>,
    /// Computed when the search first needs them.
    pairs: Vec<Pair>,
    has_pairs: bool,
    /// The number of possible remainders of offsets, summed over all bodies, modulo the least common multiple of the
    /// alignments: one for each body if all alignments are equal.
    n_remainders: u64,
    /// Bodies sorted by start, and the greatest end up to each.
    by_start: Vec<(usize, u32)>,
    /// All offsets, as far as they are given.
    given: Vec<Bytes>,
    random: Random,
}

/// Whether a part of some interval stays in use during a gap.
pub(super) fn has_windows(intervals: &[Interval]) -> bool {
    let is_window = |it: &(Bytes, Bytes)| it.0 < it.1;
    intervals.iter().flat_map(|it| &it.gaps).filter_map(|it| it.window).any(|it| is_window(&it))
}

impl Windows {
    /// Prepares the search. Sums must be less than 2^62.
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
        let mut by_start: Vec<(usize, u32)> = (0..bodies.len()).map(|it| (it, 0)).collect();
        by_start.sort_by_key(|it| bodies[it.0].start());
        let mut end = 0;
        for (id, latest) in &mut by_start {
            end = end.max(bodies[*id].end());
            *latest = end;
        }
        Windows {
            pairs: Vec::new(),
            has_pairs: false,
            n_remainders: n_remainders(&bodies),
            bodies,
            by_start,
            given: intervals.iter().map(|it| it.fixed.unwrap_or_default()).collect(),
            random: Random::new(),
        }
    }

    /// First fit in some orders, different ones each time: the lowest packing, if fixed offsets and the budget allow
    /// one.
    pub fn first_fit(&mut self, rounds: u64, budget: &mut Budget<'_>) -> Option<Vec<Bytes>> {
        let mut best: Option<(u64, Vec<u64>)> = None;
        for round in 0..rounds {
            if budget.is_over_now() {
                break;
            }
            let key = |at: &usize| {
                let body = &self.bodies[*at];
                let length = body.pieces.iter().map(|it| u64::from(it.end - it.start)).sum::<u64>();
                let start = u64::from(u32::MAX - body.pieces[0].start);
                [body.size.saturating_mul(length), body.size, length, start][(round % 4) as usize]
            };
            let mut order: Vec<usize> = (0..self.bodies.len()).collect();
            order.sort_by_cached_key(|it| (!self.bodies[*it].is_fixed, Reverse(key(it)), *it));
            let mut places: Vec<u64> = (1..=order.len() as u64).collect();
            if 4 <= round {
                shuffle(&mut places, [2, 8, 32][(round / 4 % 3) as usize], &mut self.random);
            }
            let mut order: Vec<(bool, u64, usize)> =
                order.into_iter().zip(places).map(|(id, place)| (!self.bodies[id].is_fixed, place, id)).collect();
            order.sort_unstable();
            let Some(offsets) = self.place(order.into_iter().map(|it| it.2), budget) else { continue };
            let top = self.bodies.iter().zip(&offsets).map(|it| it.0.size + it.1).max().unwrap_or(0);
            if best.as_ref().is_none_or(|it| top < it.0) {
                best = Some((top, offsets));
            }
        }
        best.map(|it| self.to_bytes(&it.1))
    }

    /// First fit of the largest first, independent of earlier calls, if fixed offsets and the budget allow it.
    pub fn first_fit_by_size(&self, budget: &mut Budget<'_>) -> Option<Vec<Bytes>> {
        let mut order: Vec<usize> = (0..self.bodies.len()).collect();
        order.sort_by_key(|id| (!self.bodies[*id].is_fixed, Reverse(self.bodies[*id].size), *id));
        self.place(order.into_iter(), budget).map(|offsets| self.to_bytes(&offsets))
    }

    fn place(&self, order: impl Iterator<Item = usize>, budget: &mut Budget<'_>) -> Option<Vec<u64>> {
        let mut offsets = vec![0; self.bodies.len()];
        let mut is_placed = vec![false; self.bodies.len()];
        let mut taken: Vec<(i128, i128)> = Vec::new();
        for id in order {
            let body = &self.bodies[id];
            taken.clear();
            let before = self.by_start.partition_point(|it| self.bodies[it.0].start() < body.end());
            let near = self.by_start[..before].iter().rev().take_while(|it| body.start() < it.1);
            for (other, _) in near {
                let met = if is_placed[*other] { body.pieces.len() + self.bodies[*other].pieces.len() } else { 0 };
                if budget.spend(1 + met) {
                    return None;
                }
                if met == 0 {
                    continue;
                }
                let first = taken.len();
                each_meeting(body, &self.bodies[*other], |mine, its| {
                    let at = |it: Bytes| i128::from(offsets[*other]) + i128::from(it.0);
                    let range = (at(its.low) - i128::from(mine.high.0) + 1, at(its.high) - i128::from(mine.low.0));
                    // For two bodies, most consecutive pieces exclude the same offsets.
                    match taken[first..].last_mut() {
                        Some(last) if range.0 <= last.1 && last.0 <= range.1 => {
                            *last = (last.0.min(range.0), last.1.max(range.1));
                        }
                        _ => taken.push(range),
                    }
                });
            }
            if budget.spend(taken.len() * (1 + taken.len().max(1).ilog2() as usize)) {
                return None;
            }
            taken.sort_unstable();
            let mut at = i128::from(body.lowest);
            for (low, high) in &taken {
                if at < *low {
                    break;
                }
                if at < *high {
                    at = self.align(id, *high);
                }
            }
            if body.is_fixed && at != i128::from(body.lowest) {
                return None;
            }
            offsets[id] = u64::try_from(at).ok()?;
            is_placed[id] = true;
        }
        Some(offsets)
    }

    /// Whether there is a packing; `Stopped` after this many decisions.
    pub fn search(&mut self, capacity: Bytes, decisions: u64, budget: &mut Budget<'_>) -> Outcome<Vec<Bytes>> {
        if MANY < self.bodies.len() {
            return Outcome::Stopped;
        }
        if !self.has_pairs {
            let Some(pairs) = pairs(&self.bodies, budget) else { return Outcome::Stopped };
            self.pairs = pairs;
            self.has_pairs = true;
        }
        let mut highest = Vec::new();
        for body in &self.bodies {
            match capacity.0.checked_sub(body.size).filter(|it| body.lowest <= *it) {
                Some(most) => highest.push(i128::from(if body.is_fixed { body.lowest } else { most })),
                None => return Outcome::Infeasible,
            }
        }
        let offsets = self.bodies.iter().map(|it| i128::from(it.lowest)).collect();
        let mut decided: Vec<Decision> = Vec::new();
        let mut open = vec![State { offsets, n_decided: 0, decision: None }];
        let mut left = decisions;
        while let Some(State { offsets, n_decided, decision }) = open.pop() {
            let is_deep = MANY_OFFSETS < open.len().saturating_mul(offsets.len());
            if left == 0 || is_deep || budget.spend(self.pairs.len()) {
                return Outcome::Stopped;
            }
            left -= 1;
            decided.truncate(n_decided);
            decided.extend(decision);
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
            let n_decided = decided.len();
            for up in [false, true] {
                let decision = (pair as u32, up);
                decided.push(decision);
                match self.raise(offsets.clone(), &decided, &highest, budget) {
                    Raised::To(offsets) => open.push(State { offsets, n_decided, decision: Some(decision) }),
                    Raised::TooHigh => {}
                    Raised::Stopped => return Outcome::Stopped,
                }
                decided.pop();
            }
        }
        Outcome::Infeasible
    }

    /// The least offsets that satisfy the decisions.
    ///
    /// An offset results from a chain of decisions, each of which raises a body above the previous one. A chain that
    /// returns to a body, higher by a multiple of all alignments, would continue forever: then there are no such
    /// offsets. So a change after as many rounds as the bodies can have different remainders proves that there are
    /// none; with one alignment for all, that number is the number of bodies (Bellman and Ford).
    fn raise(&self, mut offsets: Vec<i128>, decided: &[Decision], highest: &[i128], budget: &mut Budget<'_>) -> Raised {
        for round in 0.. {
            if budget.spend(decided.len()) {
                return Raised::Stopped;
            }
            let mut changes = false;
            for decision in decided.iter().rev() {
                let Above { low, high, distance } = self.above(*decision);
                if offsets[high] < offsets[low] + distance {
                    offsets[high] = self.align(high, offsets[low] + distance);
                    if highest[high] < offsets[high] {
                        return Raised::TooHigh;
                    }
                    changes = true;
                }
            }
            if !changes {
                break;
            }
            if self.n_remainders <= round {
                return Raised::TooHigh;
            }
        }
        Raised::To(offsets)
    }

    fn above(&self, (pair, up): Decision) -> Above {
        let Pair { bodies: (first, second), up: above, down: below } = self.pairs[pair as usize];
        if up {
            Above { low: first, high: second, distance: above }
        } else {
            Above { low: second, high: first, distance: below }
        }
    }

    /// The least offset of a body from `least` on.
    fn align(&self, body: usize, least: i128) -> i128 {
        let alignment = i128::from(self.bodies[body].alignment);
        (least + alignment - 1).div_euclid(alignment) * alignment
    }

    fn to_bytes(&self, offsets: &[u64]) -> Vec<Bytes> {
        let mut all = self.given.clone();
        for (body, offset) in self.bodies.iter().zip(offsets) {
            all[body.owner] = Bytes(*offset);
        }
        all
    }
}

/// See [`Windows`]; `u64::MAX` if there are more.
fn n_remainders(bodies: &[Body]) -> u64 {
    // Fixed bodies are never raised.
    let alignments = || bodies.iter().filter(|it| !it.is_fixed).map(|it| it.alignment);
    let common = alignments().try_fold(1_u64, |all, it| all.checked_mul(it / gcd(all, it)));
    common.map_or(u64::MAX, |common| alignments().fold(0, |sum: u64, it| sum.saturating_add(common / it)))
}

/// All pairs of pieces that share steps.
///
/// Pieces are sorted by steps, and pieces without the same steps share none.
fn each_meeting(first: &Body, second: &Body, mut with: impl FnMut(&Piece, &Piece)) {
    let mut from = 0;
    for mine in &first.pieces {
        while from < second.pieces.len() && second.pieces[from].end <= mine.start {
            from += 1;
        }
        second.pieces[from..].iter().take_while(|it| it.start < mine.end).for_each(|it| with(mine, it));
    }
}

/// Keeps the pairs that no other one dominates on both sides: if the dominating ones hold, so do the others. The result
/// is sorted, without duplicates.
fn leave_greatest(distances: &mut Vec<(i128, i128)>) {
    let mut most = i128::MIN;
    distances.reverse();
    distances.retain(|(_, down)| {
        let is_greater = most < *down;
        most = most.max(*down);
        is_greater
    });
    distances.reverse();
}

/// All pairs; `None` if there are too many, or the budget is exhausted first.
fn pairs(bodies: &[Body], budget: &mut Budget<'_>) -> Option<Vec<Pair>> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut distances: Vec<(i128, i128)> = Vec::new();
    for second in 0..bodies.len() {
        for first in 0..second {
            distances.clear();
            each_meeting(&bodies[first], &bodies[second], |mine, its| {
                let distance = |high: Bytes, low: Bytes| i128::from(high.0) - i128::from(low.0);
                distances.push((distance(mine.high, its.low), distance(its.high, mine.low)));
            });
            if budget.spend(bodies[first].pieces.len() + bodies[second].pieces.len() + distances.len()) {
                return None;
            }
            distances.sort_unstable();
            distances.dedup();
            if SEVERAL < distances.len() {
                leave_greatest(&mut distances);
            }
            if MANY_PAIRS < pairs.len() + distances.len() {
                return None;
            }
            pairs.extend(distances.iter().map(|(up, down)| Pair { bodies: (first, second), up: *up, down: *down }));
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Deadline;
    use crate::pack::{Gap, check_packing};

    /// An interval of two halves, each with its window.
    fn halves(size: u64, first: (u64, u64), second: (u64, u64)) -> Interval {
        let gap = |start, (low, high)| Gap { start, end: start + 5, window: Some((Bytes(low), Bytes(high))) };
        Interval { gaps: vec![gap(0, first), gap(5, second)], ..Interval::new(0, 10, Bytes(size)) }
    }

    /// The outcome of the search, and its number of steps.
    fn search(intervals: &[Interval], capacity: u64, decisions: u64) -> (Outcome<Vec<Bytes>>, u64) {
        let mut budget = Budget::new(Deadline::NEVER);
        let outcome = Windows::new(intervals, Bytes(1)).search(Bytes(capacity), decisions, &mut budget);
        (outcome, budget.spent())
    }

    /// Two blocks that lie above each other's middle raise each other by a byte each time. There is no packing, which
    /// is found after two rounds, regardless of sizes.
    #[test]
    fn a_cycle_is_not_climbed() {
        for unit in [10, 1_000_000, 500_000_000_000_000_000] {
            let (a, b) = (4 * unit, 2 * unit);
            let intervals = [halves(a, (0, b + 5), (b + 4, a)), halves(a, (b, a), (0, b))];
            let (outcome, steps) = search(&intervals, 5 * unit, u64::MAX);
            assert_eq!(outcome, Outcome::Infeasible);
            assert!(steps < 100, "{steps} steps for a unit of {unit}");
        }
    }

    /// With different alignments, a body that raises itself may come to rest. Two that alternately raise a third never
    /// do, but by so little that only the number of rounds shows it.
    #[test]
    fn remainders_bound_the_rounds() {
        let aligned = |alignment, size| Interval { alignment: Bytes(alignment), ..Interval::new(0, 10, Bytes(size)) };
        let mut windows = Windows::new(&[aligned(4, 10), aligned(1, 20), aligned(6, 30)], Bytes(1));
        assert_eq!(windows.n_remainders, 3 + 12 + 2);
        let mut raise = |distances: [i128; 3], offsets: [i128; 3]| {
            let pair = |at: usize| Pair { bodies: (at, (at + 1) % 3), up: distances[at], down: 0 };
            windows.pairs = (0..3).map(pair).collect();
            let mut budget = Budget::new(Deadline::NEVER);
            let cycle = [(2, true), (1, true), (0, true)];
            match windows.raise(offsets.to_vec(), &cycle, &[i128::MAX / 2; 3], &mut budget) {
                Raised::To(offsets) => Some(offsets),
                Raised::TooHigh => None,
                Raised::Stopped => panic!("there is no deadline"),
            }
        };
        assert_eq!(raise([3, 0, -6], [4, 4, 6]), Some(vec![8, 11, 12]));
        // The distances add up to zero, and yet the aligned offset is higher each time.
        assert_eq!(raise([1, 0, -1], [4, 5, 6]), None);
        assert_eq!(raise([1_000_000_000_001, 0, -1_000_000_000_000], [0; 3]), None);
    }

    /// The number of steps depends on the number of blocks, not on their sizes.
    #[test]
    fn large_sizes_take_no_more_steps() {
        let mut random = Random::new();
        let (mut placed, mut infeasible) = (0, 0);
        for round in 0..3000 {
            let scale = [1, 1_000, 1_000_000_000_000][round % 3];
            let n_bodies = 2 + random.below(5) as usize;
            let mut draw = |_| {
                let noise = random.below(3);
                let size = scale * (2 + random.below(4)) + noise;
                let mut window = || {
                    let ends = [random.below(5), random.below(5)].map(|it| (scale * it + random.below(2)).min(size));
                    let low = ends[0].min(ends[1]).min(size - 1);
                    (low, ends[0].max(ends[1]).max(low + 1))
                };
                let mut interval = halves(size, window(), window());
                interval.alignment = Bytes([1, 1, 2, 3, 4][random.below(5) as usize]);
                interval
            };
            let intervals: Vec<Interval> = (0..n_bodies).map(&mut draw).collect();
            let capacity = crate::pack::load(&intervals, Bytes(1)).0 + scale;
            let (outcome, steps) = search(&intervals, capacity, 200);
            match &outcome {
                Outcome::Placed(offsets) => {
                    assert_eq!(check_packing(&intervals, offsets, Bytes(capacity), Bytes(1)), []);
                    placed += 1;
                }
                Outcome::Infeasible => infeasible += 1,
                Outcome::Stopped => {}
            }
            // Each decision has two ways, with a few rounds over at most two decisions for each pair.
            let n_pairs = (n_bodies * n_bodies) as u64;
            assert!(steps < 200 * n_pairs * 2 * 10 * n_bodies as u64, "{steps} steps: {intervals:#?}");
        }
        assert!(500 < placed && 500 < infeasible, "{placed} placed, {infeasible} infeasible");
    }
}
