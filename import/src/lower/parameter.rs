//! Constant inputs that are parameters of an operator, not operands.

use crate::class::{Class, class};
use crate::graph::{Node, Value, n_elements};

/// Whether a constant input of a node is a parameter of the operator.
pub fn is_parameter(node: &Node, input: usize, constant: &Value) -> bool {
    let n = constant.r#type.as_ref().and_then(|it| n_elements(&it.shape));
    // For an elementwise operator, a constant of equal elements is a single number.
    let repeats = node.domain.is_empty() && (class(&node.kind) == Class::Elementwise || node.kind == "Concat");
    if n == Some(1) || repeats && constant.is_uniform {
        return true;
    }
    if !node.domain.is_empty() {
        return node.domain == "com.microsoft" && node.kind == "Pad" && 1 <= input;
    }
    match node.kind.as_str() {
        "Reshape" | "Squeeze" | "Unsqueeze" | "Split" | "Tile" | "Expand" | "TopK" | "CumSum" | "Trilu"
        | "Upsample" | "CenterCropPad" => input == 1,
        "Slice" | "Pad" | "Resize" | "Clip" | "Dropout" | "OneHot" => 1 <= input,
        "ConstantOfShape" | "Range" => true,
        kind => kind.starts_with("Reduce") && input == 1,
    }
}

/// Whether a node uses only the type of an input, not its elements.
pub fn is_read_for_its_type(node: &Node, input: usize) -> bool {
    let of_first =
        || matches!(node.kind.as_str(), "Shape" | "Size" | "EyeLike" | "RandomNormalLike" | "RandomUniformLike");
    node.domain.is_empty() && (input == 0 && of_first() || input == 1 && node.kind == "CastLike")
}
