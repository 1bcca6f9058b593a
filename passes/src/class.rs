//! The class of each operation for grouping. The rules of `cosma-network` state which classes may be fused.

use crate::role::reads;
use cosma_ir::melior::ir::attribute::{ArrayAttribute, DenseI32ArrayAttribute, DenseI64ArrayAttribute};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::{DimSize, RankedTensorType, ShapedTypeLike, TypeLike};
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};
use cosma_ir::{IndexingMap, has_elementwise_trait, indexing_maps, name, operand_at, result_at};

pub(crate) use cosma_network::Class;

/// The class of an operation.
#[rustfmt::skip]
pub(crate) fn class(operation: OperationRef) -> Class {
    match name(operation).as_str() {
        "tosa.abs" | "tosa.add" | "tosa.arithmetic_right_shift" | "tosa.bitwise_and" | "tosa.bitwise_not"
        | "tosa.bitwise_or" | "tosa.bitwise_xor" | "tosa.cast" | "tosa.ceil" | "tosa.clamp" | "tosa.clz" | "tosa.cos"
        | "tosa.equal" | "tosa.erf" | "tosa.exp" | "tosa.floor" | "tosa.greater" | "tosa.greater_equal"
        | "tosa.intdiv" | "tosa.log" | "tosa.logical_and" | "tosa.logical_left_shift" | "tosa.logical_not"
        | "tosa.logical_or" | "tosa.logical_right_shift" | "tosa.logical_xor" | "tosa.maximum" | "tosa.minimum"
        | "tosa.mul" | "tosa.negate" | "tosa.pow" | "tosa.reciprocal" | "tosa.rescale" | "tosa.rsqrt" | "tosa.select"
        | "tosa.sigmoid" | "tosa.sin" | "tosa.sub" | "tosa.table" | "tosa.tanh"
        | "linalg.abs" | "linalg.add" | "linalg.broadcast" | "linalg.ceil" | "linalg.copy" | "linalg.div"
        | "linalg.div_unsigned" | "linalg.elementwise" | "linalg.erf" | "linalg.exp" | "linalg.fill" | "linalg.floor"
        | "linalg.log" | "linalg.map" | "linalg.max" | "linalg.min" | "linalg.mul" | "linalg.negf" | "linalg.powf"
        | "linalg.reciprocal" | "linalg.round" | "linalg.rsqrt" | "linalg.select" | "linalg.sqrt" | "linalg.square"
        | "linalg.sub" | "linalg.tanh" => Class::Elementwise,

        "tosa.reduce_sum" | "tosa.reduce_product" | "tosa.reduce_all" | "tosa.reduce_any"
        | "linalg.reduce" => Class::Reduction,

        "tosa.reduce_max" | "tosa.reduce_min" => Class::Comparison,

        "tosa.pad" | "tosa.slice" | "tensor.pad" | "tensor.extract_slice" => Class::Padding,

        "tosa.avg_pool2d" | "tosa.conv2d" | "tosa.conv3d" | "tosa.depthwise_conv2d" | "tosa.max_pool2d"
        | "tosa.transpose_conv2d" => Class::Window,

        "tosa.argmax" | "tosa.fft2d" | "tosa.fully_connected" | "tosa.matmul" | "tosa.rfft2d"
        | "linalg.batch_matmul" | "linalg.batch_matvec" | "linalg.batch_mmt4d" | "linalg.batch_reduce_matmul"
        | "linalg.batch_vecmat" | "linalg.contract" | "linalg.dot" | "linalg.matmul" | "linalg.matvec"
        | "linalg.mmt4d" | "linalg.quantized_batch_matmul" | "linalg.quantized_matmul" | "linalg.softmax"
        | "linalg.vecmat" => Class::Compute,

        "tosa.transpose" | "linalg.transpose" => transposition(operation),

        "tosa.concat" | "tosa.resize" | "tosa.reverse" | "tosa.tile" | "linalg.pack" | "linalg.unpack"
        | "tensor.concat" | "tensor.insert_slice" => Class::Movement,

        "tosa.gather" | "tosa.scatter" | "tensor.gather" | "tensor.scatter" => Class::Lookup,

        "linalg.generic" => generic(operation),
        name if name.starts_with("linalg.conv") || name.starts_with("linalg.depthwise_conv")
            || name.starts_with("linalg.pooling") => Class::Window,

        // Operations of arith and math, and of any dialect with the trait.
        name if name == "arith.select" || has_elementwise_trait(operation) => Class::Elementwise,
        _ => Class::Opaque,
    }
}

/// The class of a `linalg.generic`, from its iterator types, its indexing maps and its body.
fn generic(operation: OperationRef) -> Class {
    let Some(maps) = indexing_maps(operation) else { return Class::Opaque };
    let loops = operation.attribute("iterator_types").ok().and_then(|it| ArrayAttribute::try_from(it).ok());
    let Some(loops) = loops else { return Class::Opaque };
    let is_parallel = |it: usize| loops.element(it).is_ok_and(|it| it.to_string().contains("parallel"));
    let all_parallel = (0..loops.len()).all(is_parallel);
    // The body is the only other reader.
    let inner = reads(operation).into_iter().filter(|it| it.operation != operation);
    if inner.clone().any(|it| it.value.r#type().is_tensor()) {
        return Class::Lookup;
    }
    let n_inputs = operation.operand_count().saturating_sub(operation.result_count());
    let (inputs, outputs) = maps.split_at(n_inputs.min(maps.len()));
    if all_parallel {
        let is_plain = |it: &IndexingMap| matches!(it, IndexingMap::Identity | IndexingMap::Projection);
        return match (outputs.iter().all(|it| *it == IndexingMap::Identity), inputs.iter().all(is_plain)) {
            (true, true) => Class::Elementwise,
            (true, false) if inputs.contains(&IndexingMap::Other) => broadcast_or_movement(operation, inputs),
            _ => Class::Movement,
        };
    }
    if inputs.contains(&IndexingMap::Other) {
        return Class::Window;
    }
    if 1 < inputs.len() {
        return Class::Compute;
    }
    let compares = |it: &str| {
        matches!(it, "arith.cmpf" | "arith.cmpi") || it.starts_with("arith.max") || it.starts_with("arith.min")
    };
    let mut names = inner.map(|it| name(it.operation));
    if names.any(|it| compares(&it)) { Class::Comparison } else { Class::Reduction }
}

/// Broadcast dimensions of one appear as constant indices in a map, and count as elementwise.
fn broadcast_or_movement(operation: OperationRef, inputs: &[IndexingMap]) -> Class {
    let elements = |index: usize| operand_at(operation, index).and_then(n_elements);
    let result = result_at(operation, 0).and_then(n_elements);
    let is_spread = |index: usize| elements(index) < result;
    let at_hand = inputs.iter().enumerate().all(|(index, it)| match it {
        IndexingMap::Other => is_spread(index),
        IndexingMap::Permutation => false,
        IndexingMap::Identity | IndexingMap::Projection => true,
    });
    if at_hand { Class::Elementwise } else { Class::Movement }
}

fn transposition(operation: OperationRef) -> Class {
    let order = match (operation.attribute("perms"), operation.attribute("permutation")) {
        (Ok(order), _) => DenseI32ArrayAttribute::try_from(order)
            .map(|it| (0..it.len()).filter_map(|index| it.element(index).ok().map(i64::from)).collect::<Vec<i64>>()),
        (_, Ok(order)) => DenseI64ArrayAttribute::try_from(order)
            .map(|it| (0..it.len()).filter_map(|index| it.element(index).ok()).collect()),
        _ => return Class::Transposition,
    };
    match order.unwrap_or_default()[..] {
        [1, 0] => Class::Turn,
        [0, 2, 3, 1] | [0, 3, 1, 2] => Class::Layout,
        _ => Class::Transposition,
    }
}

/// Whether each element of the result of an operation depends only on the corresponding element of every operand
/// of the result's type.
pub(crate) fn is_elementwise(operation: OperationRef) -> bool {
    // An accelerator can read a transposed operand elementwise, but not at corresponding elements.
    let is_at_place = |map: &IndexingMap| match map {
        IndexingMap::Identity | IndexingMap::Projection => true,
        IndexingMap::Permutation => false,
        IndexingMap::Other => name(operation) == "linalg.generic",
    };
    class(operation) == Class::Elementwise && indexing_maps(operation).is_none_or(|maps| maps.iter().all(is_at_place))
}

/// The number of elements of a ranked, static tensor.
pub(crate) fn n_elements(value: Value) -> Option<u64> {
    let tensor = RankedTensorType::try_from(value.r#type()).ok()?;
    (0..tensor.rank()).try_fold(1, |product: u64, index| match tensor.dim_size(index) {
        Ok(DimSize::Static(size)) => product.checked_mul(size),
        _ => None,
    })
}
