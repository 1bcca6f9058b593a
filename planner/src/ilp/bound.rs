//! A lower bound on the whole from its parts: divide and conquer.
//!
//! 1. Each tensor belongs to a step of a known plan: the fullest step while it is absent, or else the fullest step
//!    while it is present.
//! 2. A range of the plan's steps forms a [`part`](super::part): it owns the tensors that belong to its steps, and
//!    includes their operators and some around them that touch its tensors.
//! 3. Ranges form a binary tree, divided at narrow boundaries near the middle. It is solved from the leaves up: the
//!    bound of a range is that of its program or the sum of the two below, whichever is larger; the bounds below are
//!    rows of its program. A range whose cost in the plan equals its bound needs no program.
//!
//! The search can use the same tree for bounds ([`search`](crate::search)).

use super::Reductions;
use super::exact::{Effort, Floor, solve_with};
use super::formula::mended;
use super::part::part;
use super::precedence::Precedence;
use super::windows::{crossing, narrowest};
use crate::fate::{Fate, fates};
use crate::{Bytes, Deadline, Error, OpId, Outline, Problem, TensorId};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use tracing::debug;

/// The maximum number of operators touching a tensor that a part includes: the nearest ones.
const MAX_TOUCHES: usize = 6;

/// The tree of a known plan.
pub(super) struct Tree<'a> {
    problem: &'a Problem,
    known: &'a Outline,
    /// The maximum number of steps of the smallest ranges.
    leaf: usize,
    crossing: Vec<(u64, u64)>,
    /// The bounds of the parts' own programs, by range, and whether the program was solved to optimality.
    solved: BTreeMap<(usize, usize), (Bytes, bool)>,
    precedence: Precedence,
    step_of: Vec<usize>,
    /// By step: the tensors that belong to it.
    owned: Vec<Vec<TensorId>>,
    /// By tensor: its fate in the known plan.
    fates: Vec<Fate>,
}

/// The limits of the solver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits<'a> {
    /// For each part.
    pub effort: Effort,
    /// For each part.
    pub for_each: Duration,
    /// For all parts together.
    pub deadline: Deadline<'a>,
}

/// A range of steps.
struct Stretch {
    bound: Bytes,
    /// By step: whether its part includes the operator.
    looks_at: Vec<bool>,
    tensors: Vec<TensorId>,
    /// Bounds on disjoint sets of its tensors, which add up to its bound.
    floors: Vec<Floor>,
}

impl Tree<'_> {
    /// The tree of a plan, without any bounds. The smallest ranges have at most `leaf` steps.
    ///
    /// `None` if the deadline passes first, or if the problem is too large.
    pub(super) fn new<'a>(
        problem: &'a Problem,
        known: &'a Outline,
        leaf: usize,
        deadline: Deadline,
    ) -> Option<Tree<'a>> {
        let graph = &problem.graph;
        let mut step_of = vec![0; known.order.len()];
        known.order.iter().enumerate().for_each(|(step, op)| step_of[op.index()] = step);
        let fates = fates(problem, known);
        let mut owned = vec![Vec::new(); known.order.len()];
        for tensor in graph.tensor_ids().filter(|it| problem.is_tracked(*it)) {
            owned[fates[tensor.index()].decided].push(tensor);
        }
        let precedence = Precedence::of(problem, deadline)?;
        let crossing = crossing(problem, &known.order);
        let (leaf, solved) = (leaf.max(1), BTreeMap::new());
        Some(Tree { problem, known, leaf, crossing, solved, precedence, step_of, owned, fates })
    }

    /// A proven lower bound on the non-compulsory traffic of every outline. Results of earlier calls are reused.
    ///
    /// # Errors
    /// [`Error::Solver`].
    pub(super) fn bound(&mut self, limits: Limits) -> Result<Bytes, Error> {
        let n_steps = self.known.order.len();
        let bound = if n_steps == 0 { Bytes::ZERO } else { self.stretch(0..n_steps, limits)?.bound };
        Ok(self.problem.restreamed() + bound)
    }

    fn stretch(&mut self, steps: Range<usize>, limits: Limits) -> Result<Stretch, Error> {
        let mut stretch = if self.leaf < steps.len() {
            let margin = steps.len().div_ceil(4);
            let middle = narrowest(&self.crossing, steps.start + margin..=steps.end - margin);
            let mut stretch = self.stretch(steps.start..middle, limits)?;
            let other = self.stretch(middle..steps.end, limits)?;
            stretch.bound += other.bound;
            stretch.looks_at.iter_mut().zip(other.looks_at).for_each(|(own, other)| *own |= other);
            stretch.tensors.extend(other.tensors);
            stretch.floors.extend(other.floors);
            stretch
        } else {
            self.smallest(steps.clone())
        };
        let paid: Bytes = stretch.tensors.iter().map(|it| self.fates[it.index()].charge).sum();
        if stretch.bound < paid {
            let key = (steps.start, steps.end);
            let (mut bound, mut is_solved) = self.solved.get(&key).copied().unwrap_or_default();
            if !is_solved && !limits.deadline.has_passed() {
                let solved = self.solve(&stretch, limits)?;
                (bound, is_solved) = (bound.max(solved.0), solved.1);
                self.solved.insert(key, (bound, is_solved));
            }
            if stretch.bound < bound {
                stretch.bound = bound;
                stretch.floors = vec![Floor { tensors: stretch.tensors.clone(), least: bound }];
            }
        }
        Ok(stretch)
    }

    fn smallest(&self, steps: Range<usize>) -> Stretch {
        let graph = &self.problem.graph;
        let mut looks_at = vec![false; self.step_of.len()];
        looks_at[steps.clone()].fill(true);
        let tensors: Vec<TensorId> = self.owned[steps.clone()].iter().flatten().copied().collect();
        for &tensor in &tensors {
            let touching = graph.touches(tensor);
            let mut touches: Vec<usize> = touching.map(|it| self.step_of[it.index()]).collect();
            let distance = |it: usize| steps.start.saturating_sub(it) + (it + 1).saturating_sub(steps.end);
            touches.sort_by_key(|it| (distance(*it), *it));
            touches.into_iter().take(MAX_TOUCHES).for_each(|it| looks_at[it] = true);
        }
        Stretch { bound: Bytes::ZERO, looks_at, tensors, floors: Vec::new() }
    }

    /// The bound of a range by its own program, and whether it is the optimum of the program.
    fn solve(&self, stretch: &Stretch, limits: Limits) -> Result<(Bytes, bool), Error> {
        let steps: Vec<usize> = (0..self.step_of.len()).filter(|it| stretch.looks_at[*it]).collect();
        let ops: Vec<OpId> = steps.iter().map(|it| self.known.order[*it]).collect();
        let mut is_owned = vec![false; self.problem.graph.tensors().len()];
        stretch.tensors.iter().for_each(|it| is_owned[it.index()] = true);
        let part = part(self.problem, &self.precedence, &ops, &is_owned);
        let to_own = |tensors: &[TensorId]| tensors.iter().filter_map(|it| part.own_tensor(*it)).collect();
        let floors = stretch.floors.iter().map(|it| Floor { tensors: to_own(&it.tensors), least: it.least });
        let floors: Vec<Floor> = floors.collect();
        // The remaining part of the known plan.
        let stays = |tensor: TensorId, from: usize, to: usize| {
            self.fates[tensor.index()].stays.iter().any(|it| it.contains(&from) && it.contains(&to))
        };
        let kept = steps.windows(2).map(|pair| {
            part.problem.graph.tensor_ids().filter(|it| stays(part.tensor(*it), pair[0], pair[1])).collect()
        });
        let kept: Vec<Vec<TensorId>> = kept.chain([Vec::new()]).collect();
        let start = mended(&part.problem, part.problem.graph.op_ids().collect(), &kept);
        let deadline = limits.deadline.within(limits.for_each);
        let solved = solve_with(&part.problem, start, &floors, Reductions::ALL, limits.effort, deadline)?;
        let (bound, best) = (solved.lower_bound, solved.outline.non_compulsory(&part.problem));
        debug!(ops = ops.len(), below = %stretch.bound, %bound, %best, "part");
        Ok((bound, bound == best))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ilp::first::first;
    use crate::testing::{Shape, outline_optimum, seeded_problem};

    #[test]
    fn no_outline_moves_less() {
        let (mut moving, mut met, mut divided) = (0, 0, 0);
        for seed in 0..250 {
            let problem = seeded_problem(Shape::SMALL, seed);
            let optimum = outline_optimum(&problem).expect("each operator fits");
            let known = first(&problem);
            let limits = |max_nodes| Limits {
                effort: Effort { max_nodes, ..Effort::FULL },
                for_each: Duration::from_secs(60),
                deadline: Deadline::NEVER,
            };
            // With few nodes, the solver stops with a bound; then without a limit.
            for leaf in [2, 100] {
                let mut tree = Tree::new(&problem, &known, leaf, Deadline::NEVER).expect("it is small");
                let bound = tree.bound(limits(1)).expect("the solver works");
                assert!(bound <= optimum, "{bound} is more than {optimum}, leaf {leaf}: {problem}");
                // The last part is the whole, with the bounds below as rows.
                let bound = tree.bound(limits(i32::MAX)).expect("the solver works");
                assert_eq!(bound, optimum, "leaf {leaf}: {problem}");
                met += usize::from(problem.restreamed() < bound);
            }
            // Parts alone.
            let mut tree = Tree::new(&problem, &known, 2, Deadline::NEVER).expect("it is small");
            let n_steps = known.order.len();
            let halves = [0..n_steps / 2, n_steps / 2..n_steps];
            let bounds = halves.map(|it| match it.is_empty() {
                true => Bytes::ZERO,
                false => tree.stretch(it, limits(i32::MAX)).expect("the solver works").bound,
            });
            assert!(problem.restreamed() + bounds[0] + bounds[1] <= optimum, "{bounds:?}: {problem}");
            moving += usize::from(problem.restreamed() < optimum);
            divided += usize::from(bounds.iter().any(|it| *it != Bytes::ZERO));
        }
        assert!(50 < moving && 50 < met && 20 < divided, "{moving} {met} {divided}");
    }
}
