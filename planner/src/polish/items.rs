//! The items that lie in the scratchpad, in numbers that are fast to compare: addresses are in units of the alignment.

use super::layout::{Piece, Run};
use crate::uses::Uses;
use crate::{Bytes, OpId, Outline, Plan, Problem, Residency, Step, TensorId};
use std::ops::Range;

/// A tensor, or several of which each takes the place of the previous one, or the workspace of a step.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Sorted by their uses; empty for a workspace.
    pub parts: Vec<Part>,
    /// The steps in which it is needed, ascending; at least one.
    pub uses: Vec<u32>,
    /// The length of the longest part; at least 1.
    pub length: u32,
    /// The highest offset at which it fits.
    pub highest: u32,
    /// Whether parts have different lengths.
    is_shaped: bool,
}

/// A tensor of an item, at its beginning.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub tensor: TensorId,
    /// Its first and its last use, as indices into the item's uses, both included. The last use of a tensor is the
    /// first use of the next one, which is written over it.
    pub first: u32,
    pub last: u32,
    length: u32,
    /// The cost in bytes of each piece that begins after the first use.
    pub reload: u64,
    /// The additional cost in bytes of the first of these: the write-back.
    pub write: u64,
}

impl Part {
    /// Whether a piece of the item that begins at this use reloads the tensor.
    pub fn is_reloaded(&self, first: u32) -> bool {
        self.first < first && first <= self.last
    }
}

impl Item {
    /// The tensor that is reloaded if a piece begins at a use other than the first.
    pub fn part_of_reload(&self, at: u32) -> &Part {
        let number = self.parts.partition_point(|it| it.last < at);
        &self.parts[number]
    }

    /// Whether parts have different lengths.
    pub fn is_shaped(&self) -> bool {
        self.is_shaped
    }

    /// The length of the longest part that is present in some of these steps.
    pub fn length_in(&self, steps: &Range<u32>) -> u32 {
        if !self.is_shaped {
            return self.length;
        }
        let is_there =
            |it: &&Part| self.uses[it.first as usize] < steps.end && steps.start <= self.uses[it.last as usize];
        self.parts.iter().filter(is_there).map(|it| it.length).max().unwrap_or(0)
    }

    /// The cost of the first eviction and reload of the first tensor.
    pub fn price(&self) -> u64 {
        self.parts.first().map_or(0, |it| it.reload + it.write)
    }

    fn n_uses(&self) -> u32 {
        self.uses.len() as u32
    }
}

/// All items of a problem in a fixed order of operators.
pub(super) struct Items {
    pub list: Vec<Item>,
    pub n_steps: usize,
    /// By tensor: its item and its index among the parts of it, if it takes space.
    of_tensor: Vec<Option<(u32, u32)>>,
    /// By step: the item of the workspace.
    of_workspace: Vec<Option<u32>>,
    /// The addresses for items: the largest stretch without reserved ones.
    stretch: Range<Bytes>,
    alignment: Bytes,
    /// By item: the uses at which the stays of the best outline begin, ascending.
    starts: Vec<Vec<u32>>,
    /// Tensors that take no space: from the first use to the last.
    without_room: Vec<(TensorId, Range<Step>)>,
}

/// Whether offsets in units of the alignment are in range.
pub(super) fn can_count(problem: &Problem) -> bool {
    let stretch = problem.machine.largest_stretch();
    (stretch.end - stretch.start).0 / problem.machine.alignment().0 < u64::from(u32::MAX / 4)
}

/// By tensor: the operand whose place it takes in the step that writes it.
fn whose_place(problem: &Problem, order: &[OpId]) -> Vec<Option<TensorId>> {
    let mut before = vec![None; problem.graph.tensors().len()];
    for pair in problem.in_place_by_step(order).iter().flatten() {
        before[pair.result.index()] = Some(pair.operand);
    }
    before
}

impl Item {
    /// Appends a tensor that is written over the last one at its last use.
    fn append(&mut self, other: Item) {
        let first = self.n_uses() - 1;
        self.uses.extend(other.uses.into_iter().skip(1));
        let last = self.n_uses() - 1;
        self.parts.extend(other.parts.into_iter().map(|it| Part { first, last, ..it }));
        self.is_shaped |= self.length != other.length;
        self.length = self.length.max(other.length);
        self.highest = self.highest.min(other.highest);
    }
}

impl Items {
    /// The items of a problem in which each operator alone fits; offsets must be in range ([`can_count`]).
    pub fn new(problem: &Problem, order: &[OpId]) -> Items {
        let stretch = problem.machine.largest_stretch();
        let mut items = Items {
            list: Vec::new(),
            n_steps: order.len(),
            of_tensor: vec![None; problem.graph.tensors().len()],
            of_workspace: vec![None; order.len()],
            alignment: problem.machine.alignment(),
            stretch,
            starts: Vec::new(),
            without_room: Vec::new(),
        };
        let uses = Uses::new(problem, order);
        let before = whose_place(problem, order);
        let all_steps = Step(0)..Step(order.len() as u32);
        // An operand's id is less than a result's.
        for tensor in problem.graph.tensor_ids() {
            let size = problem.graph.tensor(tensor).size;
            let uses = uses.within(tensor, &all_steps);
            let ([first, .., last] | [first @ last]) = uses else { continue };
            if size == Bytes::ZERO {
                items.without_room.push((tensor, *first..last.next()));
                continue;
            }
            let write = if problem.graph.has_host_copy(tensor) { Bytes::ZERO } else { size };
            let uses = uses.iter().map(|it| it.0);
            let item = items.item(size, uses.clone().collect());
            let last = item.n_uses() - 1;
            let part = Part { tensor, first: 0, last, length: item.length, reload: size.0, write: write.0 };
            let item = Item { parts: vec![part], ..item };
            let operand = before[tensor.index()].and_then(|it| items.of_tensor[it.index()]);
            items.of_tensor[tensor.index()] = Some(match operand {
                Some((before, number)) => {
                    items.list[before as usize].append(item);
                    (before, number + 1)
                }
                None => {
                    items.list.push(item);
                    (items.list.len() as u32 - 1, 0)
                }
            });
        }
        for (step, op) in order.iter().enumerate() {
            let size = problem.graph.op(*op).workspace;
            if size != Bytes::ZERO {
                items.of_workspace[step] = Some(items.list.len() as u32);
                let item = items.item(size, vec![step as u32]);
                items.list.push(item);
            }
        }
        items
    }

    fn item(&self, size: Bytes, uses: Vec<u32>) -> Item {
        let unit = |Bytes(it): Bytes| u32::try_from(it / self.alignment.0).expect("offsets can be counted");
        let room = self.stretch.end - self.stretch.start;
        Item {
            parts: Vec::new(),
            uses,
            length: unit(size.align_up(self.alignment)),
            highest: unit(room.saturating_sub(size)),
            is_shaped: false,
        }
    }

    /// The bytes of a unit of length.
    pub fn unit(&self) -> u64 {
        self.alignment.0
    }

    /// The number of units of length; the highest item may end within the last one.
    pub fn n_units(&self) -> u32 {
        let units = (self.stretch.end - self.stretch.start).0.div_ceil(self.alignment.0);
        u32::try_from(units).expect("offsets can be counted")
    }

    /// Records where the stays of an outline begin.
    pub fn note_starts(&mut self, outline: &Outline) {
        self.starts = vec![Vec::new(); self.list.len()];
        for run in self.runs(outline) {
            self.starts[run.item as usize].push(run.first);
        }
    }

    /// Whether a piece begins where a recorded stay of the outline does.
    pub fn is_start(&self, piece: &Piece) -> bool {
        self.starts.get(piece.item as usize).is_some_and(|it| it.binary_search(&piece.first).is_ok())
    }

    /// The stays of an outline, and all workspaces.
    pub fn runs(&self, outline: &Outline) -> Vec<Run> {
        let stays = outline.stays.iter().filter_map(|it| self.run(it.tensor, &it.steps));
        let workspaces = self.of_workspace.iter().flatten().map(|item| Run { item: *item, first: 0, last: 0 });
        let mut runs: Vec<Run> = stays.chain(workspaces).collect();
        runs.sort_by_key(|it| (it.item, it.first, it.last));
        // A tensor and the previous one share a use.
        let mut joined: Vec<Run> = Vec::new();
        for run in runs {
            match joined.last_mut().filter(|it| it.item == run.item && run.first <= it.last) {
                Some(last) => last.last = last.last.max(run.last),
                None => joined.push(run),
            }
        }
        joined
    }

    /// The uses of a tensor in some steps, if it takes space and there are any.
    fn run(&self, tensor: TensorId, steps: &Range<Step>) -> Option<Run> {
        let (item, number) = self.of_tensor[tensor.index()]?;
        let it = &self.list[item as usize];
        let part = &it.parts[number as usize];
        let uses = &it.uses[part.first as usize..=part.last as usize];
        let first = part.first + uses.partition_point(|it| *it < steps.start.0) as u32;
        let end = part.first + uses.partition_point(|it| *it < steps.end.0) as u32;
        (first < end).then(|| Run { item, first, last: end - 1 })
    }

    /// The pieces of a plan; `None` if some lie outside of the stretch, or if parts of an item that are needed at once
    /// have two addresses.
    pub fn pieces(&self, plan: &Plan) -> Option<Vec<Piece>> {
        let offset = |it: Bytes| Some((it.0.checked_sub(self.stretch.start.0)? / self.alignment.0) as u32);
        let mut pieces = Vec::new();
        for it in &plan.residencies {
            if let Some(run) = self.run(it.tensor, &it.steps) {
                pieces.push(self.piece(&run, offset(it.offset)?));
            }
        }
        for (item, it) in self.of_workspace.iter().zip(&plan.workspaces) {
            if let Some(item) = *item {
                pieces.push(self.piece(&Run { item, first: 0, last: 0 }, offset(*it)?));
            }
        }
        pieces.sort_by_key(|it| (it.item, it.first, it.last));
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match joined.last_mut().filter(|it| it.item == piece.item && piece.first <= it.last) {
                Some(last) if last.offset != piece.offset => return None,
                Some(last) => *last = self.piece(&Run { last: last.last.max(piece.last), ..last.run() }, piece.offset),
                None => joined.push(piece),
            }
        }
        let is_first = |it: &Piece| it.first == 0;
        let follows = |a: &Piece, b: &Piece| match a.item == b.item {
            true => a.last + 1 == b.first,
            false => a.last + 1 == self.list[a.item as usize].n_uses() && is_first(b),
        };
        let is_inside = |it: &Piece| it.offset <= self.list[it.item as usize].highest;
        let is_whole = joined.first().is_none_or(is_first) && joined.windows(2).all(|it| follows(&it[0], &it[1]));
        (is_whole && joined.iter().all(is_inside)).then_some(joined)
    }

    /// Some uses of an item at an offset.
    pub fn piece(&self, run: &Run, offset: u32) -> Piece {
        let uses = &self.list[run.item as usize].uses;
        let (start, end) = (uses[run.first as usize], uses[run.last as usize] + 1);
        Piece { item: run.item, first: run.first, last: run.last, start, end, offset }
    }

    /// The plan of all pieces.
    pub fn plan(&self, order: &[OpId], pieces: &[Piece]) -> Plan {
        let mut workspaces = vec![Bytes::ZERO; order.len()];
        let empty = self.without_room.iter().cloned();
        let mut residencies: Vec<Residency> =
            empty.map(|(tensor, steps)| Residency { tensor, steps, offset: self.stretch.start }).collect();
        for piece in pieces {
            let offset = self.stretch.start + Bytes(u64::from(piece.offset) * self.alignment.0);
            let item = &self.list[piece.item as usize];
            if item.parts.is_empty() {
                workspaces[piece.start as usize] = offset;
            }
            for part in &item.parts {
                let (first, last) = (part.first.max(piece.first), part.last.min(piece.last));
                if first <= last {
                    let steps = Step(item.uses[first as usize])..Step(item.uses[last as usize] + 1);
                    residencies.push(Residency { tensor: part.tensor, steps, offset });
                }
            }
        }
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        Plan { order: order.to_vec(), residencies, workspaces }
    }
}
