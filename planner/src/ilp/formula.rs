//! Order and residency in one integer program, indexed by steps.
//!
//! ```text
//! minimise   Σ size(k)·reload[k][t]  +  Σ size(k)·spill[k]
//! such that  Σ over t:  run[i][t] = 1                                            each operator i
//!            Σ over i:  run[i][t] = 1                                            each step t
//!            Σ over s ≤ t:  run[j][s]  ≤  Σ over s < t:  run[i][s]               each i that j needs
//!            on[k][t]  ≥  Σ over i that touch k:  run[i][t]
//!            on[k][t]  ≤  on[k][t-1] + reload[k][t] + run[producer of k][t]
//!            reload[k][t]  ≤  Σ over i that read k:  run[i][t]
//!            reload[k][t]  ≤  spill[k]                                           k has no host copy
//!            Σ room(k)·on[k][t]  +  Σ own(i)·run[i][t]  ≤  capacity + saved[t]   each step t
//!            saved[t]  =  Σ room(the inner one of k, l)·in_place[k][l][t]
//!            in_place[k][l][t]  ≤  run[i][t], Σ over s < t:  run[j][s]           i writes k, j others that read l
//! ```
//!
//! This is the formulation of the COSMA paper (section 4), without addresses, and with two differences: the write-back
//! has no time, since it costs the same at any time; and a reload is for the operator that reads the tensor next, since
//! an earlier reload would only take space.
//!
//! The capacity is the scratchpad rounded *up* to the alignment, as in [`super::cover`].

use super::cover::Cover;
use super::gap;
use super::order::Order;
use super::precedence::Precedence;
use super::residency::Residency;
use super::solver::Model;
use crate::divisor::gcd;
use crate::{Bytes, Deadline, Error, OpId, Outline, Problem, TensorId, greedy};

/// The integer program of a problem.
pub(super) struct Formula<'a> {
    problem: &'a Problem,
    order: Order,
    residency: Residency,
    model: Model,
    unit: u64,
}

/// The solver's result.
pub(super) struct Solved {
    /// The best outline that was found, if any.
    pub outline: Option<Outline>,
    /// A lower bound on the non-compulsory traffic of every outline, without repeated streaming of weights.
    pub lower_bound: Bytes,
}

impl Formula<'_> {
    /// `start` is the outline to start from. `all_levels` adds the rows that cannot be exceeded.
    pub(super) fn new<'a>(
        problem: &'a Problem,
        precedence: &Precedence,
        start: &Outline,
        all_levels: bool,
    ) -> Formula<'a> {
        let mut model = Model::default();
        let unit = problem.graph.tensors().iter().fold(0, |unit, it| gcd(unit, it.size.0)).max(1);
        let order = Order::new(problem, precedence, &start.order, &mut model);
        let residency = Residency::new(problem, &order, start, unit, &mut model);
        residency.limit(problem, &order, all_levels, &mut model);
        Formula { problem, order, residency, model, unit }
    }

    /// Adds a known bound: these tensors together cost at least this much, without first loads of arguments.
    pub(super) fn add_floor(&mut self, is_meant: impl Fn(TensorId) -> bool, least: Bytes) {
        self.residency.add_floor(self.problem, is_meant, least, self.unit, &mut self.model);
    }

    /// Runs the solver with a node limit.
    ///
    /// # Errors
    /// [`Error::Solver`].
    pub(super) fn minimise(&self, max_nodes: i32, deadline: Deadline) -> Result<Solved, Error> {
        let answer = self.model.minimise(max_nodes, deadline)?;
        let lower_bound = Bytes(answer.bound * self.unit).saturating_sub(self.residency.compulsory);
        Ok(Solved { outline: answer.values.and_then(|it| self.read(&it)), lower_bound })
    }

    /// The outline of a solution; if rounding made it infeasible, it is repaired by evictions. `None` if even the order
    /// is invalid.
    fn read(&self, values: &[u64]) -> Option<Outline> {
        let order = self.order.read(values);
        if !is_order(self.problem, &order) {
            return None;
        }
        let kept = self.residency.read(values, order.len());
        Some(mended(self.problem, order, &kept))
    }

    /// The names of all variables: `run_conv1_3`, `on_x_4`, `reload_x_4`, `spill_x`.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.order.names(self.problem);
        names.extend(self.residency.names(self.problem));
        names
    }

    /// The program, and the unit of its objective in bytes.
    pub(super) fn model(&self) -> (&Model, u64) {
        (&self.model, self.unit)
    }

    /// The bytes in the objective that are compulsory: arguments must be loaded once.
    pub(super) fn compulsory(&self) -> Bytes {
        self.residency.compulsory
    }
}

/// The outline of an order that keeps these tensors if they are present, if they fit, and if it saves something.
pub(super) fn mended(problem: &Problem, order: Vec<OpId>, kept: &[Vec<crate::TensorId>]) -> Outline {
    let outline = super::splice::outline(problem, order, kept);
    // With too many waiting tensors, replacement by rule is used instead.
    let Some(cover) = Cover::new(problem, &outline.order, problem.capacity()) else {
        return greedy(problem, &outline.order);
    };
    let mut dropped = gap::dropped(&cover.choices.gaps, &outline);
    cover.complete(&mut dropped);
    gap::outline(problem, &outline.order, &cover.choices.gaps, &dropped)
}

/// Whether each operator runs once, after its predecessors.
pub(super) fn is_order(problem: &Problem, order: &[OpId]) -> bool {
    let graph = &problem.graph;
    let mut has_run = vec![false; graph.ops().len()];
    for &op in order {
        if has_run[op.index()] || !graph.predecessors(op).iter().all(|it| has_run[it.index()]) {
            return false;
        }
        has_run[op.index()] = true;
    }
    order.len() == graph.ops().len()
}
