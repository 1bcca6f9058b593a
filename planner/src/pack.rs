//! Addresses for intervals: blocks of memory with given lifetimes are placed within a capacity such that no two overlap
//! in time and in address.
//!
//! This is dynamic storage allocation, which is strongly NP-hard, but instances from real programs can be solved
//! exactly: [`pack`] finds a packing or proves that there is none, unless the deadline passes first. The lifetimes are
//! given.
//!
//! 1. Lengths are divided by their greatest common divisor, so that fewer packings differ.
//! 2. Easy blocks are removed: blocks that live as long as all blocks that they meet lie at the bottom; blocks that
//!    have space wherever the others lie come last.
//! 3. The rest is divided into parts that never meet. For each, a few orders are tried with best fit and first fit;
//!    then the exact search runs, restarted repeatedly with other orders.
//!
//! All limits are counted in steps of the search, so that the same input has the same result, unless the deadline
//! interferes.

mod block;
mod budget;
mod check;
mod clash;
mod conflict;
mod contained;
mod first_fit;
mod ground;
mod interval;
mod lowest;
mod orders;
mod part;
mod portfolio;
pub(crate) mod random;
mod reduce;
mod rests;
mod search;
mod sections;
mod skyline;
mod units;
mod windows;

pub use check::{Overlap, check_packing};
pub use conflict::{Conflict, conflict};
pub use interval::{Gap, Interval, Piece};

use crate::{Bytes, Deadline};
use budget::Budget;

/// The result of packing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packing {
    /// An offset for each interval, in the same order.
    Placed(Vec<Bytes>),
    /// There is provably no packing.
    Infeasible,
    /// The deadline passed first.
    Undecided,
}

/// Places intervals within a capacity.
///
/// Offsets are multiples of `alignment` and of the interval's own alignment; each block ends within `capacity`, without
/// padding. Intervals that are empty or have no size are placed, too.
pub fn pack(intervals: &[Interval], capacity: Bytes, alignment: Bytes, deadline: Deadline) -> Packing {
    part::pack(intervals, capacity, alignment, u64::MAX, &mut Budget::new(deadline))
}

/// Places intervals as [`pack`] does, but if gaps have windows, it gives up after this many attempts.
pub(crate) fn pack_within(
    intervals: &[Interval],
    capacity: Bytes,
    alignment: Bytes,
    attempts: u64,
    deadline: Deadline,
) -> Packing {
    part::pack(intervals, capacity, alignment, attempts, &mut Budget::new(deadline))
}

/// The largest total size of simultaneous intervals: a lower bound on the capacity.
///
/// Each block except the highest is followed by another at a multiple of the alignment, so all except one count with
/// their padding; windows in the middle of a block may lie in the padding of another one, and count without.
pub fn load(intervals: &[Interval], alignment: Bytes) -> Bytes {
    units::load(intervals, alignment)
}

/// A packing that is as low as was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowestPacking {
    /// An offset for each interval.
    pub offsets: Vec<Bytes>,
    /// The end of the highest block.
    pub height: Bytes,
    /// A lower bound on the height of every packing; if it equals `height`, the packing is proven lowest.
    pub lower_bound: Bytes,
}

/// The result of packing as low as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lowest {
    /// A packing.
    Placed(LowestPacking),
    /// There is none of any height: fixed offsets overlap, or are not aligned.
    Infeasible,
    /// The deadline passed first, or the sum of sizes is too large (2^62 bytes).
    Undecided,
}

/// Packs as low as possible before the deadline.
///
/// If there is a packing, it returns one, even if the deadline has passed already.
pub fn pack_lowest(intervals: &[Interval], alignment: Bytes, deadline: Deadline) -> Lowest {
    lowest::pack_lowest(intervals, alignment, &mut Budget::new(deadline))
}

/// The first interval with which sizes, alignments and offsets add up to 2^62 bytes or more, which is not supported.
/// There is none in a problem that is packed or proven infeasible.
pub fn first_beyond_count(intervals: &[Interval], alignment: Bytes) -> Option<usize> {
    units::first_beyond_count(intervals, alignment)
}
