//! The access of an operator, inferred from its kind and the shapes of its tensors.
//!
//! For operators that do not declare one. Kinds are those of ONNX, as front ends write them into `cosma.op`. Shapes
//! do not determine everything, so the inference relies on conventions of networks:
//!
//! - Images have channels first. Convolutions have dilation 1, the padding that keeps the size or none (none where
//!   windows fit side by side), and divide sizes by their stride where that is possible. Filters have output
//!   channels first.
//! - Pools that keep the size have windows of 3; those that do not, windows of 2 or 3, or as long as their stride.
//! - Products read their first operand by rows. The second is `[K, N]` for `MatMul`, `[N, K]` for `Gemm`, where it
//!   could be either.
//! - A softmax runs along the last axis; a normalisation along the axes of its first weight, counted from the end.
//! - A transposition swaps no two axes that could have stayed in order; axes of one size stay side by side, or are
//!   read whole, since each may be the other.
//! - Resizing reads the two nearest indices.
//! - Operators fused into another one work element by element.
//!
//! If several readings of the shapes remain, the access covers all of them: an axis of an operand with an unknown
//! window is read whole, and so is an operand whose accessed part is unknown. Operators of other kinds have no
//! access.

mod movement;
mod nest;
mod product;
mod window;

pub use nest::broadcast;
pub use window::input_channel;

use crate::{Access, Expr, Shape};
use nest::Nest;

/// The access of an operator of this kind with operands and results of these shapes; `None` if it is unknown.
pub fn infer(kind: &str, operands: &[Shape], results: &[Shape]) -> Option<Access> {
    if operands.iter().chain(results).any(|it| it.dims.contains(&0)) || results.is_empty() {
        return None;
    }
    let shapes = Shapes { operands: dims(operands), results: dims(results) };
    let access = match kind {
        "Conv" | "aten.convolution" => window::convolution(&shapes),
        "ConvTranspose" => window::transposed_convolution(&shapes),
        "AveragePool" | "MaxPool" | "LpPool" => window::pool(&shapes),
        "Resize" | "Upsample" => window::resize(&shapes),
        "MatMul" | "Gemm" => product::product(&shapes, kind == "Gemm"),
        "Softmax" | "LogSoftmax" => softmax(&shapes),
        "LayerNormalization" | "RMSNormalization" | "SimplifiedLayerNormalization" | "Normalization" => {
            normalization(&shapes)
        }
        "InstanceNormalization" => instance_normalization(&shapes),
        "GlobalAveragePool" | "GlobalMaxPool" => reduction(&shapes, Nest::sum),
        "ReduceL1" | "ReduceL2" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum"
        | "ReduceSumSquare" => reduction(&shapes, Nest::sum),
        "ArgMax" | "ArgMin" | "GlobalLpPool" | "ReduceLogSum" | "ReduceLogSumExp" => reduction(&shapes, Nest::all),
        "Concat" => movement::concatenation(&shapes),
        "Split" => movement::split(&shapes),
        "Slice" => movement::slice(&shapes),
        "Pad" => movement::padding(&shapes),
        "Transpose" => movement::transposition(&shapes),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity" => movement::reshape(&shapes),
        "Gather" => movement::gather(&shapes),
        _ if is_elementwise(kind) => elementwise(&shapes),
        _ => None,
    }?;
    access.check(operands, results).is_ok().then_some(access)
}

/// Whether an operator of this kind sums products or elements, so that partial sums are sums of wider elements.
/// Operators fused into it work on the complete sums.
pub fn adds_up(kind: &str) -> bool {
    matches!(
        kind,
        "Conv"
            | "ConvTranspose"
            | "Gemm"
            | "MatMul"
            | "aten.convolution"
            | "GlobalAveragePool"
            | "ReduceMean"
            | "ReduceSum"
    )
}

/// Whether an operator of this kind only moves elements, if nothing is fused into it.
pub fn only_moves(kind: &str) -> bool {
    matches!(
        kind,
        "Concat" | "Split" | "Slice" | "Transpose" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity"
    )
}

/// The dimensions of an operator's tensors; none is zero, and there is a result.
struct Shapes<'a> {
    operands: Vec<&'a [u64]>,
    results: Vec<&'a [u64]>,
}

impl<'a> Shapes<'a> {
    fn operand(&self, index: usize) -> Option<&'a [u64]> {
        self.operands.get(index).copied()
    }

    /// The dimensions of the one result.
    fn result(&self) -> Option<&'a [u64]> {
        match self.results[..] {
            [result] => Some(result),
            _ => None,
        }
    }
}

fn dims(shapes: &[Shape]) -> Vec<&[u64]> {
    shapes.iter().map(|it| &it.dims[..]).collect()
}

#[rustfmt::skip]
fn is_elementwise(kind: &str) -> bool {
    matches!(
        kind,
        "Abs" | "Acos" | "Acosh" | "Add" | "And" | "Asin" | "Asinh" | "Atan" | "Atanh" | "BatchNormalization"
        | "BitShift" | "BitwiseAnd" | "BitwiseNot" | "BitwiseOr" | "BitwiseXor" | "Cast" | "Ceil" | "Celu" | "Clip"
        | "Cos" | "Cosh" | "DequantizeLinear" | "Div" | "Dropout" | "Elu" | "Equal" | "Erf" | "Ew" | "Exp" | "Expand"
        | "Floor" | "Gelu" | "Greater" | "GreaterOrEqual" | "HardSigmoid" | "HardSwish" | "IsInf" | "IsNaN"
        | "LeakyRelu" | "Less" | "LessOrEqual" | "Log" | "Max" | "Mean" | "Min" | "Mish" | "Mod" | "Mul" | "Neg"
        | "Not" | "Or" | "PRelu" | "Pow" | "QuantizeLinear" | "Reciprocal" | "Relu" | "Round" | "Selu" | "Shrink"
        | "Sigmoid" | "Sign" | "Sin" | "Sinh" | "Softplus" | "Softsign" | "Sqrt" | "Sub" | "Sum" | "Swish" | "Tan"
        | "Tanh" | "ThresholdedRelu" | "Where" | "Xor"
        | "SGDMomentum" | "aten.add" | "aten.clone" | "aten.div" | "aten.gelu" | "aten.gelu_backward"
        | "aten.hardtanh" | "aten.hardtanh_backward" | "aten.mul" | "aten.ones_like" | "aten.relu"
        | "aten.threshold_backward"
    )
}

/// Element by element, with operands spread over the result. A vector along the last axis may be the weight of a
/// normalisation along it, which is part of the operator then: that axis is not cut.
fn elementwise(shapes: &Shapes) -> Option<Access> {
    let result = *shapes.results.first()?;
    if shapes.results.iter().any(|it| *it != result) {
        return None;
    }
    let mut nest = Nest::default();
    let last = result.last().copied();
    let is_normalised =
        1 < result.len() && shapes.operands.iter().any(|it| it.len() == 1 && it.last() == last.as_ref());
    let indices = nest.result(result, |axis| is_normalised && axis + 1 == result.len());
    for operand in &shapes.operands {
        let map = nest.spread(&indices, result, operand);
        nest.read(map);
    }
    for _ in &shapes.results {
        nest.write(indices.clone());
    }
    Some(nest.finish())
}

/// Along the last axis, as the operand or as the result has it: where shapes differ there, along the axes that make
/// up both.
fn softmax(shapes: &Shapes) -> Option<Access> {
    let (operand, result) = (shapes.operand(0)?, shapes.result()?);
    let groups = nest::groups(result, operand)?;
    let along = groups.last().map_or(&[][..], |it| &it.0);
    let mut nest = Nest::default();
    let indices = nest.result(result, |axis| along.contains(&axis));
    let map = nest.refold(&indices, result, operand)?;
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

fn normalization(shapes: &Shapes) -> Option<Access> {
    let (operand, scale, result) = (shapes.operand(0)?, shapes.operand(1)?, shapes.result()?);
    let first = result.len().checked_sub(scale.len())?;
    if result[first..] != *scale || operand.last() != result.last() {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(result, |axis| first <= axis);
    let map = nest.refold(&indices, result, operand)?;
    nest.read(map);
    nest.read(indices[first..].to_vec());
    nest.read_others(shapes, 2, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// As many groups of channels as the first weight has elements.
fn instance_normalization(shapes: &Shapes) -> Option<Access> {
    let (operand, scale, result) = (shapes.operand(0)?, shapes.operand(1)?, shapes.result()?);
    let [_, channels, _, ..] = *result else { return None };
    let [n_groups] = *scale else { return None };
    if operand != result || !channels.is_multiple_of(n_groups) {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(result, |axis| 2 <= axis);
    let mut map = indices.clone();
    map[1] = nest.group_of(&indices[1], channels / n_groups);
    nest.read(map);
    let n_known = 1;
    nest.read_others(shapes, n_known, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// Along the axes that the result does not have, or in which it has one index: `reduced` of so many. A result of the
/// operand's size may be the operand less its mean along any axes, so each element depends on all of it.
fn reduction(shapes: &Shapes, reduced: fn(&mut Nest, u64) -> Expr) -> Option<Access> {
    let (operand, result) = (shapes.operand(0)?, shapes.result()?);
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let map = match nest::without_ones(operand) == nest::without_ones(result) {
        true => nest.whole(operand),
        false => nest.drop_axes(&indices, (result, operand), reduced)?,
    };
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}
