//! Operators take in what follows them.
//!
//! An operator takes in what reads its result and nothing else but weights and what the operator has at hand
//! anyway. More than one node at once, where they part and come together again (`x · sigmoid(x)`), so that
//! there always is one result. A reduction is taken in if its result is spread over the tensor again: so a chain
//! of nodes becomes the normalisation or softmax that it was before export. A residual addition reads another
//! tensor and stays. Two transpositions are one, and so are sums along two axes.
//!
//! The result gets no wider on the way, if that can be helped: what widens belongs to the reader.

use crate::class::Class;
use crate::group::Kind;
use crate::network::TensorIndex;
use crate::prologue;
use crate::state::State;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// In the order of the network, each operator takes in as much as it can.
pub(crate) fn join(state: &mut State) {
    for head in 0..state.operators.len() {
        if state.operators[head].is_gone {
            continue;
        }
        while let Some(region) = find(state, head) {
            take_in(state, head, &region);
        }
        narrow_each(state, head);
    }
}

/// What a group takes in at once.
struct Region {
    /// In order.
    members: Vec<usize>,
    /// The only tensor of it that others read.
    result: TensorIndex,
}

fn find(state: &State, head: usize) -> Option<Region> {
    let network = state.network;
    let operator = &state.operators[head];
    let &[result] = &operator.writes[..] else { return None };
    if state.is_result(result) {
        return None;
    }
    if let Some(region) = again(state, head, result) {
        return Some(region);
    }
    // A reduction may be the first of a normalisation, whose result is as large as its operand.
    let mut sizes = vec![network.n_elements(result)];
    if operator.class.reduces() {
        sizes.extend(operator.reads.first().map(|tensor| network.n_elements(*tensor)));
    }
    let mut members: Vec<usize> = Vec::new();
    // Tensors of the group that not all readers of are in it yet.
    let mut open = vec![result];
    let mut inside = vec![result];
    let mut wide = None;
    let mut next: BinaryHeap<Reverse<usize>> = state.readers(result).iter().copied().map(Reverse).collect();
    while let Some(Reverse(index)) = next.pop() {
        if members.last() == Some(&index) {
            continue;
        }
        if members.len() == state.rules.most_members || !fits(state, head, index, &inside) {
            return wide;
        }
        let &[written] = &state.operators[index].writes[..] else { return wide };
        members.push(index);
        inside.push(written);
        open.push(written);
        next.extend(state.readers(written).iter().copied().map(Reverse));
        let is_closed = |tensor: &TensorIndex| {
            let readers = state.readers(*tensor);
            !state.is_result(*tensor) && !readers.is_empty() && readers.iter().all(|it| members.contains(it))
        };
        open.retain(|tensor| !is_closed(tensor));
        // A reduction that leaves the size as it is stays what it is.
        let is_spread = matches!(state.operators[index].class, Class::Elementwise | Class::Layout)
            && sizes.contains(&network.n_elements(written));
        if open == [written] && is_spread {
            let region = || Region { members: members.clone(), result: written };
            if !network.is_wider(written, result) {
                return Some(region());
            }
            // Later on it may get narrow again. If not, a single operator may do with its reader as well.
            if wide.is_none() && (1 < members.len() || prologue::readers(state, index).is_none()) {
                wide = Some(region());
            }
        }
        if state.is_result(written) {
            return wide;
        }
    }
    wide
}

/// A transposition of what was transposed, or a sum along another axis, for nothing else: both are one.
fn again(state: &State, head: usize, result: TensorIndex) -> Option<Region> {
    let class = |operator: usize| state.operators[operator].class;
    let &[reader] = state.readers(result) else { return None };
    let &[written] = &state.operators[reader].writes[..] else { return None };
    let is_again = class(head).transposes() && class(reader).transposes()
        || class(head) == Class::Reduction && class(reader) == Class::Reduction;
    let is_left = !state.operators[reader].is_gone;
    let reads_one = state.tensors(reader).count() == 1;
    (is_left && is_again && reads_one).then(|| Region { members: vec![reader], result: written })
}

/// Whether an operator can run within a group: it reads nothing from elsewhere but weights, and what the head
/// has at hand at that place. A convolution reads windows, which are gone by then, and has no whole rows to
/// reduce; nor has a sum of two tensors, both of which would have to be read twice.
fn fits(state: &State, head: usize, index: usize, inside: &[TensorIndex]) -> bool {
    let (operator, member) = (&state.operators[head], &state.operators[index]);
    if member.is_gone || !state.rules.follows(operator.class, member.class) {
        return false;
    }
    if member.class.reduces() && state.tensors(head).count() != 1 {
        return false;
    }
    // Rows that are looked up are no more than narrowed on their way.
    let narrows = || member.writes.iter().all(|written| state.network.is_wider(operator.writes[0], *written));
    if operator.class == Class::Lookup && !narrows() {
        return false;
    }
    let keeps_operands = operator.class.keeps_operands();
    let is_at_hand = |tensor: &TensorIndex| {
        inside.contains(tensor) || state.network.is_weight(*tensor) || keeps_operands && operator.reads.contains(tensor)
    };
    member.reads.iter().all(is_at_hand)
}

fn take_in(state: &mut State, head: usize, region: &Region) {
    let reduces = |operator: usize| state.operators[operator].class.reduces();
    let network = state.network;
    let is_spread = network.n_elements(state.operators[head].writes[0]) < network.n_elements(region.result);
    // A sum along another axis is still a sum.
    let ends_elementwise = region.members.last().is_some_and(|last| !reduces(*last));
    let has_reduction = reduces(head) && is_spread || region.members.iter().any(|member| reduces(*member));
    if ends_elementwise && has_reduction && state.operators[head].class.keeps_operands() {
        let compares = |operator: usize| state.operators[operator].class == Class::Comparison;
        let is_softmax = compares(head) || region.members.iter().any(|member| compares(*member));
        state.operators[head].kind = if is_softmax { Kind::Softmax } else { Kind::Normalization };
    }
    state.take_in_after(head, &region.members);
    state.operators[head].writes = vec![region.result];
}

/// Of several results, each is narrowed by what alone reads it.
fn narrow_each(state: &mut State, head: usize) {
    let operator = &state.operators[head];
    if operator.writes.len() < 2 || operator.class == Class::Opaque {
        return;
    }
    for at in 0..state.operators[head].writes.len() {
        let wide = state.operators[head].writes[at];
        let &[reader] = state.readers(wide) else { continue };
        let follower = &state.operators[reader];
        let &[narrow] = &follower.writes[..] else { continue };
        let keeps_size = state.network.n_elements(narrow) == state.network.n_elements(wide);
        let narrows = follower.class == Class::Elementwise && keeps_size && state.network.is_wider(wide, narrow);
        let reads_no_other = state.tensors(reader).all(|tensor| tensor == wide);
        if narrows && reads_no_other && !follower.is_gone && !state.is_result(wide) {
            state.take_in_after(head, &[reader]);
            state.operators[head].writes[at] = narrow;
        }
    }
}
