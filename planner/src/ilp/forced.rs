//! A lower bound over all orders from what is live for certain, as a covering problem like that of one order ([`Cover`]).
//!
//! Whatever the order, when operator *v* runs, a tensor is live that an ancestor of *v* touches and
//! a descendant reads. So one row for each operator, not for each step, asks that enough of the
//! tensors leave that are live then for certain.
//!
//! A choice must stand for one reload at least. Of the operators that touch a tensor, those on one
//! chain of the dependences run in the same order in every schedule, and a *gap* here is the time
//! between two that follow each other on it, or before the first, or after the last. If the tensor
//! is not on-chip when *v* runs, it comes back before it is read next, and that is within the same
//! gap or at its end. Where dependences do not tell in which gap *v* runs, all that are possible
//! count in its row.

use super::cover::{Cover, Row};
use super::gap::Gap;
use super::parts::parts;
use super::precedence::Precedence;
use super::replace::attempt;
use crate::{Bytes, Deadline, Error, OpId, Problem, Step};

/// The bound is there to be had soon.
const MAX_NODES: i32 = 1000;

/// A proven lower bound on what all orders charge, further uses of streamed weights left aside.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn lower_bound(problem: &Problem, precedence: &Precedence, deadline: Deadline) -> Result<Bytes, Error> {
    let cover = cover(problem, precedence);
    let mut bound = Bytes::ZERO;
    for part in parts(&cover) {
        let mut choice = vec![false; part.gaps.len()];
        part.cover.complete(&mut choice);
        bound += attempt(&part.cover, &[], &mut choice, MAX_NODES, deadline)?;
    }
    Ok(bound)
}

fn cover(problem: &Problem, precedence: &Precedence) -> Cover {
    let graph = &problem.graph;
    let mut cover =
        Cover { gaps: Vec::new(), sizes: Vec::new(), rooms: Vec::new(), written: Vec::new(), rows: Vec::new() };
    let mut terms: Vec<Vec<(usize, Bytes)>> = vec![Vec::new(); graph.ops().len()];
    let mut live = vec![Bytes::ZERO; graph.ops().len()];
    for tensor in graph.tensor_ids().filter(|it| problem.room(*it) != Bytes::ZERO) {
        let readers = graph.readers(tensor);
        let producer = graph.producer(tensor);
        let is_live = |op: OpId| {
            let is_after = |it: &OpId| precedence.is_before(*it, op);
            let is_touched = producer.iter().chain(readers).any(is_after);
            let touches = producer == Some(op) || readers.contains(&op);
            is_touched && !touches && readers.iter().any(|it| precedence.is_before(op, *it))
        };
        let ops: Vec<OpId> = graph.op_ids().filter(|it| is_live(*it)).collect();
        let chain = longest_chain(precedence, producer, readers);
        let first = cover.gaps.len();
        for _ in 0..=chain.len() {
            cover.gaps.push(Gap { tensor, inside: Step(0)..Step(0) });
            cover.sizes.push(graph.tensor(tensor).size);
            cover.rooms.push(problem.room(tensor));
            cover.written.push(Some(tensor).filter(|it| !graph.has_host_copy(*it)));
        }
        for op in ops {
            let from = chain.iter().rposition(|it| precedence.is_before(*it, op)).map_or(0, |it| it + 1);
            let to = chain.iter().position(|it| precedence.is_before(op, *it)).unwrap_or(chain.len());
            terms[op.index()].extend((from..=to).map(|it| (first + it, problem.room(tensor))));
            live[op.index()] += problem.room(tensor);
        }
    }
    for (op, mut terms) in graph.op_ids().zip(terms) {
        // In the order that is best for it.
        let own = problem.own_room(op) - problem.saved_at_most(op);
        let excess = (own + live[op.index()]).saturating_sub(problem.capacity().max(own));
        if excess != Bytes::ZERO {
            terms.iter_mut().for_each(|(_, worth)| *worth = excess.min(*worth));
            cover.rows.push(Row { step: Step(op.0), terms, excess });
        }
    }
    cover
}

/// The most touches of a tensor that each depend on the one before.
fn longest_chain(precedence: &Precedence, producer: Option<OpId>, readers: &[OpId]) -> Vec<OpId> {
    let touches: Vec<OpId> = producer.into_iter().chain(readers.iter().copied()).collect();
    let mut best: Vec<Vec<OpId>> = Vec::new();
    for &touch in &touches {
        let before = best.iter().filter(|it| it.last().is_some_and(|it| precedence.is_before(*it, touch)));
        let mut chain = before.max_by_key(|it| it.len()).cloned().unwrap_or_default();
        chain.push(touch);
        best.push(chain);
    }
    best.into_iter().max_by_key(Vec::len).unwrap_or_default()
}
