//! Pieces at addresses, with the data for fast changes.

use super::items::{Item, Items, Part};
use super::occupied::Occupied;
use super::sweep::Sweep;
use std::ops::Range;

/// Consecutive uses of an item that are to lie at one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub item: u32,
    /// The first and the last one, as indices into the item's uses; both included.
    pub first: u32,
    pub last: u32,
}

/// A run at an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub item: u32,
    pub first: u32,
    pub last: u32,
    /// The steps from the first use to the last, half-open.
    pub start: u32,
    pub end: u32,
    pub offset: u32,
}

impl Piece {
    pub fn run(&self) -> Run {
        Run { item: self.item, first: self.first, last: self.last }
    }

    pub fn steps(&self) -> u32 {
        self.end - self.start
    }
}

/// A piece that conflicts with a run in time and may not be split: the run has its greatest length, and if it is
/// shorter while both are present, `low` is raised by the difference, even above `high`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub low: u32,
    pub high: u32,
    pub id: u32,
}

impl Taken {
    /// Whether it shares addresses with a block.
    pub fn meets(&self, offset: u32, length: u32) -> bool {
        self.low < offset + length && offset < self.high
    }
}

/// The choice of a hole for a piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fit {
    Lowest,
    Highest,
    /// The smallest one.
    Tightest,
}

impl Fit {
    /// The offset of a block in the preferred hole among those where it fits. Holes are ascending and end at `end` at
    /// the latest.
    pub fn choose(self, holes: impl Iterator<Item = Range<u32>>, length: u32, end: u32) -> Option<u32> {
        let mut holes = holes.filter(|it| it.start + length <= it.end);
        match self {
            Fit::Lowest => holes.next().map(|it| it.start),
            Fit::Highest => holes.min_by_key(|it| end - it.end).map(|it| it.end - length),
            Fit::Tightest => holes.min_by_key(|it| it.end - it.start).map(|it| it.start),
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    Added(u32),
    Removed(Piece),
}

/// The number of steps in a bucket.
const STEPS: u32 = 8;

/// Pieces that do not overlap. During a change some uses may have none.
#[derive(Clone)]
pub(super) struct Layout<'a> {
    pub items: &'a Items,
    pieces: Vec<Piece>,
    /// Ids without a piece.
    free: Vec<u32>,
    /// By item: its pieces, sorted by their uses.
    of_item: Vec<Vec<u32>>,
    /// The pieces in each bucket of steps, in any order.
    buckets: Vec<Vec<u32>>,
    /// The units taken in each step, unless there are too many.
    occupied: Option<Occupied>,
    /// By piece: the latest query that counted it.
    asked: Vec<u32>,
    question: u32,
    /// The changes since the last [`keep`](Layout::keep).
    changes: Vec<Change>,
    /// The cost in bytes of all splits.
    pub cost: u64,
}

impl Layout<'_> {
    pub fn new(items: &Items) -> Layout<'_> {
        Layout {
            items,
            pieces: Vec::new(),
            free: Vec::new(),
            of_item: vec![Vec::new(); items.list.len()],
            buckets: vec![Vec::new(); items.n_steps / STEPS as usize + 1],
            occupied: Occupied::new(items.n_steps, items.n_units()),
            asked: Vec::new(),
            question: 0,
            changes: Vec::new(),
            cost: 0,
        }
    }

    pub fn item(&self, item: u32) -> &Item {
        &self.items.list[item as usize]
    }

    pub fn piece(&self, id: u32) -> &Piece {
        &self.pieces[id as usize]
    }

    /// The length of the longest part of a piece's item.
    pub fn length_of(&self, id: u32) -> u32 {
        self.item(self.piece(id).item).length
    }

    /// The pieces of an item, sorted by their uses.
    pub fn of_item(&self, item: u32) -> &[u32] {
        &self.of_item[item as usize]
    }

    /// All pieces, by item.
    pub fn all(&self) -> Vec<Piece> {
        self.of_item.iter().flatten().map(|id| self.pieces[*id as usize]).collect()
    }

    /// The cost of another piece of an item that begins at this use, which is not the first.
    pub fn price_of_split(&self, item: u32, at: u32) -> u64 {
        let part = self.item(item).part_of_reload(at);
        let is_written = || self.of_item(item).iter().skip(1).any(|id| part.is_reloaded(self.piece(*id).first));
        part.reload + if part.write == 0 || is_written() { 0 } else { part.write }
    }

    /// The cost of the pieces of an item that do not begin at its first use.
    fn charge(&self, item: u32) -> u64 {
        let pieces = self.of_item(item).iter().skip(1);
        let reloaded = pieces.map(|id| self.item(item).part_of_reload(self.piece(*id).first));
        let mut written = None;
        let charge = |part: &Part| {
            let is_written = written.replace(part.first) == Some(part.first);
            part.reload + if is_written { 0 } else { part.write }
        };
        reloaded.map(charge).sum()
    }

    pub fn place(&mut self, run: &Run, offset: u32) {
        self.add(self.items.piece(run, offset));
    }

    pub fn add(&mut self, piece: Piece) {
        let id = self.free.pop().unwrap_or(self.pieces.len() as u32);
        if id as usize == self.pieces.len() {
            self.pieces.push(piece);
            self.asked.push(0);
        }
        self.pieces[id as usize] = piece;
        for bucket in piece.start / STEPS..=(piece.end - 1) / STEPS {
            self.buckets[bucket as usize].push(id);
        }
        self.toggle(&piece);
        self.cost -= self.charge(piece.item);
        let others = &mut self.of_item[piece.item as usize];
        let at = others.partition_point(|it| self.pieces[*it as usize].first < piece.first);
        others.insert(at, id);
        self.cost += self.charge(piece.item);
        self.changes.push(Change::Added(id));
    }

    pub fn remove(&mut self, id: u32) -> Piece {
        let piece = self.pieces[id as usize];
        for bucket in piece.start / STEPS..=(piece.end - 1) / STEPS {
            let bucket = &mut self.buckets[bucket as usize];
            let at = bucket.iter().position(|it| *it == id).expect("a piece is in its buckets");
            bucket.swap_remove(at);
        }
        self.toggle(&piece);
        self.cost -= self.charge(piece.item);
        self.of_item[piece.item as usize].retain(|it| *it != id);
        self.cost += self.charge(piece.item);
        self.free.push(id);
        self.changes.push(Change::Removed(piece));
        piece
    }

    /// Makes the changes so far final.
    pub fn keep(&mut self) {
        self.changes.clear();
    }

    /// Undoes the changes since the last [`keep`](Layout::keep).
    pub fn take_back(&mut self) {
        // The latest first, so that ids are reused in the order in which they were taken.
        for change in std::mem::take(&mut self.changes).into_iter().rev() {
            match change {
                Change::Added(id) => _ = self.remove(id),
                Change::Removed(piece) => self.add(piece),
            }
        }
        self.changes.clear();
    }

    /// The pieces in some steps, half-open.
    pub fn there(&mut self, steps: &Range<u32>) -> Vec<u32> {
        self.question += 1;
        let mut ids = Vec::new();
        for bucket in steps.start / STEPS..=(steps.end - 1) / STEPS {
            for &id in &self.buckets[bucket as usize] {
                let piece = &self.pieces[id as usize];
                let asked = &mut self.asked[id as usize];
                if piece.start < steps.end && steps.start < piece.end && *asked != self.question {
                    *asked = self.question;
                    ids.push(id);
                }
            }
        }
        ids
    }

    /// The pieces that conflict with a run in time, by offset.
    pub fn taken(&mut self, run: &Run) -> Vec<Taken> {
        let item = self.item(run.item);
        let steps = item.uses[run.first as usize]..item.uses[run.last as usize] + 1;
        let ids = self.there(&steps);
        let item = self.item(run.item);
        let taken = |id: u32| {
            let piece = self.piece(id);
            let both = steps.start.max(piece.start)..steps.end.min(piece.end);
            let low = piece.offset + item.length - item.length_in(&both);
            Taken { low, high: piece.offset + self.item(piece.item).length_in(&both), id }
        };
        let mut taken: Vec<Taken> = ids.into_iter().map(taken).collect();
        taken.sort_unstable_by_key(|it| (it.low, it.id));
        taken
    }

    /// Takes the space of a piece, or frees it again.
    fn toggle(&mut self, piece: &Piece) {
        let Some(occupied) = &mut self.occupied else { return };
        let item = &self.items.list[piece.item as usize];
        if !item.is_shaped() {
            return occupied.toggle(piece.start..piece.end, &(piece.offset..piece.offset + item.length));
        }
        for step in piece.start..piece.end {
            let length = item.length_in(&(step..step + 1));
            occupied.toggle(step..step + 1, &(piece.offset..piece.offset + length));
        }
    }

    /// A hole for a run, if these pieces of its item, sorted by step, give way.
    pub fn hole(&mut self, run: &Run, without: &[u32], fit: Fit) -> Option<u32> {
        let item = self.item(run.item);
        match &self.occupied {
            Some(occupied) if !item.is_shaped() => {
                let own = |id: &u32| {
                    let piece = self.piece(*id);
                    (piece.start..piece.end, piece.offset..piece.offset + item.length)
                };
                let own: Vec<(Range<u32>, Range<u32>)> = without.iter().map(own).collect();
                let steps = item.uses[run.first as usize]..item.uses[run.last as usize] + 1;
                occupied.during(&steps, &own).hole(item.length, item.highest + item.length, fit)
            }
            _ => {
                let mut taken = self.taken(run);
                taken.retain(|it| !without.contains(&it.id));
                self.hole_among(run.item, &taken, fit)
            }
        }
    }

    /// A hole for an item among others.
    pub fn hole_among(&self, item: u32, taken: &[Taken], fit: Fit) -> Option<u32> {
        let &Item { length, highest, .. } = self.item(item);
        let end = highest + length;
        let others = taken.iter().map(|it| (it.low.min(end), it.high)).chain([(end, end)]);
        let holes = others.scan(0, |low, (next, high)| {
            let hole = *low..next;
            *low = high.max(*low);
            Some(hole)
        });
        fit.choose(holes, length, end)
    }

    /// Offsets right above or below others, the lowest and the highest one; ascending.
    pub fn edges(&self, item: u32, taken: &[Taken]) -> Vec<u32> {
        let &Item { length, highest, .. } = self.item(item);
        Sweep::new(taken, length).edges(highest)
    }
}
