//! Loads in slices.
//!
//! A load that waits for all of its space keeps the channel idle. With slices, each takes the available space; and with
//! slices of one size, loading in the order of use is optimal, which it is not for tensors of different sizes.

use super::transfers::{Load, Transfers};
use crate::{Bytes, Problem, Slice};

/// The inverse of the maximum share of the scratchpad for a slice.
const PART_OF_SCRATCHPAD: u64 = 128;

/// The least ratio of a slice's time to its setup.
const SETUPS: u64 = 16;

/// A slice of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoadSlice {
    /// The index in [`Transfers::loads`].
    pub load: usize,
    pub bytes: Slice,
    /// Whether it is the whole load.
    pub is_whole: bool,
}

/// Each load as one slice.
pub(super) fn whole(loads: &[Load]) -> Vec<LoadSlice> {
    let whole = |(load, it): (usize, &Load)| LoadSlice {
        load,
        bytes: Slice { low: Bytes::ZERO, high: it.size },
        is_whole: true,
    };
    loads.iter().enumerate().map(whole).collect()
}

/// Each load in slices of one size, the last one possibly smaller; a load with at most as many bytes as one slice is
/// whole.
pub(super) fn sliced(loads: &[Load], size: Bytes) -> Vec<LoadSlice> {
    let mut slices = Vec::new();
    for (load, it) in whole(loads).into_iter().enumerate() {
        let end = it.bytes.high;
        if end <= size || size == Bytes::ZERO {
            slices.push(it);
            continue;
        }
        let mut low = Bytes::ZERO;
        while low < end {
            let high = (low + size).min(end);
            slices.push(LoadSlice { load, bytes: Slice { low, high }, is_whole: false });
            low = high;
        }
    }
    slices
}

/// The best size of slices: small relative to the scratchpad, but large relative to the setup of the channel. A
/// multiple of the alignment; `None` if slices do not pay.
pub(super) fn size_of_slices(problem: &Problem, transfers: &Transfers) -> Option<Bytes> {
    let timing = &transfers.inward;
    let of_setup = timing.rate.times(timing.setup.0.checked_mul(SETUPS)?)?;
    let least = Bytes(of_setup).max(timing.burst).max(problem.machine.alignment());
    let part = Bytes(problem.machine.scratchpad().0 / PART_OF_SCRATCHPAD);
    let size = part.max(least);
    let aligned = size.0.checked_next_multiple_of(problem.machine.alignment().0.max(1))?;
    (size < problem.machine.scratchpad()).then_some(Bytes(aligned))
}
