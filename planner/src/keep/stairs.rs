//! A bound on what runs move in any order, whichever weights are kept; and orders in which there is room for more of them.
//!
//! Take a plan that keeps weights of rooms *T* in all, each of which one operator reads. All else has a plan in a
//! scratchpad that is smaller by *T*, where the weights that an operator reads take what they need beyond *T* at least:
//! what of them is kept is within *T*. So with *N(T)* as a lower bound on what the rest moves beyond what it has to,
//! and *U(T)* as the most bytes of weights whose rooms are within *T*,
//!
//! ```text
//! traffic of a run  ≥  all loads  −  U(T)  +  N(T)
//! ```
//!
//! Both *U* and *N* never fall as *T* grows. To be better than the best plan known, which saves *v*, a plan needs
//! `v < U(T) − N(T)`. So begin with the least *T* for which `v < U(T)`, and ask the solvers for *N(T)*; no larger *T* is of
//! use before `v + N(T) < U(T)`, so go on there. Where the rest does not fit any more, or all weights do not suffice, the
//! best plan is proven. Where the stairs end before that, `U` of all that could fit and the last `N` are a bound.
//!
//! Weights that several operators read are loaded and reloaded as any other argument in the rest, and their first loads
//! are not counted: as if they were kept in no room.

use crate::portfolio::decide;
use crate::{Bytes, Deadline, Graph, Keep, OpId, Options, Order, Problem, Solver, TensorId};
use std::cmp::Reverse;

/// Steps that are taken at most.
const MOST_STEPS: usize = 16;

/// The part of the time left that each step may take.
const SHARE_OF_STEP: f64 = 0.3;

/// Weights are put together exactly if that takes no more than so many operations.
const MOST_SUMS: u64 = 20_000_000;

/// What the stairs lead to.
pub(crate) struct Climbed {
    /// No plan in any order moves less that is non-compulsory.
    pub lower_bound: Bytes,
    /// Those that were found on the way.
    pub orders: Vec<Vec<OpId>>,
}

/// Looks for a proof that no plan has less than so many non-compulsory bytes. A problem of one stretch of addresses.
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
    /// Weights that one operator reads and that fit beside each other one; the least padding first.
    weights: Vec<TensorId>,
    /// By tensor.
    is_weight: Vec<bool>,
    /// What is non-compulsory where none of these is kept, and all that others could save is saved.
    base: i128,
    /// By units of the alignment, if that is not too much: the most bytes of weights within so much room.
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

    /// The graph of the rest beside so much room.
    fn graph(&self, room: Bytes) -> Graph {
        let graph = &self.problem.graph;
        let mut builder = graph.with_keep(|_| Keep::Never).to_builder();
        for op in graph.op_ids() {
            let own = graph.op(op).reads_on_chip().filter(|it| self.is_weight[it.index()]);
            // Something may take the place of a weight that is loaded.
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

    /// The rest beside so much room; none if there is no more.
    fn rest(&self, room: Bytes) -> Option<Problem> {
        let left = self.problem.machine.scratchpad().0.checked_sub(room.0)?;
        Some(Problem { graph: self.graph(room), machine: self.problem.machine.with_scratchpad(Bytes(left)) })
    }

    /// The most bytes of weights by room, each weight once.
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

    /// The least room of weights of more bytes than that; none if all together have no more. Where they are not put
    /// together exactly, they are as if they could be divided.
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
