//! Addresses for everything that one operator needs at once: bin packing, if pins and reserved addresses leave gaps.
//!
//! 1. Pinned blocks lie at their pins, and so do blocks that share bytes with them.
//! 2. The others go to the gaps in between, the largest block first, each to the tightest gap first; a depth-first
//!    search tries all ways. In a gap, all blocks except one count with their padding, and the block with the most
//!    padding comes last.
//! 3. If pins make a difference, the pairs of results and operands that share bytes are tried too: first a maximum set,
//!    and then every other choice.
//!
//! Steps are counted, so the outcome does not depend on the machine.

use crate::first_fit::{Placed, blocks, place_inner};
use crate::{Bytes, Error, InPlace, OpId, Problem, TensorId, When};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

/// The limit of steps, after which the answer is unknown.
const MAX_STEPS: usize = 200_000;

/// The limit of pairs of an operator for which all choices are tried.
const MAX_PAIRS: usize = 10;

/// The addresses of everything that an operator needs at once.
pub(crate) enum Layout {
    /// All of its blocks with offsets.
    Found(Vec<Placed>),
    /// There are none.
    None,
    /// Not known within the limit.
    Unknown,
}

impl Problem {
    /// Whether an operator needs no detailed search: it has no pins, and some stretch without reserved addresses has as
    /// much space as it needs with these pairs.
    fn is_plain(&self, op: OpId, needed: Bytes) -> Option<bool> {
        let has_pins = self.operands(op).any(|it| self.graph.pinned(it).is_some());
        let stretch = self.machine.largest_stretch();
        match needed <= stretch.end - stretch.start {
            fits if !has_pins && (fits || self.machine.stretches().len() <= 1) => Some(fits),
            _ => None,
        }
    }

    /// Whether an operator fits if these of its operands die with it; `None` if unknown.
    pub(crate) fn has_room(&self, op: OpId, dies: impl Fn(&InPlace) -> bool) -> Option<bool> {
        let needed = self.working_set_where(op, &dies);
        self.is_plain(op, needed).or_else(|| match self.layout(op, &dies) {
            Layout::Found(_) => Some(true),
            Layout::None => Some(false),
            Layout::Unknown => None,
        })
    }

    /// Offsets for everything that an operator needs, if these of its operands die with it.
    pub(crate) fn layout(&self, op: OpId, dies: &dyn Fn(&InPlace) -> bool) -> Layout {
        let pairs = self.in_place(op, dies);
        let first = self.layout_with(op, &pairs);
        let has_pins = self.operands(op).any(|it| self.graph.pinned(it).is_some());
        if !matches!(first, Layout::None) || !has_pins {
            return first;
        }
        let possible: Vec<InPlace> = self.possible_pairs(op).filter(|it| dies(it)).copied().collect();
        if MAX_PAIRS < possible.len() {
            return if possible.is_empty() { Layout::None } else { Layout::Unknown };
        }
        let mut is_open = false;
        for set in (0_u32..1 << possible.len()).rev() {
            let chosen = (0..possible.len()).filter(|it| set >> it & 1 == 1).map(|it| possible[it]);
            let chosen: Vec<InPlace> = chosen.collect();
            if chosen == pairs || !are_possible(&chosen) {
                continue;
            }
            match self.layout_with(op, &chosen) {
                Layout::None => {}
                Layout::Unknown => is_open = true,
                found @ Layout::Found(_) => return found,
            }
        }
        if is_open { Layout::Unknown } else { Layout::None }
    }

    /// The same if exactly these pairs share bytes.
    fn layout_with(&self, op: OpId, pairs: &[InPlace]) -> Layout {
        let Some(pins) = self.pins_with(pairs) else { return Layout::None };
        let outer = blocks(self, op, pairs);
        match self.pack_at_once(&outer, &pins) {
            Layout::Found(mut placed) => {
                place_inner(self, pairs, &mut placed);
                Layout::Found(placed)
            }
            other => other,
        }
    }

    /// The fixed offsets of tensors if these pairs share bytes: their own pins, or those of tensors within them. `None`
    /// if they contradict each other.
    pub(crate) fn pins_with(&self, pairs: &[InPlace]) -> Option<HashMap<TensorId, Bytes>> {
        let pin = |it: TensorId| self.graph.pinned(it).map(|it| it.start);
        let mut pins: HashMap<TensorId, Bytes> = HashMap::new();
        for pair in pairs {
            let (inner, outer) = (pin(pair.inner()), pin(pair.outer()));
            let implied = match inner {
                Some(inner) => Some(Bytes(inner.0.checked_sub(pair.at().0)?)),
                None => None,
            };
            let Some(at) = outer.or(implied) else { continue };
            if implied.is_some_and(|it| it != at) || pins.insert(pair.outer(), at).is_some_and(|it| it != at) {
                return None;
            }
        }
        Some(pins)
    }

    /// The blocks of one step that have a fixed offset, there and in order, and the others. `None` if two of them overlap
    /// or one does not lie in the free addresses.
    pub(crate) fn at_pins(
        &self,
        blocks: &[Placed],
        pins: &HashMap<TensorId, Bytes>,
    ) -> Option<(Vec<Placed>, Vec<Placed>)> {
        let (mut placed, mut free) = (Vec::new(), Vec::new());
        for &block in blocks {
            let pin = |it: TensorId| pins.get(&it).copied().or(self.graph.pinned(it).map(|it| it.start));
            match block.tensor.and_then(pin).filter(|_| block.size != Bytes::ZERO) {
                Some(offset) => placed.push(Placed { offset, ..block }),
                None => free.push(block),
            }
        }
        placed.sort_by_key(|it| it.offset);
        if placed.windows(2).any(|it| it[1].offset < it[0].offset + it[0].size) {
            return None;
        }
        let stretches = self.machine.stretches();
        let is_inside = |it: &Placed| {
            stretches.iter().any(|stretch| stretch.start <= it.offset && it.offset + it.size <= stretch.end)
        };
        placed.iter().all(is_inside).then_some((placed, free))
    }

    /// Offsets for the blocks of one step, none of which lies within another.
    fn pack_at_once(&self, outer: &[Placed], pins: &HashMap<TensorId, Bytes>) -> Layout {
        let Some((mut placed, mut free)) = self.at_pins(outer, pins) else { return Layout::None };
        let stretches = self.machine.stretches();
        let alignment = self.machine.alignment();
        let mut gaps = Vec::new();
        for stretch in &stretches {
            let mut start = stretch.start;
            for it in placed.iter().filter(|it| stretch.contains(&it.offset)) {
                gaps.push(start..it.offset);
                start = (it.offset + it.size).align_up(alignment);
            }
            gaps.push(start..stretch.end);
        }
        gaps.retain(|it| it.start < it.end);
        free.sort_by_key(|it| Reverse(it.size));
        let (free, empty): (Vec<Placed>, Vec<Placed>) = free.into_iter().partition(|it| it.size != Bytes::ZERO);
        let bins = gaps.into_iter().map(|gap| Bin { gap, used: 0, most_padding: 0, members: Vec::new() });
        let mut packing = BinPacking { alignment, blocks: &free, bins: bins.collect(), steps: MAX_STEPS };
        if !packing.place(0) {
            return if packing.steps == 0 { Layout::Unknown } else { Layout::None };
        }
        placed.extend(packing.placed());
        placed.extend(empty);
        Layout::Found(placed)
    }

    /// The reason why an operator does not fit if these of its operands die with it.
    pub(crate) fn no_place(&self, op: OpId, dies: &dyn Fn(&InPlace) -> bool) -> Error {
        let pairs = self.in_place(op, dies);
        let mut pairs: Vec<InPlace> = pairs.into_iter().collect();
        let pins = self.pins_with(&pairs).unwrap_or_else(|| {
            pairs.clear();
            HashMap::new()
        });
        // A deletion filter: each remaining block is needed for the rest not to fit.
        let mut left = blocks(self, op, &pairs);
        left.retain(|it| it.size != Bytes::ZERO);
        let mut at = 0;
        while at < left.len() {
            let others: Vec<Placed> = left.iter().enumerate().filter(|it| it.0 != at).map(|it| *it.1).collect();
            match self.pack_at_once(&others, &pins) {
                Layout::None => left = others,
                Layout::Found(_) | Layout::Unknown => at += 1,
            }
        }
        let tensors: Vec<TensorId> = left.iter().filter_map(|it| it.tensor).collect();
        Error::NoPlace { when: When::Run(op), why: self.why_no_place(op, &left, &pins), tensors }
    }

    fn why_no_place(&self, op: OpId, left: &[Placed], pins: &HashMap<TensorId, Bytes>) -> String {
        let op = &self.graph.op(op).name;
        let at = |it: &Placed| {
            let tensor = it.tensor?;
            pins.get(&tensor).copied().or(self.graph.tensor(tensor).pin)
        };
        let name = |it: &Placed| match it.tensor {
            Some(tensor) => self.graph.tensor(tensor).name.clone(),
            None => "its workspace".into(),
        };
        if let [a, b] = left
            && let (Some(low), Some(high)) = (at(a), at(b))
        {
            let overlap = (low + a.size).min(high + b.size).saturating_sub(low.max(high));
            return format!(
                "{op} needs {}@{low} and {}@{high} at once, which overlap by {overlap} B",
                name(a),
                name(b)
            );
        }
        let said = |it: &Placed| match at(it) {
            Some(at) => format!("{}@{at} of {} B", name(it), it.size),
            None => format!("{} of {} B", name(it), it.size),
        };
        let all: Vec<String> = left.iter().map(said).collect();
        let needed: Bytes = left.iter().map(|it| it.size.align_up(self.machine.alignment())).sum();
        let free: Bytes = self.machine.stretches().into_iter().map(|it| it.end - it.start).sum();
        let how =
            if needed <= free { "but no gaps are large enough".into() } else { format!("but there are {free} B") };
        format!("{op} needs {} at once, {needed} B in all, {how}", all.join(", "))
    }
}

/// Whether an operator may have all of these pairs at once.
fn are_possible(pairs: &[InPlace]) -> bool {
    let is_beside = |a: &InPlace, b: &InPlace| {
        let is_apart = a.result != b.result && a.operand != b.operand;
        is_apart || a.is_part() && b.is_part() && a.outer() == b.outer()
    };
    (0..pairs.len()).all(|at| pairs[..at].iter().all(|it| is_beside(it, &pairs[at])))
}

/// A gap and its blocks.
struct Bin {
    gap: Range<Bytes>,
    /// With all padding.
    used: u64,
    most_padding: u64,
    /// Indices of its blocks.
    members: Vec<usize>,
}

struct BinPacking<'a> {
    alignment: Bytes,
    /// The largest first.
    blocks: &'a [Placed],
    bins: Vec<Bin>,
    /// The remaining steps.
    steps: usize,
}

impl BinPacking<'_> {
    /// Places the blocks from this one on; false if there is no way, or no steps are left.
    fn place(&mut self, from: usize) -> bool {
        let Some(block) = self.blocks.get(from) else { return true };
        let room = block.size.align_up(self.alignment).0;
        let padding = room - block.size.0;
        let left = |it: &Bin| (it.gap.end - it.gap.start).0.saturating_sub(it.used);
        let mut order: Vec<usize> = (0..self.bins.len()).collect();
        order.sort_by_key(|it| left(&self.bins[*it]));
        // Gaps with equal contents are interchangeable.
        order.dedup_by_key(|it| {
            let bin = &self.bins[*it];
            (left(bin), bin.most_padding, bin.used != 0)
        });
        for at in order {
            let bin = &mut self.bins[at];
            let before = (bin.used, bin.most_padding);
            let (used, most_padding) = (bin.used + room, bin.most_padding.max(padding));
            if (bin.gap.end - bin.gap.start).0 < used - most_padding {
                continue;
            }
            if self.steps == 0 {
                return false;
            }
            self.steps -= 1;
            (bin.used, bin.most_padding) = (used, most_padding);
            bin.members.push(from);
            if self.place(from + 1) {
                return true;
            }
            let bin = &mut self.bins[at];
            (bin.used, bin.most_padding) = before;
            bin.members.pop();
        }
        false
    }

    /// The blocks with offsets, once all have their gaps.
    fn placed(&self) -> Vec<Placed> {
        let mut placed = Vec::new();
        for bin in &self.bins {
            let mut members: Vec<Placed> = bin.members.iter().map(|it| self.blocks[*it]).collect();
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
