//! Which results may lie where operands lie: the accelerator writes where it reads.
//!
//! It works tile by tile: what it needs for a tile of the result it has read before it writes that tile.
//! So a result may lie over an operand wherever a tile of the result needs of that operand the tile at the
//! same place, and no other one from then on:
//!
//! - *Elementwise* operators, over each operand that is not spread: what is as large as the result has
//!   each element at the place of the result's.
//! - *Softmax and normalisations*, over what they normalise. They read rows, or all of it, for sums and the
//!   like first, and write nothing on the way; then they read it once more, element by element, and write.
//! - *Groups*, over an operand that all members read in one of these two ways. The residual of an addition
//!   is one, and so is what a whole normalisation reads that was written as single nodes. What the first
//!   member reads as windows or rows is none: windows overlap, and rows serve many tiles.
//! - *Concatenations*, where operands lie side by side in the result: all dimensions outside of that along
//!   which they are joined are one. Then nothing has to be moved. Likewise *splits and slices* that take
//!   pieces without a break.
//!
//! Whether another operator is still to read an operand is not looked at here: that depends on the order.

use crate::graph::n_elements;
use crate::group::{Class, Groups, class};
use crate::infer::{Call, axis, picked, ranges, split_types};
use crate::network::{InPlace, Network, Operator, Tensor, TensorIndex};
use crate::options::{Options, Sharing};

/// What a node's results and operands may share; `tensor` gives the tensor of a value that has one.
pub fn in_place(
    call: &Call,
    kind: &str,
    tensors: &[Tensor],
    tensor: &dyn Fn(usize) -> Option<TensorIndex>,
) -> Vec<InPlace> {
    let value = |list: &[Option<usize>], index: usize| list.get(index).copied().flatten().and_then(tensor);
    if kind == "Split" {
        return split(call, tensors, tensor).unwrap_or_default();
    }
    let Some(result) = value(&call.node.outputs, 0) else { return Vec::new() };
    let operands: Vec<usize> = (0..call.node.inputs.len()).collect();
    let n_sharing = match kind {
        "Concat" => return concatenation(call, result, &operands, tensors, tensor).unwrap_or_default(),
        "com.microsoft.QLinearConcat" => {
            let operands: Vec<usize> = operands.into_iter().skip(2).step_by(3).collect();
            return concatenation(call, result, &operands, tensors, tensor).unwrap_or_default();
        }
        _ if !updated(kind).is_empty() => {
            let pairs = updated(kind).iter();
            let pairs =
                pairs.filter_map(|it| Some((value(&call.node.outputs, it.0)?, value(&call.node.inputs, it.1)?)));
            let pairs = pairs.filter(|it| are_alike(&tensors[it.0.0], &tensors[it.1.0]));
            return pairs.map(|(result, operand)| InPlace { result, operand, part: None }).collect();
        }
        "Slice" => return slice(call, result, tensors, tensor).into_iter().collect(),
        "Gather" | "GatherND" => return gather(call, result, tensors, tensor).into_iter().collect(),
        "GroupNormalization"
        | "InstanceNormalization"
        | "LayerNormalization"
        | "LogSoftmax"
        | "LpNormalization"
        | "MeanVarianceNormalization"
        | "RMSNormalization"
        | "SimplifiedLayerNormalization"
        | "Softmax"
        | "com.microsoft.GroupNorm"
        | "com.microsoft.QLinearSoftmax" => 1,
        _ if class(kind) == Class::Elementwise => call.node.inputs.len(),
        _ => 0,
    };
    let operands = (0..n_sharing).filter_map(|it| value(&call.node.inputs, it));
    let operands = operands.filter(|it| are_alike(&tensors[it.0], &tensors[result.0]));
    operands.map(|operand| InPlace { result, operand, part: None }).collect()
}

/// Which results of an operator are which operands with some elements changed, or may be written where those
/// are read row by row.
fn updated(kind: &str) -> &'static [(usize, usize)] {
    match kind {
        "Scatter" | "ScatterElements" | "ScatterND" | "TensorScatter" => &[(0, 0)],
        "Attention" => &[(1, 4), (2, 5)],
        "com.microsoft.Attention" | "com.microsoft.DecoderMaskedSelfAttention" => &[(1, 4)],
        "com.microsoft.QAttention" => &[(1, 8)],
        "com.microsoft.DecoderMaskedMultiHeadAttention" => &[(1, 5), (2, 6)],
        "com.microsoft.GroupQueryAttention" | "com.microsoft.SparseAttention" => &[(1, 3), (2, 4)],
        "com.microsoft.MultiHeadAttention" => &[(1, 6), (2, 7)],
        // The sum is written over one of its operands, and what becomes of it over any of both.
        "com.microsoft.SkipLayerNormalization" | "com.microsoft.SkipSimplifiedLayerNormalization" => {
            &[(0, 0), (0, 1), (3, 0), (3, 1)]
        }
        "com.microsoft.QLinearWhere" => &[(0, 1), (0, 4)],
        _ => &[],
    }
}

/// Whether two tensors have as many elements, of one type.
fn are_alike(a: &Tensor, b: &Tensor) -> bool {
    a.element == b.element && a.n_elements() == b.n_elements() && a.n_elements() != u64::MAX
}

fn concatenation(
    call: &Call,
    result: TensorIndex,
    operands: &[usize],
    tensors: &[Tensor],
    tensor: &dyn Fn(usize) -> Option<TensorIndex>,
) -> Option<Vec<InPlace>> {
    let first = call.optional(*operands.first()?)?;
    let along = axis(call.attributes().int("axis")?, first.shape.len()).ok()?;
    if n_elements(&first.shape[..along]) != Some(1) {
        return None;
    }
    let mut pairs = Vec::new();
    let mut at = 0_u64;
    for index in operands {
        let n_elements = n_elements(&call.optional(*index)?.shape)?;
        if let Some(operand) = call.node.inputs[*index].and_then(tensor)
            && tensors[operand.0].element == tensors[result.0].element
        {
            pairs.extend(piece(result, operand, n_elements, tensors[result.0].n_elements(), at));
        }
        at = at.checked_add(tensors[result.0].bytes(n_elements)?)?;
    }
    Some(pairs)
}

fn split(call: &Call, tensors: &[Tensor], tensor: &dyn Fn(usize) -> Option<TensorIndex>) -> Option<Vec<InPlace>> {
    let input = call.optional(0)?;
    let operand = call.node.inputs.first().copied().flatten().and_then(tensor)?;
    let along = axis(call.attributes().int("axis").unwrap_or(0), input.shape.len()).ok()?;
    if n_elements(&input.shape[..along]) != Some(1) {
        return None;
    }
    // By the node's word: a result that is left out has a size as well.
    let parts = split_types(call)?;
    let mut pairs = Vec::new();
    let mut at = 0_u64;
    for (index, output) in call.node.outputs.iter().enumerate() {
        let n_elements = n_elements(&parts.get(index)?.shape)?;
        if let Some(result) = output.and_then(tensor) {
            pairs.extend(piece(result, operand, n_elements, tensors[operand.0].n_elements(), at));
        }
        at = at.checked_add(tensors[operand.0].bytes(n_elements)?)?;
    }
    Some(pairs)
}

/// A piece of so many elements that begins at a byte of the whole: none, a part, or all of it.
fn piece(result: TensorIndex, operand: TensorIndex, n_elements: u64, whole: u64, at: u64) -> Option<InPlace> {
    (n_elements != 0).then_some(InPlace { result, operand, part: (n_elements != whole).then_some(at) })
}

/// A slice without a break: one of each outer dimension, a range of one, and all of the inner ones.
fn slice(
    call: &Call,
    result: TensorIndex,
    tensors: &[Tensor],
    tensor: &dyn Fn(usize) -> Option<TensorIndex>,
) -> Option<InPlace> {
    let input = call.optional(0)?;
    let operand = call.node.inputs.first().copied().flatten().and_then(tensor)?;
    let mut at = 0_u64;
    let mut n_inner = 1_u64;
    let mut is_whole = true;
    for (range, size) in ranges(call).ok()?.iter().zip(&input.shape).rev() {
        if range.n != 1 && (range.step != 1 || !is_whole) {
            return None;
        }
        is_whole &= range.n == *size;
        at = at.checked_add(u64::try_from(range.start).ok()?.checked_mul(n_inner)?)?;
        n_inner = n_inner.checked_mul(*size)?;
    }
    Some(InPlace { result, operand, part: Some(tensors[operand.0].bytes(at)?) })
}

fn gather(
    call: &Call,
    result: TensorIndex,
    tensors: &[Tensor],
    tensor: &dyn Fn(usize) -> Option<TensorIndex>,
) -> Option<InPlace> {
    let operand = call.node.inputs.first().copied().flatten().and_then(tensor)?;
    let picked = picked(call)?;
    let at = tensors[operand.0].bytes(picked.start)?;
    piece(result, operand, picked.end - picked.start, tensors[operand.0].n_elements(), at)
}

/// What a group may share: an operator that takes in others, which follow it, with the result of the last.
pub fn of_group(groups: &Groups, head: usize, result: TensorIndex, members: &[usize]) -> Vec<InPlace> {
    let tensors = &groups.network.tensors;
    let all = || [head].into_iter().chain(members.iter().copied());
    let mut pairs: Vec<InPlace> = Vec::new();
    for pair in all().flat_map(|it| &groups.operator(it).in_place) {
        let keeps_place = |it: usize| {
            let operator = groups.operator(it);
            let is_shared = only_part(operator, pair.operand) == Some(pair.part);
            !operator.reads.contains(&pair.operand) || is_shared || groups.reduced[it].contains(&pair.operand)
        };
        let is_known = pairs.iter().any(|it| it.operand == pair.operand);
        if !is_known && are_alike(&tensors[pair.result.0], &tensors[result.0]) && all().all(keeps_place) {
            pairs.push(InPlace { result, ..*pair });
        }
    }
    pairs
}

/// Of which part an operand may take the place; none if it may take none, or is read for several: once
/// something else than its bytes is written to one of them, the others lack it.
fn only_part(operator: &Operator, operand: TensorIndex) -> Option<Option<u64>> {
    let mut parts = operator.in_place.iter().filter(|it| it.operand == operand).map(|it| it.part);
    let first = parts.next()?;
    parts.all(|it| it == first).then_some(first)
}

/// What of a group's operands it only reads to reduce them.
pub fn reduced_by_group(groups: &Groups, head: usize, members: &[usize]) -> Vec<TensorIndex> {
    let all = || [head].into_iter().chain(members.iter().copied());
    let is_reduced = |tensor: &TensorIndex| {
        all().all(|it| !groups.operator(it).reads.contains(tensor) || groups.reduced[it].contains(tensor))
    };
    let mut reduced: Vec<TensorIndex> = all().flat_map(|it| &groups.reduced[it]).copied().collect();
    reduced.retain(is_reduced);
    reduced.dedup();
    reduced
}

/// What an operator may share that takes in an elementwise one before it.
pub fn with_prologue(operator: &Operator, first: &Operator) -> Vec<InPlace> {
    let through = first.writes[0];
    let mut pairs = Vec::new();
    for pair in &operator.in_place {
        if pair.operand == through {
            if only_part(operator, through) != Some(pair.part) {
                continue;
            }
            let sources = first.in_place.iter().map(|it| it.operand);
            // What is also read directly has to lie at the same place.
            let is_there = |it: &TensorIndex| only_part(operator, *it) == Some(pair.part);
            let sources = sources.filter(|it| !operator.reads.contains(it) || is_there(it));
            pairs.extend(sources.map(|operand| InPlace { operand, ..*pair }));
        } else if !first.reads.contains(&pair.operand) {
            pairs.push(*pair);
        }
    }
    pairs
}

/// Leaves what can be at once, if anything is to share: parts of one tensor, beside each other, or pairs
/// of one size.
pub fn settle(network: &mut Network, options: &Options) {
    for operator in &mut network.operators {
        let pairs = std::mem::take(&mut operator.in_place);
        if options.in_place == Sharing::None {
            continue;
        }
        let bytes = |it: TensorIndex| {
            let tensor = &network.tensors[it.0];
            tensor.bytes(tensor.n_elements())
        };
        let is_operand = |it: &InPlace| operator.reads.contains(&it.operand) && operator.writes.contains(&it.result);
        let has_parts = pairs.iter().any(|it| it.part.is_some());
        let mut kept: Vec<InPlace> = Vec::new();
        // Where the last part ends, and what it is a part of.
        let mut last: Option<(u64, TensorIndex)> = None;
        for pair in pairs.into_iter().filter(is_operand) {
            let Some(at) = pair.part else {
                if !has_parts && !kept.contains(&pair) {
                    kept.push(pair);
                }
                continue;
            };
            let (Some(read), Some(written)) = (bytes(pair.operand), bytes(pair.result)) else { continue };
            let (inner, outer) = if read < written { (pair.operand, pair.result) } else { (pair.result, pair.operand) };
            let Some(end) = at.checked_add(read.min(written)).filter(|it| *it <= read.max(written)) else { continue };
            let is_new = !kept.iter().any(|it| it.operand == inner || it.result == inner);
            let is_beside = last.is_none_or(|it| it.0 <= at && it.1 == outer);
            if is_new && is_beside && read != written && 0 < read.min(written) && end <= i64::MAX as u64 {
                last = Some((end, outer));
                kept.push(pair);
            }
        }
        operator.in_place = kept;
    }
}
