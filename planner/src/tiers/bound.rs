//! What every program costs on a machine of several memories, in any order.
//!
//! Put the memories nearest to the operators together into one: what crosses the border of these memories is at least
//! what crosses that of one scratchpad with the room of them all, since copies between them are needless then, and a copy
//! in each of two of them takes more room than one. So there is a bound on the bytes over each of the nested borders, and
//! each byte over a link pays for the borders that the link crosses.

use crate::divisor::gcd;
use crate::time::{BoundRule, ChannelId, Clock, LatencyBound, Ratio, bound_of_any_order};
use crate::{Bytes, Cycles, Error, Link, Machine, MemoryId, Problem};
use std::collections::BTreeMap;

/// The least cost, if at least so many bytes cross the border of the first memory, of the first two, and so on.
///
/// By duality: borders have prices such that no link is cheaper than the borders that it crosses cost together. Prices are
/// raised border by border as far as they go, in each order; the best of that counts.
pub(super) fn least_cost(machine: &Machine, nearest_first: &[MemoryId], bytes: &[Bytes]) -> u128 {
    let n_borders = nearest_first.len();
    let mut orders = permutations(n_borders.min(MOST_PERMUTED));
    // Of more borders, the inner ones alone change places.
    orders.iter_mut().for_each(|it| it.extend(MOST_PERMUTED.min(n_borders)..n_borders));
    orders.iter().map(|order| cost_in(order, machine, nearest_first, bytes)).max().unwrap_or(0)
}

/// Borders that are tried in each order.
const MOST_PERMUTED: usize = 5;

fn cost_in(order: &[usize], machine: &Machine, nearest_first: &[MemoryId], bytes: &[Bytes]) -> u128 {
    let is_inside = |border: usize, memory: MemoryId| nearest_first[..=border].contains(&memory);
    let crosses = |link: &&Link, border: usize| is_inside(border, link.from) != is_inside(border, link.to);
    let mut prices = vec![0_u64; order.len()];
    for &border in order {
        let left = |link: &Link| {
            let others = (0..prices.len()).filter(|it| crosses(&link, *it)).map(|it| prices[it]);
            link.price - others.sum::<u64>()
        };
        let price = machine.links().iter().filter(|it| crosses(it, border)).map(left).min();
        prices[border] = price.unwrap_or(0);
    }
    prices.iter().zip(bytes).map(|(price, bytes)| u128::from(*price) * u128::from(bytes.0)).sum()
}

/// A border of nested memories, as every program sees it from inside.
pub(super) struct Border<'a> {
    /// The memories inside, of which the first is the scratchpad.
    pub inside: &'a [MemoryId],
    /// The same problem where those are one memory and all others are home, without a clock; none if that one has no end.
    pub merged: Option<Problem>,
    /// No program moves fewer bytes over the border, in any order.
    pub bytes: Bytes,
    /// How many of these are non-compulsory.
    pub non_compulsory: Bytes,
}

/// A bound on the cycles of every program, in any order; none without a clock. It is the largest of these, for each border:
///
/// - the cycles of all operators, and those of all bytes over the border if no channel that crosses it is ever idle (B0);
/// - those of the machine whose memories inside are one, with one channel each way that is as fast as all of them together
///   (B0 and B1): every program takes at least as long as one on that machine whose transfers may be divided, and these
///   rules divide transfers anyway.
pub(super) fn least_cycles(problem: &Problem, borders: &[Border]) -> Result<Option<LatencyBound>, Error> {
    let Some(clock) = problem.machine.clock() else { return Ok(None) };
    let mut least = Cycles::ZERO;
    for op in problem.graph.op_ids() {
        least = least.plus(problem.cycles(op)?.unwrap_or_default())?;
    }
    for border in borders {
        let crossing = cycles_over(&problem.machine, clock, border.inside, border.bytes.0);
        least = least.max(crossing.unwrap_or_default());
    }
    let mut bound = LatencyBound { cycles: least, rule: BoundRule::Sums };
    for border in borders {
        let clock = one_channel_each_way(&problem.machine, clock, border.inside);
        let (Some(merged), Some(clock)) = (&border.merged, clock) else { continue };
        let merged = Problem { graph: merged.graph.clone(), machine: merged.machine.clone().with_clock(clock)? };
        bound = match bound_of_any_order(&merged, border.non_compulsory) {
            Ok(other) => bound.or(other),
            Err(Error::TooManyCycles) => bound,
            Err(error) => return Err(error),
        };
    }
    Ok(Some(bound))
}

/// The clock of home and one memory, where each way is as fast as all channels together that cross the border of these
/// memories. None where that is too large to count, or no link crosses it.
fn one_channel_each_way(machine: &Machine, clock: &Clock, inside: &[MemoryId]) -> Option<Clock> {
    let is_inside = |memory: MemoryId| inside.contains(&memory);
    let inward = fastest_rates(machine, clock, |link| !is_inside(link.from) && is_inside(link.to));
    let outward = fastest_rates(machine, clock, |link| is_inside(link.from) && !is_inside(link.to));
    let ways = [inward, outward];
    let is_shared = ways[0].keys().eq(ways[1].keys());
    let mut merged = Clock { compute: clock.compute, ..Clock::each_way(Ratio::ONE, Ratio::ZERO) };
    for (timing, rates) in merged.timings.iter_mut().zip(&ways) {
        let (numerator, denominator) = sum_of(rates.values())?;
        let divisor = gcd(numerator, denominator);
        let [numerator, denominator] = [numerator, denominator].map(|it| u64::try_from(it / divisor));
        timing.rate = Ratio::new(numerator.ok()?, denominator.ok()?).filter(|it| !it.is_zero())?;
        if is_shared {
            timing.channel = ChannelId(0);
        }
    }
    Some(merged)
}

/// By channel: how fast it is at its fastest over the links that count.
fn fastest_rates(machine: &Machine, clock: &Clock, counts: impl Fn(&Link) -> bool) -> BTreeMap<ChannelId, Ratio> {
    let mut rates: BTreeMap<ChannelId, Ratio> = BTreeMap::new();
    for (_, timing) in machine.links().iter().zip(&clock.timings).filter(|it| counts(it.0)) {
        let fastest = rates.entry(timing.channel).or_insert(timing.rate);
        *fastest = timing.rate.max(*fastest);
    }
    rates
}

/// The sum of rates: numerator and denominator.
fn sum_of<'a>(rates: impl Iterator<Item = &'a Ratio>) -> Option<(u128, u128)> {
    let (mut numerator, mut denominator) = (0_u128, 1_u128);
    for rate in rates {
        let (high, low) = (u128::from(rate.numerator()), u128::from(rate.denominator()));
        numerator = numerator.checked_mul(low)?.checked_add(denominator.checked_mul(high)?)?;
        denominator = denominator.checked_mul(low)?;
    }
    Some((numerator, denominator))
}

/// The cycles that so many bytes take over the border of these memories; none where that cannot be counted.
fn cycles_over(machine: &Machine, clock: &Clock, inside: &[MemoryId], bytes: u64) -> Option<Cycles> {
    let is_inside = |memory: MemoryId| inside.contains(&memory);
    let rates = fastest_rates(machine, clock, |link| is_inside(link.from) != is_inside(link.to));
    let (numerator, denominator) = sum_of(rates.values())?;
    let cycles = u128::from(bytes).checked_mul(denominator)?.checked_div(numerator)?;
    u64::try_from(cycles).ok().map(Cycles)
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(n - 1) {
        for at in 0..n {
            let mut longer = shorter.clone();
            longer.insert(at, n - 1);
            all.push(longer);
        }
    }
    all
}
