//! Changes of a layout: something is forced, and conflicting pieces go elsewhere.

use super::insert::{First, Insertion};
use super::layout::{Fit, Layout, Run, Taken};
use super::sweep::Sweep;
use crate::Deadline;
use crate::pack::random::Random;

/// One of this many changes removes everything in some steps.
const CHANGES_FOR_SHAKE: u64 = 5;

/// One of this many chosen splits may be any split.
const SPLITS_FOR_ANY: u64 = 4;

/// The numbers of steps from which everything may be removed.
const WINDOWS: [u32; 5] = [1, 2, 4, 8, 16];

/// Two consecutive pieces of an item: the second has index `at`.
struct Split {
    item: u32,
    at: usize,
}

/// The address at which two pieces are joined.
enum At {
    First,
    Second,
    Anywhere,
    /// The one with the least conflicts, or almost.
    LeastInTheWay,
}

impl Layout<'_> {
    /// Makes a change, and joins what can be joined afterwards. False if that fails, or if the cost exceeds `most`:
    /// then some uses may have no place.
    pub fn change(&mut self, most: u64, random: &mut Random, deadline: Deadline) -> bool {
        let Some(split) = self.any_split(random) else { return false };
        let fit = [Fit::Lowest, Fit::Highest, Fit::Tightest][random.below(3) as usize];
        let mut with = Insertion { random, fit, moves: 0, most, deadline };
        let touched = match with.random.below(CHANGES_FOR_SHAKE) {
            0 => self.shake(&split, &mut with),
            _ => self.force_join(&split, &mut with),
        };
        let Some(mut touched) = touched else { return false };
        touched.sort_unstable();
        touched.dedup();
        touched.into_iter().for_each(|item| self.join(item));
        self.cost <= most
    }

    /// The more expensive of two splits, usually of those that the outline does not have.
    fn any_split(&self, random: &mut Random) -> Option<Split> {
        let is_of_addresses = random.below(SPLITS_FOR_ANY) != 0;
        let two = [(); 2].map(|()| self.random_split(is_of_addresses, random));
        let dearer = two.into_iter().flatten().max_by_key(|it| self.reload(self.around(it).1));
        dearer.or_else(|| self.random_split(false, random))
    }

    /// The cost of a piece beginning where it does.
    fn reload(&self, id: u32) -> u64 {
        let piece = self.piece(id);
        self.item(piece.item).part_of_reload(piece.first).reload
    }

    /// A random split, of those that the outline does not have, or of all.
    fn random_split(&self, is_of_addresses: bool, random: &mut Random) -> Option<Split> {
        let n_items = self.items.list.len();
        let counts = |id: &u32| !is_of_addresses || !self.items.is_start(self.piece(*id));
        let first = random.below(n_items.max(1) as u64) as usize;
        let mut items = (first..n_items).chain(0..first).map(|it| it as u32);
        let item = items.find(|it| self.of_item(*it).iter().skip(1).any(counts))?;
        let splits = (1..self.of_item(item).len()).filter(|at| counts(&self.of_item(item)[*at]));
        let splits: Vec<usize> = splits.collect();
        Some(Split { item, at: splits[random.below(splits.len() as u64) as usize] })
    }

    /// The median of the costs of the splits.
    pub fn median_split(&self) -> u64 {
        let pieces = (0..self.items.list.len() as u32).flat_map(|item| self.of_item(item).iter().skip(1));
        let mut reloads: Vec<u64> = pieces.map(|id| self.reload(*id)).collect();
        reloads.sort_unstable();
        reloads.get(reloads.len() / 2).copied().unwrap_or(0)
    }

    /// The two pieces of a split.
    fn around(&self, split: &Split) -> (u32, u32) {
        let pieces = self.of_item(split.item);
        (pieces[split.at - 1], pieces[split.at])
    }

    /// Joins two pieces, and inserts conflicting ones elsewhere. Returns the items that were touched.
    fn force_join(&mut self, split: &Split, with: &mut Insertion) -> Option<Vec<u32>> {
        let item = split.item;
        let (first, second) = self.around(split);
        let (first, second) = (self.remove(first), self.remove(second));
        let run = Run { last: second.last, ..first.run() };
        let taken = self.taken(&run);
        let length = self.item(item).length;
        let how = match with.random.below(8) {
            0 => At::First,
            1 => At::Second,
            2 => At::Anywhere,
            _ => At::LeastInTheWay,
        };
        let offset = match how {
            At::First => first.offset,
            At::Second => second.offset,
            At::Anywhere => {
                let offsets = self.edges(item, &taken);
                offsets[with.random.below(offsets.len() as u64) as usize]
            }
            At::LeastInTheWay => {
                let area = |it: &Taken| u64::from(self.length_of(it.id)) * u64::from(self.piece(it.id).steps());
                let areas: Vec<u64> = taken.iter().map(area).collect();
                let mut sweep = Sweep::new(&taken, length);
                let offsets = sweep.edges(self.item(item).highest);
                let (mut met, mut left) = (0, 0);
                let mut noisy = |offset: u32| {
                    sweep.lift(offset, |it| met += areas[it], |it| left += areas[it]);
                    u128::from(met - left) * u128::from(64 + with.random.below(128))
                };
                offsets.into_iter().min_by_key(|it| noisy(*it)).expect("zero is among them")
            }
        };
        let out: Vec<u32> = taken.iter().filter(|it| it.meets(offset, length)).map(|it| it.id).collect();
        let runs: Vec<Run> = out.into_iter().map(|id| self.remove(id).run()).collect();
        self.place(&run, offset);
        let order = [First::Longest, First::Largest, First::LongestForLongest, First::Any];
        let order = order[with.random.below(4) as usize];
        with.moves = 4 + runs.len() as u32 / 2;
        let touched = runs.iter().map(|it| it.item).collect();
        self.insert_all(runs, order, true, with).then_some(touched)
    }

    /// Removes everything, or some of it, in some steps around a split, and inserts it again in another order. Returns
    /// the items that were touched.
    fn shake(&mut self, split: &Split, with: &mut Insertion) -> Option<Vec<u32>> {
        let pieces = <[u32; 2]>::from(self.around(split));
        let (from, to) = (self.piece(pieces[0]).end - 1, self.piece(pieces[1]).start + 1);
        let centre = from + with.random.below(u64::from(to - from)) as u32;
        let width = WINDOWS[with.random.below(WINDOWS.len() as u64) as usize];
        let (start, end) = (centre.saturating_sub(width / 2), centre + width / 2 + 1);
        let share = [10, 6, 3][with.random.below(3) as usize];
        let mut out: Vec<u32> = pieces.to_vec();
        for id in self.there(&(start..end.min(self.items.n_steps as u32))) {
            if !pieces.contains(&id) && with.random.below(10) < share {
                out.push(id);
            }
        }
        let mut touched: Vec<u32> = out.into_iter().map(|id| self.remove(id).item).collect();
        touched.sort_unstable();
        touched.dedup();
        let runs: Vec<Run> = touched.iter().flat_map(|item| self.missing(*item)).collect();
        let order =
            [First::Longest, First::Largest, First::LongestForLongest, First::Dearest, First::Earliest, First::Any];
        let order = order[with.random.below(6) as usize];
        let is_noisy = with.random.below(3) != 0;
        with.moves = 20 + runs.len() as u32 / 4;
        self.insert_all(runs, order, is_noisy, with).then_some(touched)
    }

    /// The uses of an item without a piece, consecutive ones together.
    fn missing(&self, item: u32) -> Vec<Run> {
        let n_uses = self.item(item).uses.len() as u32;
        let placed = self.of_item(item).iter().map(|id| (self.piece(*id).first, self.piece(*id).last + 1));
        let mut runs = Vec::new();
        let mut next = 0;
        for (first, end) in placed.chain([(n_uses, n_uses)]) {
            if next < first {
                runs.push(Run { item, first: next, last: first - 1 });
            }
            next = end;
        }
        runs
    }
}
