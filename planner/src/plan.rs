//! What planning decides: order, residencies, addresses. Everything else is derived from it.

use crate::{Action, Bytes, Copy, MemoryId, OpId, Outline, Place, Problem, Slot, Stay, Step, TensorId, Traffic, Use};
use std::ops::Range;

/// Steps during which a tensor lies at one address.
///
/// Addresses belong to residencies, not to tensors: three tensors of one unit, used in pairs, run
/// in two units only if a tensor may come back to another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residency {
    /// The tensor; never a streamed one.
    pub tensor: TensorId,
    /// Half-open. Empty where a tensor that starts in the scratchpad is gone before the first step, or one that must be
    /// there at the end comes in after the last one.
    pub steps: Range<Step>,
    /// A multiple of the alignment.
    pub offset: Bytes,
}

/// An order of all operators, and the residencies of every tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// Sorted by first step, then tensor.
    pub residencies: Vec<Residency>,
    /// Offset of the workspace of the operator that runs in each step; zero where there is none.
    pub workspaces: Vec<Bytes>,
}

impl Plan {
    /// The same plan, so many bytes higher in the scratchpad.
    pub(crate) fn shifted(mut self, by: Bytes) -> Plan {
        self.residencies.iter_mut().for_each(|it| it.offset += by);
        self.workspaces.iter_mut().for_each(|it| *it += by);
        self
    }

    /// The same plan, so many bytes lower; what has no bytes and lies lower than that goes to the start.
    pub(crate) fn lowered(mut self, by: Bytes) -> Plan {
        self.residencies.iter_mut().for_each(|it| it.offset = it.offset.saturating_sub(by));
        self.workspaces.iter_mut().for_each(|it| *it = it.saturating_sub(by));
        self
    }

    /// The plan without its addresses.
    pub(crate) fn outline(&self) -> Outline {
        let stays = self.residencies.iter().map(|it| Stay { tensor: it.tensor, steps: it.steps.clone() });
        Outline { order: self.order.clone(), stays: stays.collect() }
    }

    /// The planned program: where each transfer goes is decided here and nowhere else.
    ///
    /// Before a step: loads and reloads of what it finds on-chip. After it:
    /// the store of each result that it wrote, and the spill of each part of a staged tensor, at once, so that their
    /// host copies are there whenever they leave; then the spill of each tensor that leaves now, comes back later, and has
    /// no host copy.
    ///
    /// First of all, where tensors lie that start in the scratchpad.
    pub fn actions(&self, problem: &Problem) -> Vec<Action> {
        if let Some(framed) = problem.framed() {
            return framed.strip_actions(&framed.lift(self).actions(framed.problem()));
        }
        let graph = &problem.graph;
        let mut starts: Vec<Vec<usize>> = vec![Vec::new(); self.order.len()];
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); self.order.len()];
        let mut last: Vec<Option<Step>> = vec![None; graph.tensors().len()];
        for (index, residency) in self.residencies.iter().enumerate() {
            starts[residency.steps.start.index()].push(index);
            ends[residency.steps.end.index() - 1].push(index);
            let last = &mut last[residency.tensor.index()];
            *last = Some(last.map_or(residency.steps.end, |it| it.max(residency.steps.end)));
        }

        let mut actions = Vec::new();
        let mut offset: Vec<Bytes> = vec![Bytes::ZERO; graph.tensors().len()];
        // Whether it is, or could be, in host memory.
        let mut has_host_copy: Vec<bool> = graph.tensor_ids().map(|it| graph.producer(it).is_none()).collect();
        for (index, &op) in self.order.iter().enumerate() {
            let operator = graph.op(op);
            for &start in &starts[index] {
                let residency = &self.residencies[start];
                offset[residency.tensor.index()] = residency.offset;
                if graph.producer(residency.tensor) != Some(op) {
                    let to = Place::on_chip(residency.offset);
                    actions.push(Action::Copy(Copy { tensor: residency.tensor, from: Place::HOME, to }));
                }
            }
            let slot = |tensor: TensorId| Slot::on_chip(tensor, offset[tensor.index()]);
            let read = |it: &Use| match it.from.contains(MemoryId::SCRATCHPAD) {
                true => slot(it.tensor),
                false => Slot::at_home(it.tensor),
            };
            let write_back = |tensor: TensorId| {
                Action::Copy(Copy { tensor, from: Place::on_chip(offset[tensor.index()]), to: Place::HOME })
            };
            actions.push(Action::Run {
                op,
                reads: operator.reads.iter().map(read).collect(),
                writes: operator.writes.iter().copied().map(slot).collect(),
                workspace: self.workspaces[index],
            });
            for tensor in operator.writes.iter().filter(|it| graph.is_written_back(**it)) {
                has_host_copy[tensor.index()] = true;
                actions.push(write_back(*tensor));
            }
            for &end in &ends[index] {
                let Residency { tensor, ref steps, .. } = self.residencies[end];
                let comes_back = last[tensor.index()].is_some_and(|it| steps.end < it);
                if comes_back && !has_host_copy[tensor.index()] {
                    has_host_copy[tensor.index()] = true;
                    actions.push(write_back(tensor));
                }
            }
        }
        actions
    }

    /// Bytes of spills and reloads, streamed weights' further uses included, as its program counts them.
    pub fn non_compulsory(&self, problem: &Problem) -> Bytes {
        Traffic::of(problem, &self.actions(problem)).non_compulsory
    }

    /// The most bytes that lie in the scratchpad at once, workspaces included, without padding. Bytes
    /// that a result and an operand share count once.
    pub fn peak(&self, problem: &Problem) -> Bytes {
        if let Some(framed) = problem.framed() {
            return framed.lift(self).peak(framed.problem());
        }
        let graph = &problem.graph;
        let mut occupancy: Vec<Bytes> = self.order.iter().map(|it| graph.op(*it).workspace).collect();
        // Per tensor: where it ends, and when.
        let mut last: Vec<Option<&Residency>> = vec![None; graph.tensors().len()];
        for residency in &self.residencies {
            let during = &mut occupancy[residency.steps.start.index()..residency.steps.end.index()];
            during.iter_mut().for_each(|it| *it += graph.tensor(residency.tensor).size);
            let last = &mut last[residency.tensor.index()];
            *last = last.filter(|it| residency.steps.end < it.steps.end).or(Some(residency));
        }
        for residency in &self.residencies {
            let step = residency.steps.start;
            let pairs = graph.op(self.order[step.index()]).in_place.iter();
            for pair in pairs.filter(|it| it.result == residency.tensor) {
                let operand = last[pair.operand.index()].filter(|it| it.steps.end == step.next());
                if operand.is_some_and(|it| pair.fits(residency.offset, it.offset)) {
                    occupancy[step.index()] -= graph.tensor(pair.inner()).size;
                }
            }
        }
        occupancy.into_iter().max().unwrap_or(Bytes::ZERO)
    }

    /// The end of the highest block: the bytes of the scratchpad that the plan needs.
    pub fn height(&self, problem: &Problem) -> Bytes {
        let residencies = self.residencies.iter().map(|it| it.offset + problem.graph.tensor(it.tensor).size);
        let workspaces =
            self.order.iter().zip(&self.workspaces).map(|(op, &offset)| offset + problem.graph.op(*op).workspace);
        residencies.chain(workspaces).max().unwrap_or(Bytes::ZERO)
    }
}
