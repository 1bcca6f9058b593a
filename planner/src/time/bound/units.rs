//! Fractions of a cycle in which a byte takes an integer time, and the time to fill a space.

use crate::time::Timing;
use crate::{Bytes, Cycles};

/// Fractions of a cycle: a byte in each direction takes an integer number of them.
#[derive(Clone, Copy)]
pub(crate) struct Units<'a> {
    pub inward: &'a Timing,
    pub outward: &'a Timing,
    pub of_cycle: u128,
    pub of_byte_inward: u128,
    pub of_byte_outward: u128,
}

impl Units<'_> {
    pub fn new<'a>(inward: &'a Timing, outward: &'a Timing) -> Units<'a> {
        let (one, other) = (u128::from(inward.rate.numerator()), u128::from(outward.rate.numerator()));
        // Usually the same number; if both are very large, the outward direction is rounded to be faster.
        let is_small = one * other < 1 << 32;
        let of_cycle = if one == other || !is_small { one } else { one * other };
        let of_byte =
            |timing: &Timing| u128::from(timing.rate.denominator()) * of_cycle / u128::from(timing.rate.numerator());
        Units { inward, outward, of_cycle, of_byte_inward: of_byte(inward), of_byte_outward: of_byte(outward) }
    }

    pub fn cycles(&self, Cycles(cycles): Cycles) -> u128 {
        u128::from(cycles) * self.of_cycle
    }

    pub fn inward(&self, size: Bytes) -> u128 {
        u128::from(size.max(self.inward.burst).0) * self.of_byte_inward + self.cycles(self.inward.setup)
    }

    pub fn outward(&self, size: Bytes) -> u128 {
        u128::from(size.max(self.outward.burst).0) * self.of_byte_outward + self.cycles(self.outward.setup)
    }
}

/// The time for which transfers can keep the channel busy until some space is full.
pub(crate) struct Filling {
    of_byte: u128,
    /// Prefix sums of the smallest transfers, in bytes.
    sums: Vec<u128>,
    /// The most time that a transfer takes in addition to its bytes.
    most_beyond: u128,
}

impl Filling {
    /// For loads of these sizes.
    pub fn inward(units: &Units<'_>, sizes: Vec<Bytes>) -> Filling {
        Filling::new(units.of_byte_inward, |it| units.inward(it), sizes)
    }

    /// For outgoing transfers.
    pub fn outward(units: &Units<'_>, sizes: Vec<Bytes>) -> Filling {
        Filling::new(units.of_byte_outward, |it| units.outward(it), sizes)
    }

    fn new(of_byte: u128, takes: impl Fn(Bytes) -> u128, mut sizes: Vec<Bytes>) -> Filling {
        let beyond = |it: &Bytes| takes(*it) - u128::from(it.0) * of_byte;
        let most_beyond = sizes.iter().map(beyond).max().unwrap_or(0);
        sizes.sort_unstable();
        let sums = sizes.iter().scan(0, |sum, it| {
            *sum += u128::from(it.0);
            Some(*sum)
        });
        Filling { of_byte, sums: sums.collect(), most_beyond }
    }

    /// At most as many transfers fit as of the smallest ones, and a part of another; and all of them have at most this
    /// many bytes.
    pub fn most(&self, room: Bytes) -> u128 {
        let room = u128::from(room.0);
        let n_whole = self.sums.partition_point(|it| *it <= room) as u128 + 1;
        room.saturating_mul(self.of_byte).saturating_add(n_whole.saturating_mul(self.most_beyond))
    }
}
