//! A lower bound on the whole from its parts: divide and conquer from below.
//!
//! 1. Each tensor belongs to a step of a known plan: the fullest one while it is away, or else the
//!    fullest one while it is there.
//! 2. A stretch of the plan's steps makes a [`part`](super::part): it owns the tensors that belong
//!    to its steps, and looks at their operators and at those around them that touch what it owns.
//! 3. Stretches form a binary tree. It is solved from the leaves up: the bound of a stretch is that
//!    of its program, or the sum of the two below, whichever is more; and what is known of those
//!    below are rows in its program. A stretch of which the plan pays no more than its bound needs
//!    no program.
//!
//! The same tree bounds the search, where it is solved by searching ([`search`](crate::search)).

use super::Reductions;
use super::exact::{Effort, Floor, solve_with};
use super::formula::mended;
use super::part::part;
use super::precedence::Precedence;
use super::residency::is_tracked;
use crate::{Bytes, Deadline, Error, OpId, Outline, Problem, TensorId};
use std::ops::Range;
use std::time::Duration;
use tracing::debug;

/// Steps of the smallest stretches.
const LEAF: usize = 12;

/// A part looks at no more of the operators that touch a tensor than these: the nearest.
const MAX_TOUCHES: usize = 6;

/// A proven lower bound on the non-compulsory traffic of every outline. `known` is a good one.
///
/// Each part may take so much of the solver, and so long.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn bound(
    problem: &Problem,
    known: &Outline,
    effort: Effort,
    limit: Duration,
    deadline: Deadline,
) -> Result<Bytes, Error> {
    if known.order.is_empty() {
        return Ok(problem.restreamed());
    }
    let tree = Tree::new(problem, known, effort, limit, deadline);
    Ok(problem.restreamed() + tree.bound(0..known.order.len())?.bound)
}

struct Tree<'a> {
    problem: &'a Problem,
    known: &'a Outline,
    effort: Effort,
    limit: Duration,
    deadline: Deadline,
    precedence: Precedence,
    step_of: Vec<usize>,
    /// Per step: the tensors that belong to it.
    owned: Vec<Vec<TensorId>>,
    /// Per tensor: its stays in the known plan, and what that pays for it.
    stays: Vec<Vec<Range<usize>>>,
    paid: Vec<Bytes>,
}

/// What is known of a stretch.
struct Stretch {
    bound: Bytes,
    /// Per step: whether its part looks at the operator.
    looks_at: Vec<bool>,
    tensors: Vec<TensorId>,
    /// What is known about disjoint sets of its tensors, which adds up to the bound.
    floors: Vec<Floor>,
}

impl Tree<'_> {
    fn new<'a>(
        problem: &'a Problem,
        known: &'a Outline,
        effort: Effort,
        limit: Duration,
        deadline: Deadline,
    ) -> Tree<'a> {
        let graph = &problem.graph;
        let mut step_of = vec![0; known.order.len()];
        known.order.iter().enumerate().for_each(|(step, op)| step_of[op.index()] = step);
        let mut stays: Vec<Vec<Range<usize>>> = vec![Vec::new(); graph.tensors().len()];
        for stay in &known.stays {
            stays[stay.tensor.index()].push(stay.steps.start.index()..stay.steps.end.index());
        }
        let occupancy = known.occupancy(problem);
        let mut owned = vec![Vec::new(); known.order.len()];
        let mut paid = vec![Bytes::ZERO; stays.len()];
        for tensor in graph.tensor_ids().filter(|it| is_tracked(problem, *it)) {
            let stays = &stays[tensor.index()];
            let returns = stays.len() as u64 - 1;
            let has_host_copy = graph.producer(tensor).is_none() || graph.is_stored(tensor);
            let transfers = returns + u64::from(0 < returns && !has_host_copy);
            paid[tensor.index()] = Bytes(graph.tensor(tensor).size.0 * transfers);
            let life = match stays.as_slice() {
                [first, second, ..] if first.end < second.start => first.end..second.start,
                [first, ..] => first.clone(),
                [] => continue,
            };
            let fullest = life.clone().max_by_key(|it| (occupancy[*it], std::cmp::Reverse(*it)));
            owned[fullest.unwrap_or(life.start)].push(tensor);
        }
        let precedence = Precedence::of(problem);
        Tree { problem, known, effort, limit, deadline, precedence, step_of, owned, stays, paid }
    }

    fn bound(&self, steps: Range<usize>) -> Result<Stretch, Error> {
        let mut stretch = if LEAF < steps.len() {
            let middle = steps.start.midpoint(steps.end);
            let mut stretch = self.bound(steps.start..middle)?;
            let other = self.bound(middle..steps.end)?;
            stretch.bound += other.bound;
            stretch.looks_at.iter_mut().zip(other.looks_at).for_each(|(own, other)| *own |= other);
            stretch.tensors.extend(other.tensors);
            stretch.floors.extend(other.floors);
            stretch
        } else {
            self.leaf(steps)
        };
        let paid: Bytes = stretch.tensors.iter().map(|it| self.paid[it.index()]).sum();
        if stretch.bound < paid && !self.deadline.has_passed() {
            let bound = self.solve(&stretch)?;
            if stretch.bound < bound {
                stretch.bound = bound;
                stretch.floors = vec![Floor { tensors: stretch.tensors.clone(), least: bound }];
            }
        }
        Ok(stretch)
    }

    fn leaf(&self, steps: Range<usize>) -> Stretch {
        let graph = &self.problem.graph;
        let mut looks_at = vec![false; self.step_of.len()];
        looks_at[steps.clone()].fill(true);
        let tensors: Vec<TensorId> = self.owned[steps.clone()].iter().flatten().copied().collect();
        for &tensor in &tensors {
            let touching = graph.producer(tensor).into_iter().chain(graph.readers(tensor).iter().copied());
            let mut touches: Vec<usize> = touching.map(|it| self.step_of[it.index()]).collect();
            let distance = |it: usize| steps.start.saturating_sub(it) + (it + 1).saturating_sub(steps.end);
            touches.sort_by_key(|it| (distance(*it), *it));
            touches.into_iter().take(MAX_TOUCHES).for_each(|it| looks_at[it] = true);
        }
        Stretch { bound: Bytes::ZERO, looks_at, tensors, floors: Vec::new() }
    }

    /// The bound of a stretch by its own program.
    fn solve(&self, stretch: &Stretch) -> Result<Bytes, Error> {
        let steps: Vec<usize> = (0..self.step_of.len()).filter(|it| stretch.looks_at[*it]).collect();
        let ops: Vec<OpId> = steps.iter().map(|it| self.known.order[*it]).collect();
        let mut is_owned = vec![false; self.problem.graph.tensors().len()];
        stretch.tensors.iter().for_each(|it| is_owned[it.index()] = true);
        let part = part(self.problem, &self.precedence, &ops, &is_owned);
        let mut own = vec![None; is_owned.len()];
        for (id, tensor) in part.problem.graph.tensor_ids().zip(&part.tensors) {
            tensor.iter().for_each(|it| own[it.index()] = Some(id));
        }
        let to_own = |tensors: &[TensorId]| tensors.iter().filter_map(|it| own[it.index()]).collect();
        let floors = stretch.floors.iter().map(|it| Floor { tensors: to_own(&it.tensors), least: it.least });
        let floors: Vec<Floor> = floors.collect();
        // What is left of the known plan.
        let stays = |tensor: &TensorId, from: usize, to: usize| {
            self.stays[tensor.index()].iter().any(|it| it.contains(&from) && it.contains(&to))
        };
        let kept = steps.windows(2).map(|pair| {
            let tensors = part.problem.graph.tensor_ids().zip(&part.tensors);
            tensors.filter(|it| it.1.is_none_or(|it| stays(&it, pair[0], pair[1]))).map(|it| it.0).collect()
        });
        let kept: Vec<Vec<TensorId>> = kept.chain([Vec::new()]).collect();
        let start = mended(&part.problem, part.problem.graph.op_ids().collect(), &kept);
        let deadline = self.deadline.within(self.limit);
        let solved = solve_with(&part.problem, start, &floors, Reductions::ALL, self.effort, deadline)?;
        debug!(ops = ops.len(), below = %stretch.bound, bound = %solved.lower_bound, best = %solved.outline.non_compulsory(&part.problem), "part");
        Ok(solved.lower_bound)
    }
}
