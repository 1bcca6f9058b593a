//! Addresses of intervals: an integer program for small problems.
//!
//! ```text
//! find        0 ≤ offset[i] ≤ most(i)                                          each interval i
//! such that   offset[i] + length(i)  ≤  offset[j] + M(i)·(1 - below[i][j])     i and j meet
//!             offset[j] + length(j)  ≤  offset[i] + M(j)·below[i][j]
//! ```
//!
//! `below[i][j]`: *i* lies below *j*. If it does not, M(i) = most(i) + length(i) disables its row; no smaller value
//! does. Offsets and lengths are in units of the alignment times the greatest common divisor of all lengths, since
//! blocks can always be moved down until they rest on others or at the bottom. Only the end of the highest block is
//! counted without padding.
//!
//! Beyond some twenty intervals that overlap in time, use [`pack`](crate::pack), which is exact as well. This program
//! completes the paper's formulation, and is a reference for the packer.

use super::solver::{Answer, Model};
use crate::divisor::gcd;
use crate::pack::{Interval, Packing};
use crate::{Bytes, Deadline, Error};
use good_lp::{Variable, constraint};

/// Places intervals within a capacity, as [`pack()`](crate::pack::pack()) does. Gaps and alignments of single intervals
/// are ignored.
///
/// # Errors
/// [`Error::ZeroAlignment`]; [`Error::Solver`].
pub fn place(intervals: &[Interval], capacity: Bytes, alignment: Bytes, deadline: Deadline) -> Result<Packing, Error> {
    if alignment == Bytes::ZERO {
        return Err(Error::ZeroAlignment);
    }
    if intervals.iter().any(|it| capacity < it.size) {
        return Ok(Packing::Infeasible);
    }
    let lengths: Vec<u64> = intervals.iter().map(|it| it.size.0.div_ceil(alignment.0)).collect();
    let unit = lengths.iter().fold(0, |unit, length| gcd(unit, *length)).max(1);
    let blocks: Vec<Block> = intervals
        .iter()
        .zip(lengths)
        .map(|(it, length)| Block {
            start: it.start,
            end: it.end,
            length: length / unit,
            most: (capacity - it.size).0 / alignment.0 / unit,
        })
        .collect();
    let (model, offsets) = model(&blocks, capacity.0.is_multiple_of(alignment.0 * unit));
    Ok(match model.minimise_cold(i32::MAX, deadline)? {
        Answer { is_infeasible: true, .. } => Packing::Infeasible,
        Answer { values: None, .. } => Packing::Undecided,
        Answer { values: Some(values), .. } => {
            Packing::Placed(values[..offsets.len()].iter().map(|it| Bytes(it * unit * alignment.0)).collect())
        }
    })
}

/// An interval in units.
struct Block {
    start: u32,
    end: u32,
    length: u64,
    /// The highest offset at which it fits.
    most: u64,
}

impl Block {
    fn meets(&self, other: &Block) -> bool {
        let is_some = |it: &Block| it.length != 0 && it.start < it.end;
        is_some(self) && is_some(other) && self.start < other.end && other.start < self.end
    }
}

/// The program, and `offset[i]`, its first variables.
fn model(blocks: &[Block], is_symmetric: bool) -> (Model, Vec<Variable>) {
    let mut model = Model::default();
    // If mirrored packings are valid, the longest block lies in the lower half.
    let longest = (0..blocks.len()).max_by_key(|it| blocks[*it].length).filter(|_| is_symmetric);
    let most = |it: usize| if Some(it) == longest { blocks[it].most / 2 } else { blocks[it].most };
    let offsets: Vec<Variable> = (0..blocks.len()).map(|it| model.integer(0, most(it), 0)).collect();
    for (j, upper) in blocks.iter().enumerate() {
        for (i, lower) in blocks[..j].iter().enumerate().filter(|it| it.1.meets(upper)) {
            let below = model.binary(0, false);
            let (length_i, length_j) = (lower.length as f64, upper.length as f64);
            let (big_i, big_j) = ((most(i) + lower.length) as f64, (most(j) + upper.length) as f64);
            // If i is below j, it ends before j begins.
            model.constraints.push(constraint!(offsets[i] + length_i <= offsets[j] + big_i - big_i * below));
            // Otherwise, j ends before i begins.
            model.constraints.push(constraint!(offsets[j] + length_j <= offsets[i] + big_j * below));
        }
    }
    (model, offsets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::{check_packing, pack};
    use crate::testing::{Choices, noise};
    use std::time::Duration;

    #[test]
    fn it_places_what_can_be_placed() {
        let (mut placed, mut infeasible) = (0, 0);
        for seed in 0..400 {
            let bytes = noise(seed, 128);
            let mut choices = Choices::new(&bytes);
            let alignment = Bytes(choices.one_of(&[1, 1, 4, 64]));
            let intervals: Vec<Interval> = (0..2 + choices.below(9))
                .map(|_| {
                    let lower = choices.below(7) as u32;
                    let padding = if choices.chance(30) { choices.below(alignment.0) } else { 0 };
                    let size = (1 + choices.below(5)) * alignment.0 - padding;
                    Interval::new(lower, lower + 1 + choices.below(4) as u32, Bytes(size))
                })
                .collect();
            // Just enough by the sum of sizes, or too little.
            let missing = Bytes(u64::from(choices.chance(25)));
            let capacity = crate::pack::load(&intervals, alignment) - missing;
            let deadline = Deadline::after(Duration::from_secs(60));
            let packing = place(&intervals, capacity, alignment, deadline).expect("the solver works");
            let expected = pack(&intervals, capacity, alignment, deadline);
            match packing {
                Packing::Placed(offsets) => {
                    assert!(matches!(expected, Packing::Placed(_)), "{intervals:?}");
                    assert_eq!(check_packing(&intervals, &offsets, capacity, alignment), []);
                    placed += 1;
                }
                Packing::Infeasible => {
                    assert_eq!(expected, Packing::Infeasible, "{intervals:?}");
                    infeasible += 1;
                }
                Packing::Undecided => panic!("a minute is enough: {intervals:?}"),
            }
        }
        assert!(200 < placed && 50 < infeasible, "{placed} placed, {infeasible} cannot be");
    }

    #[test]
    fn what_is_too_large_cannot_be_placed() {
        let intervals = [Interval::new(0, 1, Bytes(5))];
        let packing = place(&intervals, Bytes(4), Bytes(4), Deadline::NEVER);
        assert_eq!(packing, Ok(Packing::Infeasible));
        let packing = place(&intervals, Bytes(5), Bytes(4), Deadline::NEVER);
        assert_eq!(packing, Ok(Packing::Placed(vec![Bytes(0)])));
        assert_eq!(place(&intervals, Bytes(5), Bytes(0), Deadline::NEVER), Err(Error::ZeroAlignment));
    }
}
