//! Pieces at addresses, with what each change of them needs to know fast.

use super::items::{Item, Items};

/// Uses of an item that follow one another, and are to lie at one address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub item: u32,
    /// The first and the last one, counted among the item's uses; both included.
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
}

/// A piece in the way of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub low: u32,
    pub high: u32,
    pub id: u32,
}

impl Taken {
    /// Whether it has addresses in common with a block.
    pub fn meets(&self, offset: u32, length: u32) -> bool {
        self.low < offset + length && offset < self.high
    }
}

/// Which hole a piece goes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fit {
    Lowest,
    Highest,
    /// The smallest one.
    Tightest,
}

#[derive(Clone, Copy)]
enum Change {
    Added(u32),
    Removed(Piece),
}

/// Steps of a bucket.
const STEPS: u32 = 8;

/// Pieces that do not overlap. During a change some uses may have none.
#[derive(Clone)]
pub(super) struct Layout<'a> {
    pub items: &'a Items,
    pieces: Vec<Piece>,
    /// Ids that no piece has.
    free: Vec<u32>,
    /// By item: its pieces, in the order of their uses.
    of_item: Vec<Vec<u32>>,
    /// The pieces in each few steps, in any order.
    buckets: Vec<Vec<u32>>,
    /// By piece: the latest question that it was counted for.
    asked: Vec<u32>,
    question: u32,
    keys: Vec<u64>,
    /// What was changed since the last [`keep`](Layout::keep).
    changes: Vec<Change>,
    /// Bytes that all splits cost.
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
            asked: Vec::new(),
            question: 0,
            keys: Vec::new(),
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

    /// The pieces of an item, in the order of their uses.
    pub fn of_item(&self, item: u32) -> &[u32] {
        &self.of_item[item as usize]
    }

    /// All pieces, by item.
    pub fn all(&self) -> Vec<Piece> {
        self.of_item.iter().flatten().map(|id| self.pieces[*id as usize]).collect()
    }

    /// What it costs to have one piece more of an item.
    pub fn price_of_split(&self, item: u32) -> u64 {
        let Item { reload, write, .. } = self.item(item);
        reload + if self.of_item(item).len() < 2 { *write } else { 0 }
    }

    fn charge(&self, item: u32) -> u64 {
        let Item { reload, write, .. } = self.item(item);
        match self.of_item(item).len() as u64 {
            0 | 1 => 0,
            n_pieces => reload * (n_pieces - 1) + write,
        }
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

    /// Takes back the changes since the last [`keep`](Layout::keep).
    pub fn take_back(&mut self) {
        // The latest first, so that ids are given away again in the order in which they were taken.
        for change in std::mem::take(&mut self.changes).into_iter().rev() {
            match change {
                Change::Added(id) => _ = self.remove(id),
                Change::Removed(piece) => self.add(piece),
            }
        }
        self.changes.clear();
    }

    /// The pieces in some steps, half-open, by offset.
    pub fn taken(&mut self, start: u32, end: u32) -> Vec<Taken> {
        self.question += 1;
        self.keys.clear();
        for bucket in start / STEPS..=(end - 1) / STEPS {
            for &id in &self.buckets[bucket as usize] {
                let piece = &self.pieces[id as usize];
                let asked = &mut self.asked[id as usize];
                if piece.start < end && start < piece.end && *asked != self.question {
                    *asked = self.question;
                    self.keys.push((u64::from(piece.offset) << 32) | u64::from(id));
                }
            }
        }
        self.keys.sort_unstable();
        let taken = |key: &u64| {
            let (low, id) = ((key >> 32) as u32, *key as u32);
            Taken { low, high: low + self.item(self.piece(id).item).length, id }
        };
        self.keys.iter().map(taken).collect()
    }

    /// Where an item fits among others.
    pub fn hole(&self, item: u32, taken: &[Taken], fit: Fit) -> Option<u32> {
        let &Item { length, highest, .. } = self.item(item);
        let end = highest + length;
        let mut best: Option<(u32, u32)> = None;
        let mut low = 0;
        for (next, high) in taken.iter().map(|it| (it.low.min(end), it.high)).chain([(end, end)]) {
            if low + length <= next {
                let (rank, offset) = match fit {
                    Fit::Lowest => return Some(low),
                    Fit::Highest => (end - next, next - length),
                    Fit::Tightest => (next - low, low),
                };
                if best.is_none_or(|it| rank < it.0) {
                    best = Some((rank, offset));
                }
            }
            low = low.max(high);
        }
        best.map(|it| it.1)
    }

    /// Offsets right above or below others, the lowest and the highest one; ascending.
    pub fn edges(&self, item: u32, taken: &[Taken]) -> Vec<u32> {
        let &Item { length, highest, .. } = self.item(item);
        let around = taken.iter().flat_map(|it| [Some(it.high), it.low.checked_sub(length)]).flatten();
        let mut offsets: Vec<u32> = around.filter(|it| *it <= highest).chain([0, highest]).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }
}
