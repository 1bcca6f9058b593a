//! The class of each ONNX operator for grouping. The rules of `cosma-network` state which classes may be fused.

use crate::infer::{Call, permutation, ranges};

pub use cosma_network::Class;

/// The class of a node. For some kinds of operators it depends on attributes or constant inputs.
pub fn class_of(call: &Call, kind: &str) -> Class {
    match kind {
        "Transpose" => match permutation(call).unwrap_or_default()[..] {
            [1, 0] => Class::Turn,
            [0, 2, 3, 1] | [0, 3, 1, 2] => Class::Layout,
            _ => Class::Transposition,
        },
        // Cropping has a step of one.
        "Slice" if ranges(call).is_ok_and(|it| it.iter().all(|it| it.step == 1)) => Class::Padding,
        _ => class(kind),
    }
}

/// The class of all or most nodes of a kind.
#[rustfmt::skip]
pub fn class(kind: &str) -> Class {
    match kind {
        "Abs" | "Acos" | "Acosh" | "Add" | "And" | "Asin" | "Asinh" | "Atan" | "Atanh" | "BatchNormalization"
        | "BitShift" | "BitwiseAnd" | "BitwiseNot" | "BitwiseOr" | "BitwiseXor" | "Cast" | "CastLike" | "Ceil"
        | "Celu" | "Clip" | "Cos" | "Cosh" | "DequantizeLinear" | "Div" | "Dropout" | "Elu" | "Equal" | "Erf" | "Exp"
        | "Floor" | "Gelu" | "Greater" | "GreaterOrEqual" | "HardSigmoid" | "HardSwish" | "IsInf" | "IsNaN"
        | "LeakyRelu" | "Less" | "LessOrEqual" | "Log" | "Max" | "Mean" | "Min" | "Mish" | "Mod" | "Mul" | "Neg"
        | "Not" | "Or" | "PRelu" | "Pow" | "QuantizeLinear" | "Reciprocal" | "Relu" | "Round" | "Selu" | "Shrink"
        | "Sigmoid" | "Sign" | "Sin" | "Sinh" | "Softplus" | "Softsign" | "Sqrt" | "Sub" | "Sum" | "Swish" | "Tan"
        | "Tanh" | "ThresholdedRelu" | "Where" | "Xor"
        | "com.microsoft.BiasGelu" | "com.microsoft.DequantizeLinear" | "com.microsoft.FastGelu"
        | "com.microsoft.Gelu" | "com.microsoft.QLinearAdd" | "com.microsoft.QLinearLeakyRelu"
        | "com.microsoft.QLinearMul" | "com.microsoft.QLinearSigmoid" | "com.microsoft.QLinearWhere"
        | "com.microsoft.QuantizeLinear" | "com.microsoft.QuickGelu" => Class::Elementwise,

        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMean" | "ReduceProd" | "ReduceSum"
        | "ReduceSumSquare" => Class::Reduction,

        "ReduceMax" | "ReduceMin" => Class::Comparison,

        "Pad" => Class::Padding,

        "AveragePool" | "Conv" | "ConvInteger" | "ConvTranspose" | "LpPool" | "MaxPool" | "QLinearConv"
        | "com.microsoft.FusedConv" | "com.microsoft.NhwcFusedConv" | "com.microsoft.QLinearAveragePool"
        | "com.microsoft.NhwcConv" | "com.microsoft.NhwcMaxPool" | "com.microsoft.QLinearConv" => Class::Window,

        "Attention" | "DeformConv" | "Einsum" | "Gemm" | "GlobalAveragePool" | "GlobalLpPool" | "GlobalMaxPool"
        | "GroupNormalization" | "InstanceNormalization" | "LayerNormalization" | "LogSoftmax" | "MatMul"
        | "MatMulInteger" | "QLinearMatMul" | "RMSNormalization" | "SimplifiedLayerNormalization" | "Softmax"
        | "com.microsoft.Attention" | "com.microsoft.DecoderMaskedMultiHeadAttention" | "com.microsoft.GemmFastGelu"
        | "com.microsoft.GroupNorm" | "com.microsoft.GroupQueryAttention" | "com.microsoft.MultiHeadAttention"
        | "com.microsoft.QAttention" | "com.microsoft.SkipLayerNormalization"
        | "com.microsoft.SkipSimplifiedLayerNormalization" | "com.microsoft.SparseAttention"
        | "com.microsoft.DynamicQuantizeMatMul" | "com.microsoft.FusedGemm" | "com.microsoft.FusedMatMul"
        | "com.microsoft.MatMulBnb4" | "com.microsoft.MatMulIntegerToFloat" | "com.microsoft.MatMulNBits"
        | "com.microsoft.QGemm" | "com.microsoft.QLinearGlobalAveragePool" | "com.microsoft.QLinearSoftmax"
        => Class::Compute,

        "Concat" | "DepthToSpace" | "Expand" | "Resize" | "Slice" | "SpaceToDepth" | "Split" | "Tile" | "Upsample"
        | "com.microsoft.QLinearConcat" => Class::Movement,

        "Gather" | "GatherElements" | "GatherND" | "OneHot" | "com.microsoft.GatherBlockQuantized" => Class::Lookup,

        _ => Class::Opaque,
    }
}
