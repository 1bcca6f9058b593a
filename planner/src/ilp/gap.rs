//! The uses of each tensor in a fixed order, and the gaps between them.

use crate::{OpId, Outline, Problem, Stay, Step, TensorId};
use std::ops::Range;

/// The steps strictly between two consecutive uses of a tensor: either it is kept through all of them, or it is
/// evicted.
///
/// Nothing in between is useful: eviction within a gap costs the same as eviction at its start, and the tensor takes
/// space for longer. Uses in consecutive steps have no gap: the tensor is present in both, and nothing runs in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The tensor; never a streamed one.
    pub tensor: TensorId,
    /// Half-open, never empty. The tensor is used in the step before it and in the step at its end.
    pub inside: Range<Step>,
}

/// All gaps, by tensor, then by step.
pub(super) fn gaps(problem: &Problem, order: &[OpId]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (tensor, uses) in problem.graph.tensor_ids().zip(uses(problem, order)) {
        for pair in uses.windows(2) {
            let inside = pair[0].next()..pair[1];
            if inside.start < inside.end {
                gaps.push(Gap { tensor, inside });
            }
        }
    }
    gaps
}

/// The gaps that an outline drops; the inverse of [`outline`] for outlines that keep or drop each gap as a whole.
pub(super) fn dropped(gaps: &[Gap], outline: &Outline) -> Vec<bool> {
    let n_tensors = gaps.last().map_or(0, |it| it.tensor.index() + 1);
    let mut stays: Vec<Vec<&Stay>> = vec![Vec::new(); n_tensors];
    for stay in outline.stays.iter().filter(|it| it.tensor.index() < n_tensors) {
        stays[stay.tensor.index()].push(stay);
    }
    let covers = |stay: &Stay, gap: &Gap| stay.steps.start < gap.inside.start && gap.inside.end < stay.steps.end;
    gaps.iter().map(|gap| !stays[gap.tensor.index()].iter().any(|stay| covers(stay, gap))).collect()
}

/// The outline that keeps every tensor across its gaps, except the dropped ones.
pub(super) fn outline(problem: &Problem, order: &[OpId], gaps: &[Gap], dropped: &[bool]) -> Outline {
    let mut stays: Vec<Stay> = Vec::new();
    let mut gaps = gaps.iter().zip(dropped).peekable();
    for (tensor, uses) in problem.graph.tensor_ids().zip(uses(problem, order)) {
        let mut is_here = false;
        for step in uses {
            if let Some((_, dropped)) = gaps.next_if(|(it, _)| it.tensor == tensor && it.inside.end == step) {
                is_here &= !dropped;
            }
            match stays.last_mut() {
                Some(stay) if is_here => stay.steps.end = step.next(),
                _ => stays.push(Stay { tensor, steps: step..step.next() }),
            }
            is_here = true;
        }
    }
    stays.sort_by_key(|it| (it.steps.start, it.tensor));
    Outline { order: order.to_vec(), stays }
}

/// By tensor: the steps that write or read it, ascending; empty for a streamed one.
fn uses(problem: &Problem, order: &[OpId]) -> Vec<Vec<Step>> {
    let mut uses = vec![Vec::new(); problem.graph.tensors().len()];
    for (index, &op) in order.iter().enumerate() {
        for tensor in problem.operands(op) {
            uses[tensor.index()].push(Step(index as u32));
        }
    }
    uses
}
