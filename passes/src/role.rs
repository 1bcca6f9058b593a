//! What an operation of a function's block is to the planner.

use crate::form::operations;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, OperationRef, RegionLike, Type, Value, ValueLike};
use cosma_ir::{is_abstract, name, transfer};

/// What an operation of a function's block is to the planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It moves a tensor between host memory and scratchpad.
    Transfer,
    /// Its tensor lies in host memory from the start, like an argument.
    Constant,
    /// It computes neither from tensors nor a tensor's bytes: scalars, shapes, `tensor.empty`. It
    /// can be done before all operators.
    Preamble,
    /// It runs in a step of the schedule.
    Operator,
}

/// The role of an operation that is not its block's terminator. `depends` says of a value whether
/// it is a scalar that an operator computes.
pub(crate) fn role<'c, 'a>(operation: OperationRef<'c, 'a>, depends: impl Fn(Value<'c, 'a>) -> bool) -> Role {
    if transfer(operation).is_some() {
        return Role::Transfer;
    }
    if name(operation) == "tensor.empty" {
        return Role::Preamble;
    }
    let has_effects = may_have_effects(operation);
    if !has_effects && is_constant(operation) {
        return Role::Constant;
    }
    let touches_tensor =
        operation.operands().any(|it| it.r#type().is_tensor()) || operation.results().any(|it| it.r#type().is_tensor());
    let depends = operation.operands().any(&depends) || nested_operands(operation).into_iter().any(&depends);
    if touches_tensor || depends || has_effects { Role::Operator } else { Role::Preamble }
}

/// A tensor without a cause: `arith.constant`, `tosa.const`, and whatever else makes one tensor of
/// nothing. A `cosma.op` is never one: it runs on the accelerator.
fn is_constant(operation: OperationRef) -> bool {
    let is_bare = operation.operand_count() == 0 && operation.region_count() == 0 && !is_abstract(operation);
    is_bare && operation.result_count() == 1 && operation.results().all(|it| it.r#type().is_tensor())
}

/// Whether an operation may do more than compute its results, so that its place among others of
/// its kind matters. MLIR's C interface does not tell; these dialects are known to have none.
pub(crate) fn may_have_effects(operation: OperationRef) -> bool {
    if is_abstract(operation) {
        // One without a result is there for something that only it knows.
        return operation.result_count() == 0;
    }
    let name = name(operation);
    let dialect = name.split('.').next().unwrap_or_default();
    let is_pure = match dialect {
        // Control flow, whose effects are those of its regions.
        "scf" => true,
        "arith" | "complex" | "index" | "linalg" | "math" | "quant" | "shape" | "tensor" | "ub" => true,
        "tosa" => !name.starts_with("tosa.variable") && name != "tosa.custom",
        "affine" => matches!(name.as_str(), "affine.apply" | "affine.min" | "affine.max" | "affine.yield"),
        _ => false,
    };
    let is_memory = |it: Type| it.is_mem_ref() || it.is_unranked_mem_ref();
    let touches_memory =
        operation.operands().any(|it| is_memory(it.r#type())) || operation.results().any(|it| is_memory(it.r#type()));
    !is_pure || touches_memory || nested(operation).into_iter().any(may_have_effects)
}

/// The operands of everything in the regions of an operation, each as often as it is read.
pub(crate) fn nested_operands<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let mut operations = nested(operation);
    let mut operands = Vec::new();
    while let Some(operation) = operations.pop() {
        operands.extend(operation.operands());
        operations.extend(nested(operation));
    }
    operands
}

/// The operations directly in the regions of an operation.
fn nested<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
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
