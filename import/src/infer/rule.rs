//! The table of rules.

use super::call::{Answer, Call};
use super::shape;
use super::{
    attention, convolution, elementwise, matrix, movement, normalize, pool, quantize, recurrent, reduce, reshape,
    resize, signal,
};

/// Computes the types of a node's results.
pub type Rule = fn(&Call) -> Answer;

/// The rule of an operator, if there is one.
#[rustfmt::skip]
pub fn rule(domain: &str, kind: &str) -> Option<Rule> {
    if domain == "com.microsoft" {
        return Some(match kind {
            "BiasAdd" | "BiasGelu" | "BiasSoftmax" | "FastGelu" | "Gelu" | "GroupNorm" | "Inverse" | "MoE" | "QMoE"
            | "QLinearLeakyRelu" | "QLinearSigmoid" | "QLinearSoftmax" | "QuickGelu" | "RotaryEmbedding"
            | "Trilu" => elementwise::same,
            "BiasDropout" | "BitmaskDropout" => elementwise::dropout,
            "BiasSplitGelu" => elementwise::half,
            "FusedConv" => convolution::conv,
            "NhwcConv" | "NhwcFusedConv" => convolution::nhwc_conv,
            "QLinearConv" => convolution::qlinear_conv_any,
            "FusedGemm" => matrix::gemm,
            "GemmFastGelu" => matrix::matmul,
            "FusedMatMul" | "FusedMatMulActivation" | "TransposeMatMul" => matrix::fused,
            "MatMulBnb4" | "MatMulNBits" => matrix::few_bits,
            "MatMulInteger16" => matrix::matmul_integer,
            "MatMulIntegerToFloat" => matrix::integer_to_float,
            "DynamicQuantizeMatMul" => matrix::dynamic_quantize,
            "QGemm" => matrix::qlinear_gemm,
            "Attention" | "QAttention" => attention::with_projection,
            "DecoderMaskedMultiHeadAttention" | "MultiHeadAttention" => attention::multi_head,
            "GroupQueryAttention" | "SparseAttention" => attention::group_query,
            "EmbedLayerNormalization" => attention::embed,
            "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => normalize::skip_layer,
            "SkipGroupNorm" => normalize::skip_group,
            "DynamicQuantizeLSTM" => recurrent::dynamic_quantize,
            "QLinearAdd" | "QLinearMul" => quantize::binary,
            "QLinearConcat" => quantize::concat,
            "QLinearReduceMean" => quantize::reduce,
            "QLinearWhere" => quantize::select,
            "QLinearAveragePool" | "NhwcMaxPool" => pool::pool,
            "QLinearGlobalAveragePool" => pool::global,
            "GatherBlockQuantized" => quantize::gather,
            "QuantizeLinear" => quantize::quantize,
            "DequantizeLinear" => quantize::dequantize,
            "Pad" => movement::pad,
            _ => return None,
        });
    }
    if !domain.is_empty() {
        return None;
    }
    Some(match kind {
        "Abs" | "Acos" | "Acosh" | "Asin" | "Asinh" | "Atan" | "Atanh" | "BitwiseNot" | "Ceil" | "Celu" | "Clip"
        | "Cos" | "Cosh" | "CumSum" | "Elu" | "Erf" | "Exp" | "Floor" | "Gelu" | "HardSigmoid" | "HardSwish"
        | "Hardmax" | "Identity" | "LeakyRelu" | "Log" | "LogSoftmax" | "Mish" | "Neg" | "Not" | "PRelu"
        | "Reciprocal" | "Relu" | "Round" | "Selu" | "Shrink" | "Sigmoid" | "Sign" | "Sin" | "Sinh" | "Softmax"
        | "Softplus" | "Softsign" | "Sqrt" | "Swish" | "Tan" | "Tanh" | "ThresholdedRelu" | "Trilu"
        | "ScatterElements" | "Scatter" | "ScatterND" | "TensorScatter" | "LRN" | "LpNormalization"
        | "MeanVarianceNormalization" | "GroupNormalization" | "InstanceNormalization" | "ReverseSequence"
        | "RMSNormalization" | "RotaryEmbedding" => elementwise::same,
        "IsNaN" | "IsInf" => elementwise::test,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "BitShift" | "BitwiseAnd" | "BitwiseOr" | "BitwiseXor"
        | "And" | "Or" | "Xor" | "Max" | "Min" | "Sum" | "Mean" => elementwise::broadcast,
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => elementwise::compare,
        "Where" => elementwise::select,
        "Cast" => elementwise::cast,
        "CastLike" => elementwise::cast_like,
        "Dropout" => elementwise::dropout,
        "RandomNormalLike" | "RandomUniformLike" | "Bernoulli" | "EyeLike" => elementwise::like,
        "Conv" => convolution::conv,
        "ConvInteger" => convolution::conv_integer,
        "QLinearConv" => convolution::qlinear_conv,
        "ConvTranspose" => convolution::conv_transpose,
        "DeformConv" => convolution::deform_conv,
        "AveragePool" | "LpPool" | "MaxPool" => pool::pool,
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => pool::global,
        "MaxRoiPool" | "RoiAlign" => pool::regions,
        "Gemm" => matrix::gemm,
        "MatMul" => matrix::matmul,
        "MatMulInteger" => matrix::matmul_integer,
        "QLinearMatMul" => matrix::qlinear_matmul,
        "Einsum" => matrix::einsum,
        "Attention" => attention::attention,
        "BatchNormalization" => normalize::batch,
        "LayerNormalization" => normalize::layer,
        "SimplifiedLayerNormalization" => normalize::simplified_layer,
        "QuantizeLinear" => quantize::quantize,
        "DequantizeLinear" => quantize::dequantize,
        "DynamicQuantizeLinear" => quantize::dynamic,
        "LSTM" | "GRU" | "RNN" => recurrent::recurrent,
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean" | "ReduceMin"
        | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => reduce::reduce,
        "ArgMax" | "ArgMin" => reduce::arg,
        "TopK" => reduce::top_k,
        "Reshape" => reshape::reshape,
        "Flatten" => reshape::flatten,
        "Squeeze" => reshape::squeeze,
        "Unsqueeze" => reshape::unsqueeze,
        "Transpose" => movement::transpose,
        "Concat" => movement::concat,
        "Split" => movement::split,
        "Slice" => movement::slice,
        "Pad" => movement::pad,
        "Tile" => movement::tile,
        "Expand" => movement::expand,
        "Gather" => movement::gather,
        "GatherElements" => movement::gather_elements,
        "GatherND" => movement::gather_nd,
        "DepthToSpace" => movement::depth_to_space,
        "SpaceToDepth" => movement::space_to_depth,
        "OneHot" => movement::one_hot,
        "CenterCropPad" => movement::center_crop_pad,
        "Col2Im" => movement::col2im,
        "DFT" => signal::dft,
        "STFT" => signal::stft,
        "BlackmanWindow" | "HammingWindow" | "HannWindow" => signal::window,
        "MelWeightMatrix" => signal::mel,
        "AffineGrid" => signal::affine_grid,
        "MaxUnpool" => pool::unpool,
        "Det" => elementwise::determinant,
        "Resize" => resize::resize,
        "Upsample" => resize::upsample,
        "GridSample" => resize::grid_sample,
        "Constant" => shape::constant,
        "ConstantOfShape" => shape::constant_of_shape,
        "RandomNormal" | "RandomUniform" => shape::random,
        "Shape" => shape::shape,
        "Size" => shape::size,
        "Range" => shape::range,
        _ => return None,
    })
}
