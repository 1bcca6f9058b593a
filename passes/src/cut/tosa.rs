//! Operations of TOSA, as its specification defines them. Images are `[batch, sizes .., channels]`.

use super::tensor::{concatenation, integers, reshape};
use super::{Loops, Rule, defining, dims, result_dims, shifted, window};
use crate::class::{Class, class};
use cosma_ir::melior::ir::attribute::{DenseI32ArrayAttribute, IntegerAttribute};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, ValueLike};
use cosma_ir::{name, operand_at, shape_values};
use cosma_tile::{Access, DimKind, Expr, kinds};

pub(super) fn cut(operation: OperationRef) -> Option<(Access, Rule)> {
    let name = name(operation);
    let access = match name.strip_prefix("tosa.")? {
        "conv2d" | "conv3d" => return Some((convolution(operation)?, Rule::Window)),
        "depthwise_conv2d" => return Some((depthwise(operation)?, Rule::Window)),
        "max_pool2d" | "avg_pool2d" => return Some((pool(operation)?, Rule::Window)),
        "pad" => return Some((pad(operation)?, Rule::Pad)),
        "concat" => return Some((concatenation(operation, axis(operation)?)?, Rule::Concatenation)),
        "slice" => return Some((slice(operation)?, Rule::Region)),
        "identity" => return Some((elementwise(operation)?, Rule::Region)),
        "resize" => return Some((resize(operation)?, Rule::Resize)),
        "reshape" => return Some((reshape(operation)?, Rule::Reshape)),
        "matmul" => matmul(operation)?,
        "transpose" => transposition(operation)?,
        "gather" => gather(operation)?,
        "argmax" => argmax(operation)?,
        it if it.starts_with("reduce_") => reduction(operation)?,
        _ if class(operation) == Class::Elementwise => elementwise(operation)?,
        _ => return None,
    };
    Some((access, Rule::Same))
}

fn axis(operation: OperationRef) -> Option<usize> {
    usize::try_from(IntegerAttribute::try_from(operation.attribute("axis").ok()?).ok()?.value()).ok()
}

/// Operands are broadcast along axes of size one. The table of a lookup is read whole, and so is an operand that does
/// not match the result.
fn elementwise(operation: OperationRef) -> Option<Access> {
    let result = result_dims(operation)?;
    let mut loops = Loops::default();
    let indices = loops.parallel(&result);
    let mut operands = Vec::new();
    for operand in 0..operation.operand_count() {
        let dims = dims(operation, operand)?;
        let is_table = name(operation) == "tosa.table" && operand == 1;
        let spread = kinds::broadcast(&indices, &result, &dims).filter(|_| !is_table);
        operands.push(spread.unwrap_or_else(|| loops.whole(&dims)));
    }
    Some(loops.access(operands, indices))
}

/// The windows of an operation: for each axis the stride, dilation, and padding before the first index.
fn windows(operation: OperationRef, n_axes: usize) -> Option<Vec<(i64, i64, i64)>> {
    let (strides, pads) = (integers(operation, "stride")?, integers(operation, "pad")?);
    let dilations = integers(operation, "dilation").unwrap_or_else(|| vec![1; n_axes]);
    let fits = strides.len() == n_axes && dilations.len() == n_axes && pads.len() == 2 * n_axes;
    fits.then(|| (0..n_axes).map(|it| (strides[it], dilations[it], pads[2 * it])).collect())
}

/// Whether each window contains an index of the image. A tile of windows without one would have no operand.
fn reach_image(image: &[u64], result: &[u64], kernel: &[u64], windows: &[(i64, i64, i64)]) -> bool {
    (0..kernel.len()).all(|axis| {
        let (stride, dilation, padding) = windows[axis];
        let last = (i128::from(result[axis + 1]) - 1) * i128::from(stride) - i128::from(padding);
        let reach = (i128::from(kernel[axis]) - 1) * i128::from(dilation);
        i128::from(padding) <= reach && last < i128::from(image[axis + 1])
    })
}

/// The indices of an image that windows read, with `channel` at the end.
fn image(indices: &[Expr], taps: &[Expr], channel: Expr, windows: &[(i64, i64, i64)]) -> Vec<Expr> {
    let inner = taps.iter().zip(&indices[1..]).zip(windows).map(|((tap, index), it)| window(index, tap, *it));
    [indices[0].clone()].into_iter().chain(inner).chain([channel]).collect()
}

/// Operands of one element, such as zero points.
fn one(operation: OperationRef, operands: std::ops::Range<usize>) -> Option<Vec<Vec<Expr>>> {
    operands.map(|it| dims(operation, it).map(|dims| vec![Expr::constant(0); dims.len()])).collect()
}

/// The bias of each channel: one number, or one for each.
fn bias(dims: &[u64], channel: &Expr) -> Vec<Expr> {
    vec![if *dims == [1] { Expr::constant(0) } else { channel.clone() }]
}

/// Filters are `[output channels, window .., input channels]`.
fn convolution(operation: OperationRef) -> Option<Access> {
    let (x, filter, result) = (dims(operation, 0)?, dims(operation, 1)?, result_dims(operation)?);
    let kernel = filter.get(1..filter.len().checked_sub(1)?)?;
    let windows = windows(operation, kernel.len())?;
    if !reach_image(&x, &result, kernel, &windows) {
        return None;
    }
    let mut loops = Loops::default();
    let indices = loops.parallel(&result);
    let output = indices.last()?.clone();
    let taps = loops.whole(kernel);
    let input = loops.reduced(*filter.last()?);
    let filter = [&[output.clone()][..], &taps, std::slice::from_ref(&input)].concat();
    let mut operands = vec![image(&indices, &taps, input, &windows), filter, bias(&dims(operation, 2)?, &output)];
    operands.extend(one(operation, 3..operation.operand_count())?);
    Some(loops.access(operands, indices))
}

/// Filters are `[window .., channels, multiplier]`. Channels can be split if each has one output.
fn depthwise(operation: OperationRef) -> Option<Access> {
    let (x, filter, result) = (dims(operation, 0)?, dims(operation, 1)?, result_dims(operation)?);
    let &[ref kernel @ .., channels, multiplier] = &filter[..] else { return None };
    let windows = windows(operation, kernel.len())?;
    if !reach_image(&x, &result, kernel, &windows) {
        return None;
    }
    let mut loops = Loops::default();
    let kind = if multiplier == 1 { DimKind::Parallel } else { DimKind::Whole };
    let mut indices = loops.parallel(&result[..result.len() - 1]);
    let output = loops.add(*result.last()?, kind);
    indices.push(output.clone());
    let taps = loops.whole(kernel);
    let (input, of_input) = match multiplier {
        1 => (output.clone(), Expr::constant(0)),
        _ => (loops.reduced(channels), loops.reduced(multiplier)),
    };
    let filter = [&taps[..], &[input.clone(), of_input]].concat();
    let mut operands = vec![image(&indices, &taps, input, &windows), filter, bias(&dims(operation, 2)?, &output)];
    operands.extend(one(operation, 3..operation.operand_count())?);
    Some(loops.access(operands, indices))
}

fn pool(operation: OperationRef) -> Option<Access> {
    let (x, result) = (dims(operation, 0)?, result_dims(operation)?);
    let kernel = integers(operation, "kernel")?;
    let kernel = kernel.into_iter().map(|it| u64::try_from(it).ok()).collect::<Option<Vec<u64>>>()?;
    let windows = windows(operation, kernel.len())?;
    if !reach_image(&x, &result, &kernel, &windows) {
        return None;
    }
    let mut loops = Loops::default();
    let indices = loops.parallel(&result);
    let taps = loops.whole(&kernel);
    let mut operands = vec![image(&indices, &taps, indices.last()?.clone(), &windows)];
    operands.extend(one(operation, 1..operation.operand_count())?);
    Some(loops.access(operands, indices))
}

fn matmul(operation: OperationRef) -> Option<Access> {
    let &[batch, rows, columns] = &result_dims(operation)?[..] else { return None };
    let depth = *dims(operation, 0)?.get(2)?;
    let mut loops = Loops::default();
    let indices = loops.parallel(&[batch, rows, columns]);
    let inner = loops.reduced(depth);
    let [batch, row, column] = [0, 1, 2].map(|it: usize| indices[it].clone());
    let mut operands = vec![vec![batch.clone(), row, inner.clone()], vec![batch, inner, column]];
    operands.extend(one(operation, 2..operation.operand_count())?);
    Some(loops.access(operands, indices))
}

/// One axis is reduced to one index.
fn reduction(operation: OperationRef) -> Option<Access> {
    let (x, axis) = (dims(operation, 0)?, axis(operation)?);
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let mut map = indices.clone();
    *map.get_mut(axis)? = loops.reduced(*x.get(axis)?);
    Some(loops.access(vec![map], indices))
}

/// One axis is removed.
fn argmax(operation: OperationRef) -> Option<Access> {
    let (x, axis) = (dims(operation, 0)?, axis(operation)?);
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let mut map = indices.clone();
    map.insert(axis, loops.reduced(*x.get(axis)?));
    Some(loops.access(vec![map], indices))
}

/// Rows of `[batch, rows, channels]` at `[batch, indices]`: any row.
fn gather(operation: OperationRef) -> Option<Access> {
    let &[_, rows, _] = &dims(operation, 0)?[..] else { return None };
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let [batch, index, channel] = [0, 1, 2].map(|it: usize| indices.get(it).cloned());
    let (batch, index, channel) = (batch?, index?, channel?);
    let row = loops.reduced(rows);
    Some(loops.access(vec![vec![batch.clone(), row, channel], vec![batch, index]], indices))
}

fn transposition(operation: OperationRef) -> Option<Access> {
    let order = DenseI32ArrayAttribute::try_from(operation.attribute("perms").ok()?).ok()?;
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let mut map = vec![None; indices.len()];
    for (axis, index) in indices.iter().enumerate() {
        let from = usize::try_from(order.element(axis).ok()?).ok()?;
        *map.get_mut(from)? = Some(index.clone());
    }
    Some(loops.access(vec![map.into_iter().collect::<Option<Vec<Expr>>>()?], indices))
}

/// The numbers of an operand that is a shape.
fn shape_operand(operation: OperationRef, operand: usize) -> Option<Vec<i64>> {
    shape_values(defining(operand_at(operation, operand)?)?)
}

fn slice(operation: OperationRef) -> Option<Access> {
    let start = shape_operand(operation, 1)?;
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let map = indices.iter().zip(&start).map(|(index, start)| shifted(index, *start)).collect();
    Some(loops.access(vec![map], indices))
}

/// Padding is `[before, after]` for each axis.
fn pad(operation: OperationRef) -> Option<Access> {
    let padding = shape_operand(operation, 1)?;
    if padding.iter().any(|it| *it < 0) {
        return None;
    }
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let map = indices.iter().zip(padding.chunks(2)).map(|(index, pad)| shifted(index, -pad[0])).collect();
    let value = vec![Expr::constant(0); dims(operation, 2)?.len()];
    // The shape between them is not a tensor.
    Some(loops.access(vec![map, Vec::new(), value], indices))
}

/// The scale of an axis: index `i` of the result is at (i · down + offset) / up of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub up: i64,
    pub down: i64,
    pub offset: i64,
}

/// The scales of the two axes of the image of a `tosa.resize`.
pub(crate) fn scales(operation: OperationRef) -> Option<[Scale; 2]> {
    let (scale, offset) = (shape_operand(operation, 1)?, shape_operand(operation, 2)?);
    let &[y_up, y_down, x_up, x_down] = &scale[..] else { return None };
    let &[y, x] = &offset[..] else { return None };
    Some([Scale { up: y_up, down: y_down, offset: y }, Scale { up: x_up, down: x_down, offset: x }])
}

/// The index below and the one above. Interpolated floats are exact, wherever the region begins, if scales are powers
/// of two.
fn resize(operation: OperationRef) -> Option<Access> {
    let scales = scales(operation)?;
    let is_nearest = operation.attribute("mode").ok()?.to_string().contains("NEAREST");
    let is_float = operand_at(operation, 0)?.r#type().to_string().contains('f');
    let is_power = |it: &Scale| u64::try_from(it.up).is_ok_and(u64::is_power_of_two);
    if is_float && !is_nearest && !scales.iter().all(is_power) {
        return None;
    }
    let mut loops = Loops::default();
    let indices = loops.parallel(&result_dims(operation)?);
    let mut map = indices.clone();
    for (axis, Scale { up, down, offset }) in [1, 2].into_iter().zip(scales) {
        let next = loops.reduced(2);
        let terms = vec![(indices.get(axis)?.terms[0].0, down), (next.terms[0].0, up)];
        *map.get_mut(axis)? = Expr { terms, constant: offset, divisor: u64::try_from(up).ok().filter(|it| *it != 0)? };
    }
    Some(loops.access(vec![map], indices))
}
