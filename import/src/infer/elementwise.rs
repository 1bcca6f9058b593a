//! Operators whose result has the shape of their inputs.

use super::call::{Answer, Call, Failure, wrong};
use crate::element::Element;
use crate::graph::Type;
use crate::read;

/// The type of the first input.
pub fn same(call: &Call) -> Answer {
    Ok(vec![call.input(0)?.clone()])
}

/// A boolean for each element.
pub fn test(call: &Call) -> Answer {
    Ok(vec![Type { element: Element::Bool, shape: call.input(0)?.shape.clone() }])
}

/// All inputs, broadcast to one shape.
pub fn broadcast(call: &Call) -> Answer {
    let shape = broadcast_inputs(call, 0..call.node.inputs.len())?;
    Ok(vec![Type { element: call.input(0)?.element, shape }])
}

/// The inputs broadcast to one shape, with boolean elements.
pub fn compare(call: &Call) -> Answer {
    Ok(vec![Type { element: Element::Bool, shape: broadcast_inputs(call, 0..2)? }])
}

/// `Where`.
pub fn select(call: &Call) -> Answer {
    Ok(vec![Type { element: call.input(1)?.element, shape: broadcast_inputs(call, 0..3)? }])
}

/// `Cast`.
pub fn cast(call: &Call) -> Answer {
    let Some(to) = call.attributes().int("to") else { return wrong("it does not specify the type to cast to") };
    Ok(vec![Type { element: element(to)?, shape: call.input(0)?.shape.clone() }])
}

/// `CastLike`.
pub fn cast_like(call: &Call) -> Answer {
    Ok(vec![Type { element: call.input(1)?.element, shape: call.input(0)?.shape.clone() }])
}

/// `Dropout`, whose second result is the mask.
pub fn dropout(call: &Call) -> Answer {
    let input = call.input(0)?;
    // In old operator sets it has the type of the data.
    let mask = if call.opset < 10 { input.element } else { Element::Bool };
    Ok(vec![input.clone(), Type { element: mask, shape: input.shape.clone() }])
}

/// The shape of the first input, with an element type that an attribute may change.
pub fn like(call: &Call) -> Answer {
    let input = call.input(0)?;
    let element = match call.attributes().int("dtype") {
        Some(number) => element(number)?,
        None => input.element,
    };
    Ok(vec![Type { element, shape: input.shape.clone() }])
}

/// The element type that an attribute gives as a number.
pub fn element(number: i64) -> Result<Element, Failure> {
    read::element(i32::try_from(number).unwrap_or(-1)).map_err(Failure::Wrong)
}

/// `BiasSplitGelu` of onnxruntime: one half of the last dimension scales the other one.
pub fn half(call: &Call) -> Answer {
    let mut r#type = call.input(0)?.clone();
    match r#type.shape.last_mut() {
        Some(last) if last.is_multiple_of(2) => *last /= 2,
        _ => return wrong(format!("{:?} has no two halves", r#type.shape)),
    }
    Ok(vec![r#type])
}

/// `Det`: without the last two dimensions.
pub fn determinant(call: &Call) -> Answer {
    let input = call.input(0)?;
    let Some(n) = input.shape.len().checked_sub(2) else { return wrong("there is no matrix in it") };
    Ok(vec![Type { element: input.element, shape: input.shape[..n].to_vec() }])
}

fn broadcast_inputs(call: &Call, inputs: std::ops::Range<usize>) -> Result<Vec<u64>, Failure> {
    let mut shape = Vec::new();
    for index in inputs {
        shape = broadcast_shapes(&shape, &call.input(index)?.shape)?;
    }
    Ok(shape)
}

/// Broadcasts two shapes, aligned at their last dimensions.
pub fn broadcast_shapes(left: &[u64], right: &[u64]) -> Result<Vec<u64>, Failure> {
    let rank = left.len().max(right.len());
    let at = |shape: &[u64], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |it| shape[it]);
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        shape.push(match (at(left, axis), at(right, axis)) {
            (1, size) | (size, 1) => size,
            (l, r) if l == r => l,
            _ => return wrong(format!("shapes {left:?} and {right:?} do not match")),
        });
    }
    Ok(shape)
}
