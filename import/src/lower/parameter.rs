//! Constant inputs that describe what an operator does, rather than what it does it with.

use crate::graph::Node;

/// Whether this input of a node, if it is constant, is a parameter of the operator.
pub fn is_parameter(node: &Node, input: usize) -> bool {
    if !node.domain.is_empty() {
        return false;
    }
    match node.kind.as_str() {
        "Reshape" | "Squeeze" | "Unsqueeze" | "Split" | "Tile" | "Expand" | "TopK" | "CumSum" | "Trilu"
        | "Upsample" | "CenterCropPad" => input == 1,
        "Slice" | "Pad" | "Resize" | "Clip" | "Dropout" | "OneHot" => 1 <= input,
        "ConstantOfShape" | "Range" => true,
        kind => kind.starts_with("Reduce") && input == 1,
    }
}
