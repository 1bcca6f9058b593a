//! The transitive closure of the dependences between operators.

use crate::Deadline;
use crate::{Graph, OpId};

/// The largest closure in bits: 64 MiB, for about 23,000 operators.
const MAX_BITS: usize = 1 << 29;

/// The number of rows between two checks of the time.
const ROWS_PER_LOOK: usize = 64;

/// A relation between operators, with a bit for each pair.
pub(crate) struct Reach {
    #[cfg_attr(not(feature = "ilp"), expect(dead_code, reason = "integer programs alone read it"))]
    n_ops: usize,
    /// The words of a row.
    n_words: usize,
    words: Vec<u64>,
}

impl Reach {
    /// Everything that each of `n_ops` operators reaches by `next`. `order` has each operator after those that `next`
    /// returns for it.
    ///
    /// Takes a word operation for each dependence and 64 operators. `None` if the deadline passes first, or if the
    /// closure would be too large.
    pub(crate) fn of<I: Iterator<Item = usize>>(
        n_ops: usize,
        order: impl Iterator<Item = usize>,
        next: impl Fn(usize) -> I,
        deadline: Deadline,
    ) -> Option<Reach> {
        if MAX_BITS < n_ops.saturating_mul(n_ops) {
            return None;
        }
        let n_words = n_ops.div_ceil(64);
        let mut words = vec![0_u64; n_ops * n_words];
        let mut row = vec![0_u64; n_words];
        for (index, op) in order.enumerate() {
            if index % ROWS_PER_LOOK == ROWS_PER_LOOK - 1 && deadline.has_passed() {
                return None;
            }
            row.fill(0);
            for other in next(op) {
                // Everything beyond an operator that is reached already is also reached already.
                if row[other / 64] & (1 << (other % 64)) == 0 {
                    row[other / 64] |= 1 << (other % 64);
                    let reached = &words[other * n_words..(other + 1) * n_words];
                    row.iter_mut().zip(reached).for_each(|(own, other)| *own |= other);
                }
            }
            words[op * n_words..(op + 1) * n_words].copy_from_slice(&row);
        }
        Some(Reach { n_ops, n_words, words })
    }

    /// The operators that must run after each one, by the dependences of a graph.
    pub(crate) fn descendants(graph: &Graph, deadline: Deadline) -> Option<Reach> {
        let successors = |op: usize| graph.successors(OpId(op as u32)).iter().map(|it| it.index());
        Reach::of(graph.ops().len(), (0..graph.ops().len()).rev(), successors, deadline)
    }

    /// The operators that must run before each one, by the dependences of a graph.
    pub(crate) fn ancestors(graph: &Graph, deadline: Deadline) -> Option<Reach> {
        let predecessors = |op: usize| graph.predecessors(OpId(op as u32)).iter().map(|it| it.index());
        Reach::of(graph.ops().len(), 0..graph.ops().len(), predecessors, deadline)
    }

    /// The operators that an operator reaches within a set, except those reachable through others of these; ascending.
    pub(crate) fn nearest(&self, op: usize, within: &[u64]) -> Vec<usize> {
        let mut left: Vec<u64> = self.row(op).iter().zip(within).map(|(reached, within)| reached & within).collect();
        let reached: Vec<usize> = members(&left).collect();
        let mut nearest = Vec::new();
        // The operator farthest away in source order is never in between.
        let is_behind = reached.first().is_some_and(|it| *it < op);
        let from_near = |index: usize| if is_behind { reached[reached.len() - 1 - index] } else { reached[index] };
        for near in (0..reached.len()).map(from_near) {
            if left[near / 64] & (1 << (near % 64)) != 0 {
                nearest.push(near);
                left.iter_mut().zip(self.row(near)).for_each(|(left, further)| *left &= !further);
            }
        }
        nearest.sort_unstable();
        nearest
    }

    #[cfg(feature = "ilp")]
    pub(crate) fn n_ops(&self) -> usize {
        self.n_ops
    }

    /// The operators that an operator reaches, as bits, 64 to a word.
    pub(crate) fn row(&self, op: usize) -> &[u64] {
        &self.words[op * self.n_words..(op + 1) * self.n_words]
    }

    #[cfg(any(test, feature = "ilp"))]
    pub(crate) fn contains(&self, from: usize, to: usize) -> bool {
        self.words[from * self.n_words + to / 64] & (1 << (to % 64)) != 0
    }
}

/// The members of a bit set, ascending.
pub(crate) fn members(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(word, bits)| ones(*bits).map(move |bit| 64 * word + bit))
}

/// The positions of the ones in a word, ascending.
pub(crate) fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let position = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(position)
    })
}

#[cfg(test)]
mod tests {
    use super::{Reach, members};
    use crate::{Deadline, OpId, Problem};

    #[test]
    fn what_follows_from_what() {
        let diamond = "machine scratchpad 64 alignment 1 weights resident
             argument x 1
             op a: x -> p 1
             op b: p -> q 1
             op c: p -> r 1
             op d: q r p -> s 1
             op e: -> t 1
             order c e";
        let problem: Problem = diamond.parse().expect("a problem");
        let predecessors = |op: usize| problem.graph.predecessors(OpId(op as u32)).iter().map(|it| it.index());
        let reach = Reach::of(5, 0..5, predecessors, Deadline::NEVER).expect("it is small");
        let row = |op| members(reach.row(op)).collect::<Vec<_>>();
        assert_eq!([row(0), row(1), row(2), row(3), row(4)], [vec![], vec![0], vec![0], vec![0, 1, 2], vec![0, 2]]);
        assert!(reach.contains(3, 0) && !reach.contains(2, 1));
        assert_eq!(reach.nearest(3, &[u64::MAX]), [1, 2], "the first comes before both");
        assert_eq!(reach.nearest(3, &[0b0101]), [2]);
    }

    #[test]
    fn nothing_that_is_too_large_or_too_late() {
        let none = |_| std::iter::empty();
        assert!(Reach::of(1 << 20, 0..1 << 20, none, Deadline::NEVER).is_none());
        let passed = Deadline::after(std::time::Duration::ZERO);
        assert!(Reach::of(100, 0..100, none, passed).is_none());
        assert!(Reach::of(100, 0..100, none, Deadline::NEVER).is_some());
    }
}
