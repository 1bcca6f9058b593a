//! Order and residency relaxed to a coarser time: a lower bound over all orders, and orders that
//! suggest themselves.
//!
//! Most operators of a training graph, and of many others, lie on one chain of dependences, the
//! *backbone*, and so run in one order. What is free is when the others run, the *side* operators: in
//! which *cell*, a stretch of time between two operators of the backbone. Cells are narrow at both
//! ends of the time in which a side operator can run, and wider in the middle; what happens within
//! a cell has no order. The [`program`] of that relaxes the joint problem: each plan gives it a
//! solution that charges no more. As the backbone stands still, its linear relaxation is strong
//! where that of a program indexed by steps is not.
//!
//! A solution says in which cells the side operators had better run. That gives an order, and the
//! best replacement for it a plan. Then these cells are divided, and the program is solved again; and
//! all cells, once those are as narrow as they get.
//!
//! Tensors so small that thousands of them fit the scratchpad are left aside at first: what they cost
//! is missing in the bound. Where nothing else is missing, they are let in.

mod chain;
mod program;
mod side;

use super::forced;
use super::joint::outcome;
use super::precedence::Precedence;
use super::replace::{Outcome, replace};
use crate::{Deadline, Error, Outline, Problem};
use chain::Backbone;
use program::Program;
use side::{Cell, Side, sides};
use tracing::debug;

/// How far from the optimum the solver may stop, as a part of it, while cells can still be divided.
const GAP: f64 = 0.01;

/// A tensor is tiny, and left aside, if more than so many of it fit the scratchpad: at first, and then.
const TINY: [u64; 2] = [2048, u64::MAX];

/// A problem with more side operators for each operator of the backbone has none worth the name.
const MAX_SIDES: usize = 4;

/// The best outline that the relaxed problem leads to, or `start`, and a lower bound over all orders.
///
/// At the deadline it stops with what it has.
///
/// # Errors
/// [`Error::Solver`].
pub fn backbone(problem: &Problem, start: &Outline, deadline: Deadline) -> Result<Outcome, Error> {
    let mut outline = start.clone();
    let mut cost = outline.non_compulsory(problem);
    let Some(precedence) = Precedence::of(problem, deadline) else {
        return Ok(outcome(problem, outline, problem.restreamed()));
    };
    let mut lower_bound = problem.restreamed() + forced::lower_bound(problem, &precedence, deadline)?;
    deadline.proved(lower_bound);
    let backbone = Backbone::of(problem);
    for tiny in TINY {
        let mut sides = sides(problem, &precedence, &backbone, tiny);
        let mut can_refine = sides.len() <= MAX_SIDES * backbone.len();
        let mut is_exact = false;
        while can_refine && lower_bound < cost && !deadline.has_passed() {
            let Some(program) = Program::new(problem, &precedence, &backbone, &sides, tiny, deadline) else { break };
            // What is further from the optimum than the bound is now is of no use.
            let missing = (cost - lower_bound).0 as f64 / cost.0 as f64;
            let gap = if is_exact { 0.0 } else { GAP.min(missing / 2.0) };
            let (bound, values) = program.minimise(gap, deadline)?;
            lower_bound = lower_bound.max(problem.restreamed() + bound);
            deadline.proved(lower_bound);
            let Some(values) = values else { break };
            let chosen = program.chosen(&values);
            let found = replace(problem, &program.order(&chosen), None, deadline)?.outline;
            let found_cost = found.non_compulsory(problem);
            debug!(%bound, %found_cost, gap, "backbone");
            if found_cost < cost {
                (cost, outline) = (found_cost, found);
                deadline.found(cost);
            }
            let is_refined = refine(&mut sides, &chosen);
            // Once there is nothing to divide, the optimum is asked for, and that was all.
            can_refine = is_refined || !is_exact;
            is_exact = !is_refined;
        }
    }
    Ok(outcome(problem, outline, lower_bound))
}

/// Divides the cells chosen, or all, if those are as narrow as they get; gives whether one could be.
fn refine(sides: &mut [Side], chosen: &[Option<Cell>]) -> bool {
    let mut is_refined = false;
    for (side, cell) in sides.iter_mut().zip(chosen) {
        is_refined |= cell.is_some_and(|it| side.refine(it));
    }
    if !is_refined {
        for side in sides {
            for cell in side.cells().collect::<Vec<_>>() {
                is_refined |= side.refine(cell);
            }
        }
    }
    is_refined
}
