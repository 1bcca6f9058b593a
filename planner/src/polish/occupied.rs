//! The units that are taken in each step, as bits: queries for holes in some steps are the most frequent ones.

use super::layout::Fit;
use std::ops::Range;

/// The limit of words of bits: about 16 MB.
const MOST_WORDS: usize = 1 << 21;

const BITS: u32 = u64::BITS;

#[derive(Clone)]
pub(super) struct Occupied {
    /// Per step.
    n_words: usize,
    /// By step, then unit.
    words: Vec<u64>,
}

impl Occupied {
    /// `None` if there would be too many bits.
    pub fn new(n_steps: usize, n_units: u32) -> Option<Occupied> {
        let n_words = n_units.div_ceil(BITS) as usize;
        let n_all = n_words.checked_mul(n_steps).filter(|it| *it <= MOST_WORDS)?;
        Some(Occupied { n_words, words: vec![0; n_all] })
    }

    /// Takes units that are free in some steps, or frees them again.
    pub fn toggle(&mut self, steps: Range<u32>, units: &Range<u32>) {
        for step in steps {
            let from = step as usize * self.n_words;
            let words = &mut self.words[from..from + self.n_words];
            masks(units).for_each(|(at, mask)| words[at] ^= mask);
        }
    }

    /// The units taken in any of some steps, without those of some blocks; these are sorted by step.
    pub fn during(&self, steps: &Range<u32>, without: &[(Range<u32>, Range<u32>)]) -> Taken {
        let mut taken = Taken { words: vec![0; self.n_words] };
        let mut next = steps.start;
        for (own_steps, own_units) in without {
            taken.add(self.of(next..own_steps.start));
            let mut own = Taken { words: vec![0; self.n_words] };
            own.add(self.of(own_steps.clone()));
            masks(own_units).for_each(|(at, mask)| own.words[at] &= !mask);
            taken.add(&own.words);
            next = own_steps.end;
        }
        taken.add(self.of(next..steps.end));
        taken
    }

    fn of(&self, steps: Range<u32>) -> &[u64] {
        &self.words[steps.start as usize * self.n_words..steps.end as usize * self.n_words]
    }
}

/// The words of some units, each with its bits.
fn masks(units: &Range<u32>) -> impl Iterator<Item = (usize, u64)> {
    let (start, end) = (units.start, units.end);
    (start / BITS..end.div_ceil(BITS)).map(move |word| {
        let low = start.max(word * BITS) - word * BITS;
        let high = end.min((word + 1) * BITS) - word * BITS;
        (word as usize, (u64::MAX << low) & (u64::MAX >> (BITS - high)))
    })
}

/// Taken units.
pub(super) struct Taken {
    words: Vec<u64>,
}

impl Taken {
    fn add(&mut self, steps: &[u64]) {
        for words in steps.chunks_exact(self.words.len()) {
            self.words.iter_mut().zip(words).for_each(|(all, it)| *all |= it);
        }
    }

    /// A hole of this many units below `end`.
    pub fn hole(&self, length: u32, end: u32, fit: Fit) -> Option<u32> {
        let from = |free: u32| {
            let low = self.next(free, end, false);
            (low < end).then(|| low..self.next(low, end, true))
        };
        fit.choose(std::iter::successors(from(0), |it| from(it.end)), length, end)
    }

    /// The first unit from `from` on that is taken, or that is free; `end` if there is none below it.
    fn next(&self, from: u32, end: u32, is_taken: bool) -> u32 {
        let mut at = from;
        while at < end {
            let word = self.words[(at / BITS) as usize];
            let rest = (if is_taken { word } else { !word }) >> (at % BITS);
            if rest != 0 {
                return end.min(at + rest.trailing_zeros());
            }
            at = (at / BITS + 1) * BITS;
        }
        end
    }
}
