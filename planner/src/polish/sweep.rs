//! What a block meets of others while it moves up, from one offset to the next.

use super::layout::Taken;

/// A block of a length among others, which are sorted by their lowest addresses.
pub(super) struct Sweep<'a> {
    taken: &'a [Taken],
    length: u32,
    /// Numbers of others by where they end.
    by_high: Vec<u32>,
    n_met: usize,
    n_left: usize,
}

impl Sweep<'_> {
    pub fn new(taken: &[Taken], length: u32) -> Sweep<'_> {
        let mut by_high: Vec<u32> = (0..taken.len() as u32).collect();
        by_high.sort_unstable_by_key(|it| taken[*it as usize].high);
        Sweep { taken, length, by_high, n_met: 0, n_left: 0 }
    }

    /// Moves the block up to an offset. Of the others, the numbers of those that it meets for the first time go to
    /// `meet`, then of those that it has left behind to `leave`.
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

    /// At each offset, the block meets what it would be found to meet without a memory.
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
