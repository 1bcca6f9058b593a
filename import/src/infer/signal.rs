//! Transformations of signals.

use super::call::{Answer, Call, Failure, axis, size, wrong};
use super::elementwise::element;
use crate::content::Content;
use crate::graph::Type;

/// An optional input that is one integer.
fn length(call: &Call, index: usize) -> Result<Option<u64>, Failure> {
    if call.optional(index).is_none() {
        return Ok(None);
    }
    match call.content(index).and_then(Content::ints) {
        Some(&[n]) => size(n.into()).map(Some),
        Some(_) => wrong(format!("input {index} is not one number")),
        None => Err(call.depends_on_data(index)),
    }
}

/// The number of frequencies; one-sided, half of them, since the others are their conjugates.
fn frequencies(call: &Call, n: u64) -> u64 {
    if call.attributes().flag("onesided") { n / 2 + 1 } else { n }
}

/// `DFT` along an axis: from real or complex to complex numbers, of any length.
pub fn dft(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    if rank < 2 {
        return wrong(format!("{:?} has no numbers in its last dimension", input.shape));
    }
    // An attribute at first, an input since opset 20.
    let given = if call.opset < 20 {
        call.attributes().int("axis").unwrap_or(1)
    } else {
        match (call.optional(2), call.content(2).and_then(Content::ints)) {
            (None, _) => -2,
            (Some(_), Some(&[axis])) => axis,
            (Some(_), _) => return Err(call.depends_on_data(2)),
        }
    };
    let axis = axis(given, rank)?;
    let mut shape = input.shape.clone();
    let n = length(call, 1)?.unwrap_or(shape[axis]);
    if call.attributes().flag("inverse") && call.attributes().flag("onesided") {
        return wrong("an inverse one-sided transform is not supported");
    }
    shape[axis] = frequencies(call, n);
    shape[rank - 1] = 2;
    Ok(vec![Type { element: input.element, shape }])
}

/// `STFT`: the second input is the distance of frames. Their length is that of the window, or the fourth input.
pub fn stft(call: &Call) -> Answer {
    let signal = call.input(0)?;
    let &[batch, n, ..] = &signal.shape[..] else { return wrong(format!("{:?} is not a signal", signal.shape)) };
    let Some(step) = length(call, 1)?.filter(|it| *it != 0) else { return wrong("its frames do not move on") };
    let window = call.optional(2).and_then(|it| it.shape.first().copied());
    let Some(frame) = length(call, 3)?.or(window) else { return wrong("it does not specify the length of a frame") };
    let Some(rest) = n.checked_sub(frame) else {
        return wrong(format!("a frame of {frame} does not fit into a signal of {n}"));
    };
    // One-sided unless it says otherwise.
    let n_frequencies = if call.attributes().int("onesided") == Some(0) { frame } else { frame / 2 + 1 };
    Ok(vec![Type { element: signal.element, shape: vec![batch, rest / step + 1, n_frequencies, 2] }])
}

/// `HannWindow` and the other windows.
pub fn window(call: &Call) -> Answer {
    let Some(n) = length(call, 0)? else { return wrong("the length is missing or not a known constant") };
    Ok(vec![Type { element: element(call.attributes().int("output_datatype").unwrap_or(1))?, shape: vec![n] }])
}

/// `MelWeightMatrix`: from frequencies to bands.
pub fn mel(call: &Call) -> Answer {
    let (Some(bands), Some(n)) = (length(call, 0)?, length(call, 1)?) else {
        return wrong("it does not specify the numbers of bands and frequencies");
    };
    Ok(vec![Type {
        element: element(call.attributes().int("output_datatype").unwrap_or(1))?,
        shape: vec![n / 2 + 1, bands],
    }])
}

/// `AffineGrid`: input coordinates for each point of an image or volume of the given size.
pub fn affine_grid(call: &Call) -> Answer {
    let theta = call.input(0)?;
    let Some(sizes) = call.ints(1)? else { return wrong("it does not specify a size") };
    let (Some(n), Some(sizes)) = (sizes.first(), sizes.get(2..)) else {
        return wrong(format!("{sizes:?} is not the size of an image"));
    };
    let mut shape = vec![size((*n).into())?];
    for it in sizes {
        shape.push(size((*it).into())?);
    }
    shape.push(sizes.len() as u64);
    Ok(vec![Type { element: theta.element, shape }])
}
