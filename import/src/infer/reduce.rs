//! Reductions.

use super::call::{Answer, Call, Failure, axes, axis, size, wrong};
use crate::element::Element;
use crate::graph::Type;

/// `ReduceSum` and the other reductions.
pub fn reduce(call: &Call) -> Answer {
    let input = call.input(0)?;
    reduce_over(call, input, call.ints_of("axes", 1)?.unwrap_or(&[]))
}

/// A reduction over the given axes, or over all if there are none.
pub fn reduce_over(call: &Call, input: &Type, given: &[i64]) -> Answer {
    if given.is_empty() && call.attributes().flag("noop_with_empty_axes") {
        return Ok(vec![input.clone()]);
    }
    let rank = input.shape.len();
    let axes = if given.is_empty() { (0..rank).collect() } else { axes(given, rank)? };
    Ok(vec![Type { element: input.element, shape: remove(call, &input.shape, &axes) }])
}

/// `ArgMax`, `ArgMin`.
pub fn arg(call: &Call) -> Answer {
    let shape = &call.input(0)?.shape;
    let axis = axis(call.attributes().int("axis").unwrap_or(0), shape.len())?;
    Ok(vec![Type { element: Element::Signed(64), shape: remove(call, shape, &[axis]) }])
}

/// `TopK`: values and indices.
pub fn top_k(call: &Call) -> Answer {
    let input = call.input(0)?;
    let k = match (call.attributes().int("k"), call.ints(1)?) {
        (Some(k), _) | (None, Some(&[k])) => k,
        _ => return wrong("k is missing or not a known constant"),
    };
    let axis = axis(call.attributes().int("axis").unwrap_or(-1), input.shape.len())?;
    let mut shape = input.shape.clone();
    shape[axis] = size(k.into())?;
    let indices = Type { element: Element::Signed(64), shape: shape.clone() };
    Ok(vec![Type { element: input.element, shape }, indices])
}

fn remove(call: &Call, shape: &[u64], axes: &[usize]) -> Vec<u64> {
    let keeps = call.attributes().int("keepdims").unwrap_or(1) != 0;
    let dimension = |(axis, size): (usize, &u64)| match axes.contains(&axis) {
        false => Some(*size),
        true => keeps.then_some(1),
    };
    shape.iter().enumerate().filter_map(dimension).collect()
}

/// The axes of a node, from an attribute or an input, one of which is required.
pub fn required_axes(call: &Call, index: usize) -> Result<Vec<i64>, Failure> {
    match call.ints_of("axes", index)? {
        Some(axes) => Ok(axes.to_vec()),
        None => wrong("it does not specify the axes"),
    }
}
