//! The role of an operation of a function's block for the planner.

use crate::form::operations;
use cosma_ir::melior::ir::attribute::DenseI64ArrayAttribute;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::{DimSize, RankedTensorType, ShapedTypeLike, TypeLike};
use cosma_ir::melior::ir::{Attribute, BlockLike, OperationRef, RegionLike, Type, Value, ValueLike};
use cosma_ir::{
    Use, has_recursive_effects, is_abstract, is_group, is_memory_effect_free, is_wait, name, operand_at, result_at,
    splat_value, transfer, uses,
};

/// The role of an operation of a function's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It moves a tensor between host memory and scratchpad, or waits for that.
    Transfer,
    /// Its tensor is in host memory from the start, like an argument.
    Constant,
    /// It neither computes from tensors nor computes a tensor's bytes: scalars, shapes, `tensor.empty`, and a
    /// `linalg.fill` or a constant of equal elements that is only an initial value. It can run before all operators.
    Preamble,
    /// It changes the type of its first operand.
    View,
    /// It runs in a step of the schedule.
    Operator,
}

/// The role of an operation that is not its block's terminator. `depends` says whether a value is a scalar that an
/// operator computes.
pub(crate) fn role<'c, 'a>(operation: OperationRef<'c, 'a>, depends: impl Fn(Value<'c, 'a>) -> bool) -> Role {
    if transfer(operation).is_some() || is_wait(operation) {
        return Role::Transfer;
    }
    if name(operation) == "tensor.empty" {
        return Role::Preamble;
    }
    if is_start(operation) && !operation.operands().any(&depends) {
        return Role::Preamble;
    }
    if is_view(operation) {
        return Role::View;
    }
    let has_effects = may_have_effects(operation);
    if !has_effects && is_constant(operation) {
        return Role::Constant;
    }
    // A region may read tensors that the operation itself does not.
    let reads = reads(operation);
    let touches_tensor =
        reads.iter().any(|it| it.value.r#type().is_tensor()) || operation.results().any(|it| it.r#type().is_tensor());
    let depends = reads.iter().any(|it| depends(it.value));
    if touches_tensor || depends || has_effects { Role::Operator } else { Role::Preamble }
}

/// A tensor without operands: `arith.constant`, `tosa.const`, and any other operation that makes one tensor from none.
/// A `cosma.op` never counts: it runs on the accelerator.
pub(crate) fn is_constant(operation: OperationRef) -> bool {
    if is_abstract(operation) || is_group(operation) {
        return false;
    }
    let is_bare = operation.operand_count() == 0 && operation.region_count() == 0;
    is_bare && operation.result_count() == 1 && operation.results().all(|it| it.r#type().is_tensor())
}

/// Whether an operation may have effects besides its results, so that its order matters. MLIR's interfaces decide; an
/// operation that does not implement them may do anything.
pub(crate) fn may_have_effects(operation: OperationRef) -> bool {
    if is_abstract(operation) || is_group(operation) {
        // One without a result has an unknown effect. A group has the effects of its operations.
        return operation.result_count() == 0 || nested(operation).into_iter().any(may_have_effects);
    }
    let is_memory = |it: Type| it.is_mem_ref() || it.is_unranked_mem_ref();
    let touches_memory =
        operation.operands().any(|it| is_memory(it.r#type())) || operation.results().any(|it| is_memory(it.r#type()));
    let nested = nested(operation);
    let is_free = match nested.is_empty() {
        true => is_memory_effect_free(operation) || is_known_pure(operation),
        // Its own effects, and those of its regions, by the same rules.
        false => has_recursive_effects(operation) || is_memory_effect_free(operation),
    };
    !is_free || touches_memory || nested.into_iter().any(may_have_effects)
}

/// Whether an operation has no effects although MLIR does not know that.
fn is_known_pure(operation: OperationRef) -> bool {
    // A part of what `scf.forall` computes, on tensors alone.
    name(operation) == "tensor.parallel_insert_slice" || is_load_of_constant(operation)
}

/// Whether an operation loads a constant global.
pub(crate) fn is_load_of_constant(operation: OperationRef) -> bool {
    if name(operation) != "ml_program.global_load" {
        return false;
    }
    let Ok(symbol) = operation.attribute("global") else { return false };
    let symbol = symbol.to_string();
    let mut next = operation.parent_operation();
    while let Some(around) = next {
        let block = around.region(0).ok().and_then(|it| it.first_block());
        let is_global = |it: &OperationRef| {
            let name_of = |it: &OperationRef| it.attribute("sym_name").map(|it| it.to_string()).unwrap_or_default();
            name(*it) == "ml_program.global" && format!("@{}", name_of(it).trim_matches('"')) == symbol
        };
        if name(around) == "builtin.module"
            && let Some(global) = block.and_then(|it| operations(it).find(is_global))
        {
            return !global.has_attribute("is_mutable");
        }
        next = around.parent_operation();
    }
    false
}

/// Whether a result only changes the type of bytes: a reshape, or a contiguous slice.
pub(crate) fn is_view(operation: OperationRef) -> bool {
    let (Some(source), Some(result)) = (operand_at(operation, 0), result_at(operation, 0)) else { return false };
    if operation.result_count() != 1 {
        return false;
    }
    match name(operation).as_str() {
        "tosa.reshape"
        | "tosa.identity"
        | "tensor.expand_shape"
        | "tensor.collapse_shape"
        | "tensor.cast"
        | "tensor.reshape" => true,
        "tensor.extract_slice" => {
            let integers = |name: &str| {
                let array = operation.attribute(name).ok().and_then(|it| DenseI64ArrayAttribute::try_from(it).ok())?;
                (0..array.len()).map(|it| array.element(it).ok()).collect::<Option<Vec<i64>>>()
            };
            let all = (integers("static_offsets"), integers("static_sizes"), integers("static_strides"));
            let (Some(offsets), Some(sizes), Some(strides)) = all else { return false };
            let is_static = offsets.iter().chain(&sizes).chain(&strides).all(|it| *it != i64::MIN);
            is_static && is_one_piece(source.r#type(), &sizes, &strides) && result.r#type().is_tensor()
        }
        _ => false,
    }
}

/// Whether the elements of a slice are contiguous: outer dimensions of one, then a part of one dimension, then whole
/// ones.
fn is_one_piece(source: Type, sizes: &[i64], strides: &[i64]) -> bool {
    let Ok(source) = RankedTensorType::try_from(source) else { return false };
    let mut is_inner = true;
    for index in (0..sizes.len()).rev() {
        let is_whole = matches!(source.dim_size(index), Ok(DimSize::Static(it)) if it as i64 == sizes[index]);
        if sizes[index] != 1 && (strides[index] != 1 || !is_inner) {
            return false;
        }
        is_inner &= is_whole;
    }
    true
}

/// Whether a `linalg.fill`, or a constant with equal elements, is only the initial value of results.
fn is_start(operation: OperationRef) -> bool {
    if name(operation) != "linalg.fill" && splat(operation).is_none() {
        return false;
    }
    let Some(result) = result_at(operation, 0) else { return false };
    let uses = uses(result);
    !uses.is_empty() && uses.iter().all(is_destination)
}

/// The value of a constant whose elements are all the same.
pub(crate) fn splat<'c>(operation: OperationRef<'c, '_>) -> Option<Attribute<'c>> {
    if !is_constant(operation) {
        return None;
    }
    ["value", "values"].into_iter().find_map(|it| operation.attribute(it).ok()).and_then(splat_value)
}

/// Whether a use of a tensor is a destination operand of an operation of linalg.
fn is_destination(it: &Use) -> bool {
    let n_inputs = it.operation.operand_count().saturating_sub(it.operation.result_count());
    name(it.operation).starts_with("linalg.") && n_inputs <= it.operand
}

/// An operand of an operation or of something in its regions.
#[derive(Clone, Copy)]
pub(crate) struct Read<'c, 'a> {
    /// The reader.
    pub operation: OperationRef<'c, 'a>,
    /// The index of the operand.
    pub operand: usize,
    /// The value.
    pub value: Value<'c, 'a>,
}

/// All values that an operation and everything in its regions read, with repetitions; the operation's own operands
/// first.
pub(crate) fn reads<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<Read<'c, 'a>> {
    let mut pending = vec![operation];
    let mut reads = Vec::new();
    while let Some(operation) = pending.pop() {
        let own = operation.operands().enumerate();
        reads.extend(own.map(|(operand, value)| Read { operation, operand, value }));
        // The operations in a group have their own reads.
        if !is_group(operation) {
            pending.extend(nested(operation));
        }
    }
    reads
}

/// The operations directly in the regions of an operation.
pub(crate) fn nested<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut nested = Vec::new();
    for region in operation.regions() {
        let mut next = region.first_block();
        while let Some(block) = next {
            nested.extend(operations(block));
            next = block.next_in_region();
        }
    }
    nested
}
