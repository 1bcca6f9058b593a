//! What every program costs on a machine of several memories, in any order.
//!
//! Put the memories nearest to the operators together into one: what crosses the border of these memories is at least
//! what crosses that of one scratchpad with the room of them all, since copies between them are needless then, and a copy
//! in each of two of them takes more room than one. So there is a bound on the bytes over each of the nested borders, and
//! each byte over a link pays for the borders that the link crosses.

use crate::time::{ChannelId, Clock, Ratio};
use crate::{Bytes, Cycles, Error, Machine, MemoryId, Problem};
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
    let crosses = |link: &&crate::Link, border: usize| is_inside(border, link.from) != is_inside(border, link.to);
    let mut prices = vec![0_u64; order.len()];
    for &border in order {
        let left = |link: &crate::Link| {
            let others = (0..prices.len()).filter(|it| crosses(&link, *it)).map(|it| prices[it]);
            link.price - others.sum::<u64>()
        };
        let price = machine.links().iter().filter(|it| crosses(it, border)).map(left).min();
        prices[border] = price.unwrap_or(0);
    }
    prices.iter().zip(bytes).map(|(price, bytes)| u128::from(*price) * u128::from(bytes.0)).sum()
}

/// The least cycles, if at least so many bytes cross the border of the first memory, of the first two, and so on: those of
/// all operators, and those that the bytes over a border take if each channel that crosses it is never idle. None without a
/// clock.
pub(super) fn least_cycles(
    problem: &Problem,
    nearest_first: &[MemoryId],
    bytes: &[Bytes],
) -> Result<Option<Cycles>, Error> {
    let Some(clock) = problem.machine.clock() else { return Ok(None) };
    let mut least = Cycles::ZERO;
    for op in problem.graph.op_ids() {
        least = least.plus(problem.cycles(op)?.unwrap_or_default())?;
    }
    for (border, Bytes(bytes)) in bytes.iter().enumerate() {
        let crossing = cycles_over(&problem.machine, clock, &nearest_first[..=border], *bytes);
        least = least.max(crossing.unwrap_or_default());
    }
    Ok(Some(least))
}

/// The cycles that so many bytes take over the border of these memories; none where that cannot be counted.
fn cycles_over(machine: &Machine, clock: &Clock, inside: &[MemoryId], bytes: u64) -> Option<Cycles> {
    let mut rates: BTreeMap<ChannelId, Ratio> = BTreeMap::new();
    for (link, timing) in machine.links().iter().zip(&clock.timings) {
        if inside.contains(&link.from) != inside.contains(&link.to) {
            let fastest = rates.entry(timing.channel).or_insert(timing.rate);
            *fastest = timing.rate.max(*fastest);
        }
    }
    // The sum of all rates.
    let (mut numerator, mut denominator) = (0_u128, 1_u128);
    for rate in rates.values() {
        let (high, low) = (u128::from(rate.numerator()), u128::from(rate.denominator()));
        numerator = numerator.checked_mul(low)?.checked_add(denominator.checked_mul(high)?)?;
        denominator = denominator.checked_mul(low)?;
    }
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
