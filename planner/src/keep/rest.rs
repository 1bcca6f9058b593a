//! The rest of a problem when some weights lie at fixed addresses in all steps.

use crate::{Bytes, Graph, InPlace, Keep, Plan, Problem, Residency, Step, TensorId, Use};
use std::cmp::Reverse;
use std::ops::Range;

/// A problem whose operators do not read the kept weights, and the way back to the whole problem.
pub(crate) struct Rest {
    /// No weight of it may be kept, and the addresses of the kept weights are reserved. Ids are those of the whole.
    pub problem: Problem,
    /// The addresses of the kept weights.
    slots: Vec<(TensorId, Bytes)>,
}

impl Rest {
    /// The rest of a problem beside these weights, each of which an operator reads in the scratchpad; `None` if they do
    /// not fit.
    ///
    /// They are adjacent at the bottom of the largest stretch without reserved addresses, and then of others, without
    /// holes between them. So if there is one stretch, they fit if the sum of padded sizes does.
    pub fn new(problem: &Problem, kept: &[TensorId]) -> Option<Rest> {
        let machine = &problem.machine;
        let mut stretches = machine.stretches();
        stretches.sort_by_key(|it| (Reverse(it.end - it.start), it.start));
        let bottoms: Vec<Bytes> = stretches.iter().map(|it| it.start).collect();
        let mut by_size = kept.to_vec();
        by_size.sort_by_key(|it| (Reverse(problem.graph.tensor(*it).size), *it));
        let mut slots = Vec::with_capacity(kept.len());
        for tensor in by_size {
            let size = problem.graph.tensor(tensor).size;
            let fits = |it: &&mut Range<Bytes>| size <= it.end - it.start;
            let stretch = stretches.iter_mut().find(fits)?;
            slots.push((tensor, stretch.start));
            stretch.start = (stretch.start + problem.room(tensor)).min(stretch.end.align_up(machine.alignment()));
            stretch.end = stretch.end.max(stretch.start);
        }
        slots.sort_unstable();
        let taken =
            bottoms.into_iter().zip(&stretches).map(|(bottom, left)| bottom..left.start.min(machine.scratchpad()));
        let machine = machine.with_reserved(taken.filter(|it| it.start < it.end));
        Some(Rest { problem: Problem { graph: without(&problem.graph, kept), machine }, slots })
    }

    /// The plan of the whole for a plan of the rest.
    pub fn expand(&self, mut plan: Plan) -> Plan {
        let steps = Step(0)..Step(plan.order.len() as u32);
        let residency = |&(tensor, offset): &(TensorId, Bytes)| Residency { tensor, steps: steps.clone(), offset };
        plan.residencies.extend(self.slots.iter().map(residency));
        plan.residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        plan
    }
}

/// The same graph whose operators do not read these weights in the scratchpad, and in which no weight may be kept.
pub(crate) fn without(graph: &Graph, kept: &[TensorId]) -> Graph {
    let mut is_kept = vec![false; graph.tensors().len()];
    kept.iter().for_each(|it| is_kept[it.index()] = true);
    let is_read = |it: &Use| !is_kept[it.tensor.index()] || !it.from.contains(crate::MemoryId::SCRATCHPAD);
    let may_share = |it: &InPlace| !is_kept[it.operand.index()];
    graph.with_keep(|_| Keep::Never).with_less(is_read, may_share)
}

/// The same problem in which no weight may be kept, and no result takes the place of a weight that could be.
pub(crate) fn without_keep(problem: &Problem) -> Problem {
    without_keep_of(problem, &problem.graph.keepable().collect::<Vec<_>>())
}

/// The same problem in which no weight may be kept, and no result takes the place of these.
pub(crate) fn without_keep_of(problem: &Problem, weights: &[TensorId]) -> Problem {
    let may_share = |it: &InPlace| weights.binary_search(&it.operand).is_err();
    let graph = problem.graph.with_keep(|_| Keep::Never).with_less(|_| true, may_share);
    Problem { graph, machine: problem.machine.clone() }
}
