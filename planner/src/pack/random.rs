//! Numbers that look random and are the same every time.

/// A generator of them (xorshift, Marsaglia 2003).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The only seed there is.
    pub fn new() -> Random {
        Random(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}
