//! Addresses of runs: where they fit, or else where that costs the least.

use super::layout::{Fit, Layout, Run, Taken};
use super::sweep::Sweep;
use crate::Deadline;
use crate::pack::random::Random;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The insertion order.
#[derive(Clone, Copy, Debug)]
pub(super) enum First {
    Longest,
    /// By length times steps.
    Largest,
    /// By length more than by steps.
    LongestForLongest,
    /// By steps more than by length.
    LastingForLongest,
    /// The most expensive per unit and step.
    Dearest,
    Earliest,
    Any,
}

/// The limits and options of an insertion.
pub(super) struct Insertion<'a, 'b> {
    pub random: &'a mut Random,
    pub fit: Fit,
    /// How often the needs of an operator may be moved for another operand of it.
    pub moves: u32,
    /// The limit of the total cost, beyond which it gives up.
    pub most: u64,
    pub deadline: Deadline<'b>,
}

/// The number of runs between two readings of the clock.
const RUNS_PER_LOOK: usize = 64;

/// A place for a run, or a part of it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    price: u64,
    last: Reverse<u32>,
    offset: u32,
    /// Whether others are cut for it; otherwise it is split after `last`.
    cuts: bool,
}

impl Layout<'_> {
    /// Inserts runs in some order, together with those of pieces that must give way. False if that takes too many
    /// moves, or too long, or costs too much: then some uses have no place.
    pub fn insert_all(&mut self, runs: Vec<Run>, first: First, is_noisy: bool, with: &mut Insertion) -> bool {
        let mut keyed: Vec<(u128, Run)> =
            runs.into_iter().map(|run| (self.rank(&run, first, is_noisy, with), run)).collect();
        keyed.sort_by_key(|(rank, run)| (*rank, Reverse(run.item), Reverse(run.first)));
        let mut moved: Vec<Run> = Vec::new();
        let mut n_inserted = 0;
        while let Some(run) = moved.pop().or_else(|| keyed.pop().map(|it| it.1)) {
            n_inserted += 1;
            let is_late = n_inserted % RUNS_PER_LOOK == 0 && with.deadline.has_passed();
            if is_late || !self.insert(run, &mut moved, with) || with.most < self.cost {
                return false;
            }
        }
        true
    }

    fn rank(&self, run: &Run, first: First, is_noisy: bool, with: &mut Insertion) -> u128 {
        let item = self.item(run.item);
        let start = item.uses[run.first as usize];
        let length = u128::from(item.length);
        let steps = u128::from(item.uses[run.last as usize] + 1 - start);
        let rank = match first {
            First::Longest => length,
            First::Largest => length * steps,
            First::LongestForLongest => length * length * steps,
            First::LastingForLongest => length * steps * steps,
            First::Dearest => (u128::from(item.price()) << 32) / (length * steps),
            First::Earliest => u128::from(u32::MAX - start),
            First::Any => 1,
        };
        rank * (64 + u128::from(if is_noisy { with.random.below(64) } else { 0 }))
    }

    /// Inserts a run, in parts if necessary; displaced runs are added to `moved`.
    fn insert(&mut self, run: Run, moved: &mut Vec<Run>, with: &mut Insertion) -> bool {
        let Run { item, mut first, last } = run;
        while first <= last {
            let rest = Run { item, first, last };
            let uses = &self.items.list[item as usize].uses;
            let (start, end) = (uses[first as usize], uses[last as usize] + 1);
            if let Some(offset) = self.hole(&rest, &[], with.fit) {
                self.place(&rest, offset);
                return true;
            }
            let taken = self.taken(&rest);
            first = match self.cheapest(&rest, &taken) {
                Some(Place { last: Reverse(last), offset, cuts, .. }) => {
                    if cuts {
                        self.clear(item, offset, (start, end), &taken, moved);
                    }
                    self.place(&Run { last, ..rest }, offset);
                    last + 1
                }
                None if with.moves == 0 => return false,
                None => {
                    with.moves -= 1;
                    self.force(&rest, moved, with);
                    first + 1
                }
            };
        }
        true
    }

    /// The place for a run that fits nowhere, or for its beginning, without moving anything that is needed meanwhile.
    fn cheapest(&self, run: &Run, taken: &[Taken]) -> Option<Place> {
        let item = self.item(run.item);
        let uses = &item.uses[run.first as usize..=run.last as usize];
        let (start, end) = (uses[0], uses[uses.len() - 1] + 1);
        // The step from which each conflicts, and the cost of cutting it, if it is idle all the time.
        let cut = |it: &Taken| (self.piece(it.id).start.max(start), self.price_of_cut(it.id, start, end));
        let cuts: Vec<(u32, Option<u64>)> = taken.iter().map(cut).collect();
        let mut sweep = Sweep::new(taken, item.length);
        let (mut n_fixed, mut price) = (0, 0);
        // The conflicting ones so far, by step; some are left behind by now.
        let mut met: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        let mut best: Option<Place> = None;
        for offset in sweep.edges(item.highest) {
            let (mut new, mut old) = ((0, 0), (0, 0));
            let count = |(n_fixed, price): &mut (u32, u64), cut: Option<u64>| match cut {
                Some(cut) => *price += cut,
                None => *n_fixed += 1,
            };
            let meet = |it: usize| {
                met.push(Reverse((cuts[it].0, it)));
                count(&mut new, cuts[it].1);
            };
            sweep.lift(offset, meet, |it| count(&mut old, cuts[it].1));
            (n_fixed, price) = (n_fixed + new.0 - old.0, price + new.1 - old.1);
            while met.peek().is_some_and(|Reverse((_, it))| taken[*it].high <= offset) {
                met.pop();
            }
            let free_until = met.peek().map_or(end, |Reverse((since, _))| *since);
            let n_free = uses.partition_point(|it| *it < free_until) as u32;
            let split = (0 < n_free).then(|| Place {
                price: self.price_of_split(run.item, run.first + n_free),
                last: Reverse(run.first + n_free - 1),
                offset,
                cuts: false,
            });
            let whole = (n_fixed == 0).then_some(Place { price, last: Reverse(run.last), offset, cuts: true });
            best = best.into_iter().chain(split).chain(whole).min();
        }
        best
    }

    /// The first use of a piece after some steps in which it is idle, if it is present before and after.
    fn use_after(&self, id: u32, start: u32, end: u32) -> Option<u32> {
        let piece = self.piece(id);
        let uses = &self.item(piece.item).uses;
        let at = uses.partition_point(|it| *it < start) as u32;
        (piece.first < at && at <= piece.last && end <= uses[at as usize]).then_some(at)
    }

    fn price_of_cut(&self, id: u32, start: u32, end: u32) -> Option<u64> {
        self.use_after(id, start, end).map(|at| self.price_of_split(self.piece(id).item, at))
    }

    /// Frees a range for an item in some steps: cuts idle pieces, and removes all others.
    fn clear(&mut self, item: u32, offset: u32, (start, end): (u32, u32), taken: &[Taken], moved: &mut Vec<Run>) {
        let length = self.item(item).length;
        for it in taken.iter().filter(|it| it.meets(offset, length)) {
            let at = self.use_after(it.id, start, end);
            let piece = self.remove(it.id);
            match at {
                Some(at) => {
                    self.place(&Run { last: at - 1, ..piece.run() }, piece.offset);
                    self.place(&Run { first: at, ..piece.run() }, piece.offset);
                }
                None => moved.push(piece.run()),
            }
        }
    }

    /// Inserts the first use of a run, which fits nowhere, in place of other operands of the same step.
    fn force(&mut self, run: &Run, moved: &mut Vec<Run>, with: &mut Insertion) {
        let start = self.item(run.item).uses[run.first as usize];
        let (first, end) = (Run { last: run.first, ..*run }, start + 1);
        if let Some(offset) = self.hole(&first, &[], with.fit) {
            return self.place(&first, offset);
        }
        let taken = self.taken(&first);
        let length = self.item(run.item).length;
        let trouble = |it: &Taken| {
            // Twice its size, if it can only be moved.
            let size = || 2 * u64::from(self.length_of(it.id)) * self.items.unit();
            self.price_of_cut(it.id, start, end).unwrap_or_else(size)
        };
        let mut price = |offset: u32| {
            let price: u64 = taken.iter().filter(|it| it.meets(offset, length)).map(trouble).sum();
            price + with.random.below(1 + price / 4)
        };
        let offsets = self.edges(run.item, &taken);
        let offset = offsets.into_iter().min_by_key(|it| price(*it)).expect("zero is among them");
        self.clear(run.item, offset, (start, end), &taken, moved);
        self.place(&first, offset);
    }

    /// Joins consecutive pieces of an item that can lie at one address.
    pub fn join(&mut self, item: u32) {
        let mut at = 1;
        while at < self.of_item(item).len() {
            let (first, second) = (self.of_item(item)[at - 1], self.of_item(item)[at]);
            let run = Run { last: self.piece(second).last, ..self.piece(first).run() };
            match self.hole(&run, &[first, second], Fit::Tightest) {
                Some(offset) => {
                    self.remove(first);
                    self.remove(second);
                    self.place(&run, offset);
                }
                None => at += 1,
            }
        }
    }
}
