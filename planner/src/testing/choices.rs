//! The source of randomness: a string of bytes, read choice by choice.
//!
//! So one generator serves every source of bytes: a property test, a fuzzer, or [`noise`] from a seed. It also shrinks
//! automatically: earlier alternatives should be simpler, smaller bytes choose earlier alternatives, and after the last
//! byte the first one is taken. (After Hypothesis: MacIver and Donaldson, *Test-Case Reduction via Test-Case
//! Generation*, 2020.)

/// Remaining choices, as bytes.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// The choices encoded by these bytes; after them, always the first alternative.
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices { bytes }
    }

    /// Whether every further choice is the first alternative.
    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A number below `n`, which must be at least 1. Grows with the bytes.
    pub fn below(&mut self, n: u64) -> u64 {
        let mut next = || match self.bytes.split_first() {
            Some((&byte, rest)) => {
                self.bytes = rest;
                u128::from(byte)
            }
            None => 0,
        };
        let value = (next() << 8) | next();
        ((value * u128::from(n)) >> 16) as u64
    }

    /// True in `percent` of all cases; the first alternative is false.
    pub fn chance(&mut self, percent: u64) -> bool {
        100 - percent <= self.below(100)
    }

    /// One of several alternatives, the simplest first. An alternative may occur more than once.
    pub fn one_of<T: Copy>(&mut self, alternatives: &[T]) -> T {
        alternatives[self.below(alternatives.len() as u64) as usize]
    }
}

/// Random bytes, the same for the same seed (Steele, Lea and Flood's SplitMix64, 2014).
pub fn noise(seed: u64, n_bytes: usize) -> Vec<u8> {
    let words = (1..).map(|index: u64| mix(seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
    words.flat_map(u64::to_le_bytes).take(n_bytes).collect()
}

/// SplitMix64's finaliser: every bit of the output depends on every bit of the input.
pub(super) fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
