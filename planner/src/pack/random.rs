//! Deterministic pseudorandom numbers.

/// A generator (xorshift, Marsaglia 2003).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The default sequence.
    pub fn new() -> Random {
        Random::sequence(0)
    }

    /// One of several sequences.
    pub fn sequence(number: u64) -> Random {
        Random(0x2545_f491_4f6c_dd1d ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}
