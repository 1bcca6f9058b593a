//! The operators that have run, and those that can run next.
//!
//! A node in which thousands of operators can run has as many successors, and few of them are ever expanded. So a
//! successor shares the words and the list of its parent, and has only the difference, until it is
//! [unfolded](Executed::unfold).

use super::bits::{has, put};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The operators that have run: those of some words, and perhaps one more.
#[derive(Clone)]
pub(super) struct Executed {
    words: Arc<[u64]>,
    /// Not in the words.
    last: Option<u16>,
    /// Equal for equal sets in any representation.
    hash: u64,
}

impl Executed {
    /// The operators of these words.
    pub fn new(words: Box<[u64]>) -> Executed {
        let hash = crate::reach::members(&words).fold(0, |hash, op| hash ^ mixed(op as u64));
        Executed { words: words.into(), last: None, hash }
    }

    /// These operators and another one.
    pub fn with(&self, op: u16) -> Executed {
        let mut all = self.clone();
        all.unfold();
        Executed { last: Some(op), hash: all.hash ^ mixed(u64::from(op)), ..all }
    }

    /// Gives a set words of its own.
    pub fn unfold(&mut self) {
        if let Some(op) = self.last.take() {
            let mut words = self.words.to_vec();
            put(&mut words, op);
            self.words = words.into();
        }
    }

    pub fn has(&self, op: u16) -> bool {
        self.last == Some(op) || has(&self.words, op)
    }

    /// Whether the set has an operator in common with another set of as many words.
    pub fn meets(&self, words: &[u64]) -> bool {
        self.last.is_some_and(|op| has(words, op)) || self.words.iter().zip(words).any(|(own, other)| own & other != 0)
    }

    /// The number of operators.
    pub fn count(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        let last = self.last.map(usize::from);
        let bit =
            move |word: usize| if last.is_some_and(|op| op / 64 == word) { 1 << (last.unwrap_or(0) % 64) } else { 0 };
        self.words.iter().enumerate().map(move |(index, word)| word | bit(index))
    }
}

/// A hash of a number (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
fn mixed(number: u64) -> u64 {
    let mut mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl PartialEq for Executed {
    fn eq(&self, other: &Executed) -> bool {
        self.hash == other.hash && self.words().eq(other.words())
    }
}

impl Eq for Executed {}

impl PartialOrd for Executed {
    fn partial_cmp(&self, other: &Executed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Executed {
    fn cmp(&self, other: &Executed) -> Ordering {
        self.words().cmp(other.words())
    }
}

impl Hash for Executed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// The operators that can run next: those of a list except one that has run, and some more.
#[derive(Clone)]
pub(super) struct Ready {
    list: Arc<[u16]>,
    ran: Option<u16>,
    freed: Vec<u16>,
}

impl Ready {
    /// These operators, ascending.
    pub fn new(list: Vec<u16>) -> Ready {
        Ready { list: list.into(), ran: None, freed: Vec::new() }
    }

    /// The operators that can run after one of these has run, which makes others ready.
    pub fn after(&self, ran: u16, freed: Vec<u16>) -> Ready {
        let mut all = self.clone();
        all.unfold();
        Ready { ran: Some(ran), freed, ..all }
    }

    /// Gives them a list of their own.
    pub fn unfold(&mut self) {
        if let Some(ran) = self.ran.take() {
            let mut list: Vec<u16> = self.list.iter().copied().filter(|op| *op != ran).collect();
            list.append(&mut self.freed);
            list.sort_unstable();
            self.list = list.into();
        }
    }

    /// All of them, ascending, if they were unfolded.
    pub fn list(&self) -> &[u16] {
        debug_assert!(self.ran.is_none(), "it was unfolded");
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn sets_are_the_same_however_they_are_told() {
        let hasher = std::collections::hash_map::RandomState::new();
        let words = |ops: &[u16]| {
            let mut words = vec![0; 3].into_boxed_slice();
            ops.iter().for_each(|op| put(&mut words, *op));
            words
        };
        let told = [Executed::new(words(&[3, 64, 130])), Executed::new(words(&[3, 64])).with(130)];
        let more = told[1].with(70);
        let mut unfolded = more.clone();
        unfolded.unfold();
        for (one, other) in [(&told[0], &told[1]), (&more, &unfolded), (&more, &told[0].with(70))] {
            assert!(one == other && one.cmp(other) == Ordering::Equal);
            assert_eq!(hasher.hash_one(one), hasher.hash_one(other));
        }
        assert!(told[0] != more && told[0] < more);
        assert_eq!((told[0].count(), more.count()), (3, 4));
        assert!(more.has(70) && more.has(3) && !told[1].has(70));
        assert!(more.meets(&words(&[70])) && more.meets(&words(&[64])) && !told[0].meets(&words(&[70, 1])));
    }

    #[test]
    fn what_can_run_next() {
        let mut ready = Ready::new(vec![1, 4, 6]).after(4, vec![9, 5]);
        ready.unfold();
        assert_eq!(ready.list(), [1, 5, 6, 9]);
        let mut ready = ready.after(9, Vec::new()).after(1, vec![2]);
        ready.unfold();
        assert_eq!(ready.list(), [2, 5, 6]);
    }
}
