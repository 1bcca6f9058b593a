//! Which results of a node may be in place of operands.
//!
//! This file determines which operands a node reads element by element where it writes. `cosma-network` derives
//! the pairs for groups, and checks that elements have the same width.
//!
//! - *Elementwise* operators: each operand that is not broadcast.
//! - *Softmax and normalisations*: the normalised operand. They first read it for reductions, without writing
//!   anything, and then again element by element.
//! - *Concatenations* whose operands are contiguous in the result: all dimensions before the axis are one. Then
//!   nothing has to be moved. In the same way, *splits, slices and gathers* with constant indices that take
//!   contiguous pieces. Empty operands do not count: with one other operand, a concatenation is in place of that.
//! - *Scatters*: the operand that they update.
//! - *Attention*: past keys and values, if the present ones have the same size, as in a buffer that a runtime
//!   updates.
//!
//! Whether this is the last use of the operand is not checked here: it depends on the order.

use crate::class::{Class, class};
use crate::graph::n_elements;
use crate::infer::{Call, axis, picked, ranges, split_types};
use crate::network::{InPlace, Tensor, TensorIndex};
use cosma_network::Alias;

/// The pairs of result and operand of a node that correspond element by element. `tensor` maps a value to its
/// tensor, if it has one.
pub fn aliases(
    call: &Call,
    kind: &str,
    tensors: &[Tensor],
    tensor: &dyn Fn(usize) -> Option<TensorIndex>,
) -> Vec<Alias> {
    let mut aliases = Vec::new();
    for InPlace { result, operand, part } in in_place(call, kind, tensors, tensor) {
        let bits = tensors[result.0].element.bits();
        let at = part.map(|bytes| bytes.saturating_mul(8) / bits);
        aliases.push(Alias { result, operand, at });
    }
    aliases
}

/// The pairs of [`aliases`], with offsets in bytes.
fn in_place(
    call: &Call,
    kind: &str,
    tensors: &[Tensor],
    tensor: &dyn Fn(usize) -> Option<TensorIndex>,
) -> Vec<InPlace> {
    let value = |list: &[Option<usize>], index: usize| list.get(index).copied().flatten().and_then(tensor);
    if kind == "Split" {
        return split(call, tensors, tensor).unwrap_or_default();
    }
    if !updated(kind).is_empty() {
        let pairs = updated(kind).iter();
        let pairs = pairs.filter_map(|it| Some((value(&call.node.outputs, it.0)?, value(&call.node.inputs, it.1)?)));
        let pairs = pairs.filter(|it| are_alike(&tensors[it.0.0], &tensors[it.1.0]));
        return pairs.map(|(result, operand)| InPlace { result, operand, part: None }).collect();
    }
    let Some(result) = value(&call.node.outputs, 0) else { return Vec::new() };
    let operands: Vec<usize> = (0..call.node.inputs.len()).collect();
    let n_sharing = match kind {
        "Concat" => return concatenation(call, result, &operands, tensors, tensor).unwrap_or_default(),
        "com.microsoft.QLinearConcat" => {
            let operands: Vec<usize> = operands.into_iter().skip(2).step_by(3).collect();
            return concatenation(call, result, &operands, tensors, tensor).unwrap_or_default();
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

/// The pairs of result and operand, by index, in which the result is an updated operand, or may be written row
/// by row over the operand.
fn updated(kind: &str) -> &'static [(usize, usize)] {
    match kind {
        "Scatter" | "ScatterElements" | "ScatterND" | "TensorScatter" => &[(0, 0)],
        "Attention" => &[(1, 4), (2, 5)],
        "com.microsoft.Attention" | "com.microsoft.DecoderMaskedSelfAttention" => &[(1, 4)],
        "com.microsoft.QAttention" => &[(1, 8)],
        "com.microsoft.DecoderMaskedMultiHeadAttention" => &[(1, 5), (2, 6)],
        "com.microsoft.GroupQueryAttention" | "com.microsoft.SparseAttention" => &[(1, 3), (2, 4)],
        "com.microsoft.MultiHeadAttention" => &[(1, 6), (2, 7)],
        // The sum (result 3) and its normalisation (result 0) may overwrite either operand.
        "com.microsoft.SkipLayerNormalization" | "com.microsoft.SkipSimplifiedLayerNormalization" => {
            &[(0, 0), (0, 1), (3, 0), (3, 1)]
        }
        "com.microsoft.QLinearWhere" => &[(0, 1), (0, 4)],
        _ => &[],
    }
}

/// Whether two tensors have the same number of elements.
fn are_alike(a: &Tensor, b: &Tensor) -> bool {
    a.n_elements() == b.n_elements() && a.n_elements() != u64::MAX
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
    // From the node, since results that are absent have sizes, too.
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

/// The pair for a piece of `n_elements` at byte `at` of a tensor with `whole` elements. `None` if it is empty.
fn piece(result: TensorIndex, operand: TensorIndex, n_elements: u64, whole: u64, at: u64) -> Option<InPlace> {
    (n_elements != 0).then_some(InPlace { result, operand, part: (n_elements != whole).then_some(at) })
}

/// The pair for a contiguous slice: one index of each outer dimension, a range of one dimension, and all of the
/// inner ones.
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
