//! From kept tensors to an outline.

use crate::{OpId, Outline, Problem, TensorId};

/// The tensors that an outline keeps across the boundary after each step.
pub(super) fn kept(outline: &Outline) -> Vec<Vec<TensorId>> {
    let mut kept = vec![Vec::new(); outline.order.len()];
    for stay in &outline.stays {
        (stay.steps.start.index()..stay.steps.end.index() - 1).for_each(|step| kept[step].push(stay.tensor));
    }
    kept
}

/// The number of tensors that it keeps across boundaries, counted at each boundary.
pub(super) fn n_kept(outline: &Outline) -> usize {
    outline.stays.iter().map(|it| it.steps.end.index() - 1 - it.steps.start.index()).sum()
}

/// The outline that keeps these tensors as far as they are present.
pub(super) fn outline(problem: &Problem, order: Vec<OpId>, kept: &[Vec<TensorId>]) -> Outline {
    let mut is_there = vec![false; problem.graph.tensors().len()];
    let mut carried: Vec<TensorId> = Vec::new();
    let mut possible = Vec::with_capacity(kept.len());
    for (&op, kept) in order.iter().zip(kept) {
        carried.extend(problem.operands(op));
        carried.iter().for_each(|it| is_there[it.index()] = true);
        let stays: Vec<TensorId> = kept.iter().copied().filter(|it| is_there[it.index()]).collect();
        carried.iter().for_each(|it| is_there[it.index()] = false);
        carried.clone_from(&stays);
        possible.push(stays);
    }
    Outline::new(problem, order, &possible)
}
