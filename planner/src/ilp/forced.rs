//! A lower bound over all orders from tensors that are certainly live, as a covering problem like that of one order
//! ([`Cover`]).
//!
//! In any order, when operator *v* runs, a tensor is live if an ancestor of *v* touches it and a descendant reads it.
//! So there is a row for each operator, instead of each step: enough of the tensors that are certainly live must be
//! absent.
//!
//! A choice must stand for at least one reload. Among the operators that touch a tensor, those on one chain of
//! dependences run in the same order in every schedule. A *gap* here is the time between two consecutive ones, or
//! before the first, or after the last. If the tensor is absent when *v* runs, it is reloaded before its next read,
//! within the same gap or at its end. If the dependences do not determine the gap in which *v* runs, all possible gaps
//! count in its row.

use super::cover::{Cover, MAX_TERMS, Row};
use super::gap::Gap;
use super::parts::parts;
use super::precedence::Precedence;
use super::replace::attempt;
use crate::reach::members;
use crate::{Bytes, Deadline, Error, OpId, Problem, Step};

/// A small limit, since the bound should be fast.
const MAX_NODES: i32 = 1000;

/// A proven lower bound on the cost of all orders, without repeated streaming of weights.
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

/// The covering problem with other contents in the scratchpad, given by their padded size while each operator runs.
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
        // Touched before, read after, and not touched by it.
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
            // The predecessors of the operator are a prefix of a chain, and its successors a suffix.
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

/// The limit of touches of a tensor in the search for the longest chain, which takes quadratic time.
const MAX_TOUCHES: usize = 2000;

/// The longest chain of operators that touch a tensor, each dependent on the previous one.
fn longest_chain(precedence: &Precedence, producer: Option<OpId>, readers: &[OpId]) -> Vec<OpId> {
    // Any chain is valid; a longer one gives a better bound.
    let touches: Vec<OpId> = producer.into_iter().chain(readers.iter().copied()).take(MAX_TOUCHES).collect();
    // For each touch: the length of the longest chain that ends with it, and the previous touch.
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
