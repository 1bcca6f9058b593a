//! The transfers and computations of a plan: everything that is known before the start of transfers is decided.

use super::Timing;
use crate::{Action, Bytes, Copy, Cycles, Error, MemoryId, Origin, Plan, Problem, Slot, Step};

/// A load at the beginning of a residency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// The index of the residency in the plan.
    pub residency: usize,
    /// The step before whose operator it must be complete.
    pub due: usize,
    /// The step before which it is not in host memory, or may not be loaded yet.
    pub not_before: usize,
    pub size: Bytes,
}

/// The outgoing transfer of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WriteBack {
    /// The index of the plan's residency in which it is written.
    pub residency: usize,
    /// The step whose operator writes it.
    pub made: usize,
    /// The step from which on its bytes may be needed for something else.
    pub leaves: usize,
    /// The step before whose operator it must be in host memory, for a reload; `None` if only the end requires it.
    pub due: Option<usize>,
    pub size: Bytes,
}

/// The transfers of a plan, and its steps.
pub(crate) struct Transfers {
    /// Sorted by the step in which they are due.
    pub loads: Vec<Load>,
    /// Sorted by the step in which they are made.
    pub write_backs: Vec<WriteBack>,
    pub steps: Vec<StepTime>,
    /// The timing of the links from and to host memory.
    pub inward: Timing,
    pub outward: Timing,
}

/// The times of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepTime {
    /// The compute time of its operator.
    pub cycles: Cycles,
    /// The sizes of the operands that are read in host memory while it runs.
    pub streams: Vec<Bytes>,
    /// The padded size of all residencies of the step and the workspace. Bytes that a result and an operand can share
    /// count once.
    pub room: Bytes,
}

impl Transfers {
    /// # Errors
    /// [`Error::NoClock`]; [`Error::TooManyCycles`]; [`Error::NotPlanned`] if there is no link in each direction.
    pub fn new(problem: &Problem, plan: &Plan) -> Result<Transfers, Error> {
        let machine = &problem.machine;
        machine.clock().ok_or(Error::NoClock)?;
        let timing = |from, to| {
            let message = || Error::NotPlanned("a machine without links to the scratchpad and back".into());
            machine.timing(from, to).copied().ok_or_else(message)
        };
        let inward = timing(MemoryId::HOME, MemoryId::SCRATCHPAD)?;
        let outward = timing(MemoryId::SCRATCHPAD, MemoryId::HOME)?;
        let rooms = plan.outline().rooms(problem);
        let mut steps = Vec::with_capacity(plan.order.len());
        let (mut loads, mut write_backs) = (Vec::new(), Vec::new());
        let mut of_tensor: Vec<Vec<usize>> = vec![Vec::new(); problem.graph.tensors().len()];
        for (index, residency) in plan.residencies.iter().enumerate() {
            of_tensor[residency.tensor.index()].push(index);
        }
        let mut due: Vec<Option<usize>> = vec![None; problem.graph.tensors().len()];
        // The requirements of a reload in host memory, among tensors that operators write.
        let mut needs_home = |slot: &Slot, step: usize| {
            let graph = &problem.graph;
            let parts: &[_] = match graph.tensor(slot.tensor).origin {
                Origin::Staged => graph.parts(slot.tensor),
                _ => std::slice::from_ref(&slot.tensor),
            };
            parts.iter().for_each(|it| _ = due[it.index()].get_or_insert(step));
        };
        for action in plan.actions(problem) {
            let step = steps.len();
            match action {
                Action::Copy(Copy { tensor, from, .. }) => {
                    let size = problem.graph.tensor(tensor).size;
                    let is_there = |it: &&usize| {
                        let steps = &plan.residencies[**it].steps;
                        match from.memory {
                            MemoryId::HOME => steps.start.index() == step,
                            _ => steps.start.index() < step && step <= steps.end.index(),
                        }
                    };
                    let residency = of_tensor[tensor.index()].iter().find(is_there);
                    let Some(&residency) = residency else { continue };
                    if from.memory == MemoryId::HOME {
                        needs_home(&Slot::at_home(tensor), step);
                        loads.push(Load { residency, due: step, not_before: 0, size });
                    } else {
                        let Step(made) = plan.residencies[residency].steps.start;
                        let leaves = plan.residencies[residency].steps.end.index();
                        write_backs.push(WriteBack { residency, made: made as usize, leaves, due: None, size });
                    }
                }
                Action::Run { op, ref reads, .. } => {
                    let streamed = reads.iter().filter(|it| it.place.memory == MemoryId::HOME);
                    streamed.clone().for_each(|it| needs_home(it, step));
                    let streams = streamed.map(|it| problem.graph.tensor(it.tensor).size).collect();
                    let cycles = problem.cycles(op)?.unwrap_or_default();
                    steps.push(StepTime { cycles, streams, room: rooms[step] });
                }
                Action::Start(_) | Action::Issue(_) | Action::IssueSlice(..) | Action::Wait(_) => {}
            }
        }
        let mut is_home_from = vec![0; problem.graph.tensors().len()];
        for it in &mut write_backs {
            let tensor = plan.residencies[it.residency].tensor.index();
            it.due = due[tensor];
            is_home_from[tensor] = it.made + 1;
        }
        for it in &mut loads {
            let tensor = plan.residencies[it.residency].tensor;
            let parts = problem.graph.parts(tensor).iter().chain([&tensor]);
            it.not_before = parts.map(|it| is_home_from[it.index()]).max().unwrap_or(0);
            if it.size == Bytes::ZERO {
                // It may be loaded to the place where it still lies.
                let ends = of_tensor[tensor.index()].iter().map(|it| plan.residencies[*it].steps.end.index());
                let before = ends.filter(|end| *end <= it.due).max();
                it.not_before = it.not_before.max(before.unwrap_or(0));
            }
        }
        write_backs.sort_by_key(|it| it.made);
        Ok(Transfers { loads, write_backs, steps, inward, outward })
    }

    /// Whether all transfers use one channel.
    pub fn is_one_channel(&self) -> bool {
        self.inward.channel == self.outward.channel
    }
}
