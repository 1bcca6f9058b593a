//! Pairs of residencies that are operands of one operator.

use crate::{Bytes, MemoryId, OpId, Plan, Problem, Step, TensorId};

/// Two residencies that an operator reads in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Together {
    pub step: Step,
    /// Numbers of residencies; this one is less than the other one.
    pub one: usize,
    pub other: usize,
}

/// All of them in a plan, in the order of their steps: those of the operators that count.
pub(super) fn together(problem: &Problem, plan: &Plan, counts: &dyn Fn(OpId) -> bool) -> Vec<Together> {
    let mut of_tensor: Vec<Vec<usize>> = vec![Vec::new(); problem.graph.tensors().len()];
    for (index, it) in plan.residencies.iter().enumerate() {
        of_tensor[it.tensor.index()].push(index);
    }
    let mut all = Vec::new();
    for (step, op) in (0..).map(Step).zip(&plan.order).filter(|it| counts(*it.1)) {
        let there = |tensor: TensorId| {
            of_tensor[tensor.index()].iter().copied().find(|it| plan.residencies[*it].steps.contains(&step))
        };
        let has_bytes = |it: &TensorId| problem.graph.tensor(*it).size != Bytes::ZERO;
        let reads = problem.graph.op(*op).reads.iter().filter(|it| it.from.contains(MemoryId::SCRATCHPAD));
        let mut reads: Vec<usize> = reads.map(|it| it.tensor).filter(has_bytes).filter_map(there).collect();
        reads.sort_unstable();
        for (nth, &other) in reads.iter().enumerate() {
            all.extend(reads[..nth].iter().map(|one| Together { step, one: *one, other }));
        }
    }
    all
}
