//! Normalisation with more than one result.

use super::call::{Answer, Call, axis, wrong};
use crate::element::Element;
use crate::graph::Type;

/// `BatchNormalization`. In training it updates mean and variance.
pub fn batch(call: &Call) -> Answer {
    let input = call.input(0)?;
    let mean = call.input(3)?;
    if call.opset < 14 && 1 < call.n_outputs() {
        // As training before opset 14 has it: mean, variance, and both as they were saved.
        return Ok(vec![input.clone(), mean.clone(), mean.clone(), mean.clone(), mean.clone()]);
    }
    Ok(vec![input.clone(), mean.clone(), mean.clone()])
}

/// `LayerNormalization`: also mean and inverse deviation.
pub fn layer(call: &Call) -> Answer {
    let input = call.input(0)?;
    if input.shape.is_empty() {
        return wrong("a scalar cannot be normalised");
    }
    let axis = axis(call.attributes().int("axis").unwrap_or(-1), input.shape.len())?;
    let mut shape = input.shape.clone();
    shape[axis..].fill(1);
    let statistics = Type { element: Element::Float(32), shape };
    Ok(vec![input.clone(), statistics.clone(), statistics])
}

/// `SimplifiedLayerNormalization` of onnxruntime, without a mean: also the inverse deviation.
pub fn simplified_layer(call: &Call) -> Answer {
    Ok(layer(call)?.into_iter().take(2).collect())
}

/// onnxruntime's `SkipLayerNormalization` and variants: also mean and inverse deviation, and the sum that is
/// normalised.
pub fn skip_layer(call: &Call) -> Answer {
    let mut types = layer(call)?;
    types.push(types[0].clone());
    Ok(types)
}

/// `SkipGroupNorm` of onnxruntime: also the sum that is normalised.
pub fn skip_group(call: &Call) -> Answer {
    Ok(vec![call.input(0)?.clone(); 2])
}
