//! Addresses for intervals: blocks of memory that are needed during some steps are placed so that
//! no two overlap in time and in address, within a capacity.
//!
//! This is dynamic storage allocation, strongly NP-hard, and yet what real programs ask can be
//! answered exactly: [`pack`] finds a packing or proves that there is none, unless the deadline
//! comes first. It does not decide what lies in memory when: that is given.
//!
//! 1. Lengths are divided by what they have in common, so that fewer packings differ.
//! 2. What is easy is taken out: blocks that live as long as everything that they meet lie at the
//!    bottom; blocks that find room whatever the others do come last.
//! 3. The rest falls into parts that never meet. For each, a few orders are tried with best fit
//!    and first fit, then the exact search runs, restarted again and again with other orders.
//!
//! All is counted in steps of the search, so that the same input has the same outcome, unless the
//! deadline interferes.

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

/// How packing went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packing {
    /// An offset for each interval, in the same order.
    Placed(Vec<Bytes>),
    /// There is no packing, and that is proven.
    Infeasible,
    /// The deadline came first.
    Undecided,
}

/// Places intervals within a capacity.
///
/// Offsets are multiples of `alignment` and of the interval's own; each block ends within
/// `capacity`, without padding. Intervals that are empty or have no size are placed, too.
pub fn pack(intervals: &[Interval], capacity: Bytes, alignment: Bytes, deadline: Deadline) -> Packing {
    part::pack(intervals, capacity, alignment, u64::MAX, &mut Budget::new(deadline))
}

/// Places intervals as [`pack`] does, but where gaps have windows, it gives up after this many attempts.
pub(crate) fn pack_within(
    intervals: &[Interval],
    capacity: Bytes,
    alignment: Bytes,
    attempts: u64,
    deadline: Deadline,
) -> Packing {
    part::pack(intervals, capacity, alignment, attempts, &mut Budget::new(deadline))
}

/// The room that is needed at once where it is most: a lower bound of the capacity.
///
/// Each block but the highest is followed by another at a multiple of the alignment, so all but one
/// count with their padding; but for windows in the middle of a block, which may lie in the padding
/// of another.
pub fn load(intervals: &[Interval], alignment: Bytes) -> Bytes {
    units::load(intervals, alignment)
}

/// A packing that is as low as could be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowestPacking {
    /// An offset for each interval.
    pub offsets: Vec<Bytes>,
    /// Where the highest block ends.
    pub height: Bytes,
    /// No packing is lower than this; where it equals `height`, the packing is proven lowest.
    pub lower_bound: Bytes,
}

/// How packing as low as can be went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lowest {
    /// A packing.
    Placed(LowestPacking),
    /// There is none, however high: offsets that are fixed are in each other's way, or not aligned.
    Infeasible,
    /// The deadline came first, or sizes add up to more than can be counted (2^62 bytes).
    Undecided,
}

/// Packs as low as can be found before the deadline.
///
/// However soon the deadline is, a packing comes out where there is one.
pub fn pack_lowest(intervals: &[Interval], alignment: Bytes, deadline: Deadline) -> Lowest {
    lowest::pack_lowest(intervals, alignment, &mut Budget::new(deadline))
}

/// The first of the intervals with which sizes, alignments and offsets add up to more than can be
/// counted, 2^62 bytes or more. There is none in a problem that can be packed or is shown not to be.
pub fn first_beyond_count(intervals: &[Interval], alignment: Bytes) -> Option<usize> {
    units::first_beyond_count(intervals, alignment)
}
