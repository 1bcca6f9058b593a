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

use super::cover::{Cover, MAX_TERMS, Row};
use super::gap::Gap;
use super::parts::parts;
use super::precedence::Precedence;
use super::replace::attempt;
use crate::reach::members;
use crate::{Bytes, Deadline, Error, OpId, Problem, Step};

/// The bound is there to be had soon.
const MAX_NODES: i32 = 1000;

/// A proven lower bound on what all orders charge, further uses of streamed weights left aside.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn lower_bound(problem: &Problem, precedence: &Precedence, deadline: Deadline) -> Result<Bytes, Error> {
    let cover = cover(problem, precedence, |_| Bytes::ZERO, deadline);
    let Some(cover) = cover else { return Ok(Bytes::ZERO) };
    let mut bound = Bytes::ZERO;
    for part in parts(&cover) {
        let mut choice = vec![false; part.gaps.len()];
        part.cover.complete(&mut choice);
        bound += attempt(&part.cover, &[], &mut choice, MAX_NODES, deadline)?;
    }
    Ok(bound)
}

/// The covering problem, where something else lies in the scratchpad as well, with so much room while an operator runs.
pub(super) fn cover(
    problem: &Problem,
    precedence: &Precedence,
    others: impl Fn(OpId) -> Bytes,
    deadline: Deadline,
) -> Option<Cover> {
    let graph = &problem.graph;
    let mut cover = Cover::default();
    let mut terms: Vec<Vec<(usize, Bytes)>> = vec![Vec::new(); graph.ops().len()];
    let mut live = vec![Bytes::ZERO; graph.ops().len()];
    let mut n_terms = 0;
    let n_words = graph.ops().len().div_ceil(64);
    let add_all = |set: &mut [u64], more: &[u64]| set.iter_mut().zip(more).for_each(|(set, more)| *set |= more);
    for tensor in graph.tensor_ids().filter(|it| problem.room(*it) != Bytes::ZERO) {
        let readers = graph.readers(tensor);
        let producer = graph.producer(tensor);
        if deadline.has_passed() || MAX_TERMS < n_terms {
            return None;
        }
        // Where it was touched before, will be read after, and is not touched.
        let mut touched_before = vec![0_u64; n_words];
        let mut read_after = vec![0_u64; n_words];
        for op in producer.iter().chain(readers) {
            add_all(&mut touched_before, precedence.descendants().row(op.index()));
        }
        readers.iter().for_each(|op| add_all(&mut read_after, precedence.ancestors().row(op.index())));
        touched_before.iter_mut().zip(&read_after).for_each(|(before, after)| *before &= after);
        for op in producer.iter().chain(readers).map(|it| it.index()) {
            touched_before[op / 64] &= !(1 << (op % 64));
        }
        let ops = members(&touched_before).map(|it| OpId(it as u32));
        let chain = longest_chain(precedence, producer, readers);
        let first = cover.choices.gaps.len();
        for _ in 0..=chain.len() {
            cover.choices.gaps.push(Gap { tensor, inside: Step(0)..Step(0) });
            cover.choices.sizes.push(graph.tensor(tensor).size);
            cover.choices.rooms.push(problem.room(tensor));
            cover.choices.written.push(Some(tensor).filter(|it| !graph.has_host_copy(*it)));
        }
        for op in ops {
            // What comes before the operator is the first part of a chain, and what comes after, the last.
            let from = chain.partition_point(|it| precedence.is_before(*it, op));
            let to = chain.partition_point(|it| !precedence.is_before(op, *it));
            n_terms += to + 1 - from;
            terms[op.index()].extend((from..=to).map(|it| (first + it, problem.room(tensor))));
            live[op.index()] += problem.room(tensor);
        }
    }
    for (op, mut terms) in graph.op_ids().zip(terms) {
        // In the order that is best for it.
        let own = problem.own_room(op) - problem.saved_at_most(op);
        let excess = (own + live[op.index()] + others(op)).saturating_sub(problem.capacity().max(own));
        if excess != Bytes::ZERO {
            terms.iter_mut().for_each(|(_, worth)| *worth = excess.min(*worth));
            cover.rows.push(Row { step: Step(op.0), terms, excess });
        }
    }
    Some(cover)
}

/// The longest chain is looked for among so many touches of a tensor, since that takes their square.
const MAX_TOUCHES: usize = 2000;

/// The most touches of a tensor that each depend on the one before.
fn longest_chain(precedence: &Precedence, producer: Option<OpId>, readers: &[OpId]) -> Vec<OpId> {
    // Any chain will do; a longer one tells more.
    let touches: Vec<OpId> = producer.into_iter().chain(readers.iter().copied()).take(MAX_TOUCHES).collect();
    // Of the longest chain that ends with each touch: its length, and the touch before.
    let mut best: Vec<(usize, Option<usize>)> = Vec::new();
    for &touch in &touches {
        let before = (0..best.len()).filter(|it| precedence.is_before(touches[*it], touch));
        let last = before.max_by_key(|it| best[*it].0);
        best.push((1 + last.map_or(0, |it| best[it].0), last));
    }
    let mut chain = Vec::new();
    let mut next = (0..best.len()).max_by_key(|it| best[*it].0);
    while let Some(touch) = next {
        chain.push(touches[touch]);
        next = best[touch].1;
    }
    chain.reverse();
    chain
}
