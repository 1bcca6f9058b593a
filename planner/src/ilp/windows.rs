//! Divide and conquer over a known plan, for problems without narrow cuts.
//!
//! A window slides over the plan. The operators in it are planned again by integer programming, and so are residencies
//! for some steps before and after it, while everything else is fixed: so the whole never gets worse. After each pass
//! the residencies of the whole are planned again in the new order, and windows get wider when a pass finds nothing.

use super::exact::{Effort, solve};
use super::replace::replace;
use super::segment::{Boundary, Lies, Segment};
use super::{Reductions, formula::mended, splice};
use crate::{Deadline, Error, OpId, Outline, Problem};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

/// The steps in a window, and the steps before and after it in which only residencies are planned again; narrow windows
/// take less time, and find most improvements.
const SHAPES: [(usize, usize); 7] = [(10, 0), (16, 0), (24, 0), (36, 0), (16, 16), (24, 24), (50, 0)];

/// Improves an outline window by window, with a time limit for each.
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
    for shape in SHAPES {
        loop {
            let before = outline.non_compulsory(problem);
            outline = pass(problem, outline, shape, reductions, Effort::FULL, limit, deadline)?;
            if outline.non_compulsory(problem) == problem.restreamed() || deadline.has_passed() {
                return Ok(outline);
            }
            if before <= outline.non_compulsory(problem) {
                break;
            }
        }
        if n_steps <= shape.0 {
            break;
        }
    }
    Ok(outline)
}

/// Improves an outline by windows of one shape: first the ranges between narrow boundaries, then windows that slide
/// over the whole. Then residencies are planned again in the new order.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn pass(
    problem: &Problem,
    mut outline: Outline,
    (width, margin): (usize, usize),
    reductions: Reductions,
    effort: Effort,
    limit: Duration,
    deadline: Deadline,
) -> Result<Outline, Error> {
    let n_steps = outline.order.len();
    let stride = width.div_ceil(2);
    let sliding = (0..n_steps.saturating_sub(stride).max(1)).step_by(stride);
    let sliding = sliding.map(|it| it..(it + width).min(n_steps));
    let windows: Vec<Range<usize>> = stretches(problem, &outline, width).into_iter().chain(sliding).collect();
    for window in windows {
        if deadline.has_passed() {
            return Ok(outline);
        }
        let deadline = deadline.within(limit);
        if let Some(better) = improve_window(problem, &outline, window, margin, reductions, effort, deadline)? {
            outline = better;
            deadline.found(outline.non_compulsory(problem));
        }
    }
    let replaced = replace(problem, &outline.order, Some(&outline), deadline.within(limit))?.outline;
    if replaced.non_compulsory(problem) < outline.non_compulsory(problem) {
        outline = replaced;
    }
    Ok(outline)
}

/// Divides an order into ranges of half to one and a half times a width, at narrow boundaries.
fn stretches(problem: &Problem, outline: &Outline, width: usize) -> Vec<Range<usize>> {
    let n_steps = outline.order.len();
    let crossing = crossing(problem, &outline.order);
    let mut stretches = Vec::new();
    let mut begin = 0;
    while width + width / 2 < n_steps - begin {
        let end = narrowest(&crossing, begin + width.div_ceil(2)..=begin + width + width / 2);
        stretches.push(begin..end);
        begin = end;
    }
    stretches.push(begin..n_steps);
    stretches
}

/// The numbers of tensors and bytes that cross the boundary before each step of an order, if tensors stay from their
/// first use to their last.
pub(super) fn crossing(problem: &Problem, order: &[OpId]) -> Vec<(u64, u64)> {
    let mut crossing: Vec<(u64, u64)> = vec![(0, 0); order.len() + 1];
    let mut touched: Vec<Option<(usize, usize)>> = vec![None; problem.graph.tensors().len()];
    for (step, &op) in order.iter().enumerate() {
        for tensor in problem.operands(op) {
            let (_, last) = touched[tensor.index()].get_or_insert((step, step));
            *last = step;
        }
    }
    for (tensor, touched) in problem.graph.tensor_ids().zip(touched) {
        let Some((first, last)) = touched.filter(|_| problem.is_tracked(tensor)) else { continue };
        for boundary in &mut crossing[first + 1..=last] {
            boundary.0 += 1;
            boundary.1 += problem.room(tensor).0;
        }
    }
    crossing
}

/// The boundary that the fewest tensors cross, among equals the fewest bytes, and then the one closest to the middle.
pub(super) fn narrowest(crossing: &[(u64, u64)], boundaries: RangeInclusive<usize>) -> usize {
    let middle = boundaries.start().midpoint(*boundaries.end());
    let width = |it: &usize| (crossing[*it], it.abs_diff(middle));
    boundaries.min_by_key(width).unwrap_or(middle)
}

/// A better outline, if the solver finds one: it differs only in the order of some steps, and in residencies within
/// `around` steps of them.
fn improve_window(
    problem: &Problem,
    outline: &Outline,
    free: Range<usize>,
    margin: usize,
    reductions: Reductions,
    effort: Effort,
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
    let solved = solve(&segment.part.problem, &segment.order(ops), reductions, effort, deadline)?;
    let part = segment.part_of_whole(&solved.outline);
    let mut order = outline.order.clone();
    order[window.clone()].copy_from_slice(&part.ops);
    if let Some(before) = window.start.checked_sub(1) {
        // A tensor that the entry did not use does not cross.
        kept[before] = part.kept_before;
    }
    // The tensors that the exit found cross the end, except those that were loaded only for it.
    let last = window.end - 1;
    kept[window.start..last].clone_from_slice(&part.kept[..window.len() - 1]);
    if window.end < order.len() {
        kept[last].clone_from(&part.kept[window.len() - 1]);
    }
    let better = mended(problem, order, &kept);
    Ok((better.non_compulsory(problem) < outline.non_compulsory(problem)).then_some(better))
}

/// By tensor: the steps just before which it is reloaded.
fn returns(problem: &Problem, outline: &Outline) -> Vec<Vec<usize>> {
    let mut starts = vec![Vec::new(); problem.graph.tensors().len()];
    for stay in &outline.stays {
        starts[stay.tensor.index()].push(stay.steps.start.index());
    }
    starts.iter_mut().for_each(|it| drop(it.drain(..it.len().min(1))));
    starts
}

/// The places of tensors before a step, for a window: it may use a host copy that is paid for elsewhere.
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
    for tensor in graph.tensor_ids().filter(|it| problem.is_tracked(*it)) {
        let mut touching = graph.touches(tensor);
        let is_live =
            touching.any(|it| has_run[it.index()]) && graph.readers(tensor).iter().any(|it| !has_run[it.index()]);
        if !is_live {
            continue;
        }
        let is_paid = graph.has_host_copy(tensor) || returns[tensor.index()].iter().any(|it| !window.contains(it));
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
