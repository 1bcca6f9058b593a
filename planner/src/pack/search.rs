//! The exact search: place a block at its lowest offset, or exclude that.
//!
//! Blocks are placed from the bottom up: a block placed later lies above the earlier ones that it meets, so the placed
//! blocks only determine how high the others must lie at least. A state is therefore a lower bound on the offset of
//! each remaining block.
//!
//! 1. If there is a packing with these bounds, there is one in which no block can be moved down; each block lies at its
//!    bound or rests on another.
//! 2. Take a block such that no block that it meets fits beneath it. Either it lies at its bound, and everything that
//!    it meets lies above: place it. Or it rests on a block still to be placed: raise its bound to the lowest top that
//!    one of them can have.
//! 3. A bound is never where the block would overlap one whose offset is fixed.
//! 4. In a section of time, stacking the remaining blocks in the order of their bounds gives a least height; if that
//!    exceeds the capacity, backtrack.
//! 5. If there is too little space above a block's bound for others of its section, it rests on one of them: its bound
//!    is raised.
//!
//! The block is chosen where there is the least choice, so that one region of time is finished, or found to be
//! infeasible, before the next is begun. Regions that no block connects any longer are packed separately; if one of
//! them fails, the others are irrelevant, and the search goes back to the last placement that affects it.
//!
//! Bottom-up placement with bounds per section of time follows MiniMalloc (Moffitt, ASPLOS 2023). The choice between
//! placing and postponing is from scheduling (Le Pape et al. 1994), where a section is a machine and a block a task
//! that takes several machines at once.

use super::block::Block;
use super::budget::Budget;
use super::ground::Ground;
use super::rests::Rests;
use super::sections::Rows;

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome<T> {
    /// An offset for each block.
    Placed(T),
    /// There is provably no packing.
    Infeasible,
    /// The limit was reached first.
    Stopped,
}

/// The region in which a search chooses its next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Focus {
    /// The section with the least choice.
    Choice,
    /// The section with the least slack.
    Slack,
    /// The first unfinished section.
    First,
    /// Everywhere: the lowest block.
    Lowest,
}

/// The strategy of a run.
#[derive(Clone, Debug)]
pub(super) struct Strategy {
    /// The region of the next block.
    pub focus: Focus,
    /// By block: the greater goes first among those that could lie equally low.
    pub rank: Vec<u64>,
    /// The limit of failures.
    pub failures: u64,
}

/// A search over the packings of blocks; it can run several times.
pub(super) struct Search<'a> {
    blocks: &'a [Block],
    ground: &'a Ground,
    /// By block: its size and its limit, adjacent for fast access.
    rooms: Vec<u64>,
    limits: Vec<u64>,
    /// The blocks sorted by start.
    by_start: Vec<u32>,
    /// By section, its blocks: the remaining ones, almost sorted by bound, then the placed ones, the last one first. So
    /// undoing needs only their number.
    live: Rows<u32>,
    /// How often a section has been too full, with decay over the runs.
    weights: Vec<u64>,
    /// The lower bounds; for placed blocks, the offsets.
    offsets: Vec<u64>,
    placed: Vec<bool>,
    gauges: Vec<Gauge>,
    /// By section, the number of remaining blocks that are live there and in the next one.
    crossing: Vec<u32>,
    changes: Vec<Change>,
    dirty: Vec<u32>,
    is_dirty: Vec<bool>,
    /// The bounds in the section that was measured last, in the order of its blocks.
    bounds: Vec<u64>,
    rests: Rests,
}

/// Measurements of the remaining blocks of a section.
#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    /// Their number.
    count: u32,
    /// The number of them that can be the lowest.
    choices: u32,
    /// Their total size.
    room: u64,
    /// The space that may be wasted.
    slack: u64,
}

/// A change that can be undone.
enum Change {
    Offset(u32, u64),
    Placed(u32),
    Gauge(u32, Gauge),
}

/// A placement, with the state for undoing it.
struct Frame {
    block: u32,
    range: (u32, u32),
    parent: usize,
    n_changes: usize,
    n_pending: usize,
}

const NONE: usize = usize::MAX;

/// The slack of a section that has not been measured yet.
const UNKNOWN: u64 = u64::MAX;

impl<'a> Search<'a> {
    /// Prepares a search.
    pub fn new(blocks: &'a [Block], ground: &'a Ground) -> Search<'a> {
        let sections = &ground.sections;
        let mut crossing = vec![0; sections.count];
        for (start, end) in &ground.hulls {
            for section in *start..*end - 1 {
                crossing[section as usize] += 1;
            }
        }
        let mut by_start: Vec<u32> = (0..blocks.len() as u32).collect();
        by_start.sort_by_key(|it| ground.hulls[*it as usize].0);
        Search {
            blocks,
            ground,
            rooms: blocks.iter().map(|it| it.room).collect(),
            limits: blocks.iter().map(Block::limit).collect(),
            by_start,
            live: sections.live.clone(),
            weights: vec![1; sections.count],
            offsets: (0..blocks.len())
                .map(|it| ground.next_clear(it, blocks[it].lowest, blocks[it].alignment))
                .collect(),
            placed: vec![false; blocks.len()],
            gauges: vec![Gauge::default(); sections.count],
            crossing,
            changes: Vec::new(),
            dirty: Vec::new(),
            is_dirty: vec![false; sections.count],
            bounds: Vec::new(),
            rests: Rests::default(),
        }
    }

    /// Searches from the start. `Infeasible` is proven.
    pub fn run(&mut self, strategy: &Strategy, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        // Sections that were too full in the last runs count most.
        self.weights.iter_mut().for_each(|it| *it = it.div_ceil(2));
        let outcome = self.descend(strategy, budget);
        self.undo(0);
        outcome
    }

    fn descend(&mut self, strategy: &Strategy, budget: &mut Budget<'_>) -> Outcome<Vec<u64>> {
        for section in 0..self.ground.sections.count {
            let live = self.live.row(section);
            let room = live.iter().map(|it| self.rooms[*it as usize]).sum();
            self.gauges[section] = Gauge { count: live.len() as u32, choices: 0, room, slack: UNKNOWN };
            self.touch(section as u32);
        }
        if self.blocks.iter().zip(&self.offsets).any(|it| it.0.highest < *it.1) {
            return Outcome::Infeasible;
        }
        match self.settle(budget) {
            Some(true) => {}
            Some(false) => return Outcome::Infeasible,
            None => return Outcome::Stopped,
        }
        let mut failures = 0;
        let mut frames: Vec<Frame> = Vec::new();
        let mut pending = vec![((0, self.ground.sections.count as u32), NONE)];
        while let Some((range, parent)) = pending.pop() {
            if budget.is_over() {
                return Outcome::Stopped;
            }
            if self.split(range, parent, &mut pending) {
                continue;
            }
            let Some(block) = self.choose(range, strategy) else { continue };
            let (mut range, mut parent) = (range, parent);
            if !self.is_forced(block, range) {
                let n_changes = self.changes.len();
                frames.push(Frame { block, range, parent, n_changes, n_pending: pending.len() });
                parent = frames.len() - 1;
            }
            let mut good = if self.place(block) { self.settle(budget) } else { Some(false) };
            while good != Some(true) {
                if good.is_none() {
                    return Outcome::Stopped;
                }
                failures += 1;
                if parent == NONE {
                    return Outcome::Infeasible;
                }
                if strategy.failures < failures || budget.is_over() {
                    return Outcome::Stopped;
                }
                frames.truncate(parent + 1);
                let frame = frames.pop().expect("a parent is a frame");
                self.undo(frame.n_changes);
                pending.truncate(frame.n_pending);
                (range, parent) = (frame.range, frame.parent);
                good = if self.postpone(frame.block) { self.settle(budget) } else { Some(false) };
            }
            pending.push((range, parent));
        }
        Outcome::Placed(self.offsets.clone())
    }

    /// Whether a range divides into several, or nothing is left of it: they are then pending instead.
    fn split(&self, range: (u32, u32), parent: usize, pending: &mut Vec<((u32, u32), usize)>) -> bool {
        let n_pending = pending.len();
        let mut start = range.0;
        for section in range.0..range.1 {
            if section + 1 < range.1 && self.crossing[section as usize] != 0 {
                continue;
            }
            let part = (start, section + 1);
            start = section + 1;
            if (part.0..part.1).any(|it| self.gauges[it as usize].count != 0) {
                if part == range {
                    return false;
                }
                pending.push((part, parent));
            }
        }
        // The one with the least slack is tried first, so it comes last.
        let slack = |part: (u32, u32)| {
            let gauges = self.gauges[part.0 as usize..part.1 as usize].iter();
            gauges.filter(|it| it.count != 0).map(|it| it.slack).min().unwrap_or(0)
        };
        pending[n_pending..].sort_by_key(|it| std::cmp::Reverse((slack(it.0), it.0)));
        true
    }

    /// The remaining blocks in a section.
    fn left(&self, section: usize) -> &[u32] {
        &self.live.row(section)[..self.gauges[section].count as usize]
    }

    /// The next block: nothing that it meets fits beneath it.
    fn choose(&self, range: (u32, u32), strategy: &Strategy) -> Option<u32> {
        let left = (range.0..range.1).filter(|it| self.gauges[*it as usize].count != 0);
        let prefer = |it: &u32| {
            let block = *it as usize;
            (self.offsets[block], std::cmp::Reverse(strategy.rank[block]), *it)
        };
        let lowest = |section: u32| self.left(section as usize).iter().copied().min_by_key(prefer);
        let mut best = match strategy.focus {
            Focus::First => lowest(left.min()?)?,
            Focus::Lowest => {
                let first = |section| self.by_start.partition_point(|it| self.ground.hulls[*it as usize].0 < section);
                let inside = &self.by_start[first(range.0)..first(range.1)];
                inside.iter().filter(|it| !self.placed[**it as usize]).copied().min_by_key(prefer)?
            }
            Focus::Slack => {
                let section = left.min_by_key(|it| {
                    let gauge = &self.gauges[*it as usize];
                    (gauge.slack, gauge.choices, *it)
                })?;
                lowest(section)?
            }
            Focus::Choice => {
                // Weighted choices are compared without a division, which is slow.
                let by_choice = |one: &u32, other: &u32| {
                    let key = |it: u32| (&self.gauges[it as usize], self.weights[it as usize]);
                    let ((gauge, weight), (its_gauge, its_weight)) = (key(*one), key(*other));
                    let order = (u64::from(gauge.choices) * its_weight).cmp(&(u64::from(its_gauge.choices) * weight));
                    order.then_with(|| (gauge.slack, one).cmp(&(its_gauge.slack, other)))
                };
                lowest(left.min_by(by_choice)?)?
            }
        };
        loop {
            let limit = self.offsets[best as usize];
            let fits = |it: &&u32| {
                let other = **it as usize;
                !self.placed[other] && self.offsets[other] + self.rooms[other] <= limit
            };
            match self.ground.neighbours.row(best as usize).iter().filter(fits).copied().min_by_key(prefer) {
                Some(lower) => best = lower,
                None => return Some(best),
            }
        }
    }

    /// Whether placing the block at its bound loses nothing.
    fn is_forced(&self, block: u32, range: (u32, u32)) -> bool {
        let offset = self.offsets[block as usize];
        let top = offset + self.rooms[block as usize];
        let mut left = self.ground.neighbours.row(block as usize).iter().filter(|it| !self.placed[**it as usize]);
        // It does not constrain any other block.
        if left.clone().all(|it| top <= self.offsets[*it as usize]) {
            return true;
        }
        // It spans the whole region: everything below can change places with it.
        self.ground.free
            && self.ground.sections.spans.row(block as usize) == [range]
            && left.all(|it| {
                let other = *it as usize;
                offset <= self.offsets[other] && self.limits[block as usize] <= self.limits[other]
            })
    }

    /// Places a block at its bound; `false` if another would have to lie too high.
    fn place(&mut self, block: u32) -> bool {
        let id = block as usize;
        self.changes.push(Change::Placed(block));
        self.placed[id] = true;
        let room = self.rooms[id];
        for at in 0..self.ground.sections.spans.row(id).len() {
            let (start, end) = self.ground.sections.spans.row(id)[at];
            for section in start..end {
                self.touch(section);
                let gauge = &mut self.gauges[section as usize];
                let left = &mut self.live.row_mut(section as usize)[..gauge.count as usize];
                let at = left.iter().position(|it| *it == block).expect("it is left there");
                left[at..].rotate_left(1);
                gauge.count -= 1;
                gauge.room -= room;
            }
        }
        let (start, end) = self.ground.hulls[id];
        for section in start..end - 1 {
            self.crossing[section as usize] -= 1;
        }
        let top = self.offsets[id] + room;
        for at in 0..self.ground.neighbours.row(id).len() {
            let other = self.ground.neighbours.row(id)[at];
            if !self.placed[other as usize] && self.offsets[other as usize] < top && !self.raise(other, top) {
                return false;
            }
        }
        true
    }

    /// Decides that a block does not lie at its bound, so it rests on another.
    fn postpone(&mut self, block: u32) -> bool {
        let id = block as usize;
        let tops = self.ground.neighbours.row(id).iter().filter(|it| !self.placed[**it as usize]);
        let Some(top) = tops.map(|it| self.offsets[*it as usize] + self.rooms[*it as usize]).min() else {
            return false;
        };
        let offset = self.offsets[id];
        // An interchangeable block could take its place, so it does not lie there, either.
        for at in 0..self.ground.neighbours.row(id).len() {
            let other = self.ground.neighbours.row(id)[at];
            let alike =
                self.ground.kinds[other as usize] == self.ground.kinds[id] && self.offsets[other as usize] == offset;
            if alike && !self.placed[other as usize] && !self.raise(other, top) {
                return false;
            }
        }
        self.raise(block, top)
    }

    /// Raises a block's bound; `false` if that is too high.
    fn raise(&mut self, block: u32, offset: u64) -> bool {
        let id = block as usize;
        let offset = self.ground.next_clear(id, offset, self.blocks[id].alignment);
        if self.blocks[id].highest < offset {
            for at in 0..self.ground.sections.spans.row(id).len() {
                let (start, end) = self.ground.sections.spans.row(id)[at];
                for section in start..end {
                    self.weights[section as usize] += 1;
                }
            }
            return false;
        }
        self.changes.push(Change::Offset(block, self.offsets[id]));
        self.offsets[id] = offset;
        for at in 0..self.ground.sections.spans.row(id).len() {
            let (start, end) = self.ground.sections.spans.row(id)[at];
            (start..end).for_each(|it| self.touch(it));
        }
        true
    }

    /// Marks a section as changed, and saves its state.
    fn touch(&mut self, section: u32) {
        if !std::mem::replace(&mut self.is_dirty[section as usize], true) {
            self.changes.push(Change::Gauge(section, self.gauges[section as usize]));
            self.dirty.push(section);
        }
    }

    /// Measures changed sections; `false` if one is too full, `None` if the budget is exhausted first.
    fn settle(&mut self, budget: &mut Budget<'_>) -> Option<bool> {
        let mut good = true;
        while let Some(section) = self.dirty.pop() {
            self.is_dirty[section as usize] = false;
            if budget.spend(1 + self.gauges[section as usize].count as usize) {
                return None;
            }
            if good && !self.measure(section as usize) {
                self.weights[section as usize] += 1;
                good = false;
            }
        }
        Some(good)
    }

    /// Measures the least height of the remaining blocks in a section; `false` if that is too high.
    fn measure(&mut self, section: usize) -> bool {
        let count = self.gauges[section].count as usize;
        let live = &mut self.live.row_mut(section)[..count];
        // They were sorted before the last bounds were raised, so they are almost sorted, except the first time.
        if self.gauges[section].slack == UNKNOWN {
            let offsets = &self.offsets;
            live.sort_by_key(|block| offsets[*block as usize]);
        }
        if self.bounds.len() < count {
            self.bounds.resize(count, 0);
        }
        let bounds = &mut self.bounds[..count];
        for at in 0..count {
            let block = live[at];
            let offset = self.offsets[block as usize];
            let mut to = at;
            while 0 < to && offset < bounds[to - 1] {
                live[to] = live[to - 1];
                bounds[to] = bounds[to - 1];
                to -= 1;
            }
            live[to] = block;
            bounds[to] = offset;
        }
        let (mut top, mut limit, mut choices) = (0, 0, 0);
        let mut lowest_top = u64::MAX;
        for (block, offset) in live.iter().zip(bounds) {
            let room = self.rooms[*block as usize];
            top = top.max(*offset) + room;
            limit = limit.max(self.limits[*block as usize]);
            choices += u32::from(*offset < lowest_top);
            lowest_top = lowest_top.min(*offset + room);
        }
        let gauge = &mut self.gauges[section];
        gauge.choices = choices;
        gauge.slack = limit.saturating_sub(top);
        top <= limit && self.lift(section, limit)
    }

    /// Raises the bounds of the blocks that must rest on others in a section that was just measured.
    fn lift(&mut self, section: usize, limit: u64) -> bool {
        let Gauge { count, room, .. } = self.gauges[section];
        let bounds = &self.bounds[..count as usize];
        if bounds.last().is_none_or(|it| *it <= limit - room) {
            return true;
        }
        let mut rests = std::mem::take(&mut self.rests);
        let left = &self.live.row(section)[..count as usize];
        let raises = rests.find(left, bounds, &self.rooms, limit);
        let good = raises.iter().all(|(block, offset)| self.raise(*block, *offset));
        self.rests = rests;
        good
    }

    /// Undoes all changes except the first `n_changes`.
    fn undo(&mut self, n_changes: usize) {
        while let Some(section) = self.dirty.pop() {
            self.is_dirty[section as usize] = false;
        }
        while n_changes < self.changes.len() {
            match self.changes.pop().expect("there are more") {
                Change::Offset(block, offset) => self.offsets[block as usize] = offset,
                Change::Gauge(section, gauge) => self.gauges[section as usize] = gauge,
                Change::Placed(block) => {
                    self.placed[block as usize] = false;
                    let (start, end) = self.ground.hulls[block as usize];
                    for section in start..end - 1 {
                        self.crossing[section as usize] += 1;
                    }
                }
            }
        }
    }
}
