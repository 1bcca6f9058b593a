//! A rule that chooses the weights to keep beside given stays.

#[cfg(feature = "ilp")]
use crate::occupancy::Occupancy;
use crate::{Bytes, Outline, Problem, TensorId};
use std::cmp::Reverse;
use std::ops::Range;

/// The weights that stay from each run to the next beside the stays of an outline: the largest first, if there is space
/// for it in all steps before its first stay and after its last one.
///
/// `problem` is the problem of these stays, without results in the place of weights. The result is ascending.
pub(crate) fn keep_greedily(problem: &Problem, outline: &Outline, candidates: &[TensorId]) -> Vec<TensorId> {
    let capacity = problem.capacity();
    let n_steps = outline.order.len();
    let mut left: Vec<Bytes> = outline.rooms(problem).into_iter().map(|it| capacity.saturating_sub(it)).collect();
    let stays = hulls(problem, outline);
    let mut candidates: Vec<TensorId> = candidates.to_vec();
    candidates.sort_by_key(|it| (Reverse(problem.graph.tensor(*it).size), *it));
    let mut kept = Vec::new();
    // The step with the least space: most weights that are too large for any step are too large for this one.
    let mut least = (0..n_steps).min_by_key(|it| left[*it]).unwrap_or(0);
    for tensor in candidates {
        let Some(stay) = &stays[tensor.index()] else { continue };
        let room = problem.room(tensor);
        let fits = |step: usize| stay.contains(&step) || room <= left[step];
        if !fits(least) || !(0..n_steps).all(fits) {
            continue;
        }
        (0..n_steps).filter(|it| !stay.contains(it)).for_each(|it| left[it] -= room);
        least = (0..n_steps).min_by_key(|it| left[*it]).unwrap_or(0);
        kept.push(tensor);
    }
    kept.sort_unstable();
    kept
}

/// By tensor: the steps from its first stay to its last one.
pub(crate) fn hulls(problem: &Problem, outline: &Outline) -> Vec<Option<Range<usize>>> {
    let mut hulls: Vec<Option<Range<usize>>> = vec![None; problem.graph.tensors().len()];
    for stay in &outline.stays {
        let (start, end) = (stay.steps.start.index(), stay.steps.end.index());
        let hull = hulls[stay.tensor.index()].get_or_insert(start..end);
        *hull = hull.start.min(start)..hull.end.max(end);
    }
    hulls
}

/// Whether an outline fits a problem, by the sum of padded sizes, with these weights kept beside it.
#[cfg(feature = "ilp")]
pub(crate) fn fits(problem: &Problem, outline: &Outline, kept: &[TensorId]) -> bool {
    let n_steps = outline.order.len();
    let mut beside = Occupancy::new(n_steps);
    let hulls = hulls(problem, outline);
    for tensor in kept {
        let Some(hull) = &hulls[tensor.index()] else { continue };
        beside.add(0..hull.start, problem.room(*tensor));
        beside.add(hull.end..n_steps, problem.room(*tensor));
    }
    let rooms = outline.rooms(problem);
    rooms.into_iter().zip(beside.levels()).all(|(room, beside)| room + beside <= problem.capacity())
}
