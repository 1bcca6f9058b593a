//! The blocks that a block meets as it moves up, from one offset to the next.

use super::layout::Taken;

/// A block of a length among others, which are sorted by their lowest addresses.
pub(super) struct Sweep<'a> {
    taken: &'a [Taken],
    length: u32,
    /// Indices of the others, sorted by their ends.
    by_high: Vec<u32>,
    n_met: usize,
    n_left: usize,
}

impl Sweep<'_> {
    pub fn new(taken: &[Taken], length: u32) -> Sweep<'_> {
        let ends = taken.iter().enumerate().map(|(number, it)| u64::from(it.high) << 32 | number as u64);
        let mut ends: Vec<u64> = ends.collect();
        ends.sort_unstable();
        let by_high = ends.into_iter().map(|it| it as u32).collect();
        Sweep { taken, length, by_high, n_met: 0, n_left: 0 }
    }

    /// Offsets right above or below others, the lowest and the highest one; ascending.
    pub fn edges(&self, highest: u32) -> Vec<u32> {
        let below = self.taken.iter().filter_map(|it| it.low.checked_sub(self.length));
        let above = self.by_high.iter().map(|it| self.taken[*it as usize].high);
        let mut offsets: Vec<u32> =
            below.chain([0]).chain(above).filter(|it| *it <= highest).chain([highest]).collect();
        // Both are sorted already, which this sort exploits.
        offsets.sort();
        offsets.dedup();
        offsets
    }

    /// Moves the block up to an offset. The indices of the others that it meets for the first time go to `meet`, then
    /// those that it has left behind to `leave`.
    pub fn lift(&mut self, offset: u32, mut meet: impl FnMut(usize), mut leave: impl FnMut(usize)) {
        while self.taken.get(self.n_met).is_some_and(|it| it.low < offset + self.length) {
            meet(self.n_met);
            self.n_met += 1;
        }
        while let Some(&number) = self.by_high.get(self.n_left)
            && self.taken[number as usize].high <= offset
        {
            leave(number as usize);
            self.n_left += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sweep, Taken};
    use crate::pack::random::Random;

    #[track_caller]
    fn expect_edges(taken: &[Taken], length: u32, highest: u32) {
        let is_edge = |offset: &u32| {
            let touches = |it: &Taken| it.high == *offset || it.low.checked_sub(length) == Some(*offset);
            *offset == 0 || *offset == highest || taken.iter().any(touches)
        };
        let expected: Vec<u32> = (0..=highest).filter(is_edge).collect();
        assert_eq!(Sweep::new(taken, length).edges(highest), expected, "{taken:?}");
    }

    /// At each offset, the block meets the same ones as without incremental updates.
    #[test]
    fn meets_what_is_there() {
        let mut random = Random::new();
        for _ in 0..100 {
            let mut below = |most: u64| random.below(most) as u32;
            let mut taken: Vec<Taken> = (0..below(12))
                .map(|id| {
                    let low = below(20);
                    Taken { low, high: low + 1 + below(6), id }
                })
                .collect();
            taken.sort_unstable_by_key(|it| (it.low, it.id));
            let length = 1 + below(6);
            expect_edges(&taken, length, below(20));
            let mut sweep = Sweep::new(&taken, length);
            let mut met = vec![0; taken.len()];
            for offset in (0..24).filter(|_| below(3) != 0).collect::<Vec<u32>>() {
                let (mut new, mut old) = (Vec::new(), Vec::new());
                sweep.lift(offset, |it| new.push(it), |it| old.push(it));
                new.into_iter().for_each(|it| met[it] += 1);
                old.into_iter().for_each(|it| met[it] -= 1);
                let expected: Vec<i32> = taken.iter().map(|it| i32::from(it.meets(offset, length))).collect();
                assert_eq!(met, expected, "{taken:?} at {offset}");
            }
        }
    }
}
