//! Convolutions.

use super::call::{Answer, Call, Failure, list, size, wrong};
use super::pool::{AutoPad, Window};
use crate::element::Element;
use crate::graph::Type;

/// `Conv`: data, weights, bias.
pub fn conv(call: &Call) -> Answer {
    convolve(call, 0, 1, call.input(0)?.element)
}

/// `ConvInteger`: integers of 32 bits.
pub fn conv_integer(call: &Call) -> Answer {
    convolve(call, 0, 1, Element::Signed(32))
}

/// `QLinearConv`: data, weights and result are each followed by a scale and a zero point.
pub fn qlinear_conv(call: &Call) -> Answer {
    convolve(call, 0, 3, call.input(7)?.element)
}

/// onnxruntime's convolutions with channels last in data and result. The weights have channels last or second;
/// if that is ambiguous, `kernel_shape` decides.
pub fn nhwc_conv(call: &Call) -> Answer {
    convolve_nhwc(call, 0, 1, call.input(0)?.element)
}

/// `QLinearConv` of onnxruntime, which may have channels last.
pub fn qlinear_conv_any(call: &Call) -> Answer {
    if call.attributes().flag("channels_last") {
        convolve_nhwc(call, 0, 3, call.input(7)?.element)
    } else {
        qlinear_conv(call)
    }
}

fn convolve_nhwc(call: &Call, data: usize, weights: usize, element: Element) -> Answer {
    let (data, weights) = (&call.input(data)?.shape, &call.input(weights)?.shape);
    let rank = data.len();
    if rank < 3 || weights.len() != rank {
        return wrong(format!("data {data:?} and weights {weights:?} do not match"));
    }
    let channels = data[rank - 1];
    let groups = groups(call)?;
    let has = |it: u64| it.checked_mul(groups) == Some(channels);
    let kernel: Vec<i64> = match call.attributes().ints("kernel_shape") {
        Some(kernel) if kernel.len() == rank - 2 => kernel.to_vec(),
        Some(kernel) => return wrong(format!("kernel_shape {kernel:?} does not fit data {data:?}")),
        None if has(weights[1]) => weights[2..].iter().map(|it| super::call::signed(*it)).collect(),
        None if has(weights[rank - 1]) => weights[1..rank - 1].iter().map(|it| super::call::signed(*it)).collect(),
        None => return wrong(format!("weights {weights:?} in {groups} groups do not fit data {data:?}")),
    };
    let window = Window::read(call, &kernel)?;
    let mut shape = vec![data[0]];
    for (dimension, size) in data[1..rank - 1].iter().enumerate() {
        shape.push(window.slide(dimension, *size)?);
    }
    shape.push(weights[0]);
    Ok(vec![Type { element, shape }])
}

/// `DeformConv`: a convolution whose third input has the offsets.
pub fn deform_conv(call: &Call) -> Answer {
    conv(call)
}

fn convolve(call: &Call, data: usize, weights: usize, element: Element) -> Answer {
    let (data, weights) = (&call.input(data)?.shape, &call.input(weights)?.shape);
    let kernel = kernel(call, data, weights)?;
    let groups = groups(call)?;
    let n_channels = weights[1].checked_mul(groups);
    if n_channels != Some(data[1]) {
        return wrong(format!("weights {weights:?} in {groups} groups do not fit data {data:?}"));
    }
    let window = Window::read(call, &kernel)?;
    let mut shape = vec![data[0], weights[0]];
    for (dimension, size) in data[2..].iter().enumerate() {
        shape.push(window.slide(dimension, *size)?);
    }
    Ok(vec![Type { element, shape }])
}

/// `ConvTranspose`.
pub fn conv_transpose(call: &Call) -> Answer {
    let input = call.input(0)?;
    let (data, weights) = (&input.shape, &call.input(1)?.shape);
    let kernel = kernel(call, data, weights)?;
    if weights[0] != data[1] {
        return wrong(format!("weights {weights:?} do not fit data {data:?}"));
    }
    let Some(channels) = weights[1].checked_mul(groups(call)?) else { return wrong("too many channels") };
    let n = kernel.len();
    let window = Window::read(call, &kernel)?;
    let padding = list(call.attributes().ints("output_padding"), n, 0, "output_padding")?;
    let mut shape = vec![data[0], channels];
    if let Some(given) = call.attributes().ints("output_shape") {
        // With or without batch and channels.
        let Some(given) = given.len().checked_sub(n).map(|it| &given[it..]) else {
            return wrong("output_shape is too short");
        };
        for it in given {
            shape.push(size((*it).into())?);
        }
        return Ok(vec![Type { element: input.element, shape }]);
    }
    for dimension in 0..n {
        let length = i128::from(data[dimension + 2]);
        let stride = i128::from(window.strides[dimension]);
        let (begin, end) = window.pads[dimension];
        let span = window.span(dimension);
        let full = stride * (length - 1) + i128::from(padding[dimension]) + span;
        shape.push(size(match window.auto_pad {
            AutoPad::Same => length * stride,
            AutoPad::Valid => full,
            AutoPad::Explicit => full - i128::from(begin) - i128::from(end),
        })?);
    }
    Ok(vec![Type { element: input.element, shape }])
}

fn kernel(call: &Call, data: &[u64], weights: &[u64]) -> Result<Vec<i64>, Failure> {
    if data.len() < 3 || data.len() != weights.len() {
        return wrong(format!("data {data:?} and weights {weights:?} do not match"));
    }
    let of_weights: Vec<i64> = weights[2..].iter().map(|it| super::call::signed(*it)).collect();
    match call.attributes().ints("kernel_shape") {
        Some(kernel) if kernel != of_weights => {
            wrong(format!("kernel_shape {kernel:?} is not that of the weights, {of_weights:?}"))
        }
        _ => Ok(of_weights),
    }
}

fn groups(call: &Call) -> Result<u64, Failure> {
    match u64::try_from(call.attributes().int("group").unwrap_or(1)) {
        Ok(groups) if 0 < groups => Ok(groups),
        _ => wrong("it has no groups"),
    }
}
