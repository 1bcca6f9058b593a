//! Operators take in what follows them.

use super::{Class, Groups};
use crate::network::TensorIndex;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A normalisation has a dozen nodes; what takes more to come together again is none.
const MOST_MEMBERS: usize = 32;

/// What a normalisation that was written as single nodes is called.
const NORMALIZATION: &str = "Normalization";

/// In the order of the network, each operator takes in as much as it can.
pub fn join(groups: &mut Groups) {
    for head in 0..groups.network.operators.len() {
        if groups.is_gone[head] {
            continue;
        }
        while let Some(region) = find(groups, head) {
            take_in(groups, head, &region);
        }
    }
}

/// What a group takes in at once.
struct Region {
    /// In order.
    members: Vec<usize>,
    /// The only tensor of it that others read.
    result: TensorIndex,
}

fn find(groups: &Groups, head: usize) -> Option<Region> {
    let operator = groups.operator(head);
    let &[result] = &operator.writes[..] else { return None };
    if matches!(groups.classes[head], Class::Lookup | Class::Opaque | Class::Padding) || groups.is_result[result.0] {
        return None;
    }
    if let Some(region) = again(groups, head, result) {
        return Some(region);
    }
    // A reduction may be the first node of a normalisation, whose result is as large as its operand.
    let mut sizes = vec![groups.n_elements(result)];
    if groups.classes[head] == Class::Reduction {
        sizes.extend(operator.reads.first().map(|it| groups.n_elements(*it)));
    }
    let mut members: Vec<usize> = Vec::new();
    // Tensors of the group that not all readers of are in it yet.
    let mut open = vec![result];
    let mut inside = vec![result];
    let mut next: BinaryHeap<Reverse<usize>> = groups.readers[result.0].iter().map(|it| Reverse(*it)).collect();
    while let Some(Reverse(index)) = next.pop() {
        if members.last() == Some(&index) {
            continue;
        }
        if members.len() == MOST_MEMBERS || !fits(groups, head, index, &inside) {
            return None;
        }
        let &[written] = &groups.operator(index).writes[..] else { return None };
        members.push(index);
        inside.push(written);
        open.push(written);
        next.extend(groups.readers[written.0].iter().map(|it| Reverse(*it)));
        let is_closed = |it: &TensorIndex| {
            !groups.is_result[it.0] && groups.readers[it.0].iter().all(|reader| members.contains(reader))
        };
        // A tensor that nobody reads was dropped before, or is a result.
        open.retain(|it| !is_closed(it) || groups.readers[it.0].is_empty());
        // A reduction that leaves the size as it is stays what it is.
        let is_spread = groups.classes[index] == Class::Elementwise && sizes.contains(&groups.n_elements(written));
        if open == [written] && is_spread {
            return Some(Region { members, result: written });
        }
        if groups.is_result[written.0] {
            return None;
        }
    }
    None
}

/// A transposition of what was transposed, for nobody else: both are one.
fn again(groups: &Groups, head: usize, result: TensorIndex) -> Option<Region> {
    let is_transpose = |it: usize| groups.operator(it).kind == "Transpose";
    let &[reader] = &groups.readers[result.0][..] else { return None };
    let &[written] = &groups.operator(reader).writes[..] else { return None };
    (is_transpose(head) && is_transpose(reader)).then(|| Region { members: vec![reader], result: written })
}

/// Whether an operator can run inside of a group: it reads nothing from elsewhere but weights, and what
/// an elementwise head or a reduction has at hand at that place. A convolution reads windows, which are
/// gone by then.
fn fits(groups: &Groups, head: usize, index: usize, inside: &[TensorIndex]) -> bool {
    if groups.is_gone[index] || !matches!(groups.classes[index], Class::Elementwise | Class::Reduction) {
        return false;
    }
    let keeps_operands = matches!(groups.classes[head], Class::Elementwise | Class::Reduction);
    let is_at_hand = |it: &TensorIndex| {
        let is_operand = || groups.operator(head).reads.contains(it);
        inside.contains(it) || groups.is_weight(*it) || keeps_operands && is_operand()
    };
    groups.operator(index).reads.iter().all(is_at_hand)
}

fn take_in(groups: &mut Groups, head: usize, region: &Region) {
    let mut operator = groups.operator(head).clone();
    let mut inside = operator.writes.clone();
    for index in &region.members {
        let member = groups.network.operators[*index].clone();
        groups.is_gone[*index] = true;
        for read in member.reads {
            groups.readers[read.0].retain(|it| it != index);
            if !inside.contains(&read) && !operator.reads.contains(&read) {
                operator.reads.push(read);
                groups.readers[read.0].push(head);
            }
        }
        inside.extend(&member.writes);
        operator.nodes.extend(member.nodes);
    }
    // What `Pow` or `ReduceMean` begins is a normalisation, if what they reduce is spread again. A
    // sum of two tensors that is normalised at once is still a sum.
    let n_tensors = operator.reads.iter().filter(|it| !groups.is_weight(**it)).count();
    let is_reduction = |it: &usize| groups.classes[*it] == Class::Reduction;
    let is_spread = groups.n_elements(operator.writes[0]) < groups.n_elements(region.result);
    let is_normalization = is_reduction(&head) && is_spread || region.members.iter().any(is_reduction);
    if is_normalization && n_tensors == 1 && matches!(groups.classes[head], Class::Elementwise | Class::Reduction) {
        operator.kind = NORMALIZATION.into();
    }
    operator.in_place = crate::in_place::of_group(groups, head, region.result, &region.members);
    operator.writes = vec![region.result];
    groups.reduced[head] = crate::in_place::reduced_by_group(groups, head, &region.members);
    groups.network.operators[head] = operator;
}
