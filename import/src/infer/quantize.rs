//! Quantisation.

use super::call::{Answer, Call, wrong};
use super::elementwise::{broadcast_shapes, element};
use crate::element::Element;
use crate::graph::Type;

/// `QuantizeLinear`: the type is that of the zero point, or an attribute says.
pub fn quantize(call: &Call) -> Answer {
    let element = match (call.optional(2), call.attributes().int("output_dtype")) {
        (Some(zero), _) => zero.element,
        (None, Some(number)) if number != 0 => element(number)?,
        (None, _) => Element::Unsigned(8),
    };
    Ok(vec![Type { element, shape: call.input(0)?.shape.clone() }])
}

/// `DequantizeLinear`: the type is that of the scale.
pub fn dequantize(call: &Call) -> Answer {
    Ok(vec![Type { element: call.input(1)?.element, shape: call.input(0)?.shape.clone() }])
}

/// `DynamicQuantizeLinear`: also scale and zero point.
pub fn dynamic(call: &Call) -> Answer {
    let shape = call.input(0)?.shape.clone();
    let byte = Element::Unsigned(8);
    Ok(vec![
        Type { element: byte, shape },
        Type { element: Element::Float(32), shape: vec![] },
        Type { element: byte, shape: vec![] },
    ])
}

/// Two operands, each with a scale and a zero point behind it.
pub fn binary(call: &Call) -> Answer {
    let (left, right) = (call.input(0)?, call.input(3)?);
    if left.element != right.element {
        return wrong("its operands have different types");
    }
    Ok(vec![Type { element: left.element, shape: broadcast_shapes(&left.shape, &right.shape)? }])
}
