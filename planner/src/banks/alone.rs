//! The fewest bank conflicts of an operator alone in the scratchpad, by enumeration.
//!
//! The operator's blocks go to the gaps between pins and reserved addresses, each of which lies in one bank: depth first, the
//! largest block first, with a limit on conflicts that rises until there is a layout. All choices of results that lie over
//! operands are tried. No plan has fewer conflicts at this operator.

use crate::first_fit::{Placed, blocks, place_inner};
use crate::{Bytes, Error, InPlace, MemoryId, OpId, Problem, TensorId, When};
use std::cmp::Reverse;
use std::ops::Range;

/// Steps after which it is left open.
const MAX_STEPS: usize = 100_000;

/// Of an operator with more pairs of results and operands, not all choices of them are tried.
const MAX_PAIRS: usize = 8;

/// So many conflicts are tried before it is given up.
const MOST_CONFLICTS: u64 = 16;

/// An operator alone in banks.
#[derive(Clone)]
pub(super) struct Alone {
    /// It has no fewer conflicts.
    pub least: u64,
    /// All of its blocks at offsets, with so few conflicts, if those were found.
    pub placed: Option<Vec<Placed>>,
}

/// How an operator can lie whose operands die with it as is said. One that has no room at all has no conflicts either.
///
/// To be sure that no other plan has fewer, each operand dies that does so in some order.
pub(super) fn alone(problem: &Problem, op: OpId, dies: &dyn Fn(&InPlace) -> bool) -> Alone {
    let n_reads = operands_read(problem, op).count() as u64;
    let gaps = problem.machine.stretches();
    let bank_size = bank_size(problem);
    let mut banks: Vec<u64> = gaps.iter().map(|it| it.start.0 / bank_size).collect();
    banks.dedup();
    let n_banks = (banks.len() as u64).max(1);
    // As evenly as can be.
    let (each, more) = (n_reads / n_banks, n_reads % n_banks);
    let least = (n_banks - more) * pairs(each) + more * pairs(each + 1);
    let possible: Vec<InPlace> = problem.possible_pairs(op).filter(|it| dies(it)).copied().collect();
    let mut choices: Vec<Vec<InPlace>> = vec![problem.in_place(op, dies), Vec::new()];
    let are_all = possible.len() <= MAX_PAIRS;
    if are_all {
        let chosen = |set: u32| (0..possible.len()).filter(move |it| set >> it & 1 == 1);
        let chosen = |set: u32| chosen(set).map(|it| possible[it]).collect::<Vec<InPlace>>();
        choices.extend((0_u32..1 << possible.len()).map(chosen).filter(|it| are_possible(it)));
    }
    choices.dedup();
    let mut steps = MAX_STEPS;
    let mut has_room = |pairs: &Vec<InPlace>| !matches!(in_gaps(problem, op, pairs, u64::MAX, &mut steps), Found::None);
    if are_all && !choices.iter().any(&mut has_room) {
        return Alone { least: 0, placed: None };
    }
    let mut steps = MAX_STEPS;
    for most in least..=least + MOST_CONFLICTS {
        let mut is_proven = are_all;
        for pairs in &choices {
            match in_gaps(problem, op, pairs, most, &mut steps) {
                Found::Placed(placed) => return Alone { least: most, placed: Some(placed) },
                Found::None => {}
                Found::Unknown => is_proven = false,
            }
        }
        if !is_proven {
            return Alone { least: most, placed: None };
        }
    }
    Alone { least: least + MOST_CONFLICTS + 1, placed: None }
}

/// Whether an operator may have all of these pairs at once.
fn are_possible(pairs: &[InPlace]) -> bool {
    let is_beside = |a: &InPlace, b: &InPlace| {
        let is_apart = a.result != b.result && a.operand != b.operand;
        is_apart || a.is_part() && b.is_part() && a.outer() == b.outer()
    };
    (0..pairs.len()).all(|at| pairs[..at].iter().all(|it| is_beside(it, &pairs[at])))
}

/// That the operands of an operator cannot lie in different banks.
pub(super) fn cannot_be_apart(problem: &Problem, op: OpId) -> Error {
    let memory = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()];
    let Problem { graph, .. } = problem;
    let said = |it: &TensorId| format!("{} of {} B", graph.tensor(*it).name, graph.tensor(*it).size);
    let tensors: Vec<TensorId> = operands_read(problem, op).collect();
    let reads: Vec<String> = tensors.iter().map(said).collect();
    let writes: Vec<String> = graph.op(op).writes.iter().map(said).collect();
    let mut beside = if writes.is_empty() { String::new() } else { format!(" beside {}", writes.join(", ")) };
    let workspace = graph.op(op).workspace;
    if workspace != Bytes::ZERO {
        beside += &format!("{} its workspace of {workspace} B", if writes.is_empty() { " beside" } else { " and" });
    }
    let (n_banks, bank) = (memory.bank_ranges().len(), bank_size(problem));
    let why = format!(
        "{} reads {}, which cannot lie in different banks{beside}: {} has {n_banks} of {bank} B",
        graph.op(op).name,
        reads.join(", "),
        memory.name,
    );
    Error::NoPlace { when: When::Run(op), tensors, why }
}

/// What an operator reads in the scratchpad and nowhere else, as far as it has bytes.
pub(super) fn operands_read(problem: &Problem, op: OpId) -> impl Iterator<Item = TensorId> {
    let reads = problem.graph.op(op).reads.iter();
    let reads = reads.filter(|it| it.from.contains(MemoryId::SCRATCHPAD) && !it.may_pass_by()).map(|it| it.tensor);
    reads.filter(|it| problem.graph.tensor(*it).size != Bytes::ZERO)
}

fn bank_size(problem: &Problem) -> u64 {
    let memory = &problem.machine.memories()[MemoryId::SCRATCHPAD.index()];
    memory.banks.map_or(u64::MAX, |it| it.size.0)
}

fn pairs(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

enum Found {
    Placed(Vec<Placed>),
    None,
    Unknown,
}

/// A place for all blocks of an operator, where exactly these pairs share bytes.
fn in_gaps(problem: &Problem, op: OpId, in_place: &[InPlace], most: u64, steps: &mut usize) -> Found {
    let Some(pins) = problem.pins_with(in_place) else { return Found::None };
    let read: Vec<TensorId> = operands_read(problem, op).collect();
    // By block: what is read there.
    let n_read = |it: &Placed| {
        let Some(tensor) = it.tensor else { return 0 };
        let inner = in_place.iter().filter(|pair| pair.outer() == tensor).map(|pair| pair.inner());
        let mut here: Vec<TensorId> = inner.chain([tensor]).filter(|it| read.contains(it)).collect();
        here.sort_unstable();
        here.dedup();
        here.len() as u64
    };
    let bank_size = bank_size(problem);
    let alignment = problem.machine.alignment();
    let Some((mut placed, free)) = problem.at_pins(&blocks(problem, op, in_place), &pins) else { return Found::None };
    let (mut free, empty): (Vec<Placed>, Vec<Placed>) = free.into_iter().partition(|it| it.size != Bytes::ZERO);
    let stretches = problem.machine.stretches();
    let n_banks = stretches.last().map_or(0, |it| it.start.0 / bank_size + 1) as usize;
    let mut bins: Vec<Bin> = Vec::new();
    for stretch in &stretches {
        let bank = (stretch.start.0 / bank_size) as usize;
        let mut start = stretch.start;
        let mut push = |gap: Range<Bytes>| {
            if gap.start < gap.end {
                bins.push(Bin { gap, bank, used: 0, most_padding: 0, members: Vec::new() });
            }
        };
        for it in placed.iter().filter(|it| stretch.contains(&it.offset)) {
            push(start..it.offset);
            start = (it.offset + it.size).align_up(alignment);
        }
        push(start..stretch.end);
    }
    let mut reads = vec![0; n_banks];
    placed.iter().for_each(|it| reads[(it.offset.0 / bank_size) as usize] += n_read(it));
    free.sort_by_key(|it| Reverse(it.size));
    let sizes: Vec<(Placed, u64)> = free.iter().map(|it| (*it, n_read(it))).collect();
    let conflicts = reads.iter().map(|it| pairs(*it)).sum();
    let mut search = Search { alignment, blocks: &sizes, bins, reads, conflicts, most, steps };
    if most < conflicts || !search.place(0) {
        return if *search.steps == 0 { Found::Unknown } else { Found::None };
    }
    placed.extend(search.placed());
    placed.extend(empty);
    place_inner(problem, in_place, &mut placed);
    Found::Placed(placed)
}

/// A gap, and what goes there.
struct Bin {
    gap: Range<Bytes>,
    bank: usize,
    /// With all padding.
    used: u64,
    most_padding: u64,
    members: Vec<usize>,
}

struct Search<'a> {
    alignment: Bytes,
    /// The largest first; and how many operands are read there.
    blocks: &'a [(Placed, u64)],
    bins: Vec<Bin>,
    /// By bank: how many operands are read there.
    reads: Vec<u64>,
    conflicts: u64,
    most: u64,
    /// That are left.
    steps: &'a mut usize,
}

impl Search<'_> {
    /// Places the blocks from this one on; false if there is no way, or no steps are left.
    fn place(&mut self, from: usize) -> bool {
        let Some(&(block, n_read)) = self.blocks.get(from) else { return true };
        let room = block.size.align_up(self.alignment).0;
        let padding = room - block.size.0;
        let left = |it: &Bin| (it.gap.end - it.gap.start).0.saturating_sub(it.used);
        let mut order: Vec<usize> = (0..self.bins.len()).collect();
        order.sort_by_key(|it| (self.reads[self.bins[*it].bank], left(&self.bins[*it]), *it));
        let mut tried: Vec<(u64, u64, bool, u64)> = Vec::new();
        for at in order {
            let bin = &self.bins[at];
            // A bank that is one gap is like any other of the same state.
            let is_whole = self.bins.iter().filter(|it| it.bank == bin.bank).count() == 1;
            let state = (left(bin), bin.most_padding, bin.used != 0, self.reads[bin.bank]);
            if is_whole && tried.contains(&state) {
                continue;
            }
            if is_whole {
                tried.push(state);
            }
            let bank = bin.bank;
            let more = pairs(self.reads[bank] + n_read) - pairs(self.reads[bank]);
            let (used, most_padding) = (bin.used + room, bin.most_padding.max(padding));
            if (bin.gap.end - bin.gap.start).0 < used - most_padding || self.most < self.conflicts + more {
                continue;
            }
            if *self.steps == 0 {
                return false;
            }
            *self.steps -= 1;
            let before = (bin.used, bin.most_padding);
            self.conflicts += more;
            self.reads[bank] += n_read;
            let bin = &mut self.bins[at];
            (bin.used, bin.most_padding) = (used, most_padding);
            bin.members.push(from);
            if self.place(from + 1) {
                return true;
            }
            let bin = &mut self.bins[at];
            (bin.used, bin.most_padding) = before;
            bin.members.pop();
            self.conflicts -= more;
            self.reads[bank] -= n_read;
        }
        false
    }

    /// The blocks at offsets, once all have their gaps: what has the most padding comes last.
    fn placed(&self) -> Vec<Placed> {
        let mut placed = Vec::new();
        for bin in &self.bins {
            let mut members: Vec<Placed> = bin.members.iter().map(|it| self.blocks[*it].0).collect();
            members.sort_by_key(|it| it.size.align_up(self.alignment) - it.size);
            let mut offset = bin.gap.start;
            for block in members {
                placed.push(Placed { offset, ..block });
                offset += block.size.align_up(self.alignment);
            }
        }
        placed
    }
}
