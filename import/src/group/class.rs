//! Which operators an accelerator runs together with others: the table to look at, and to change.

/// What an operator is to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Each element of the result depends on one place of the operands: runs on what is at hand,
    /// after its producer (an *epilogue*) or before its consumer (a *prologue*).
    Elementwise,
    /// Sums up or compares along axes. Inside of a normalisation it is part of it.
    Reduction,
    /// Surrounds its input with a constant: its consumer can do that while reading.
    Padding,
    /// Reads its operands as windows or rows, and can do something to each element before.
    Compute,
    /// Only moves data; can do something to each element before it writes it.
    Movement,
    /// Looks up rows of a table: what follows cannot run while it does.
    Lookup,
    /// Nothing is known about it: runs alone.
    Opaque,
}

/// The class of an operator.
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
        | "com.microsoft.QLinearMul" | "com.microsoft.QLinearSigmoid" | "com.microsoft.QuantizeLinear"
        | "com.microsoft.QuickGelu" => Class::Elementwise,

        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean" | "ReduceMin"
        | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => Class::Reduction,

        "Pad" => Class::Padding,

        "Attention" | "AveragePool" | "Conv" | "ConvInteger" | "ConvTranspose" | "DeformConv" | "Einsum" | "Gemm"
        | "GlobalAveragePool" | "GlobalMaxPool" | "GroupNormalization" | "InstanceNormalization"
        | "LayerNormalization" | "LogSoftmax" | "LpPool" | "MatMul" | "MatMulInteger" | "MaxPool" | "QLinearConv"
        | "QLinearMatMul" | "RMSNormalization" | "Softmax"
        | "com.microsoft.FusedConv" | "com.microsoft.FusedGemm" => Class::Compute,

        "Concat" | "DepthToSpace" | "Expand" | "Resize" | "Slice" | "SpaceToDepth" | "Split" | "Tile" | "Transpose"
        | "Upsample" => Class::Movement,

        "Gather" | "GatherElements" | "GatherND" | "OneHot" => Class::Lookup,

        _ => Class::Opaque,
    }
}
