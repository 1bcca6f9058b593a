//! Fuses operators with the nodes after them.
//!
//! A node is fused if it reads only the operator's result, weights, and tensors that the operator has at hand
//! anyway. Nodes that branch and join again (`x · sigmoid(x)`) are fused at once, so that there always is a
//! single result. A reduction is fused if its result is broadcast to the tensor again: so a chain of nodes
//! becomes the normalisation or softmax that it was before export. A residual addition reads another tensor and
//! is not fused. Two transpositions are fused into one, and so are sums along two axes.
//!
//! The result becomes no wider if that can be avoided: widening belongs to the reader.

use crate::class::Class;
use crate::group::Kind;
use crate::network::TensorIndex;
use crate::prologue;
use crate::state::State;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Fuses each operator with as many nodes after it as possible, in the order of the network.
pub(crate) fn join(state: &mut State) {
    for head in 0..state.operators.len() {
        if state.operators[head].is_gone {
            continue;
        }
        while let Some(region) = find(state, head) {
            fuse(state, head, &region);
        }
        narrow_each(state, head);
    }
}

/// Nodes to fuse into an operator at once.
struct Region {
    /// The nodes, ascending.
    members: Vec<usize>,
    /// The only tensor of operator and members that is used outside.
    result: TensorIndex,
}

/// Finds nodes to fuse into an operator at once.
fn find(state: &State, head: usize) -> Option<Region> {
    let operator = &state.operators[head];
    let &[result] = &operator.writes[..] else { return None };
    if state.is_result(result) {
        return None;
    }
    combine(state, head, result).or_else(|| search(state, head, result))
}

/// Adds nodes in the order of the network until the result is the only tensor used outside and is as large as
/// that of the operator. Prefers a result that is no wider than the operator's.
fn search(state: &State, head: usize, result: TensorIndex) -> Option<Region> {
    let network = state.network;
    let operator = &state.operators[head];
    let mut sizes = vec![network.n_elements(result)];
    // A reduction may be the first node of a normalisation, whose result is as large as its operand.
    if operator.class.reduces() {
        sizes.extend(operator.reads.first().map(|tensor| network.n_elements(*tensor)));
    }
    let mut growth = Growth { state, head, members: Vec::new(), inside: vec![result], open: vec![result] };
    let mut wide = None;
    let mut next: BinaryHeap<Reverse<usize>> = state.readers(result).iter().copied().map(Reverse).collect();
    while let Some(Reverse(index)) = next.pop() {
        if growth.members.last() == Some(&index) {
            continue;
        }
        let Some(written) = growth.add(index) else { return wide };
        // The region must not end with a reduction, even if that keeps the size.
        let is_spread = matches!(state.operators[index].class, Class::Elementwise | Class::Layout)
            && sizes.contains(&network.n_elements(written));
        if growth.open == [written] && is_spread {
            if !network.is_wider(written, result) {
                return Some(growth.region(written));
            }
            // A later node may narrow it again. If none does, a single node may be fused into its reader.
            if wide.is_none() && (1 < growth.members.len() || prologue::readers(state, index).is_none()) {
                wide = Some(growth.region(written));
            }
        }
        if state.is_result(written) {
            return wide;
        }
        next.extend(state.readers(written).iter().copied().map(Reverse));
    }
    wide
}

/// A region during [`search`].
struct Growth<'s, 'n> {
    state: &'s State<'n>,
    head: usize,
    members: Vec<usize>,
    /// The tensors that the head and the members write.
    inside: Vec<TensorIndex>,
    /// Those of them that are used outside, or not at all.
    open: Vec<TensorIndex>,
}

impl Growth<'_, '_> {
    /// Adds a node and returns the tensor that it writes. Returns `None` if it cannot be fused.
    fn add(&mut self, index: usize) -> Option<TensorIndex> {
        let Growth { state, head, members, inside, open } = self;
        if members.len() == state.rules.most_members || !fits(state, *head, index, inside) {
            return None;
        }
        let &[written] = &state.operators[index].writes[..] else { return None };
        members.push(index);
        inside.push(written);
        open.push(written);
        open.retain(|tensor| {
            let readers = state.readers(*tensor);
            state.is_result(*tensor) || readers.is_empty() || readers.iter().any(|reader| !members.contains(reader))
        });
        Some(written)
    }

    fn region(&self, result: TensorIndex) -> Region {
        Region { members: self.members.clone(), result }
    }
}

/// A transposition of a transposed tensor, or a sum along a further axis, that is the only reader: the two are
/// combined into one.
fn combine(state: &State, head: usize, result: TensorIndex) -> Option<Region> {
    let class = |operator: usize| state.operators[operator].class;
    let &[reader] = state.readers(result) else { return None };
    let &[written] = &state.operators[reader].writes[..] else { return None };
    let is_again = class(head).transposes() && class(reader).transposes()
        || class(head) == Class::Reduction && class(reader) == Class::Reduction;
    let is_left = !state.operators[reader].is_gone;
    let reads_one = state.tensors(reader).count() == 1;
    (is_left && is_again && reads_one).then(|| Region { members: vec![reader], result: written })
}

/// Whether a node can be fused into an operator: it reads only tensors of the region, weights, and operands that
/// the operator keeps at hand. A convolution does not keep the windows that it reads and has no complete rows
/// to reduce. A sum of two tensors is not reduced either, as both would have to be read twice.
fn fits(state: &State, head: usize, index: usize, inside: &[TensorIndex]) -> bool {
    let (operator, member) = (&state.operators[head], &state.operators[index]);
    if member.is_gone || !state.rules.follows(operator.class, member.class) {
        return false;
    }
    if member.class.reduces() && state.tensors(head).count() != 1 {
        return false;
    }
    // After a lookup, only narrowing is possible.
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

/// Fuses a region into an operator, and recognises normalisations and softmaxes.
fn fuse(state: &mut State, head: usize, region: &Region) {
    let reduces = |operator: usize| state.operators[operator].class.reduces();
    let network = state.network;
    let is_spread = network.n_elements(state.operators[head].writes[0]) < network.n_elements(region.result);
    // A sum along a further axis is still a sum, not a normalisation.
    let ends_elementwise = region.members.last().is_some_and(|last| !reduces(*last));
    let has_reduction = reduces(head) && is_spread || region.members.iter().any(|member| reduces(*member));
    if ends_elementwise && has_reduction && state.operators[head].class.keeps_operands() {
        let compares = |operator: usize| state.operators[operator].class == Class::Comparison;
        let is_softmax = compares(head) || region.members.iter().any(|member| compares(*member));
        state.operators[head].kind = if is_softmax { Kind::Softmax } else { Kind::Normalization };
    }
    state.fuse_consumers(head, &region.members);
    state.operators[head].writes = vec![region.result];
}

/// Fuses an operator with several results with the nodes that narrow them and are their only readers.
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
            state.fuse_consumers(head, &[reader]);
            state.operators[head].writes[at] = narrow;
        }
    }
}
