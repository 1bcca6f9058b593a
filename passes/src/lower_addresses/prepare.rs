//! `cosma-prepare-bufferization`: rewrites operations that MLIR's bufferization does not support. It runs after
//! `tosa-to-scf`, and is part of [`SOURCE_TO_MEMREFS`](super::SOURCE_TO_MEMREFS).
//!
//! - `linalg.pack` and `linalg.unpack` are decomposed into paddings, reshapes, transpositions and slices.
//! - Loop-carried tensors stay in one buffer: the yielded tensor is written over the carried one.

use crate::form::operations;
use crate::role::nested;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, OperationRef, RegionLike, Value, ValueLike};
use cosma_ir::{Diagnostic, PassInfo, PassOptions, as_mut, decompose_pack, name};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-prepare-bufferization",
    description: "decomposes packs and keeps loop-carried tensors in one buffer, for bufferization",
    anchor: "builtin.module",
    options: &[],
};

pub(crate) fn run<'c>(_: &'c Context, module: OperationRef<'c, '_>, _: &PassOptions) -> Result<(), Diagnostic<'c>> {
    let mut pending = vec![module];
    while let Some(operation) = pending.pop() {
        pending.extend(nested(operation));
        match name(operation).as_str() {
            "linalg.pack" | "linalg.unpack" if is_on_tensors(operation) && !decompose_pack(operation) => {
                return Err(Diagnostic::at(operation, "cannot be decomposed into paddings and transpositions"));
            }
            "scf.for" => keep_in_place(operation, 0, 1),
            "scf.while" => {
                keep_in_place(operation, 0, 0);
                keep_in_place(operation, 1, 0);
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_on_tensors(operation: OperationRef) -> bool {
    operation.results().any(|it| it.r#type().is_tensor())
}

/// Writes the values that a region of a loop yields over the arguments of its block. The first `n_others` arguments
/// are not loop-carried.
fn keep_in_place<'c, 'a>(operation: OperationRef<'c, 'a>, region: usize, n_others: usize) {
    let Some(block) = operation.region(region).ok().and_then(|it| it.first_block()) else { return };
    let Some(end) = operations(block).last() else { return };
    // The condition is the first operand.
    let first = usize::from(name(end) == "scf.condition");
    // Permuted values cannot stay in one buffer, and MLIR reports that.
    let is_carried = |value: Value| BlockArgument::try_from(value).is_ok_and(|it| it.owner() == block);
    let is_moved = |(index, value): (usize, Value<'c, 'a>)| {
        let own = block.argument(index - first + n_others).map(Value::from);
        is_carried(value) && own.is_ok_and(|own| own != value)
    };
    if end.operands().enumerate().skip(first).any(is_moved) {
        return;
    }
    for (index, value) in end.operands().enumerate().skip(first).collect::<Vec<_>>() {
        let Ok(carried) = block.argument(index - first + n_others).map(Value::from) else { return };
        if value == carried || !value.r#type().is_tensor() || value.r#type() != carried.r#type() {
            continue;
        }
        let written = OperationBuilder::new("bufferization.materialize_in_destination", end.location())
            .add_operands(&[value, carried])
            .add_results(&[value.r#type()])
            .build()
            .expect("nothing is inferred");
        let written = block.insert_operation_before(end, written);
        as_mut(end).set_operand(index, written.result(0).expect("it has one").into());
    }
}
