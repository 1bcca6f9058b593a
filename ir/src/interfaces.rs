//! Queries of MLIR's traits and interfaces, for operations of any dialect.

use crate::edit::erase;
use crate::ffi::{
    cosmaDecomposePack, cosmaEquivalenceHash, cosmaHasRecursiveEffects, cosmaIsCall, cosmaIsElementwise,
    cosmaIsEquivalent, cosmaIsMemoryEffectFree, cosmaIsSymbolUnused, cosmaSplatValue,
};
use melior::ir::{Attribute, AttributeLike, OperationRef};

/// Whether an operation has MLIR's trait `Elementwise`: each element of a result depends only on the corresponding
/// elements of tensor operands, and on scalars.
pub fn has_elementwise_trait(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaIsElementwise(operation.to_raw()) }
}

/// Whether an operation and those in its regions are known to have no memory effects. False for operations of
/// unregistered dialects.
pub fn is_memory_effect_free(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaIsMemoryEffectFree(operation.to_raw()) }
}

/// Whether two operations compute the same results if their operands are equal in order. COSMA's own and other
/// discardable attributes do not matter.
pub fn is_equivalent(one: OperationRef, other: OperationRef) -> bool {
    // SAFETY: both are alive.
    unsafe { cosmaIsEquivalent(one.to_raw(), other.to_raw()) }
}

/// A hash that is equal for operations that are [equivalent](is_equivalent).
pub fn equivalence_hash(operation: OperationRef) -> u64 {
    // SAFETY: the operation is alive.
    unsafe { cosmaEquivalenceHash(operation.to_raw()) }
}

/// Whether an operation calls a function.
pub fn is_call(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaIsCall(operation.to_raw()) }
}

/// Whether the effects of an operation include those of the operations in its regions.
pub fn has_recursive_effects(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaHasRecursiveEffects(operation.to_raw()) }
}

/// The value of all elements, if an attribute is a splat tensor.
pub fn splat_value<'c>(attribute: Attribute<'c>) -> Option<Attribute<'c>> {
    // SAFETY: the attribute is alive; of one that is no splat there is null.
    unsafe { Attribute::from_option_raw(cosmaSplatValue(attribute.to_raw())) }
}

/// Whether a symbol in a module, such as a function, has no references in it. If that is unknown, it counts as used.
pub fn is_symbol_unused(symbol: OperationRef, module: OperationRef) -> bool {
    // SAFETY: both are alive.
    unsafe { cosmaIsSymbolUnused(symbol.to_raw(), module.to_raw()) }
}

/// Decomposes a `linalg.pack` or `linalg.unpack` of tensors into paddings, reshapes, transpositions and slices, and
/// returns whether it succeeded. The operation is [erased](crate::erase) then.
pub fn decompose_pack(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive, and stays so.
    let is_done = unsafe { cosmaDecomposePack(operation.to_raw()) };
    if is_done {
        erase(operation);
    }
    is_done
}
