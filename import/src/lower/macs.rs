//! Multiply-accumulates of products and convolutions.

use crate::graph::n_elements;
use crate::infer::Call;

/// How many a node takes, if it is one that is measured by them.
pub fn macs(call: &Call) -> Option<u64> {
    if !call.node.domain.is_empty() {
        return None;
    }
    let shape = |it| call.optional(it).map(|it| it.shape.as_slice());
    let output = call.values[call.node.outputs.first().copied().flatten()?].r#type.as_ref()?;
    let n_outputs = n_elements(&output.shape)?;
    let per_output = match call.node.kind.as_str() {
        "Conv" | "ConvInteger" => n_elements(shape(1)?.get(1..)?)?,
        "QLinearConv" => n_elements(shape(3)?.get(1..)?)?,
        "ConvTranspose" => return n_elements(shape(0)?)?.checked_mul(n_elements(shape(1)?.get(1..)?)?),
        "MatMul" | "MatMulInteger" | "QLinearMatMul" => *shape(0)?.last()?,
        "Gemm" => shape(0)?.get(if call.attributes().flag("transA") { 0 } else { 1 }).copied()?,
        _ => return None,
    };
    n_outputs.checked_mul(per_output)
}
