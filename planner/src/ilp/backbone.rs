//! Order and residency relaxed to a coarser time: a lower bound over all orders, and suggestions of orders.
//!
//! Most operators of a training graph, and of many others, lie on one chain of dependences, the *backbone*, and so run
//! in a fixed order. The free choice is when the others, the *side* operators, run: in which *cell*, a range of time
//! between two operators of the backbone. Cells are narrow at both ends of the time in which a side operator can run,
//! and wider in the middle; operators within a cell are unordered. The [`program`] is a relaxation of the joint
//! problem: each plan gives a solution that costs no more. Since the backbone is fixed, its linear relaxation is
//! strong, unlike that of a program indexed by steps.
//!
//! A solution suggests a cell for each side operator. That gives an order, and its best replacement a plan. Then these
//! cells are divided, and the program is solved again; and all cells, once those are as narrow as possible.
//!
//! First, operators that only copy are merged with their operands, as if they were free, see [`merge`]: what remains is
//! often nearly a single order. Then they are all included.
//!
//! Tensors so small that thousands of them fit the scratchpad are ignored at first, and their cost is missing in the
//! bound. When nothing else is missing, they are included.

mod chain;
mod merge;
mod program;
mod side;

use super::forced;
use super::joint::outcome;
use super::precedence::Precedence;
use super::replace::{Outcome, replace};
use crate::sub_problem::SubProblem;
use crate::{Bytes, Deadline, Error, Graph, OpId, Outline, Problem};
use chain::Backbone;
use merge::merged;
use program::Program;
use side::{Side, refine, sides};
use tracing::debug;

/// The relative gap at which the solver may stop while cells can still be divided.
const GAP: f64 = 0.01;

/// A tensor is tiny, and ignored, if more than this many of it fit the scratchpad: at first, and then.
const TINY: [u64; 2] = [2048, u64::MAX];

/// A problem with more side operators per operator of the backbone has no useful backbone.
const MAX_SIDES: usize = 4;

/// The best outline found through the relaxed problem, or `start`, and a lower bound over all orders: `lower_bound`, or
/// a better one.
///
/// At the deadline it returns the best so far.
///
/// # Errors
/// [`Error::Solver`].
pub fn backbone(problem: &Problem, start: &Outline, lower_bound: Bytes, deadline: Deadline) -> Result<Outcome, Error> {
    problem.check_is_settled()?;
    let best = start.non_compulsory(problem);
    let mut known = Known { problem, outline: start.clone(), best, lower_bound };
    if let Some(merged) = merged(problem, &Backbone::of(problem)) {
        known.approach(&merged.problem, &|order| with_left_out(problem, &merged, order), deadline)?;
    }
    known.approach(problem, &|order| order, deadline)?;
    Ok(outcome(problem, known.outline, known.lower_bound))
}

/// An order of the whole, in which merged operators run as early as possible.
fn with_left_out(whole: &Problem, merged: &SubProblem, order: Vec<OpId>) -> Vec<OpId> {
    let mut wishes = vec![None; whole.graph.ops().len()];
    for (step, op) in order.into_iter().enumerate() {
        merged.members(op).iter().for_each(|it| wishes[it.index()] = Some(step));
    }
    in_order(&whole.graph, &wishes)
}

/// The operators by their desired times, or else as early as possible, and always after their predecessors.
fn in_order(graph: &Graph, wishes: &[Option<usize>]) -> Vec<OpId> {
    // In source order, the predecessors of an operator come before it.
    let mut time = vec![0; graph.ops().len()];
    for op in graph.op_ids() {
        let earliest = graph.predecessors(op).iter().map(|it| time[it.index()]).max().unwrap_or(0);
        time[op.index()] = wishes[op.index()].unwrap_or(earliest).max(earliest);
    }
    let mut order: Vec<OpId> = graph.op_ids().collect();
    order.sort_by_key(|it| time[it.index()]);
    order
}

/// A problem that has, for each plan of the problem to solve, a plan that costs no more.
struct Relaxed<'a> {
    problem: &'a Problem,
    precedence: Precedence,
    backbone: Backbone,
    /// Converts an order of this problem into one of the problem to solve.
    restore: &'a dyn Fn(Vec<OpId>) -> Vec<OpId>,
}

impl Relaxed<'_> {
    fn program<'b>(&'b self, sides: &'b [Side], tiny: u64, deadline: Deadline) -> Option<Program<'b>> {
        Program::new(self.problem, &self.precedence, &self.backbone, sides, tiny, deadline)
    }
}

/// The best results so far for the problem to solve.
struct Known<'a> {
    problem: &'a Problem,
    outline: Outline,
    /// The cost of the outline.
    best: Bytes,
    lower_bound: Bytes,
}

impl Known<'_> {
    /// Solves a relaxed problem for its bound, and for orders.
    fn approach(
        &mut self,
        problem: &Problem,
        restore: &dyn Fn(Vec<OpId>) -> Vec<OpId>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if self.is_proven() {
            return Ok(());
        }
        let Some(precedence) = Precedence::of(problem, deadline) else { return Ok(()) };
        self.proved(problem.restreamed() + forced::lower_bound(problem, &precedence, deadline)?, deadline);
        let relaxed = Relaxed { problem, precedence, backbone: Backbone::of(problem), restore };
        for tiny in TINY {
            let sides = sides(problem, &relaxed.precedence, &relaxed.backbone, tiny);
            if sides.len() <= MAX_SIDES * relaxed.backbone.len() {
                self.solve(&relaxed, sides, tiny, deadline)?;
            }
        }
        Ok(())
    }

    fn is_proven(&self) -> bool {
        self.best <= self.lower_bound
    }

    /// Solves the program repeatedly, dividing the chosen cells.
    fn solve(&mut self, relaxed: &Relaxed, mut sides: Vec<Side>, tiny: u64, deadline: Deadline) -> Result<(), Error> {
        let (mut can_refine, mut is_exact) = (true, false);
        while can_refine && !self.is_proven() && !deadline.has_passed() {
            let Some(program) = relaxed.program(&sides, tiny, deadline) else { break };
            // A gap larger than that of the current bound is useless.
            let missing = (self.best - self.lower_bound).0 as f64 / self.best.0 as f64;
            let gap = if is_exact { 0.0 } else { GAP.min(missing / 2.0) };
            let (bound, values) = program.minimise(gap, deadline)?;
            let bound = relaxed.problem.restreamed() + bound;
            self.proved(bound, deadline);
            let Some(values) = values else { break };
            let chosen = program.chosen(&values);
            let order = (relaxed.restore)(in_order(&relaxed.problem.graph, &program.wishes(&chosen)));
            let found = replace(self.problem, &order, None, deadline)?.outline;
            debug!(%bound, found = %found.non_compulsory(self.problem), gap, "backbone");
            self.found(found, deadline);
            let is_refined = refine(&mut sides, &chosen);
            // Once there is nothing to divide, the optimum is computed, as the last step.
            can_refine = is_refined || !is_exact;
            is_exact = !is_refined;
        }
        Ok(())
    }

    fn proved(&mut self, lower_bound: Bytes, deadline: Deadline) {
        self.lower_bound = self.lower_bound.max(lower_bound);
        deadline.proved(self.lower_bound);
    }

    fn found(&mut self, outline: Outline, deadline: Deadline) {
        let cost = outline.non_compulsory(self.problem);
        if cost < self.best {
            (self.best, self.outline) = (cost, outline);
            deadline.found(cost);
        }
    }
}
