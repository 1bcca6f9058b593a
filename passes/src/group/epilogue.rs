//! Operators take in what follows them.

use super::{Class, Groups};
use cosma_planner::TensorId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A normalisation has a dozen operations; what takes more to come together again is none.
const MOST_MEMBERS: usize = 32;

/// What a normalisation or a softmax that was written as single operations is called.
const NORMALIZATION: &str = "Normalization";
const SOFTMAX: &str = "Softmax";

/// In the order of the block, each operator takes in as much as it can.
pub(super) fn join(groups: &mut Groups) {
    for head in 0..groups.operators.len() {
        if groups.operators[head].is_gone {
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
    result: TensorId,
}

fn find(groups: &Groups, head: usize) -> Option<Region> {
    let operator = &groups.operators[head];
    let &[result] = &operator.writes[..] else { return None };
    if matches!(operator.class, Class::Lookup | Class::Opaque | Class::Padding) || groups.is_result(result) {
        return None;
    }
    if let Some(region) = again(groups, head, result) {
        return Some(region);
    }
    // A reduction may be the first of a normalisation, whose result is as large as its operand.
    let mut sizes = vec![groups.n_elements(result)];
    if matches!(operator.class, Class::Reduction | Class::Comparison) {
        sizes.extend(operator.reads.first().map(|it| groups.n_elements(*it)));
    }
    let mut members: Vec<usize> = Vec::new();
    // Tensors of the group that not all readers of are in it yet.
    let mut open = vec![result];
    let mut inside = vec![result];
    let mut next: BinaryHeap<Reverse<usize>> = groups.readers(result).iter().map(|it| Reverse(*it)).collect();
    while let Some(Reverse(index)) = next.pop() {
        if members.last() == Some(&index) {
            continue;
        }
        if members.len() == MOST_MEMBERS || !fits(groups, head, index, &inside) {
            return None;
        }
        let &[written] = &groups.operators[index].writes[..] else { return None };
        members.push(index);
        inside.push(written);
        open.push(written);
        next.extend(groups.readers(written).iter().map(|it| Reverse(*it)));
        let is_closed =
            |it: &TensorId| !groups.is_result(*it) && groups.readers(*it).iter().all(|reader| members.contains(reader));
        open.retain(|it| !is_closed(it));
        // A reduction that leaves the size as it is stays what it is.
        let is_spread = matches!(groups.operators[index].class, Class::Elementwise | Class::Layout)
            && sizes.contains(&groups.n_elements(written));
        if open == [written] && is_spread {
            return Some(Region { members, result: written });
        }
        if groups.is_result(written) {
            return None;
        }
    }
    None
}

/// A transposition of what was transposed, or a sum along another axis, for nobody else: both are one.
fn again(groups: &Groups, head: usize, result: TensorId) -> Option<Region> {
    let is_transpose = |it: usize| groups.operators[it].kind.ends_with(".transpose");
    let &[reader] = groups.readers(result) else { return None };
    let &[written] = &groups.operators[reader].writes[..] else { return None };
    let is_reduction = |it: usize| groups.operators[it].class == Class::Reduction;
    let is_again = is_transpose(head) && is_transpose(reader) || is_reduction(head) && is_reduction(reader);
    let is_left = !groups.operators[reader].is_gone;
    (is_left && is_again && groups.tensors(reader).len() == 1)
        .then(|| Region { members: vec![reader], result: written })
}

/// Whether an operator can run inside of a group: it reads nothing from elsewhere but weights, and what
/// an elementwise head or a reduction has at hand at that place. A convolution reads windows, which are
/// gone by then, and has no whole rows to reduce; nor has a sum of two tensors.
fn fits(groups: &Groups, head: usize, index: usize, inside: &[TensorId]) -> bool {
    let (operator, member) = (&groups.operators[head], &groups.operators[index]);
    let keeps_operands =
        matches!(operator.class, Class::Elementwise | Class::Layout | Class::Reduction | Class::Comparison);
    let is_right = match member.class {
        Class::Elementwise => true,
        Class::Layout => {
            matches!(operator.class, Class::Window | Class::Elementwise | Class::Layout | Class::Movement)
        }
        Class::Reduction => keeps_operands && groups.tensors(head).len() == 1,
        _ => false,
    };
    if member.is_gone || !is_right {
        return false;
    }
    let is_at_hand =
        |it: &TensorId| inside.contains(it) || groups.is_weight(*it) || keeps_operands && operator.reads.contains(it);
    member.reads.iter().all(is_at_hand)
}

fn take_in(groups: &mut Groups, head: usize, region: &Region) {
    let is_reduction = |it: usize| matches!(groups.operators[it].class, Class::Reduction | Class::Comparison);
    let is_spread = groups.n_elements(groups.operators[head].writes[0]) < groups.n_elements(region.result);
    // A sum along another axis is still a sum.
    let ends_elementwise = region.members.last().is_some_and(|it| !is_reduction(*it));
    let is_normalization =
        ends_elementwise && (is_reduction(head) && is_spread || region.members.iter().any(|it| is_reduction(*it)));
    let keeps_operands = is_reduction(head) || groups.operators[head].class == Class::Elementwise;
    if is_normalization && keeps_operands {
        let is_softmax = groups.operators[head].class == Class::Comparison;
        groups.operators[head].kind = if is_softmax { SOFTMAX } else { NORMALIZATION }.into();
    }
    let mut inside = groups.operators[head].writes.clone();
    for &index in &region.members {
        let member = &mut groups.operators[index];
        member.is_gone = true;
        let (reads, writes, members) =
            (std::mem::take(&mut member.reads), member.writes.clone(), std::mem::take(&mut member.members));
        for read in reads {
            groups.readers[read.index()].retain(|it| *it != index);
            if !inside.contains(&read) && !groups.operators[head].reads.contains(&read) {
                groups.operators[head].reads.push(read);
                let readers = &mut groups.readers[read.index()];
                readers.push(head);
                readers.sort_unstable();
            }
        }
        inside.extend(writes);
        groups.operators[head].members.extend(members);
    }
    groups.operators[head].writes = vec![region.result];
}
