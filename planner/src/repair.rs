//! A plan for an outline whose stays cannot be packed, or not in time: some tensors are evicted once more, and reloaded
//! to another address.
//!
//! 1. Blocks are placed one at a time, the largest first, each at the lowest address where it fits. A block that fits
//!    nowhere goes where the conflicting blocks have been displaced the least often, and these are placed again: an
//!    ejection chain (Glover).
//! 2. If a block has been displaced too often, the cheapest of it and the blocks that conflict with it is split in two
//!    where it is idle the longest: between two uses it is evicted, and then reloaded wherever there is space.
//! 3. When all blocks are placed, the stays of one tensor that can be joined at one address are joined, including stays
//!    that the outline separated.
//!
//! A result that may take the place of an operand goes there if the space is otherwise free. With reserved addresses,
//! everything lies in the largest stretch between them. If that is too small for an operator or something is pinned,
//! reserved addresses are obstacles, and pinned blocks lie at their pins or are displaced.
//!
//! All limits count steps of this procedure, so only the deadline makes the result depend on time. There is no proof
//! and no guarantee. But single steps can always be packed, so after enough splits there is almost always a plan.

use crate::{Bytes, Deadline, InPlace, Outline, Plan, Problem, Residency, Step, TensorId};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use tracing::debug;

/// The number of times that a block may be displaced before something is split, at first. Each value is one attempt for
/// each placement order.
const PATIENCE: [u32; 5] = [4, 8, 2, 16, 32];

/// The block to place first.
#[derive(Clone, Copy)]
enum First {
    Largest,
    LargestForLongest,
}

/// Patience halves after this many placements per block.
const PLACINGS_PER_BLOCK: usize = 10;

/// The number of rounds before it gives up: if the blocks of a step fit in few ways, displacement may go round in
/// circles.
const ROUNDS: usize = 12;

/// The best plan that repairs an outline, and its non-compulsory bytes; `None` if none was found in time.
pub(crate) fn repair(problem: &Problem, outline: &Outline, deadline: Deadline) -> Option<(Plan, Bytes)> {
    let mut best: Option<(Plan, Bytes)> = None;
    for (patience, first) in PATIENCE.iter().flat_map(|it| [(*it, First::Largest), (*it, First::LargestForLongest)]) {
        let mut repair = Repair::new(problem, outline, first);
        if !repair.place_all(patience, deadline) {
            break;
        }
        repair.join(deadline);
        let plan = repair.plan(outline);
        let cost = plan.non_compulsory(problem);
        debug!(patience, %cost, "repaired");
        if best.as_ref().is_none_or(|it| cost < it.1) {
            best = Some((plan, cost));
        }
    }
    best
}

/// A stay, or the workspace of a step.
#[derive(Clone, Debug)]
struct Block {
    /// `None` for a workspace.
    tensor: Option<TensorId>,
    /// The steps that use it, ascending; it is present from the first to the last of them.
    uses: Vec<u32>,
    /// In units of the alignment.
    length: u64,
    /// The highest offset at which it fits.
    most: u64,
    /// The only possible offset, if it has a pin.
    pin: Option<u64>,
    /// Its offset, if it is placed.
    offset: Option<u64>,
    /// How often it was displaced.
    pushed: u32,
}

impl Block {
    fn start(&self) -> u32 {
        self.uses[0]
    }

    fn end(&self) -> u32 {
        self.uses[self.uses.len() - 1] + 1
    }

    fn meets(&self, start: u32, end: u32) -> bool {
        self.start() < end && start < self.end()
    }
}

/// Blocks to place, the first one first.
type Waiting = BTreeSet<(Reverse<u128>, Reverse<u32>, usize)>;

struct Repair<'a> {
    problem: &'a Problem,
    blocks: Vec<Block>,
    /// By tensor: its stays.
    n_stays: Vec<u32>,
    /// By tensor: the pairs with operands that it may share bytes with in the step that writes it.
    pairs_of: Vec<Vec<InPlace>>,
    first: First,
    /// The origin of offsets.
    base: Bytes,
    /// Reserved ranges, half-open.
    obstacles: Vec<(u64, u64)>,
}

/// Stands for an obstacle in place of a block's index.
const OBSTACLE: usize = usize::MAX;

impl Repair<'_> {
    fn new<'a>(problem: &'a Problem, outline: &Outline, first: First) -> Repair<'a> {
        let graph = &problem.graph;
        let Bytes(alignment) = problem.machine.alignment();
        let mut uses: Vec<Vec<u32>> = vec![Vec::new(); graph.tensors().len()];
        for (step, &op) in outline.order.iter().enumerate() {
            problem.operands(op).for_each(|it| uses[it.index()].push(step as u32));
        }
        let mut stretch = problem.machine.largest_stretch();
        let mut obstacles = Vec::new();
        if graph.has_pins() || stretch.end - stretch.start < problem.min_scratchpad() {
            stretch = Bytes::ZERO..problem.machine.scratchpad();
            let units = |it: Range<Bytes>| (it.start.0 / alignment, it.end.0.div_ceil(alignment));
            obstacles.extend(problem.machine.reserved().into_iter().map(units));
        }
        let block = |tensor: Option<TensorId>, size: Bytes, uses: Vec<u32>| Block {
            tensor,
            uses,
            length: size.0.div_ceil(alignment),
            most: (stretch.end - stretch.start).saturating_sub(size).0 / alignment,
            pin: tensor.and_then(|it| graph.pinned(it)).map(|it| it.start.0 / alignment),
            offset: (size == Bytes::ZERO).then_some(0),
            pushed: 0,
        };
        let mut n_stays = vec![0; graph.tensors().len()];
        let mut blocks = Vec::new();
        for stay in &outline.stays {
            let all = uses[stay.tensor.index()].iter().copied();
            let uses: Vec<u32> = all.filter(|it| stay.steps.contains(&Step(*it))).collect();
            n_stays[stay.tensor.index()] += 1;
            blocks.push(block(Some(stay.tensor), graph.tensor(stay.tensor).size, uses));
        }
        for (step, &op) in outline.order.iter().enumerate() {
            let size = graph.op(op).workspace;
            if size != Bytes::ZERO {
                blocks.push(block(None, size, vec![step as u32]));
            }
        }
        blocks.iter_mut().for_each(|it| {
            it.uses.dedup();
        });
        let mut pairs_of = vec![Vec::new(); graph.tensors().len()];
        for pair in problem.in_place_by_step(&outline.order).iter().flatten() {
            pairs_of[pair.result.index()].push(*pair);
        }
        Repair { problem, blocks, n_stays, pairs_of, first, base: stretch.start, obstacles }
    }

    /// Places all blocks; false if it gives up or the deadline passes.
    fn place_all(&mut self, mut patience: u32, deadline: Deadline) -> bool {
        let mut waiting: Waiting = (0..self.blocks.len()).map(|it| self.key(it)).collect();
        waiting.retain(|it| self.blocks[it.2].offset.is_none());
        for _ in 0..ROUNDS {
            let placings = PLACINGS_PER_BLOCK * self.blocks.len();
            if self.place(&mut waiting, placings, patience, deadline) {
                return true;
            }
            if deadline.has_passed() {
                return false;
            }
            patience /= 2;
        }
        false
    }

    fn key(&self, index: usize) -> (Reverse<u128>, Reverse<u32>, usize) {
        let block = &self.blocks[index];
        let duration = block.end() - block.start();
        let size = match self.first {
            First::Largest => u128::from(block.length),
            First::LargestForLongest => u128::from(block.length) * u128::from(duration),
        };
        (Reverse(size), Reverse(duration), index)
    }

    /// Places these blocks, splitting some when patience runs out; false if it exceeds `placings` or the deadline. Then
    /// the rest is still waiting.
    fn place(&mut self, waiting: &mut Waiting, mut placings: usize, patience: u32, deadline: Deadline) -> bool {
        while let Some((.., index)) = waiting.pop_first() {
            if placings == 0 || placings.is_multiple_of(64) && deadline.has_passed() {
                waiting.insert(self.key(index));
                return false;
            }
            placings -= 1;
            let taken = self.taken(index);
            if let Some(offset) = self.fit(index, &taken) {
                self.blocks[index].offset = Some(offset);
                continue;
            }
            let Some((offset, in_the_way)) = self.least_trouble(index, &taken) else {
                waiting.insert(self.key(index));
                return false;
            };
            let price = |it: usize| Some((self.price(it)?, it));
            let candidates = in_the_way.iter().copied().chain([index]);
            match candidates.filter_map(price).min() {
                Some((_, split)) if patience <= self.blocks[index].pushed => {
                    self.blocks[split].offset = None;
                    let around = self.blocks[index].start()..self.blocks[index].end();
                    let new = self.split(split, around);
                    self.blocks[index].pushed = 0;
                    waiting.extend([split, new, index].map(|it| self.key(it)));
                }
                _ => {
                    for it in in_the_way {
                        self.blocks[it].offset = None;
                        self.blocks[it].pushed += 1;
                        waiting.insert(self.key(it));
                    }
                    self.blocks[index].offset = Some(offset);
                    // A block that displaces others counts as displaced too.
                    self.blocks[index].pushed += 1;
                }
            }
        }
        true
    }

    /// The placed blocks that share a step with this one, by offset.
    fn taken(&self, index: usize) -> Vec<(u64, u64, usize)> {
        let block = &self.blocks[index];
        let (start, end) = (block.start(), block.end());
        let others = self.blocks.iter().enumerate().filter(|it| it.0 != index && it.1.length != 0);
        let mut taken: Vec<(u64, u64, usize)> = others
            .filter(|it| it.1.meets(start, end))
            .filter_map(|(it, other)| other.offset.map(|offset| (offset, offset + other.length, it)))
            .collect();
        taken.extend(self.obstacles.iter().map(|it| (it.0, it.1, OBSTACLE)));
        taken.sort_unstable();
        taken
    }

    /// The distance from the second of two blocks to the first if they share bytes, where one is a result and the other
    /// an operand that allows it.
    fn shared_distance(&self, a: usize, b: usize) -> Option<i128> {
        let distance = |result: &Block, operand: &Block| {
            let pairs = &self.pairs_of[result.tensor?.index()];
            let pair = pairs.iter().find(|it| Some(it.operand) == operand.tensor)?;
            let at = i128::from(pair.at().0 / self.problem.machine.alignment().0);
            let is_handed_over = result.start() + 1 == operand.end();
            is_handed_over.then_some(if pair.inner() == pair.result { at } else { -at })
        };
        let (a, b) = (&self.blocks[a], &self.blocks[b]);
        distance(a, b).or_else(|| distance(b, a).map(|it| -it))
    }

    /// The offset at which a block would share bytes with a placed one.
    fn shared_offset(&self, index: usize, it: &(u64, u64, usize)) -> Option<u64> {
        if it.2 == OBSTACLE {
            return None;
        }
        let offset = i128::from(it.0) + self.shared_distance(index, it.2)?;
        let block = &self.blocks[index];
        u64::try_from(offset).ok().filter(|it| *it <= block.most && block.pin.is_none_or(|pin| pin == *it))
    }

    /// An offset at which a block fits: one at which it shares bytes, or else the lowest.
    fn fit(&self, index: usize, taken: &[(u64, u64, usize)]) -> Option<u64> {
        let shared = taken.iter().filter_map(|it| self.shared_offset(index, it));
        let mut shared = shared.filter(|it| !taken.iter().any(|other| self.is_in_the_way(index, *it, other)));
        shared.next().or_else(|| self.lowest_fit(index, taken))
    }

    /// Whether a placed block conflicts with another one at an offset.
    fn is_in_the_way(&self, index: usize, offset: u64, it: &(u64, u64, usize)) -> bool {
        let block = &self.blocks[index];
        // Pins were checked: a pinned block may end in the unit in which a reserved range begins.
        let is_meant = it.2 != OBSTACLE || block.pin.is_none();
        is_meant && it.0 < offset + block.length && offset < it.1 && self.shared_offset(index, it) != Some(offset)
    }

    fn lowest_fit(&self, index: usize, taken: &[(u64, u64, usize)]) -> Option<u64> {
        let block = &self.blocks[index];
        if let Some(pin) = block.pin {
            return (!taken.iter().any(|it| self.is_in_the_way(index, pin, it))).then_some(pin);
        }
        let mut offset = 0;
        for &(low, high, _) in taken {
            if offset + block.length <= low {
                break;
            }
            offset = offset.max(high);
        }
        (offset <= block.most).then_some(offset)
    }

    /// The offset whose conflicting blocks were displaced the least often, and these blocks; `None` if reserved
    /// addresses leave no place at all.
    fn least_trouble(&self, index: usize, taken: &[(u64, u64, usize)]) -> Option<(u64, Vec<usize>)> {
        let block = &self.blocks[index];
        let around =
            |it: &(u64, u64, usize)| [self.shared_offset(index, it), Some(it.1), it.0.checked_sub(block.length)];
        let candidates = taken.iter().flat_map(around).flatten();
        let mut candidates: Vec<u64> = candidates.chain([0, block.most]).filter(|it| *it <= block.most).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let is_in_the_way = |offset: u64, it: &(u64, u64, usize)| self.is_in_the_way(index, offset, it);
        match block.pin {
            Some(pin) => candidates = vec![pin],
            None if self.obstacles.is_empty() => {}
            // Obstacles cannot be displaced.
            None => {
                let is_free =
                    |offset: &u64| !self.obstacles.iter().any(|it| it.0 < offset + block.length && *offset < it.1);
                candidates.retain(is_free);
            }
        }
        let trouble = |offset: u64| -> u64 {
            let blocks = taken.iter().filter(|it| is_in_the_way(offset, it));
            blocks.map(|it| (1 + u64::from(self.blocks[it.2].pushed)).pow(2)).sum()
        };
        let offset = candidates.into_iter().min_by_key(|it| trouble(*it))?;
        Some((offset, taken.iter().filter(|it| is_in_the_way(offset, it)).map(|it| it.2).collect()))
    }

    /// The cost of moving a block once more; `None` if it cannot be split.
    fn price(&self, index: usize) -> Option<u64> {
        let block = &self.blocks[index];
        let tensor = block.tensor.filter(|_| 1 < block.uses.len())?;
        let graph = &self.problem.graph;
        let has_host_copy = graph.has_host_copy(tensor) || 1 < self.n_stays[tensor.index()];
        Some(graph.tensor(tensor).size.0 * if has_host_copy { 1 } else { 2 })
    }

    /// Splits a block where it is idle the longest, within these steps if it is idle there at all; returns the later
    /// part.
    fn split(&mut self, index: usize, around: std::ops::Range<u32>) -> usize {
        let block = &self.blocks[index];
        let idle = |it: &usize| {
            let (from, to) = (block.uses[*it - 1] + 1, block.uses[*it]);
            (to.min(around.end).saturating_sub(from.max(around.start)), to - from, Reverse(*it))
        };
        let at = (1..block.uses.len()).max_by_key(idle).expect("it is used twice");
        let mut later = block.clone();
        later.uses.drain(..at);
        later.pushed = 0;
        let earlier = &mut self.blocks[index];
        earlier.uses.truncate(at);
        earlier.pushed = 0;
        let tensor = earlier.tensor.expect("a workspace is used once");
        self.n_stays[tensor.index()] += 1;
        self.blocks.push(later);
        self.blocks.len() - 1
    }

    /// Pairs of consecutive stays of one tensor, the most expensive first.
    fn pairs(&self) -> Vec<(Reverse<u64>, usize, usize)> {
        let stays = self.blocks.iter().enumerate();
        let mut stays: Vec<_> = stays.filter_map(|(index, it)| Some((it.tensor?, it.start(), index))).collect();
        stays.sort_unstable();
        let pairs = stays.windows(2).filter(|it| it[0].0 == it[1].0);
        let mut pairs: Vec<_> =
            pairs.map(|it| (Reverse(self.problem.graph.tensor(it[0].0).size.0), it[0].2, it[1].2)).collect();
        pairs.sort_unstable();
        pairs
    }

    /// Joins stays of one tensor that can lie at one address without a break, the most expensive first, until none is
    /// left or the deadline passes.
    fn join(&mut self, deadline: Deadline) {
        loop {
            let mut is_gone = vec![false; self.blocks.len()];
            let mut gone: Vec<usize> = Vec::new();
            for (_, earlier, later) in self.pairs() {
                if deadline.has_passed() {
                    break;
                }
                // A pair that lost a part to another one is tried again in the next round.
                if is_gone[earlier] || is_gone[later] {
                    continue;
                }
                let before = self.blocks[earlier].clone();
                let offset = self.take(earlier, later);
                let taken = self.taken(earlier);
                match self.fit(earlier, &taken) {
                    Some(offset) => {
                        self.blocks[earlier].offset = Some(offset);
                        gone.push(later);
                        is_gone[later] = true;
                    }
                    None => {
                        self.blocks[earlier] = before;
                        self.blocks[later].offset = offset;
                    }
                }
            }
            if gone.is_empty() {
                return;
            }
            for &stay in &gone {
                let tensor = self.blocks[stay].tensor.expect("only stays are joined");
                self.n_stays[tensor.index()] -= 1;
            }
            let mut is_gone = is_gone.into_iter();
            self.blocks.retain(|_| is_gone.next() != Some(true));
        }
    }

    /// Extends a stay by a later one, which is removed; returns the offset of the latter.
    fn take(&mut self, earlier: usize, later: usize) -> Option<u64> {
        let uses = self.blocks[later].uses.clone();
        self.blocks[earlier].uses.extend(uses);
        self.blocks[later].offset.take()
    }

    fn plan(&self, outline: &Outline) -> Plan {
        let alignment = self.problem.machine.alignment().0;
        let Bytes(start) = self.base;
        let mut workspaces = vec![Bytes::ZERO; outline.order.len()];
        let mut residencies: Vec<Residency> = Vec::new();
        for block in &self.blocks {
            let offset = Bytes(start + block.offset.expect("all are placed") * alignment);
            match block.tensor {
                Some(tensor) => {
                    residencies.push(Residency { tensor, steps: Step(block.start())..Step(block.end()), offset });
                }
                None => workspaces[block.start() as usize] = offset,
            }
        }
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        Plan { order: outline.order.clone(), residencies, workspaces }
    }
}
