//! When each tensor is used, in a given order.

use crate::{OpId, Problem, Step, TensorId};

/// The steps that read or write each tensor which lies in the scratchpad for it.
pub(crate) struct Uses {
    /// By tensor, ascending.
    steps: Vec<Vec<Step>>,
}

impl Uses {
    pub(crate) fn new(problem: &Problem, order: &[OpId]) -> Uses {
        let mut steps = vec![Vec::new(); problem.graph.tensors().len()];
        for (index, &op) in order.iter().enumerate() {
            for tensor in problem.operands(op) {
                steps[tensor.index()].push(Step(index as u32));
            }
        }
        Uses { steps }
    }

    /// The first use after a step.
    pub(crate) fn next(&self, tensor: TensorId, after: Step) -> Option<Step> {
        let steps = &self.steps[tensor.index()];
        steps.get(steps.partition_point(|it| *it <= after)).copied()
    }

    /// The one of several tensors whose next use is the farthest; among those, the largest.
    pub(crate) fn farthest(
        &self,
        problem: &Problem,
        tensors: impl Iterator<Item = TensorId>,
        after: Step,
    ) -> Option<TensorId> {
        tensors.max_by_key(|it| {
            let next = self.next(*it, after);
            // Nothing is farther than never.
            (next.is_none(), next, problem.graph.tensor(*it).size, *it)
        })
    }
}
