//! The steps in which each tensor is used, in a given order.

use crate::{OpId, Problem, Step, TensorId};
use std::ops::Range;

/// The steps that read or write each tensor in the scratchpad, or may do so.
pub(crate) struct Uses {
    /// By tensor, ascending.
    steps: Vec<Vec<Step>>,
}

impl Uses {
    pub(crate) fn new(problem: &Problem, order: &[OpId]) -> Uses {
        let mut steps = vec![Vec::new(); problem.graph.tensors().len()];
        for (index, &op) in order.iter().enumerate() {
            let op = problem.graph.op(op);
            for tensor in op.reads_on_chip().chain(op.writes.iter().copied()) {
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

    /// The uses within some steps, half-open.
    pub(crate) fn within(&self, tensor: TensorId, range: &Range<Step>) -> &[Step] {
        let steps = &self.steps[tensor.index()];
        let before = |end: Step| steps.partition_point(|it| *it < end);
        &steps[before(range.start)..before(range.end)]
    }
}
