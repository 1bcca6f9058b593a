//! Quantisation.

use super::call::{Answer, Call, wrong};
use super::elementwise::{broadcast_shapes, element};
use crate::element::Element;
use crate::graph::Type;

/// `QuantizeLinear`: the type is that of the zero point or of an attribute.
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

/// Two operands, each followed by a scale and a zero point.
pub fn binary(call: &Call) -> Answer {
    let (left, right) = (call.input(0)?, call.input(3)?);
    if left.element != right.element {
        return wrong("its operands have different types");
    }
    Ok(vec![Type { element: left.element, shape: broadcast_shapes(&left.shape, &right.shape)? }])
}

/// `QLinearWhere`: a condition, and two operands, each followed by a scale and a zero point.
pub fn select(call: &Call) -> Answer {
    let (condition, yes, no) = (call.input(0)?, call.input(1)?, call.input(4)?);
    let shape = broadcast_shapes(&broadcast_shapes(&condition.shape, &yes.shape)?, &no.shape)?;
    Ok(vec![Type { element: yes.element, shape }])
}

/// `QLinearConcat`: scale and zero point of the result, then operands, each followed by its own.
pub fn concat(call: &Call) -> Answer {
    let operands: Vec<usize> = (2..call.node.inputs.len()).step_by(3).collect();
    super::movement::concat_of(call, &operands)
}

/// `QLinearReduceMean`: data, scales and zero points; the axes are an attribute.
pub fn reduce(call: &Call) -> Answer {
    let input = call.input(0)?;
    super::reduce::reduce_over(call, input, call.attributes().ints("axes").unwrap_or(&[]))
}

/// `GatherBlockQuantized`: rows of a table that is quantised in blocks, whose scales are input 2. Two elements of
/// four bits may be packed into a byte.
pub fn gather(call: &Call) -> Answer {
    let (table, indices, scales) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let rank = table.shape.len();
    let axis = super::axis(call.attributes().int("gather_axis").unwrap_or(0), rank)?;
    let mut shape = [&table.shape[..axis], &indices.shape, &table.shape[axis + 1..]].concat();
    let bits = call.attributes().int("bits").and_then(|it| u64::try_from(it).ok()).unwrap_or(4);
    if let Some(last) = shape.last_mut()
        && axis + 1 < rank
        && bits != 0
        && bits < table.element.bits()
    {
        *last = super::call::size(i128::from(*last) * i128::from(table.element.bits() / bits))?;
    }
    Ok(vec![Type { element: scales.element, shape }])
}
