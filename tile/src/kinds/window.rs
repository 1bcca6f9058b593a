//! Operators that read windows: convolutions, pools, resizing.

use super::Shapes;
use super::nest::{Nest, groups};
use crate::indices::greatest_common_divisor;
use crate::{Access, Expr};

/// Where the indices of one axis begin that an index of the result reads, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    stride: u64,
    /// How many indices before the first one of the operand the first window begins.
    padding: u64,
    size: u64,
}

/// Weights are `[output channels, input channels of a group, window]`; then may come the bias, and what joined
/// before and after. An image that is no image is one of the result's size in another shape.
pub(super) fn convolution(shapes: &Shapes) -> Option<Access> {
    let (image, filter, result) = (shapes.operand(0)?, shapes.operand(1)?, shapes.result()?);
    let &[n_outputs, n_inputs, ref kernel @ ..] = filter else { return None };
    let [batch, channels, sizes @ ..] = result else { return None };
    // A result of one element for each channel may have lost its axes.
    let sizes = if sizes.is_empty() { vec![1; kernel.len()] } else { sizes.to_vec() };
    if *channels != n_outputs || kernel.is_empty() || kernel.len() != sizes.len() {
        return None;
    }
    let folded = channels_first(image, *batch, kernel.len())
        .or_else(|| Some([&[*batch, n_inputs], &sizes[..]].concat()).filter(|it| groups(it, image).is_some()))?;
    let in_channels = folded[1];
    if !in_channels.is_multiple_of(n_inputs) || !n_outputs.is_multiple_of(in_channels / n_inputs) {
        return None;
    }
    let mut nest = Nest::default();
    let written = nest.result(result, |_| false);
    let mut indices = written.clone();
    indices.resize(sizes.len() + 2, Expr::constant(0));
    let input = nest.sum(n_inputs);
    let taps: Vec<Expr> = kernel.iter().map(|size| nest.sum(*size)).collect();
    let n_groups = in_channels / n_inputs;
    let channel = match n_groups {
        1 => input.clone(),
        _ => input_channel(&indices[1], &input, (n_inputs, n_outputs / n_groups), |size| nest.all(size))?,
    };
    let mut map = vec![indices[0].clone(), channel.clone()];
    for (axis, tap) in taps.iter().enumerate() {
        let (size, index) = (folded[axis + 2], &indices[axis + 2]);
        map.push(match convolved(size, sizes[axis], kernel[axis]) {
            Some(window) if window.size == kernel[axis] => strided(index, tap, window)?,
            Some(window) => {
                let tap = nest.all(window.size);
                strided(index, &tap, window)?
            }
            None => nest.all(size),
        });
    }
    let map = nest.refold(&map, &folded, image)?;
    nest.read(map);
    nest.read([&[indices[1].clone(), input][..], &taps].concat());
    let others = &shapes.operands[2..];
    for operand in others {
        let map = match **operand {
            // The bias; or what is the same for each input as for its output.
            [size] if size == n_outputs && (others.len() == 1 || size != in_channels) => vec![indices[1].clone()],
            [size] if size == in_channels && (size != n_outputs || n_inputs == 1) => vec![channel.clone()],
            [_] => nest.whole(operand),
            _ => nest.beside(&written, result, operand),
        };
        nest.read(map);
    }
    nest.write(written);
    Some(nest.finish())
}

/// The shape `[batch, channels, sizes ..]` of an image whose channels may be several axes.
fn channels_first(image: &[u64], batch: u64, n_sizes: usize) -> Option<Vec<u64>> {
    let n_channel_axes = image.len().checked_sub(n_sizes + 1).filter(|it| *it != 0)?;
    if image[0] != batch {
        return None;
    }
    let channels = image[1..=n_channel_axes].iter().try_fold(1u64, |product, it| product.checked_mul(*it))?;
    Some([&[batch, channels], &image[1 + n_channel_axes..]].concat())
}

/// The input channel that an output channel of a grouped convolution reads, where each group has `n_inputs` and
/// `n_outputs` of them; `all` makes a loop over so many indices that are read at once. None if the output channel
/// is not a loop, or numbers leave 64 bits.
pub fn input_channel(
    output: &Expr,
    input: &Expr,
    (n_inputs, n_outputs): (u64, u64),
    all: impl FnOnce(u64) -> Expr,
) -> Option<Expr> {
    let [(output, 1)] = output.terms[..] else { return None };
    let (per_output, per_input) = (i64::try_from(n_inputs).ok()?, i64::try_from(n_outputs).ok()?);
    let mut terms = vec![(output, per_output)];
    if n_inputs != 1 {
        // ⌊output / n⌋ · m + input = ⌊(m · (output - remainder) + n · input) / n⌋, for any remainder from 0 to n - 1.
        terms.extend(all(n_outputs).terms.iter().map(|(dim, _)| (*dim, -per_output)));
        terms.extend(input.terms.iter().map(|(dim, _)| (*dim, per_input)));
    }
    Some(Expr { terms, constant: 0, divisor: n_outputs })
}

/// The index that a tap of the window of a result's index reads.
fn strided(index: &Expr, tap: &Expr, window: Window) -> Option<Expr> {
    let stride = i64::try_from(window.stride).ok()?;
    let mut terms: Vec<(usize, i64)> = index.terms.iter().map(|(dim, _)| (*dim, stride)).collect();
    terms.extend(&tap.terms);
    Some(Expr { terms, constant: i64::try_from(window.padding).ok()?.checked_neg()?, divisor: 1 })
}

/// The window of a convolution along an axis of these sizes; none if it is not clear.
fn convolved(size: u64, result: u64, kernel: u64) -> Option<Window> {
    let window = |padding: u64| {
        let room = size.checked_add(padding.checked_mul(2)?)?.checked_sub(kernel)?;
        let stride = stride(room, size, result)?;
        Some(Window { stride, padding, size: kernel })
    };
    if let Some(window) = window(0).filter(|it| 1 < it.stride && it.stride == kernel) {
        return Some(window);
    }
    let usual = [(kernel - 1) / 2, 0];
    let windows: Vec<Window> = usual.into_iter().filter_map(window).collect();
    if !windows.is_empty() {
        return hull(&windows);
    }
    let others: Vec<Window> = (1..kernel.min(64)).filter_map(window).collect();
    hull(&others)
}

/// The stride with which windows that have so much room to move are so many; none if there is none, or several
/// none of which divides the size.
fn stride(room: u64, size: u64, result: u64) -> Option<u64> {
    if result == 1 {
        return Some(1);
    }
    let (least, greatest) = (room / result + 1, room / (result - 1));
    if greatest < least {
        return None;
    }
    let natural = Some(size / result).filter(|it| size.is_multiple_of(result) && (least..=greatest).contains(it));
    natural.or_else(|| (least == greatest).then_some(least))
}

/// The window that holds all of these; none if their strides differ.
fn hull(windows: &[Window]) -> Option<Window> {
    let stride = windows.first()?.stride;
    if windows.iter().any(|it| it.stride != stride) {
        return None;
    }
    let padding = windows.iter().map(|it| it.padding).max()?;
    let size = windows.iter().map(|it| padding - it.padding + it.size).max()?;
    Some(Window { stride, padding, size })
}

/// Weights are `[input channels, output channels, window]`, in one group.
pub(super) fn transposed_convolution(shapes: &Shapes) -> Option<Access> {
    let (image, filter, result) = (shapes.operand(0)?, shapes.operand(1)?, shapes.result()?);
    let [n_inputs, n_outputs, kernel @ ..] = filter else { return None };
    let is_image = image.len() == filter.len() && result.len() == filter.len() && image[0] == result[0];
    if !is_image || image[1] != *n_inputs || result[1] != *n_outputs || kernel.is_empty() {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let input = nest.sum(*n_inputs);
    let mut map = vec![indices[0].clone(), input.clone()];
    for (axis, kernel) in kernel.iter().enumerate() {
        let (size, result_size) = (image[axis + 2], result[axis + 2]);
        map.push(match spread(&mut nest, &indices[axis + 2], (size, result_size), *kernel) {
            Some(index) => index,
            None => nest.all(size),
        });
    }
    nest.read(map);
    let taps = nest.whole(kernel);
    nest.read([&[input, indices[1].clone()][..], &taps].concat());
    nest.read_others(shapes, 2, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// The indices whose windows a result's index lies in, where the result is so many times larger.
///
/// Index `i` is written to `i · stride - padding + tap`, so `r` reads ⌊(r + padding) / stride⌋ and those before it
/// while the window reaches.
fn spread(nest: &mut Nest, index: &Expr, (size, result): (u64, u64), kernel: u64) -> Option<Expr> {
    let stride = result / size;
    if !result.is_multiple_of(size) || kernel < stride || !(kernel - stride).is_multiple_of(2) {
        return None;
    }
    let padding = i64::try_from((kernel - stride) / 2).ok()?;
    let before = nest.all(kernel.div_ceil(stride));
    let back = i64::try_from(stride).ok()?;
    let mut terms = index.terms.clone();
    terms.extend(before.terms.iter().map(|(dim, _)| (*dim, -back)));
    Some(Expr { terms, constant: padding, divisor: stride })
}

pub(super) fn pool(shapes: &Shapes) -> Option<Access> {
    let (image, result) = (shapes.operand(0)?, shapes.result()?);
    if image.len() < 3 || image.len() != result.len() || image[..2] != result[..2] {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let mut map = indices[..2].to_vec();
    for axis in 2..image.len() {
        map.push(match pooled(image[axis], result[axis]) {
            Some(window) => {
                let tap = nest.sum(window.size);
                strided(&indices[axis], &tap, window)?
            }
            None => nest.sum(image[axis]),
        });
    }
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// The window of a pool along an axis of these sizes; none if it is not clear, or all of it.
fn pooled(size: u64, result: u64) -> Option<Window> {
    if size == result {
        return Some(Window { stride: 1, padding: 1, size: 3 });
    }
    if result == 1 || size < result {
        return None;
    }
    let windows = |stride: u64| {
        let usual = [(2, 0), (3, 1), (3, 0), (stride, 0)];
        let is_one = move |(kernel, padding): &(u64, u64)| {
            let Some(room) = size.saturating_add(2 * padding).checked_sub(*kernel) else { return false };
            [room / stride, room.div_ceil(stride)].contains(&(result - 1))
        };
        let window = move |(kernel, padding)| Window { stride, padding, size: kernel };
        usual.into_iter().filter(is_one).map(window).collect::<Vec<_>>()
    };
    if size.is_multiple_of(result)
        && let Some(window) = hull(&windows(size / result))
    {
        return Some(window);
    }
    let all: Vec<Window> = (1..=size / (result - 1)).flat_map(windows).collect();
    hull(&all)
}

/// Each index of the result reads the two nearest ones of the operand, wherever the corners lie.
pub(super) fn resize(shapes: &Shapes) -> Option<Access> {
    let (image, result) = (shapes.operand(0)?, shapes.result()?);
    if image.len() != result.len() {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let mut map = Vec::new();
    for ((size, result), index) in image.iter().zip(result).zip(&indices) {
        map.push(match (*size, *result) {
            (1, _) => Expr::constant(0),
            (size, result) if size == result => index.clone(),
            (size, result) => nearest(&mut nest, index, size, result)?,
        });
    }
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// ⌊size · index / result⌋, the one before, and so many after as one index of the result takes.
fn nearest(nest: &mut Nest, index: &Expr, size: u64, result: u64) -> Option<Expr> {
    let common = greatest_common_divisor(size, result);
    let (factor, divisor) = (i64::try_from(size / common).ok()?, result / common);
    let step = i64::try_from(divisor).ok()?;
    let around = nest.all(if size < result { 3 } else { size.div_ceil(result).checked_add(3)? });
    let mut terms: Vec<(usize, i64)> = index.terms.iter().map(|(dim, _)| (*dim, factor)).collect();
    terms.extend(around.terms.iter().map(|(dim, _)| (*dim, step)));
    Some(Expr { terms, constant: -step, divisor })
}
