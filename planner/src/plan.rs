//! The decisions of planning: order, residencies, addresses. Everything else is derived from them.

use crate::{Action, Bytes, Copy, MemoryId, OpId, Outline, Place, Problem, Slot, Stay, Step, TensorId, Traffic, Use};
use std::ops::Range;

/// A range of steps during which a tensor stays at one address.
///
/// Addresses belong to residencies, not to tensors: three tensors of one unit, used in pairs, fit into two units only
/// if a tensor may be reloaded to another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residency {
    /// The tensor; never one that is streamed in all of its uses.
    pub tensor: TensorId,
    /// Half-open. Empty if a tensor that starts in the scratchpad is evicted before the first step, or if one that ends
    /// there is loaded after the last one.
    pub steps: Range<Step>,
    /// In bytes; a multiple of the alignment.
    pub offset: Bytes,
}

/// An order of all operators, and the residencies of every tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// Sorted by first step, then tensor.
    pub residencies: Vec<Residency>,
    /// The offset of the workspace in each step; zero if there is none.
    pub workspaces: Vec<Bytes>,
}

impl Plan {
    /// The same plan, moved up by this many bytes.
    pub(crate) fn shifted(mut self, by: Bytes) -> Plan {
        self.residencies.iter_mut().for_each(|it| it.offset += by);
        self.workspaces.iter_mut().for_each(|it| *it += by);
        self
    }

    /// The same plan, moved down by this many bytes; blocks without bytes that lie below that go to offset zero.
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

    /// The weights that stay in the scratchpad from one run to the next, ascending.
    ///
    /// These follow from the residencies: the weight has a residency in the first step and one in the last step at the
    /// same offset, and no result takes its place in the last step. So the next run finds it.
    pub fn kept(&self, problem: &Problem) -> Vec<TensorId> {
        let end = Step(self.order.len() as u32);
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for it in self.residencies.iter().filter(|it| problem.graph.may_be_kept(it.tensor)) {
            first.extend((it.steps.start == Step(0)).then_some((it.tensor, it.offset)));
            last.extend((it.steps.end == end).then_some((it.tensor, it.offset)));
        }
        first.sort_unstable();
        last.retain(|it| first.binary_search(it).is_ok());
        let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
        let at_end: Vec<&Residency> = self.residencies.iter().filter(|it| it.steps.end == end).collect();
        last.retain(|(tensor, offset)| {
            let meets =
                |it: &&&Residency| it.offset.max(*offset) < (it.offset + size(it.tensor)).min(*offset + size(*tensor));
            !at_end.iter().filter(|it| it.tensor != *tensor).any(|it| meets(&it))
        });
        let mut kept: Vec<TensorId> = last.into_iter().map(|it| it.0).collect();
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// The part that runs once, before the first run of the program: the loads of the [kept](Plan::kept) weights.
    pub fn prologue(&self, problem: &Problem) -> Vec<Action> {
        let kept = self.kept(problem);
        let is_loaded = |it: &&Residency| it.steps.start == Step(0) && kept.binary_search(&it.tensor).is_ok();
        let load =
            |it: &Residency| Action::Copy(Copy { tensor: it.tensor, from: Place::HOME, to: Place::on_chip(it.offset) });
        self.residencies.iter().filter(is_loaded).map(load).collect()
    }

    /// The planned program of each run. Only this function decides where transfers go. A use with a choice reads its
    /// tensor in the scratchpad if it has a residency in that step, and streams it otherwise.
    ///
    /// The program finds the [kept](Plan::kept) weights where the [prologue](Plan::prologue) or the previous run left
    /// them. Before each step come the loads and reloads of its operands. After it come the store of each result that
    /// it wrote and the spill of each part of a staged tensor, at once, so that their host copies exist when they are
    /// evicted; then the spill of each tensor that is evicted now, is reloaded later, and has no host copy.
    ///
    /// The program begins with the places of tensors that start in the scratchpad.
    pub fn actions(&self, problem: &Problem) -> Vec<Action> {
        if let Some(framed) = problem.framed() {
            return framed.strip_actions(&framed.lift(self).actions(framed.problem()));
        }
        let graph = &problem.graph;
        let kept = self.kept(problem);
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
        // The number of a tensor's residencies that have begun and not ended.
        let mut n_open = vec![0_u32; graph.tensors().len()];
        // Whether it is, or could be, in host memory.
        let mut has_host_copy: Vec<bool> = graph.tensor_ids().map(|it| graph.producer(it).is_none()).collect();
        for (index, &op) in self.order.iter().enumerate() {
            let operator = graph.op(op);
            for &start in &starts[index] {
                let residency = &self.residencies[start];
                offset[residency.tensor.index()] = residency.offset;
                let is_there = index == 0 && kept.binary_search(&residency.tensor).is_ok();
                n_open[residency.tensor.index()] += 1;
                if graph.producer(residency.tensor) != Some(op) && !is_there {
                    let to = Place::on_chip(residency.offset);
                    actions.push(Action::Copy(Copy { tensor: residency.tensor, from: Place::HOME, to }));
                }
            }
            let slot = |tensor: TensorId| Slot::on_chip(tensor, offset[tensor.index()]);
            let is_there = |it: &Use| !it.may_pass_by() || 0 < n_open[it.tensor.index()];
            let read = |it: &Use| match it.from.contains(MemoryId::SCRATCHPAD) && is_there(it) {
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
                n_open[tensor.index()] -= 1;
                let comes_back = last[tensor.index()].is_some_and(|it| steps.end < it);
                if comes_back && !has_host_copy[tensor.index()] {
                    has_host_copy[tensor.index()] = true;
                    actions.push(write_back(tensor));
                }
            }
        }
        actions
    }

    /// The bytes of spills and reloads of its program, including repeated streaming of a tensor and loads of weights
    /// that may be kept from one run to the next but are not.
    pub fn non_compulsory(&self, problem: &Problem) -> Bytes {
        Traffic::of(problem, &self.actions(problem)).non_compulsory
    }

    /// The most bytes in the scratchpad at once, workspaces included, without padding. Bytes that a result and an
    /// operand share count once.
    pub fn peak(&self, problem: &Problem) -> Bytes {
        if let Some(framed) = problem.framed() {
            return framed.lift(self).peak(framed.problem());
        }
        let graph = &problem.graph;
        let mut occupancy: Vec<Bytes> = self.order.iter().map(|it| graph.op(*it).workspace).collect();
        // By tensor: its last residency.
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
