//! What has to lie in the scratchpad, in numbers that are quick to compare: addresses in units of the alignment.

use super::layout::{Piece, Run};
use crate::uses::Uses;
use crate::{Bytes, OpId, Outline, Plan, Problem, Residency, Step, TensorId};
use std::ops::Range;

/// A tensor, or the workspace of a step.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// None for a workspace.
    pub tensor: Option<TensorId>,
    /// The steps in which it is needed, ascending; there is one at least.
    pub uses: Vec<u32>,
    /// At least 1.
    pub length: u32,
    /// The highest offset at which it fits.
    pub highest: u32,
    /// Bytes that each piece but the first costs.
    pub reload: u64,
    /// Bytes that the first of these costs beyond that: those of the write-back.
    pub write: u64,
}

/// All items of a problem in a fixed order of operators.
pub(super) struct Items {
    pub list: Vec<Item>,
    pub n_steps: usize,
    /// By tensor: its item, if it takes room.
    of_tensor: Vec<Option<u32>>,
    /// By step: that of the workspace.
    of_workspace: Vec<Option<u32>>,
    /// The addresses where items may lie: the largest stretch without reserved ones.
    stretch: Range<Bytes>,
    alignment: Bytes,
    /// What takes no room: from the first use to the last.
    without_room: Vec<(TensorId, Range<Step>)>,
}

/// Whether offsets in units of the alignment are small enough.
pub(super) fn can_count(problem: &Problem) -> bool {
    let stretch = problem.machine.largest_stretch();
    (stretch.end - stretch.start).0 / problem.machine.alignment().0 < u64::from(u32::MAX / 4)
}

impl Items {
    /// All that fits the scratchpad, which each operator alone does; offsets can be counted ([`can_count`]).
    pub fn new(problem: &Problem, order: &[OpId]) -> Items {
        let stretch = problem.machine.largest_stretch();
        let mut items = Items {
            list: Vec::new(),
            n_steps: order.len(),
            of_tensor: vec![None; problem.graph.tensors().len()],
            of_workspace: vec![None; order.len()],
            alignment: problem.machine.alignment(),
            stretch,
            without_room: Vec::new(),
        };
        let uses = Uses::new(problem, order);
        let all_steps = Step(0)..Step(order.len() as u32);
        for tensor in problem.graph.tensor_ids() {
            let size = problem.graph.tensor(tensor).size;
            let uses = uses.within(tensor, &all_steps);
            let ([first, .., last] | [first @ last]) = uses else { continue };
            if size == Bytes::ZERO {
                items.without_room.push((tensor, *first..last.next()));
                continue;
            }
            let write = if problem.graph.has_host_copy(tensor) { Bytes::ZERO } else { size };
            let uses = uses.iter().map(|it| it.0).collect();
            let item = Item { reload: size.0, write: write.0, ..items.item(Some(tensor), size, uses) };
            items.of_tensor[tensor.index()] = Some(items.list.len() as u32);
            items.list.push(item);
        }
        for (step, op) in order.iter().enumerate() {
            let size = problem.graph.op(*op).workspace;
            if size != Bytes::ZERO {
                items.of_workspace[step] = Some(items.list.len() as u32);
                let item = items.item(None, size, vec![step as u32]);
                items.list.push(item);
            }
        }
        items
    }

    fn item(&self, tensor: Option<TensorId>, size: Bytes, uses: Vec<u32>) -> Item {
        let unit = |Bytes(it): Bytes| u32::try_from(it / self.alignment.0).expect("offsets can be counted");
        let room = self.stretch.end - self.stretch.start;
        Item {
            tensor,
            uses,
            length: unit(size.align_up(self.alignment)),
            highest: unit(room.saturating_sub(size)),
            reload: 0,
            write: 0,
        }
    }

    /// The bytes of a unit of length.
    pub fn unit(&self) -> u64 {
        self.alignment.0
    }

    /// The median of what a reload costs, of all that may leave and come back.
    pub fn median_reload(&self) -> u64 {
        let mut reloads: Vec<u64> = self.list.iter().filter(|it| 1 < it.uses.len()).map(|it| it.reload).collect();
        reloads.sort_unstable();
        reloads.get(reloads.len() / 2).copied().unwrap_or(0)
    }

    /// The stays of an outline, and all workspaces.
    pub fn runs(&self, outline: &Outline) -> Vec<Run> {
        let stays = outline.stays.iter().filter_map(|it| self.run(it.tensor, &it.steps));
        let workspaces = self.of_workspace.iter().flatten().map(|item| Run { item: *item, first: 0, last: 0 });
        stays.chain(workspaces).collect()
    }

    /// The uses of a tensor in some steps, if it takes room and there are any.
    fn run(&self, tensor: TensorId, steps: &Range<Step>) -> Option<Run> {
        let item = self.of_tensor[tensor.index()]?;
        let uses = &self.list[item as usize].uses;
        let first = uses.partition_point(|it| *it < steps.start.0) as u32;
        let end = uses.partition_point(|it| *it < steps.end.0) as u32;
        (first < end).then(|| Run { item, first, last: end - 1 })
    }

    /// The pieces of a plan; none if some lie elsewhere, or tensors lie at two addresses at once.
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
        pieces.sort_by_key(|it| (it.item, it.first));
        let n_uses = |it: &Piece| self.list[it.item as usize].uses.len() as u32;
        let is_first = |it: &Piece| it.first == 0;
        let follows = |a: &Piece, b: &Piece| match a.item == b.item {
            true => a.last + 1 == b.first,
            false => a.last + 1 == n_uses(a) && is_first(b),
        };
        let is_inside = |it: &Piece| it.offset <= self.list[it.item as usize].highest;
        let is_whole = pieces.first().is_none_or(is_first) && pieces.windows(2).all(|it| follows(&it[0], &it[1]));
        (is_whole && pieces.iter().all(is_inside)).then_some(pieces)
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
            match self.list[piece.item as usize].tensor {
                Some(tensor) => {
                    residencies.push(Residency { tensor, steps: Step(piece.start)..Step(piece.end), offset });
                }
                None => workspaces[piece.start as usize] = offset,
            }
        }
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        Plan { order: order.to_vec(), residencies, workspaces }
    }
}
