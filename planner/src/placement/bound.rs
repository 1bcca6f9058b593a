//! A lower bound on the cost of all accesses, by Lagrangian relaxation.
//!
//! In each row and each memory, the padded sizes of the live tensors add up to at most the capacity. With a nonnegative
//! multiplier `l[m][r]` on each of these constraints, each tensor chooses its memory independently, and
//!
//! ```text
//! sum over tensors of min over m of (cost[t][m] + room[t][m] * sum over rows r of t of l[m][r])
//!     - sum over m and r of l[m][r] * capacity[m][r]
//! ```
//!
//! is a lower bound for any multipliers. They are found by a subgradient method with Polyak's step sizes (1969; Held,
//! Wolfe and Crowder 1974) in floating point; then they are rounded, and the bound is computed in integers. Its maximum
//! is that of the linear program over the same rows.
//!
//! A result that may lie over its operand takes no space here in the step of the operator (`Lives::without_inner`).

use super::{Accesses, Lives, Rooms};
use crate::{Deadline, MemoryId, Problem};
use std::ops::Range;

/// The result of the relaxation.
#[derive(Clone, Debug)]
pub(super) struct Relaxation {
    /// A lower bound on the cost of every placement.
    pub bound: u64,
    /// By tensor: its options, each with a lower bound on the cost of placements with it, the lowest first.
    pub at_least: Vec<Vec<(MemoryId, u64)>>,
}

/// The number of subgradient steps.
const N_STEPS: usize = 300;

/// Multipliers are multiples of one over this.
const SCALE: f64 = (1_u64 << 16) as f64;
const SHIFT: u32 = 16;

/// Looks for multipliers. `upper` is the cost of a known placement.
pub(super) fn relax(
    problem: &Problem,
    accesses: &Accesses,
    lives: &Lives,
    rooms: &Rooms,
    upper: Option<u64>,
    deadline: Deadline,
) -> Relaxation {
    let rows = lives.without_inner(problem, accesses);
    let program = Program { accesses, rows: &rows, rooms, n_rows: lives.n_rows };
    let mut now = program.zero();
    let zero = round(&now);
    let mut best = (program.count(&zero), zero);
    // Without a known placement, no placement costs more than the most expensive assignment.
    let dearest = || accesses.options.iter().filter_map(|it| it.last()).map(|it| it.1).sum();
    let upper = upper.unwrap_or_else(dearest) as f64;
    let (mut highest, mut since, mut pace) = (f64::NEG_INFINITY, 0, 1.0);
    for step in 0..N_STEPS {
        if step % 16 == 0 && deadline.has_passed() {
            break;
        }
        let (value, excess) = program.look(&now);
        if highest + 1e-4 * highest.abs() < value {
            since = 0;
        } else {
            since += 1;
        }
        if highest < value {
            highest = value;
            let rounded = round(&now);
            let counted = program.count(&rounded);
            if best.0 < counted {
                best = (counted, rounded);
            }
        }
        if since == 12 {
            (since, pace) = (0, pace * 0.6);
        }
        let norm: f64 = excess
            .iter()
            .flatten()
            .zip(now.iter().flatten())
            .map(|(excess, multiplier)| if 0.0 < *excess || 0.0 < *multiplier { excess * excess } else { 0.0 })
            .sum();
        // Costs are integers, so a bound less than one below the known cost proves it optimal.
        if norm == 0.0 || upper - 1.0 < highest {
            break;
        }
        let length = pace * (upper - value).max(1.0) / norm;
        for (multipliers, excess) in now.iter_mut().zip(&excess) {
            multipliers.iter_mut().zip(excess).for_each(|(it, excess)| *it = (*it + length * excess).max(0.0));
        }
    }
    let (bound, multipliers) = best;
    Relaxation { bound: unscaled(bound), at_least: program.at_least(bound, &multipliers) }
}

/// By memory, except those without addresses, and by row.
type Multipliers<T> = Vec<Vec<T>>;

/// A relaxation without its multipliers.
struct Program<'a> {
    accesses: &'a Accesses,
    rows: &'a [Vec<Range<u32>>],
    rooms: &'a Rooms,
    n_rows: usize,
}

impl Program<'_> {
    /// All zero; empty for memories without addresses.
    fn zero(&self) -> Multipliers<f64> {
        let n_rows = |is_there: bool| if is_there { self.n_rows } else { 0 };
        self.rooms.memories.iter().map(|it| vec![0.0; n_rows(it.is_some())]).collect()
    }

    /// The approximate bound for these multipliers, and the excess of each row if each tensor chooses its memory by
    /// them.
    fn look(&self, multipliers: &Multipliers<f64>) -> (f64, Multipliers<f64>) {
        let sums: Vec<Vec<f64>> = multipliers.iter().map(|it| running_sums(it, 0.0)).collect();
        let mut value = 0.0;
        let mut change: Multipliers<f64> = multipliers.iter().map(|it| vec![0.0; it.len() + 1]).collect();
        for (tensor, options) in self.accesses.options.iter().enumerate() {
            let rows = &self.rows[tensor];
            let price = |&(memory, cost): &(MemoryId, u64)| {
                let sums = &sums[memory.index()];
                let room = self.rooms.memories[memory.index()].as_ref().map_or(0, |it| it.units[tensor]) as f64;
                let rows = rows.iter().filter(|_| !sums.is_empty() && room != 0.0);
                cost as f64 + room * rows.map(|it| sums[it.end as usize] - sums[it.start as usize]).sum::<f64>()
            };
            let Some(chosen) = options.iter().map(|it| (price(it), it.0)).min_by(|a, b| a.0.total_cmp(&b.0)) else {
                continue;
            };
            value += chosen.0;
            if let Some(room) = &self.rooms.memories[chosen.1.index()] {
                let change = &mut change[chosen.1.index()];
                for it in rows {
                    change[it.start as usize] += room.units[tensor] as f64;
                    change[it.end as usize] -= room.units[tensor] as f64;
                }
            }
        }
        for ((change, room), multipliers) in change.iter_mut().zip(&self.rooms.memories).zip(multipliers) {
            let mut taken = 0.0;
            let Some(room) = room else { continue };
            for (row, multiplier) in multipliers.iter().enumerate() {
                taken += change[row];
                change[row] = taken - room.capacity[row] as f64;
                value -= multiplier * room.capacity[row] as f64;
            }
            change.truncate(multipliers.len());
        }
        change.iter_mut().zip(multipliers).for_each(|(it, of)| it.truncate(of.len()));
        (value, change)
    }

    /// The bound for these multipliers, in multiples of one over [`SCALE`].
    fn count(&self, multipliers: &Multipliers<i64>) -> i128 {
        let least = self.prices(multipliers).iter().filter_map(|it| it.iter().map(|it| it.1).min()).sum::<i128>();
        let rooms = self.rooms.memories.iter().zip(multipliers).filter_map(|it| Some((it.0.as_ref()?, it.1)));
        let of = |it: (&u64, &i64)| i128::from(*it.0) * i128::from(*it.1);
        let taken: i128 = rooms.map(|(room, of_rows)| room.capacity.iter().zip(of_rows).map(of).sum::<i128>()).sum();
        least - taken
    }

    /// By tensor: its options with their costs plus multipliers.
    fn prices(&self, multipliers: &Multipliers<i64>) -> Vec<Vec<(MemoryId, i128)>> {
        let whole = |it: &Vec<i64>| running_sums(&it.iter().map(|it| i128::from(*it)).collect::<Vec<_>>(), 0);
        let sums: Vec<Vec<i128>> = multipliers.iter().map(whole).collect();
        let of = |(tensor, options): (usize, &Vec<(MemoryId, u64)>)| {
            let price = |&(memory, cost): &(MemoryId, u64)| {
                let sums = &sums[memory.index()];
                let more = self.rooms.memories[memory.index()].as_ref().map_or(0, |room| {
                    let rows = self.rows[tensor].iter().map(|it| sums[it.end as usize] - sums[it.start as usize]);
                    i128::from(room.units[tensor]) * rows.sum::<i128>()
                });
                (memory, (i128::from(cost) << SHIFT) + more)
            };
            options.iter().map(price).collect()
        };
        self.accesses.options.iter().enumerate().map(of).collect()
    }

    /// By tensor: its options, each with the bound for placements with it, the lowest first.
    fn at_least(&self, bound: i128, multipliers: &Multipliers<i64>) -> Vec<Vec<(MemoryId, u64)>> {
        let of = |options: Vec<(MemoryId, i128)>| {
            let least = options.iter().map(|it| it.1).min().unwrap_or(0);
            let mut bounds: Vec<(MemoryId, u64)> =
                options.iter().map(|it| (it.0, unscaled(bound + it.1 - least))).collect();
            bounds.sort_by_key(|it| it.1);
            bounds
        };
        self.prices(multipliers).into_iter().map(of).collect()
    }
}

/// Prefix sums, beginning with the empty one.
fn running_sums<T: Copy + std::ops::Add<Output = T>>(all: &[T], zero: T) -> Vec<T> {
    let mut sums = Vec::with_capacity(all.len() + 1);
    sums.push(zero);
    all.iter().for_each(|it| sums.push(sums[sums.len() - 1] + *it));
    sums
}

fn round(multipliers: &Multipliers<f64>) -> Multipliers<i64> {
    // Larger multipliers would exceed any cost, and could overflow the sum.
    let whole = |it: &f64| (it * SCALE).round().clamp(0.0, (1_u64 << 52) as f64) as i64;
    multipliers.iter().map(|it| it.iter().map(whole).collect()).collect()
}

/// A bound as an integer cost: rounded up, since costs are integers.
fn unscaled(bound: i128) -> u64 {
    let whole = (bound.max(0) + (1 << SHIFT) - 1) >> SHIFT;
    u64::try_from(whole).unwrap_or(u64::MAX)
}
