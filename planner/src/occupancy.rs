//! The bytes in the scratchpad in each step, from ranges of steps.

use crate::Bytes;
use std::ops::Range;

/// Bytes by step. Adding a range takes constant time.
pub(crate) struct Occupancy {
    /// The difference of each step to the one before; the last entry is that after all steps.
    changes: Vec<i128>,
}

impl Occupancy {
    /// Zero bytes in this many steps.
    pub(crate) fn new(n_steps: usize) -> Occupancy {
        Occupancy { changes: vec![0; n_steps + 1] }
    }

    /// Adds bytes to each of these steps, a half-open range.
    pub(crate) fn add(&mut self, steps: Range<usize>, Bytes(bytes): Bytes) {
        self.change(steps, i128::from(bytes));
    }

    /// Subtracts bytes from one step.
    pub(crate) fn subtract(&mut self, step: usize, Bytes(bytes): Bytes) {
        self.change(step..step + 1, -i128::from(bytes));
    }

    fn change(&mut self, steps: Range<usize>, bytes: i128) {
        self.changes[steps.start] += bytes;
        self.changes[steps.end] -= bytes;
    }

    /// The bytes of each step.
    ///
    /// # Panics
    /// If more is subtracted from a step than was added to it.
    pub(crate) fn levels(&self) -> impl Iterator<Item = Bytes> {
        let mut level = 0;
        self.changes[..self.changes.len() - 1].iter().map(move |change| {
            level += change;
            Bytes(u64::try_from(level).expect("no more is taken than was added, and sizes add up"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Occupancy;
    use crate::Bytes;

    #[test]
    fn ranges_add_up() {
        let mut occupancy = Occupancy::new(4);
        occupancy.add(0..3, Bytes(10));
        occupancy.add(2..4, Bytes(5));
        occupancy.subtract(2, Bytes(1));
        assert_eq!(occupancy.levels().collect::<Vec<_>>(), [10, 10, 14, 5].map(Bytes));
        assert_eq!(Occupancy::new(0).levels().count(), 0);
    }
}
