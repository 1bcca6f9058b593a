//! Divide and conquer over a known plan, for problems without narrow cuts.
//!
//! A window slides over the plan. What runs in it is planned again, by integer programming, and so
//! are the residencies some way before and after it, while all else stays as it is: so the whole
//! never gets worse. After each pass the residencies of the
//! whole are planned again in the new order, and windows get wider when nothing more is found.

use super::exact::solve;
use super::replace::replace;
use super::residency::is_tracked;
use super::segment::{Boundary, Lies, Segment};
use super::{Reductions, formula::mended, splice};
use crate::{Deadline, Error, Outline, Problem};
use std::ops::Range;
use std::time::Duration;

/// Steps in a window, and steps before and after it in which residencies are planned again in the
/// order that is; narrow ones take less time, and find most.
const SHAPES: [(usize, usize); 7] = [(10, 0), (16, 0), (24, 0), (36, 0), (16, 16), (24, 24), (50, 0)];

/// Improves an outline, window by window; each may take so long.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn improve(
    problem: &Problem,
    mut outline: Outline,
    reductions: Reductions,
    limit: Duration,
    deadline: Deadline,
) -> Result<Outline, Error> {
    let n_steps = outline.order.len();
    let mut shapes = SHAPES.into_iter();
    let Some((mut width, mut margin)) = shapes.next() else { return Ok(outline) };
    loop {
        let before = outline.non_compulsory(problem);
        let stride = width.div_ceil(2);
        for begin in (0..n_steps.saturating_sub(stride).max(1)).step_by(stride) {
            if deadline.has_passed() {
                return Ok(outline);
            }
            let window = begin..(begin + width).min(n_steps);
            if let Some(better) = improve_window(problem, &outline, window, margin, reductions, deadline.within(limit))?
            {
                outline = better;
            }
        }
        let replaced = replace(problem, &outline.order, Some(&outline), deadline.within(limit))?.outline;
        if replaced.non_compulsory(problem) < outline.non_compulsory(problem) {
            outline = replaced;
        }
        if outline.non_compulsory(problem) == problem.restreamed() {
            return Ok(outline);
        }
        if before <= outline.non_compulsory(problem) {
            match shapes.next() {
                Some(next) if width < n_steps => (width, margin) = next,
                _ => return Ok(outline),
            }
        }
    }
}

/// A better outline, if the solver finds one: it differs in the order of some steps only, and in
/// residencies so many steps around them.
fn improve_window(
    problem: &Problem,
    outline: &Outline,
    free: Range<usize>,
    margin: usize,
    reductions: Reductions,
    deadline: Deadline,
) -> Result<Option<Outline>, Error> {
    let returns = returns(problem, outline);
    let window = free.start.saturating_sub(margin)..(free.end + margin).min(outline.order.len());
    let mut kept = splice::kept(outline);
    if !returns.iter().flatten().any(|it| window.contains(it)) {
        return Ok(None);
    }
    let ops = &outline.order[window.clone()];
    let boundary = |step: usize| boundary(problem, outline, &kept, &returns, step, &window);
    let (entry, exit) = (boundary(window.start), boundary(window.end));
    let free = free.start - window.start..free.end - window.start;
    let Some(segment) = Segment::with_order(problem, ops, free, &entry, &exit) else { return Ok(None) };
    let solved = solve(&segment.problem, &segment.order(ops), reductions, deadline)?;
    let part = segment.part(&solved.outline);
    let mut order = outline.order.clone();
    order[window.clone()].copy_from_slice(&part.ops);
    if let Some(before) = window.start.checked_sub(1) {
        // What the entry did not use does not cross.
        kept[before] = part.kept_before;
    }
    // What crosses the end is what the exit found, as far as it was not brought in for it alone.
    let last = window.end - 1;
    kept[window.start..last].clone_from_slice(&part.kept[..window.len() - 1]);
    if window.end < order.len() {
        kept[last].clone_from(&part.kept[window.len() - 1]);
    }
    let better = mended(problem, order, &kept);
    Ok((better.non_compulsory(problem) < outline.non_compulsory(problem)).then_some(better))
}

/// Per tensor, the steps just before which it comes in again.
fn returns(problem: &Problem, outline: &Outline) -> Vec<Vec<usize>> {
    let mut starts = vec![Vec::new(); problem.graph.tensors().len()];
    for stay in &outline.stays {
        starts[stay.tensor.index()].push(stay.steps.start.index());
    }
    starts.iter_mut().for_each(|it| drop(it.drain(..it.len().min(1))));
    starts
}

/// Where tensors lie before a step, seen from a window: a host copy that is paid for elsewhere may
/// be used in it.
fn boundary(
    problem: &Problem,
    outline: &Outline,
    kept: &[Vec<crate::TensorId>],
    returns: &[Vec<usize>],
    step: usize,
    window: &Range<usize>,
) -> Boundary {
    let graph = &problem.graph;
    let mut has_run = vec![false; outline.order.len()];
    outline.order[..step].iter().for_each(|it| has_run[it.index()] = true);
    let mut boundary = Boundary::new();
    for tensor in graph.tensor_ids().filter(|it| is_tracked(problem, *it)) {
        let mut touching = graph.producer(tensor).into_iter().chain(graph.readers(tensor).iter().copied());
        let is_live =
            touching.any(|it| has_run[it.index()]) && graph.readers(tensor).iter().any(|it| !has_run[it.index()]);
        if !is_live {
            continue;
        }
        let has_host_copy = graph.producer(tensor).is_none() || graph.is_stored(tensor);
        let is_paid = has_host_copy || returns[tensor.index()].iter().any(|it| !window.contains(it));
        let is_here = step.checked_sub(1).is_some_and(|it| kept[it].contains(&tensor));
        boundary.push((
            tensor,
            if !is_here {
                Lies::Host
            } else if is_paid {
                Lies::Both
            } else {
                Lies::Here
            },
        ));
    }
    boundary
}
