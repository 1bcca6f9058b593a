//! Recognises constants of equal elements, such as an attention mask of zeros, which exporters add for generality.

use super::call::Call;
use crate::graph::{Type, n_elements};

/// Whether all elements of the first result of a node on constants are equal.
pub fn is_uniform(call: &Call, r#type: Option<&Type>) -> bool {
    let node = call.node;
    if r#type.and_then(|it| n_elements(&it.shape)) == Some(1) {
        return true;
    }
    if !node.domain.is_empty() || node.outputs.len() != 1 {
        return false;
    }
    let is_uniform = |it: &Option<usize>| it.is_none_or(|it| call.values[it].is_uniform);
    match node.kind.as_str() {
        "ConstantOfShape" => true,
        // The result consists of elements of the first input.
        "Cast" | "CastLike" | "Expand" | "Flatten" | "Gather" | "Identity" | "Reshape" | "Slice" | "Squeeze"
        | "Tile" | "Transpose" | "Unsqueeze" => node.inputs.first().is_some_and(is_uniform),
        // The same computation for each element.
        "Abs" | "Add" | "Div" | "Equal" | "Exp" | "Log" | "Max" | "Min" | "Mul" | "Neg" | "Not" | "Pow"
        | "Reciprocal" | "Sqrt" | "Sub" | "Where" => node.inputs.iter().all(is_uniform),
        _ => false,
    }
}
