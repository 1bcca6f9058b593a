//! A lower bound on the traffic of runs in any order with any kept weights, and orders with space for more of them.
//!
//! Take a plan that keeps weights with padded sizes of *T* in all, each read by one operator. The rest then has a plan
//! in a scratchpad that is smaller by *T*, in which the weights of an operator occupy at least their padded size minus
//! *T*, since at most *T* of it is kept. Let *N(T)* be a lower bound on the non-compulsory traffic of the rest, and
//! *U(T)* the most bytes of weights whose padded sizes add up to at most *T*. Then
//!
//! ```text
//! traffic of a run  ≥  all loads  −  U(T)  +  N(T)
//! ```
//!
//! Neither *U* nor *N* decreases as *T* grows. To be better than the best known plan, which saves *v*, a plan needs
//! `v < U(T) − N(T)`. So begin with the least *T* for which `v < U(T)`, and ask the solvers for *N(T)*. No larger *T*
//! helps before `v + N(T) < U(T)`, so continue there. If the rest no longer fits, or all weights together are not
//! enough, the best plan is optimal. If the iterations end before that, `U` of all weights that could fit and the last
//! `N` give a bound.
//!
//! Weights that several operators read are ordinary arguments of the rest, without the cost of their first loads: as if
//! they were kept for free.

use crate::portfolio::decide;
use crate::{Bytes, Deadline, Graph, Keep, OpId, Options, Order, Problem, Solver, TensorId};
use std::cmp::Reverse;

/// The maximum number of steps.
const MOST_STEPS: usize = 16;

/// The share of the remaining time for each step.
const SHARE_OF_STEP: f64 = 0.3;

/// The limit of operations for the exact subset sums of weights.
const MOST_SUMS: u64 = 20_000_000;

/// The outcome.
pub(crate) struct Climbed {
    /// A lower bound on the non-compulsory bytes of every plan in any order.
    pub lower_bound: Bytes,
    /// The orders that were found on the way.
    pub orders: Vec<Vec<OpId>>,
}

/// Tries to prove that no plan has fewer than `best` non-compulsory bytes. The problem must have one stretch of
/// addresses.
pub(crate) fn climb(problem: &Problem, best: Bytes, options: &Options, deadline: Deadline) -> Climbed {
    let mut climbed = Climbed { lower_bound: problem.restreamed(), orders: Vec::new() };
    let [stretch] = &problem.machine.stretches()[..] else { return climbed };
    let machine = problem.machine.with_stretch(stretch);
    let problem = &Problem { graph: problem.graph.clone(), machine };
    let stairs = Stairs::new(problem);
    let size = |it: &TensorId| i128::from(problem.graph.tensor(*it).size.0);
    let base = stairs.base;
    let saved = base - i128::from(best.0);
    let mut needed = saved;
    for _ in 0..MOST_STEPS {
        let Some(room) = stairs.least_room(needed) else {
            climbed.lower_bound = best;
            return climbed;
        };
        let least = if room <= problem.capacity() { stairs.rest(room) } else { None };
        let Some(rest) = least.filter(|it| it.most_demanding(Order::Free).1 <= it.capacity()) else {
            climbed.lower_bound = best;
            return climbed;
        };
        if deadline.has_passed() || rest.check().is_err() {
            return climbed;
        }
        let options = Options { order: Order::Free, solver: Solver::Auto, ..*options };
        let Ok(decision) = decide(&rest, &options, None, deadline.part(SHARE_OF_STEP).in_private()) else {
            return climbed;
        };
        let moves = i128::from(decision.lower_bound.0);
        tracing::debug!(%room, moves, found = %decision.outline.non_compulsory(&rest), "a step of the stairs");
        climbed.orders.push(decision.outline.order);
        let most: i128 = stairs.weights.iter().map(size).sum::<i128>().min(i128::from(problem.capacity().0));
        let bound = (base - most + moves).clamp(0, i128::from(best.0));
        climbed.lower_bound = climbed.lower_bound.max(Bytes(bound as u64));
        if saved + moves <= needed {
            return climbed;
        }
        needed = saved + moves;
    }
    climbed
}

struct Stairs<'a> {
    problem: &'a Problem,
    /// Weights that one operator reads and that fit together with each other one; the least padding first.
    weights: Vec<TensorId>,
    /// By tensor.
    is_weight: Vec<bool>,
    /// The non-compulsory bytes if none of these is kept, and other weights save all that they could.
    base: i128,
    /// The most bytes of weights within each size, in units of the alignment; `None` if that is too expensive.
    sums: Option<Vec<u64>>,
}

impl Stairs<'_> {
    fn new(problem: &Problem) -> Stairs<'_> {
        let graph = &problem.graph;
        let own = |op: OpId| problem.own_room(op) - problem.saved_at_most(op);
        let mut by_need: Vec<(Bytes, OpId)> = graph.op_ids().map(|it| (own(it), it)).collect();
        by_need.sort_by_key(|it| Reverse(*it));
        let fits = |tensor: TensorId, reader: OpId| {
            let others = by_need.iter().find(|it| it.1 != reader);
            others.is_none_or(|it| it.0 + problem.room(tensor) <= problem.capacity())
        };
        let is_meant = |it: &TensorId| matches!(graph.readers(*it), [reader] if fits(*it, *reader));
        let mut weights: Vec<TensorId> = graph.keepable().filter(is_meant).collect();
        let padding = |it: TensorId| problem.room(it) - graph.tensor(it).size;
        weights.sort_by(|a, b| {
            let (a, b) = ((padding(*a), problem.room(*a)), (padding(*b), problem.room(*b)));
            (u128::from(a.0.0) * u128::from(b.1.0)).cmp(&(u128::from(b.0.0) * u128::from(a.1.0)))
        });
        let mut is_weight = vec![false; graph.tensors().len()];
        weights.iter().for_each(|it| is_weight[it.index()] = true);
        let mut stairs = Stairs { problem, weights, is_weight, base: 0, sums: None };
        let size = |it: TensorId| i128::from(graph.tensor(it).size.0);
        let several: i128 = graph.keepable().filter(|it| 1 < graph.readers(*it).len()).map(size).sum();
        let all: i128 = stairs.weights.iter().map(|it| size(*it)).sum();
        let rest = Problem { graph: stairs.graph(Bytes::ZERO), machine: problem.machine.clone() };
        let compulsory = i128::from(rest.compulsory().0) - i128::from(problem.compulsory().0);
        stairs.base = all + compulsory - several;
        stairs.sums = stairs.sums();
        stairs
    }

    /// The graph of the rest beside kept weights of this padded size.
    fn graph(&self, room: Bytes) -> Graph {
        let graph = &self.problem.graph;
        let mut builder = graph.with_keep(|_| Keep::Never).to_builder();
        for op in graph.op_ids() {
            let own = graph.op(op).reads_on_chip().filter(|it| self.is_weight[it.index()]);
            // A result may take the place of a weight that is loaded.
            let is_shared = |it: &TensorId| graph.op(op).in_place.iter().any(|pair| pair.operand == *it);
            let of_own: Bytes = own.filter(|it| !is_shared(it)).map(|it| self.problem.room(it)).sum();
            let beyond = of_own.saturating_sub(room);
            if beyond != Bytes::ZERO {
                builder.workspace(op, self.problem.workspace_room(op) + beyond);
            }
        }
        let whole = builder.build().expect("workspaces are no more than rooms that were counted");
        let is_weight = |it: TensorId| self.is_weight[it.index()];
        whole.with_less(
            |it| !is_weight(it.tensor) || !it.from.contains(crate::MemoryId::SCRATCHPAD),
            |it| !is_weight(it.operand),
        )
    }

    /// The rest beside kept weights of this padded size; `None` if nothing is left.
    fn rest(&self, room: Bytes) -> Option<Problem> {
        let left = self.problem.machine.scratchpad().0.checked_sub(room.0)?;
        Some(Problem { graph: self.graph(room), machine: self.problem.machine.with_scratchpad(Bytes(left)) })
    }

    /// The most bytes of weights within each size, each weight once.
    fn sums(&self) -> Option<Vec<u64>> {
        let alignment = self.problem.machine.alignment().0;
        let n_units = (self.problem.capacity().0 / alignment) as usize;
        if MOST_SUMS < (n_units as u64).saturating_mul(self.weights.len() as u64) {
            return None;
        }
        let mut sums = vec![0; n_units + 1];
        for tensor in &self.weights {
            let (size, units) = (self.problem.graph.tensor(*tensor).size.0, self.problem.room(*tensor).0 / alignment);
            for room in (units as usize..=n_units).rev() {
                sums[room] = sums[room].max(sums[room - units as usize] + size);
            }
        }
        Some(sums)
    }

    /// The least padded size of weights with more than this many bytes; `None` if all together have no more. Without
    /// exact subset sums, weights count as divisible.
    fn least_room(&self, bytes: i128) -> Option<Bytes> {
        let alignment = self.problem.machine.alignment();
        if bytes < 0 {
            return Some(Bytes::ZERO);
        }
        if let Some(sums) = &self.sums {
            let units = sums.partition_point(|it| i128::from(*it) <= bytes);
            return (units < sums.len()).then_some(Bytes(units as u64 * alignment.0));
        }
        let (mut size, mut room) = (0, Bytes::ZERO);
        for tensor in &self.weights {
            let own = self.problem.graph.tensor(*tensor).size.0;
            if bytes < size + i128::from(own) {
                let part = (bytes + 1 - size) as u64;
                return Some((room + Bytes(part)).align_up(alignment).min(room + self.problem.room(*tensor)));
            }
            size += i128::from(own);
            room += self.problem.room(*tensor);
        }
        None
    }
}
