//! The first half of a plan: the order, and the steps in which each tensor is in the scratchpad, without addresses.
//!
//! Schedule and residency are decided before addresses. If the resulting intervals can be packed, the optimum of this
//! half is the optimum of the whole.

use crate::fate::charge;
use crate::occupancy::Occupancy;
use crate::{Bytes, OpId, Plan, Problem, Residency, Step, TensorId};
use std::collections::HashMap;
use std::ops::Range;

/// A range of steps during which a tensor stays in the scratchpad: a [`Residency`] without an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The tensor; never one that is streamed in all of its uses.
    pub tensor: TensorId,
    /// Half-open. The tensor is present while each of these steps runs. It is loaded or reloaded just before the first
    /// step, or written by it; the last step reads or writes it.
    pub steps: Range<Step>,
}

/// An order of all operators, and the stays of every tensor.
///
/// Planners guarantee these invariants, and the judge checks the resulting program: the order respects the dependences;
/// in the step of an operator, a stay of each of its operands is open, unless that may be streamed; stays of one tensor
/// do not overlap; in each step, the padded sizes of the stays fit the scratchpad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Operator by step.
    pub order: Vec<OpId>,
    /// Sorted by first step, then tensor.
    pub stays: Vec<Stay>,
}

impl Outline {
    /// The outline in which tensors stay as long as `kept` says, but no longer than they are used.
    ///
    /// `kept[t]` contains the tensors that stay in the scratchpad *across* the boundary between step *t* and the next
    /// one. The operands of each step are present during it in any case; one that may be streamed is present if it is
    /// kept before or after the step. The caller must not keep a tensor over a boundary if it was absent in the step
    /// before. A tensor without bytes takes no space, so it stays from its first use to its last.
    pub fn new(problem: &Problem, order: Vec<OpId>, kept: &[Vec<TensorId>]) -> Outline {
        assert!(kept.len() + 1 >= order.len(), "one set for each boundary between steps");
        let mut stays: Vec<Stay> = Vec::new();
        // By tensor: its open stay, if it was present in the previous step and kept since.
        let mut open: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
        let mut carried: Vec<TensorId> = Vec::new();
        let mut is_carried = vec![false; open.len()];
        for (index, &op) in order.iter().enumerate() {
            let step = Step(index as u32);
            let mut present = carried.clone();
            let is_kept =
                |it: &TensorId| open[it.index()].is_some() || kept.get(index).is_some_and(|kept| kept.contains(it));
            let either_way: Vec<TensorId> = problem.graph.op(op).reads_either_way().filter(is_kept).collect();
            for tensor in problem.operands(op).chain(either_way) {
                match open[tensor.index()] {
                    Some(stay) => stays[stay].steps.end = step.next(),
                    None => {
                        open[tensor.index()] = Some(stays.len());
                        stays.push(Stay { tensor, steps: step..step.next() });
                        present.push(tensor);
                    }
                }
            }
            carried.clear();
            if let Some(kept) = kept.get(index) {
                for &tensor in kept {
                    assert!(open[tensor.index()].is_some(), "a tensor is kept where it is");
                    is_carried[tensor.index()] = true;
                    carried.push(tensor);
                }
            }
            for tensor in present {
                if !is_carried[tensor.index()] && problem.graph.tensor(tensor).size != Bytes::ZERO {
                    open[tensor.index()] = None;
                }
            }
            carried.iter().for_each(|tensor| is_carried[tensor.index()] = false);
        }
        stays.sort_by_key(|it| (it.steps.start, it.tensor));
        Outline { order, stays }
    }

    /// The bytes in the scratchpad while each step runs, workspace included, without padding. Bytes that a result and
    /// an operand share count once.
    pub fn occupancy(&self, problem: &Problem) -> Vec<Bytes> {
        let mut occupancy = Occupancy::new(self.order.len());
        for (step, op) in self.order.iter().enumerate() {
            occupancy.add(step..step + 1, problem.graph.op(*op).workspace);
        }
        for Stay { tensor, steps } in &self.stays {
            occupancy.add(steps.start.index()..steps.end.index(), problem.graph.tensor(*tensor).size);
        }
        for (step, pairs) in problem.in_place_by_step(&self.order).iter().enumerate() {
            pairs.iter().for_each(|pair| occupancy.subtract(step, problem.graph.tensor(pair.inner()).size));
        }
        occupancy.levels().collect()
    }

    /// The padded sizes of everything in the scratchpad while each step runs, workspace included. Bytes that a result
    /// and an operand can share count once.
    pub(crate) fn rooms(&self, problem: &Problem) -> Vec<Bytes> {
        let mut rooms: Vec<Bytes> = self.order.iter().map(|it| problem.workspace_room(*it)).collect();
        for stay in &self.stays {
            let steps = stay.steps.start.index()..stay.steps.end.index();
            rooms[steps].iter_mut().for_each(|it| *it += problem.room(stay.tensor));
        }
        for (room, pairs) in rooms.iter_mut().zip(problem.in_place_by_step(&self.order)) {
            *room = room.saturating_sub(problem.saved(&pairs));
        }
        rooms
    }

    /// The most bytes in the scratchpad at once, without padding.
    pub fn peak(&self, problem: &Problem) -> Bytes {
        self.occupancy(problem).into_iter().max().unwrap_or(Bytes::ZERO)
    }

    /// Bytes of spills and reloads, including repeated streaming of a tensor.
    pub fn non_compulsory(&self, problem: &Problem) -> Bytes {
        let mut visits = vec![0; problem.graph.tensors().len()];
        for tensor in self.stays.iter().map(|it| it.tensor).chain(self.passing(problem).map(|it| it.1)) {
            visits[tensor.index()] += 1;
        }
        let charges = problem.graph.tensor_ids().zip(visits).map(|(tensor, visits)| charge(problem, tensor, visits));
        problem.restreamed() + charges.sum()
    }

    /// The uses [with a choice](crate::Use::may_pass_by) that do not find their tensor in the scratchpad: it is
    /// streamed in this step.
    pub(crate) fn passing(&self, problem: &Problem) -> impl Iterator<Item = (Step, TensorId)> {
        // By tensor that may be streamed: its stays, ascending.
        let mut stays: HashMap<TensorId, Vec<&Range<Step>>> = HashMap::new();
        for stay in self.stays.iter().filter(|it| problem.graph.may_pass_by(it.tensor)) {
            stays.entry(stay.tensor).or_default().push(&stay.steps);
        }
        let reads = (0..).map(Step).zip(&self.order);
        let reads = reads.flat_map(|(step, op)| problem.graph.op(*op).reads_either_way().map(move |it| (step, it)));
        reads.filter(move |(step, tensor)| {
            let Some(stays) = stays.get(tensor) else { return true };
            let before = stays.partition_point(|it| it.start <= *step);
            before.checked_sub(1).is_none_or(|it| stays[it].end <= *step)
        })
    }

    /// The plan with the *i*-th stay at `offsets[i]`, and the workspace of the operator of step *t* at `workspaces[t]`.
    pub fn at(&self, offsets: &[Bytes], workspaces: Vec<Bytes>) -> Plan {
        let stays = self.stays.iter().zip(offsets);
        let residencies =
            stays.map(|(it, &offset)| Residency { tensor: it.tensor, steps: it.steps.clone(), offset }).collect();
        Plan { order: self.order.clone(), residencies, workspaces }
    }
}
