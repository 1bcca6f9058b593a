//! The blocks of a plan in banks, for changes of their places.
//!
//! A *block* is a set of residencies that share bytes in some step, such as a result and the operand under it; or a single
//! residency; or the workspace of a step. It moves as a whole, within its bank or to another one, and only to places where
//! it overlaps no other block. So the blocks form a valid plan at any time.

use super::reads::Together;
use crate::address::between;
use crate::pack::random::Random;
use crate::pack::{Interval, Packing, Piece, pack_within};
use crate::{Bytes, Deadline, MemoryId, Plan, Problem, TensorId};
use std::ops::Range;

/// How often packing a bank anew is tried, each time with other orders.
const ATTEMPTS: u64 = 16;

/// Blocks that may make room for another one at once.
const MOST_IN_THE_WAY: usize = 3;

/// Places of a block that others are moved for, at most, each time.
const PLACES_TO_CLEAR: usize = 4;

/// What a block is made of.
#[derive(Clone, Copy)]
enum Member {
    Residency(usize),
    /// Of this step.
    Workspace(usize),
}

/// What lies at one place as a whole.
#[derive(Clone)]
pub(crate) struct Block {
    /// With bytes from the start of the block on. They are in any order, and may overlap.
    pieces: Vec<Piece>,
    size: u64,
    /// What it is made of, and where that begins.
    members: Vec<(Member, u64)>,
    is_pinned: bool,
    pub offset: u64,
    /// None while it is to be placed.
    pub bank: Option<usize>,
}

/// All blocks of a plan.
#[derive(Clone)]
pub(crate) struct Blocks<'a> {
    plan: &'a Plan,
    alignment: u64,
    /// By bank: where blocks may lie, half-open.
    stretches: Vec<Vec<Range<u64>>>,
    pub list: Vec<Block>,
    /// By block: those that are there in some of its steps, or nearly.
    near: Vec<Vec<usize>>,
    /// By block: those that some operators read beside it, and how many.
    beside: Vec<Vec<(usize, u64)>>,
    /// By residency.
    of_residency: Vec<Option<usize>>,
    /// Conflicts within blocks, wherever these lie.
    inner_conflicts: u64,
    /// All of them.
    pub conflicts: u64,
}

impl<'a> Blocks<'a> {
    /// Those of a plan that the judge accepts. Some pairs of residencies lie at one offset in any case.
    pub fn new(problem: &Problem, plan: &'a Plan, together: &[Together], tied: &[(usize, usize)]) -> Blocks<'a> {
        let memory = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()];
        let bank_size = memory.banks.map_or(u64::MAX, |it| it.size.0);
        let n_banks = memory.size.map_or(0, |it| it.0.div_ceil(bank_size)) as usize;
        let mut stretches = vec![Vec::new(); n_banks];
        for it in memory.stretches() {
            stretches[(it.start.0 / bank_size) as usize].push(it.start.0..it.end.0);
        }
        let alignment = problem.machine.alignment().0;
        let mut blocks = Blocks {
            plan,
            alignment,
            stretches,
            list: Vec::new(),
            near: Vec::new(),
            beside: Vec::new(),
            of_residency: vec![None; plan.residencies.len()],
            inner_conflicts: 0,
            conflicts: 0,
        };
        for members in joined(problem, plan, tied) {
            let size = |it: usize| problem.graph.tensor(plan.residencies[it].tensor).size.0;
            let start = members.iter().map(|it| plan.residencies[*it].offset.0).min().unwrap_or(0);
            let end = members.iter().map(|it| plan.residencies[*it].offset.0 + size(*it)).max().unwrap_or(0);
            let piece = |it: &usize| {
                let of = &plan.residencies[*it];
                let low = of.offset - Bytes(start);
                Piece { start: of.steps.start.0, end: of.steps.end.0, low, high: low + Bytes(size(*it)) }
            };
            let is_pinned = |it: &usize| problem.graph.pinned(plan.residencies[*it].tensor).is_some();
            let index = blocks.list.len();
            members.iter().for_each(|it| blocks.of_residency[*it] = Some(index));
            blocks.list.push(Block {
                pieces: members.iter().map(piece).collect(),
                size: end - start,
                is_pinned: members.iter().any(is_pinned),
                members: members
                    .iter()
                    .map(|it| (Member::Residency(*it), plan.residencies[*it].offset.0 - start))
                    .collect(),
                offset: start,
                bank: Some((start / bank_size) as usize),
            });
        }
        for (step, (op, offset)) in plan.order.iter().zip(&plan.workspaces).enumerate() {
            let high = problem.graph.op(*op).workspace;
            if high != Bytes::ZERO {
                let piece = Piece { start: step as u32, end: step as u32 + 1, low: Bytes::ZERO, high };
                blocks.list.push(Block {
                    pieces: vec![piece],
                    size: high.0,
                    members: vec![(Member::Workspace(step), 0)],
                    is_pinned: false,
                    offset: offset.0,
                    bank: Some((offset.0 / bank_size) as usize),
                });
            }
        }
        blocks.find_near();
        blocks.find_beside(together);
        blocks
    }

    fn find_near(&mut self) {
        let steps = |it: &Block| {
            let start = it.pieces.iter().map(|it| it.start).min().unwrap_or(0);
            start..it.pieces.iter().map(|it| it.end).max().unwrap_or(0)
        };
        let steps: Vec<Range<u32>> = self.list.iter().map(steps).collect();
        let mut order: Vec<usize> = (0..steps.len()).collect();
        order.sort_by_key(|it| steps[*it].start);
        self.near = vec![Vec::new(); steps.len()];
        for (nth, &one) in order.iter().enumerate() {
            for &other in order[nth + 1..].iter().take_while(|it| steps[**it].start < steps[one].end) {
                self.near[one].push(other);
                self.near[other].push(one);
            }
        }
    }

    fn find_beside(&mut self, together: &[Together]) {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for Together { one, other, .. } in together {
            let (Some(one), Some(other)) = (self.of_residency[*one], self.of_residency[*other]) else { continue };
            match one == other {
                true => self.inner_conflicts += 1,
                false => pairs.extend([(one, other), (other, one)]),
            }
        }
        pairs.sort_unstable();
        self.beside = vec![Vec::new(); self.list.len()];
        for same in pairs.chunk_by(|a, b| a == b) {
            self.beside[same[0].0].push((same[0].1, same.len() as u64));
        }
        let twice: u64 = (0..self.list.len()).map(|it| self.conflicts_of(it, self.list[it].bank)).sum();
        self.conflicts = self.inner_conflicts + twice / 2;
    }

    /// The conflicts of a block with all others, if it were in a bank.
    fn conflicts_of(&self, block: usize, bank: Option<usize>) -> u64 {
        let Some(bank) = bank else { return 0 };
        let is_there = |it: &&(usize, u64)| self.list[it.0].bank == Some(bank);
        self.beside[block].iter().filter(is_there).map(|it| it.1).sum()
    }

    /// The blocks of two residencies, unless they are one block or lie in two banks.
    pub fn in_conflict(&self, it: &Together) -> Option<(usize, usize)> {
        let (one, other) = (self.of_residency[it.one]?, self.of_residency[it.other]?);
        (one != other && self.list[one].bank == self.list[other].bank).then_some((one, other))
    }

    pub fn n_banks(&self) -> usize {
        self.stretches.len()
    }

    /// The banks of a block, those of the fewest conflicts first; equals in any order.
    pub fn banks_for(&self, block: usize, random: &mut Random) -> Vec<(u64, usize)> {
        let mut banks: Vec<(u64, u64, usize)> =
            (0..self.n_banks()).map(|it| (self.conflicts_of(block, Some(it)), random.below(1 << 16), it)).collect();
        banks.sort_unstable();
        banks.into_iter().map(|it| (it.0, it.2)).collect()
    }

    /// Moves a block to a bank in which there is room for it at one place at least.
    pub fn shift(&mut self, block: usize, bank: usize) -> bool {
        if self.list[block].is_pinned {
            return false;
        }
        let Some(offset) = self.hole(block, bank) else { return false };
        self.put(block, bank, offset);
        true
    }

    fn put(&mut self, block: usize, bank: usize, offset: u64) {
        self.take(block);
        self.conflicts += self.conflicts_of(block, Some(bank));
        let of = &mut self.list[block];
        (of.bank, of.offset) = (Some(bank), offset);
    }

    fn take(&mut self, block: usize) {
        self.conflicts -= self.conflicts_of(block, self.list[block].bank);
        self.list[block].bank = None;
    }

    /// The lowest place in a bank where a block meets no other.
    fn hole(&self, block: usize, bank: usize) -> Option<u64> {
        self.hole_among(&self.list[block], bank, &self.near_in(block, bank))
    }

    fn hole_among(&self, own: &Block, bank: usize, near: &[usize]) -> Option<u64> {
        let is_free = |offset: &u64| !near.iter().any(|it| meet(own, *offset, &self.list[*it]));
        self.places(own, bank, near).into_iter().find(is_free)
    }

    /// Where two residencies of a tensor could lie as one, from the start of the first one to the end of the second one,
    /// with no more conflicts than now; none of those that share bytes with others.
    pub fn room_for_both(&self, one: usize, other: usize) -> Option<u64> {
        let (one, other) = (self.of_residency[one]?, self.of_residency[other]?);
        let (first, second) = (&self.list[one], &self.list[other]);
        let ([a], [b]) = (&first.pieces[..], &second.pieces[..]) else { return None };
        if first.is_pinned || second.is_pinned {
            return None;
        }
        let both = Block { pieces: vec![Piece { end: b.end, ..*a }], ..first.clone() };
        let now = self.conflicts_of(one, first.bank) + self.conflicts_of(other, second.bank);
        let is_there = |it: &usize| *it != one && *it != other && do_meet_in_time(&both, &self.list[*it]);
        let there: Vec<usize> = (0..self.list.len()).filter(is_there).collect();
        (0..self.n_banks()).find_map(|bank| {
            let then = self.conflicts_of(one, Some(bank)) + self.conflicts_of(other, Some(bank));
            let near: Vec<usize> = there.iter().copied().filter(|it| self.list[*it].bank == Some(bank)).collect();
            if then <= now { self.hole_among(&both, bank, &near) } else { None }
        })
    }

    fn near_in(&self, block: usize, bank: usize) -> Vec<usize> {
        self.near[block].iter().copied().filter(|it| self.list[*it].bank == Some(bank)).collect()
    }

    /// Where a block would begin right behind another one, or at the start of a stretch; ascending.
    fn places(&self, own: &Block, bank: usize, near: &[usize]) -> Vec<u64> {
        let mut places = Vec::new();
        for stretch in self.stretches[bank].iter().filter(|it| own.size <= it.end - it.start) {
            let last = stretch.end - own.size;
            places.push(stretch.start);
            for other in near.iter().map(|it| &self.list[*it]) {
                for it in &other.pieces {
                    for piece in own.pieces.iter().filter(|own| own.start.max(it.start) < own.end.min(it.end)) {
                        let end = other.offset + it.high.0;
                        let place = end.saturating_sub(piece.low.0).next_multiple_of(self.alignment);
                        if stretch.start <= place && place <= last {
                            places.push(place);
                        }
                    }
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    fn meet(&self, block: usize, offset: u64, other: usize) -> bool {
        meet(&self.list[block], offset, &self.list[other])
    }

    /// Moves a block to a bank where a few others make room for it, each to the bank where it has the fewest conflicts. What
    /// comes of it has at most so many conflicts; else nothing is changed.
    pub fn push_in(&mut self, block: usize, bank: usize, most: u64, random: &mut Random) -> bool {
        if self.list[block].is_pinned {
            return false;
        }
        let near = self.near_in(block, bank);
        let mut places: Vec<(usize, u64, u64)> = Vec::new();
        for offset in self.places(&self.list[block], bank, &near) {
            let met: Vec<usize> = near.iter().copied().filter(|it| self.meet(block, offset, *it)).collect();
            if met.len() <= MOST_IN_THE_WAY && met.iter().all(|it| !self.list[*it].is_pinned) {
                places.push((met.len(), met.iter().map(|it| self.list[*it].size).sum(), offset));
            }
        }
        places.sort_unstable();
        for (_, _, offset) in places.into_iter().take(PLACES_TO_CLEAR) {
            let mut met: Vec<usize> = near.iter().copied().filter(|it| self.meet(block, offset, *it)).collect();
            met.sort_by_key(|it| (std::cmp::Reverse(self.list[*it].size), *it));
            let before: Vec<(usize, Option<usize>, u64)> =
                met.iter().chain([&block]).map(|it| (*it, self.list[*it].bank, self.list[*it].offset)).collect();
            met.iter().for_each(|it| self.take(*it));
            self.put(block, bank, offset);
            let is_done = met.iter().all(|&it| {
                let banks = self.banks_for(it, random);
                banks.into_iter().any(|(_, bank)| self.shift(it, bank))
            });
            if is_done && self.conflicts <= most {
                return true;
            }
            before.iter().for_each(|it| self.take(it.0));
            before.into_iter().for_each(|(it, bank, offset)| {
                if let Some(bank) = bank {
                    self.put(it, bank, offset);
                }
            });
        }
        false
    }

    /// Moves a block to a bank all of whose blocks are placed anew.
    pub fn pack_in(&mut self, block: usize, bank: usize, deadline: Deadline) -> bool {
        if self.list[block].is_pinned || self.list[block].bank == Some(bank) {
            return false;
        }
        let is_there = |it: &usize| self.list[*it].bank == Some(bank) || *it == block;
        let all: Vec<usize> = (0..self.list.len()).filter(is_there).collect();
        let Some(offsets) = self.packed(&all, bank, deadline) else { return false };
        self.put(block, bank, self.list[block].offset);
        all.iter().zip(offsets).for_each(|(it, offset)| self.list[*it].offset = offset);
        true
    }

    /// Offsets for these blocks in a bank.
    fn packed(&self, all: &[usize], bank: usize, deadline: Deadline) -> Option<Vec<u64>> {
        let stretches = &self.stretches[bank];
        let base = stretches.first()?.start;
        let interval = |it: &usize| {
            let block = &self.list[*it];
            let room = |it: &Piece| {
                let high = it.low + (it.high - it.low).align_up(Bytes(self.alignment));
                Piece { high: high.min(Bytes(block.size)), ..*it }
            };
            let interval = Interval::of_parts(Bytes(block.size), block.pieces.iter().map(room).collect());
            let fixed = block.is_pinned.then(|| Bytes(block.offset - base));
            Interval { fixed, ..interval }
        };
        let mut intervals: Vec<Interval> = all.iter().map(interval).collect();
        let shifted: Vec<Range<Bytes>> =
            stretches.iter().map(|it| Bytes(it.start - base)..Bytes(it.end - base)).collect();
        let capacity = shifted.last()?.end;
        intervals.extend(between(&shifted, Bytes(self.alignment), self.plan.order.len() as u32));
        match pack_within(&intervals, capacity, Bytes(self.alignment), ATTEMPTS, deadline) {
            Packing::Placed(offsets) => Some(offsets[..all.len()].iter().map(|it| it.0 + base).collect()),
            Packing::Infeasible | Packing::Undecided => None,
        }
    }

    /// Puts blocks into these banks; where these are others than before, all blocks of the bank anew.
    ///
    /// # Errors
    /// A bank for which no such place was found; then nothing is changed.
    #[cfg(feature = "ilp")]
    pub fn put_all(&mut self, banks: &[usize], deadline: Deadline) -> Result<(), usize> {
        let mut changed = self.clone();
        for bank in 0..self.n_banks() {
            let all: Vec<usize> = (0..self.list.len()).filter(|it| banks[*it] == bank).collect();
            let is_as_before = all.iter().all(|it| self.list[*it].bank == Some(bank));
            if is_as_before || all.is_empty() {
                continue;
            }
            let offsets = self.packed(&all, bank, deadline).ok_or(bank)?;
            all.iter().zip(offsets).for_each(|(it, offset)| changed.list[*it].offset = offset);
        }
        for (block, bank) in changed.list.iter_mut().zip(banks) {
            block.bank = Some(*bank);
        }
        let twice: u64 = (0..changed.list.len()).map(|it| changed.conflicts_of(it, changed.list[it].bank)).sum();
        changed.conflicts = changed.inner_conflicts + twice / 2;
        *self = changed;
        Ok(())
    }

    /// Where each block lies.
    pub fn places_of_all(&self) -> Vec<u64> {
        self.list.iter().map(|it| it.offset).collect()
    }

    /// The plan with the blocks at these places.
    pub fn plan_at(&self, places: &[u64]) -> Plan {
        let mut plan = self.plan.clone();
        for (block, offset) in self.list.iter().zip(places) {
            for (member, low) in &block.members {
                let at = Bytes(offset + low);
                match member {
                    Member::Residency(it) => plan.residencies[*it].offset = at,
                    Member::Workspace(step) => plan.workspaces[*step] = at,
                }
            }
        }
        plan
    }

    /// Which bytes of a block are in use in which steps.
    #[cfg(feature = "ilp")]
    pub fn pieces(&self, block: usize) -> &[Piece] {
        &self.list[block].pieces
    }

    #[cfg(feature = "ilp")]
    pub fn is_pinned(&self, block: usize) -> bool {
        self.list[block].is_pinned
    }

    /// Conflicts within blocks, wherever these lie.
    #[cfg(feature = "ilp")]
    pub fn inner_conflicts(&self) -> u64 {
        self.inner_conflicts
    }

    /// The units of the alignment in a bank: no more can the rooms of what lies there add up to.
    #[cfg(feature = "ilp")]
    pub fn units(&self, bank: usize) -> u64 {
        self.stretches[bank].iter().map(|it| (it.end - it.start).div_ceil(self.alignment)).sum()
    }

    #[cfg(feature = "ilp")]
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// The blocks that operators read beside one, and how many operators.
    #[cfg(feature = "ilp")]
    pub fn beside(&self, block: usize) -> &[(usize, u64)] {
        &self.beside[block]
    }

    #[cfg(feature = "ilp")]
    pub fn n_steps(&self) -> usize {
        self.plan.order.len()
    }

    /// Whether a block could lie in a bank at all.
    #[cfg(feature = "ilp")]
    pub fn fits(&self, block: usize, bank: usize) -> bool {
        self.holds(self.list[block].size, bank)
    }

    /// Whether a bank has so many bytes in one stretch.
    #[cfg(feature = "ilp")]
    pub fn holds(&self, size: u64, bank: usize) -> bool {
        self.stretches[bank].iter().any(|it| size <= it.end - it.start)
    }
}

/// Whether a block at an offset is in the way of another one.
fn meet(own: &Block, offset: u64, other: &Block) -> bool {
    own.pieces.iter().any(|a| {
        other.pieces.iter().any(|b| {
            a.start.max(b.start) < a.end.min(b.end)
                && (offset + a.low.0).max(other.offset + b.low.0) < (offset + a.high.0).min(other.offset + b.high.0)
        })
    })
}

fn do_meet_in_time(one: &Block, other: &Block) -> bool {
    let meet = |a: &Piece, b: &Piece| a.start.max(b.start) < a.end.min(b.end);
    one.pieces.iter().any(|a| other.pieces.iter().any(|b| meet(a, b)))
}

/// Residencies that share bytes in some step, or are tied, as sets; those without bytes in none.
fn joined(problem: &Problem, plan: &Plan, tied: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let size = |it: TensorId| problem.graph.tensor(it).size;
    let mut by_step: Vec<Vec<usize>> = vec![Vec::new(); plan.order.len()];
    let n_residencies = plan.residencies.len();
    let mut leader: Vec<usize> = (0..n_residencies).collect();
    fn find(leader: &mut [usize], mut it: usize) -> usize {
        while leader[it] != it {
            leader[it] = leader[leader[it]];
            it = leader[it];
        }
        it
    }
    // A result and an operand share bytes in the step that writes the one and ends the other.
    for (index, it) in plan.residencies.iter().enumerate().filter(|it| it.1.steps.start < it.1.steps.end) {
        by_step[it.steps.end.index() - 1].push(index);
    }
    for (index, it) in plan.residencies.iter().enumerate().filter(|it| it.1.steps.start < it.1.steps.end) {
        for &other in &by_step[it.steps.start.index()] {
            let of = &plan.residencies[other];
            let (low, high) =
                (it.offset.max(of.offset), (it.offset + size(it.tensor)).min(of.offset + size(of.tensor)));
            if other != index && low < high {
                let (one, other) = (find(&mut leader, index), find(&mut leader, other));
                leader[one] = other;
            }
        }
    }
    for &(one, other) in tied {
        let (one, other) = (find(&mut leader, one), find(&mut leader, other));
        leader[one] = other;
    }
    let mut sets: Vec<Vec<usize>> = vec![Vec::new(); n_residencies];
    for index in (0..n_residencies).filter(|it| size(plan.residencies[*it].tensor) != Bytes::ZERO) {
        // A residency in no step takes no room, but keeps its address.
        if plan.residencies[index].steps.start < plan.residencies[index].steps.end {
            let of = find(&mut leader, index);
            sets[of].push(index);
        }
    }
    sets.retain(|it| !it.is_empty());
    sets
}
