//! Small sets as words of bits.

use crate::reach::ones;

/// A set of numbers below 64 · `W`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bits<const W: usize>([u64; W]);

impl<const W: usize> Bits<W> {
    pub const EMPTY: Bits<W> = Bits([0; W]);

    /// One more than the greatest number that a set can hold.
    pub const LIMIT: usize = 64 * W;

    pub fn contains(&self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }

    pub fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub fn and(&self, other: &Bits<W>) -> Bits<W> {
        Bits(std::array::from_fn(|it| self.0[it] & other.0[it]))
    }

    pub fn or(&self, other: &Bits<W>) -> Bits<W> {
        Bits(std::array::from_fn(|it| self.0[it] | other.0[it]))
    }

    pub fn without(&self, other: &Bits<W>) -> Bits<W> {
        Bits(std::array::from_fn(|it| self.0[it] & !other.0[it]))
    }

    /// The numbers in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + use<W> {
        let words = self.0;
        (0..W).flat_map(move |word| ones(words[word]).map(move |it| 64 * word + it))
    }
}

/// Whether a number is in a set of any length.
pub(super) fn has(words: &[u64], index: u16) -> bool {
    words[usize::from(index) / 64] & (1 << (index % 64)) != 0
}

/// Puts a number into a set of any length.
pub(super) fn put(words: &mut [u64], index: u16) {
    words[usize::from(index) / 64] |= 1 << (index % 64);
}
