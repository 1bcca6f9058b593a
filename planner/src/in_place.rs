//! Results and operands at the same bytes: which pairs may share, and how many can at once.
//!
//! An element-wise operator can write its result over its operand. A concatenation moves nothing if its operands are
//! adjacent, and neither does a split whose results lie within its operand. An operator declares such pairs of a result
//! and an operand ([`InPlace`]) and the bytes that they share: all bytes if they have the same size, or the bytes of
//! the smaller one, a *part* of the larger one. A pair may share bytes if the operand dies with the operator, that is,
//! all its other readers have run. An operand that is stored has its host copy by then, so nothing is lost.
//!
//! Pairs of the same size: each result shares with at most one operand, and each operand with at most one result.
//! Parts: all of them share at once, since parts of one tensor are disjoint, and a tensor that is a part or has parts
//! is in no other pair ([`Op::in_place`](crate::Op::in_place)). This makes the best choice unique, and real operators
//! satisfy it. A part that does not begin at a multiple of the alignment cannot share bytes.
//!
//! A pair saves exactly the padded size of the inner tensor: a part begins at a multiple of the alignment, so its
//! padding ends no later than the padding of the larger tensor, and no later than the start of the next part.
//!
//! The saving depends only on the schedule and never hurts, so sums of padded sizes count the maximum number of pairs.
//! Only address assignment may drop a pair.
//!
//! Without an order, the pairs are bounded from both sides: an operand dies *always* if every other reader runs before
//! in every order, and *never* if one of them runs after. If the scratchpad is too small for some orders, the problem
//! is restricted to the others: see [`least`](mod@crate::least).

use crate::{Bytes, Dies, InPlace, OpId, Problem, TensorId};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

impl Problem {
    /// The pairs of an operator that are possible on this machine if the operand dies in time: streamed operands have
    /// no place to share, operands that may be streamed do not count, parts begin at multiples of the alignment, and
    /// pins agree.
    pub(crate) fn possible_pairs(&self, op: OpId) -> impl Iterator<Item = &InPlace> {
        let is_aligned = |it: &InPlace| it.at().0.is_multiple_of(self.machine.alignment().0) && self.do_pins_agree(it);
        let is_there = move |it: &InPlace| {
            self.graph.readers(it.operand).binary_search(&op).is_ok() && !self.graph.may_pass_by(it.operand)
        };
        self.graph.op(op).in_place.iter().filter(move |it| is_there(it) && is_aligned(it))
    }

    /// Whether the pins of a result and an operand allow them to share bytes.
    fn do_pins_agree(&self, pair: &InPlace) -> bool {
        let pin = |it: TensorId| self.graph.pinned(it).map(|it| it.start);
        match (pin(pair.inner()), pin(pair.outer())) {
            (Some(inner), Some(outer)) => outer.0.checked_add(pair.at().0) == Some(inner.0),
            (Some(inner), None) => pair.at() <= inner,
            (None, _) => true,
        }
    }

    /// A maximum set of pairs of an operator that can share bytes at once, where `dies` selects the possible ones.
    pub fn in_place(&self, op: OpId, dies: impl Fn(&InPlace) -> bool) -> Vec<InPlace> {
        let mut pairs: Vec<InPlace> = self.possible_pairs(op).filter(|it| dies(it)).copied().collect();
        // Pins can force pairs: tensors pinned to the same bytes must share them.
        let is_forced = |it: &InPlace| !it.is_part() && self.graph.are_apart(it.result, it.operand);
        let forced: Vec<InPlace> = pairs.iter().filter(|it| is_forced(it)).copied().collect();
        let is_beside = |a: &InPlace, b: &InPlace| a == b || a.result != b.result && a.operand != b.operand;
        pairs.retain(|pair| pair.is_part() || forced.iter().all(|it| is_beside(pair, it)));
        let ids: Vec<(u32, u32)> = pairs.iter().map(|it| (it.result.0, it.operand.0)).collect();
        let is_whole = |it: &usize| !pairs[*it].is_part();
        most_pairs_and_parts(&ids, is_whole).into_iter().map(|it| pairs[it]).collect()
    }

    /// A maximum set of pairs for each step of an order.
    pub fn in_place_by_step(&self, order: &[OpId]) -> Vec<Vec<InPlace>> {
        let mut step_of = vec![0; order.len()];
        order.iter().enumerate().for_each(|(step, op)| step_of[op.index()] = step);
        let last_read = |tensor| self.graph.readers(tensor).iter().map(|it| step_of[it.index()]).max();
        // Cached, since many operators may read one tensor.
        let mut last: HashMap<TensorId, Option<usize>> = HashMap::new();
        for pair in self.graph.ops().iter().flat_map(|op| &op.in_place) {
            last.entry(pair.operand).or_insert_with(|| last_read(pair.operand));
        }
        let pairs = |(step, &op): (usize, &OpId)| self.in_place(op, |it| last[&it.operand] <= Some(step));
        order.iter().enumerate().map(pairs).collect()
    }

    /// The bytes that an operator saves in every order.
    pub(crate) fn saved_always(&self, op: OpId) -> Bytes {
        self.saved(&self.in_place(op, |it| it.dies == Dies::Always))
    }

    /// The most bytes that an operator saves in any order.
    pub(crate) fn saved_at_most(&self, op: OpId) -> Bytes {
        self.saved(&self.in_place(op, |it| it.dies != Dies::Never))
    }

    /// The bytes that are not needed if these pairs share bytes.
    pub(crate) fn saved(&self, pairs: &[InPlace]) -> Bytes {
        pairs.iter().map(|it| self.room(it.inner())).sum()
    }
}

/// All pairs with parts, and a maximum number of the others.
pub(crate) fn most_pairs_and_parts(pairs: &[(u32, u32)], is_whole: impl Fn(&usize) -> bool) -> Vec<usize> {
    let (whole, mut chosen): (Vec<usize>, Vec<usize>) = (0..pairs.len()).partition(is_whole);
    let ids: Vec<(u32, u32)> = whole.iter().map(|it| pairs[*it]).collect();
    chosen.extend(most_pairs(&ids).into_iter().map(|it| whole[it]));
    chosen.sort_unstable();
    chosen
}

/// A maximum matching of results and operands: augmenting paths, each found breadth first. All tensors of a connected
/// component have the same size, so the most pairs also save the most bytes. The pairs of one result are adjacent.
fn most_pairs(pairs: &[(u32, u32)]) -> Vec<usize> {
    let mut matching = Matching::new(pairs);
    let mut last = None;
    for &(result, _) in pairs {
        if last.replace(result) != Some(result) {
            matching.augment(pairs, result);
        }
    }
    let mut chosen: Vec<usize> = matching.chosen.into_values().collect();
    chosen.sort_unstable();
    chosen
}

/// A matching: pairs without a result or an operand in common.
#[derive(Default)]
struct Matching {
    /// By result: the range of its pairs.
    of_result: HashMap<u32, Range<usize>>,
    /// By result: its chosen pair.
    chosen: HashMap<u32, usize>,
    /// By operand: the pair that has its place.
    holders: HashMap<u32, usize>,
}

impl Matching {
    fn new(pairs: &[(u32, u32)]) -> Matching {
        let mut matching = Matching::default();
        for (index, (result, _)) in pairs.iter().enumerate() {
            matching.of_result.entry(*result).or_insert(index..index).end = index + 1;
        }
        matching
    }

    /// Finds an operand for a result if an augmenting path exists; returns the number of pairs that it visited.
    fn augment(&mut self, pairs: &[(u32, u32)], result: u32) -> usize {
        let mut n_looked_at = 0;
        // The visited pairs, each with the pair whose result would be moved.
        let mut tried: Vec<(usize, Option<usize>)> = Vec::new();
        let mut seen: HashSet<u32> = HashSet::new();
        let mut waiting: Vec<(u32, Option<usize>)> = vec![(result, None)];
        let mut next = 0;
        while next < waiting.len() {
            let (result, from) = waiting[next];
            next += 1;
            for index in self.of_result[&result].clone() {
                let operand = pairs[index].1;
                n_looked_at += 1;
                if !seen.insert(operand) {
                    continue;
                }
                tried.push((index, from));
                match self.holders.get(&operand) {
                    Some(&holder) => waiting.push((pairs[holder].0, Some(tried.len() - 1))),
                    None => {
                        let mut at = Some(tried.len() - 1);
                        while let Some((pair, from)) = at.map(|it| tried[it]) {
                            self.choose(pairs, pair);
                            at = from;
                        }
                        return n_looked_at;
                    }
                }
            }
        }
        n_looked_at
    }

    fn choose(&mut self, pairs: &[(u32, u32)], pair: usize) {
        let (result, operand) = pairs[pair];
        if let Some(left) = self.chosen.insert(result, pair) {
            self.holders.remove(&pairs[left].1);
        }
        self.holders.insert(operand, pair);
    }
}

#[cfg(test)]
mod tests {
    use super::{Matching, most_pairs};

    #[test]
    fn as_many_as_possible() {
        assert_eq!(most_pairs(&[]), [0; 0]);
        assert_eq!(most_pairs(&[(0, 10), (0, 11)]), [0]);
        // The first result moves to its other operand, since the second has no other.
        assert_eq!(most_pairs(&[(0, 10), (0, 11), (1, 10)]), [1, 2]);
        assert_eq!(most_pairs(&[(0, 10), (0, 11), (1, 10), (1, 11), (2, 10)]).len(), 2);
        assert_eq!(most_pairs(&[(0, 10), (0, 11), (1, 11), (1, 12), (2, 10)]), [1, 3, 4]);
    }

    /// Random pairs, sorted by result, compared with all subsets.
    #[test]
    fn as_many_as_any_set_has() {
        // A linear congruential generator, as in Numerical Recipes.
        let mut state = 1_u32;
        let mut below = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        let is_apart = |set: &[(u32, u32)]| {
            let beside = |at: usize| set[..at].iter().all(|it| it.0 != set[at].0 && it.1 != set[at].1);
            (0..set.len()).all(beside)
        };
        for _ in 0..300 {
            let mut pairs: Vec<(u32, u32)> = (0..below(9)).map(|_| (below(4), 10 + below(4))).collect();
            pairs.sort_unstable();
            pairs.dedup();
            let of =
                |set: u32| (0..pairs.len()).filter(|it| set & (1 << it) != 0).map(|it| pairs[it]).collect::<Vec<_>>();
            let most = (0..1 << pairs.len()).map(of).filter(|it| is_apart(it)).map(|it| it.len()).max();
            let chosen: Vec<(u32, u32)> = most_pairs(&pairs).into_iter().map(|it| pairs[it]).collect();
            assert!(is_apart(&chosen) && Some(chosen.len()) == most, "{pairs:?}");
        }
    }

    /// A tile of many pieces, each of which may lie over a piece of either operand.
    #[test]
    fn few_pairs_are_looked_at() {
        let n = 4_000;
        let pairs: Vec<(u32, u32)> = (0..n).flat_map(|it| [(it, n + it), (it, 2 * n + it)]).collect();
        let mut matching = Matching::new(&pairs);
        let n_looked_at: usize = (0..n).map(|it| matching.augment(&pairs, it)).sum();
        assert_eq!((n_looked_at, matching.chosen.len()), (n as usize, n as usize));
    }
}
