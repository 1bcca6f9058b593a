//! The number of multiply-accumulates of products and convolutions.

use crate::graph::n_elements;
use crate::infer::Call;

/// The number of multiply-accumulates of a node; `None` if it is neither a product nor a convolution.
pub fn macs(call: &Call) -> Option<u64> {
    let shape = |it| call.optional(it).map(|it| it.shape.as_slice());
    let output = call.values[call.node.outputs.first().copied().flatten()?].r#type.as_ref()?;
    let n_outputs = n_elements(&output.shape)?;
    let kind = match call.node.domain.as_str() {
        "" | "com.microsoft" => call.node.kind.as_str(),
        _ => return None,
    };
    let columns = |index, name| {
        let shape = shape(index)?;
        let is_transposed = call.attributes().flag(name);
        shape.len().checked_sub(if is_transposed { 2 } else { 1 }).map(|it| shape[it])
    };
    let per_output = match kind {
        "Conv" | "ConvInteger" | "FusedConv" | "NhwcConv" | "NhwcFusedConv" => n_elements(shape(1)?.get(1..)?)?,
        "QLinearConv" => n_elements(shape(3)?.get(1..)?)?,
        "ConvTranspose" => return n_elements(shape(0)?)?.checked_mul(n_elements(shape(1)?.get(1..)?)?),
        "DynamicQuantizeMatMul"
        | "GemmFastGelu"
        | "MatMul"
        | "MatMulBnb4"
        | "MatMulInteger"
        | "MatMulInteger16"
        | "MatMulIntegerToFloat"
        | "MatMulNBits"
        | "QLinearMatMul" => *shape(0)?.last()?,
        "FusedGemm" | "FusedMatMul" | "FusedMatMulActivation" | "Gemm" | "QGemm" | "TransposeMatMul" => {
            columns(0, "transA")?
        }
        _ => return None,
    };
    n_outputs.checked_mul(per_output)
}
