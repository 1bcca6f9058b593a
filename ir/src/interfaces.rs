//! What MLIR's traits and interfaces say of an operation, whatever dialect it is of.

use crate::ffi::{
    cosmaDecomposePack, cosmaEquivalenceHash, cosmaHasRecursiveEffects, cosmaIsCall, cosmaIsElementwise,
    cosmaIsEquivalent, cosmaIsMemoryEffectFree, cosmaIsSymbolUnused, cosmaSplatValue,
};
use melior::ir::{Attribute, AttributeLike, OperationRef};

/// Whether an operation has MLIR's trait `Elementwise`: each element of a result depends on the elements
/// at the same place of those operands that are tensors, and on scalars.
pub fn has_elementwise_trait(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaIsElementwise(operation.to_raw()) }
}

/// Whether an operation, with all in its regions, is known to have no effects on memory. An operation
/// whose dialect is not registered is not.
pub fn is_memory_effect_free(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaIsMemoryEffectFree(operation.to_raw()) }
}

/// Whether two operations compute the same where their operands are the same in turn; what they are to
/// COSMA, and other discardable attributes, do not matter.
pub fn is_equivalent(one: OperationRef, other: OperationRef) -> bool {
    // SAFETY: both are alive.
    unsafe { cosmaIsEquivalent(one.to_raw(), other.to_raw()) }
}

/// The same for operations that are [equivalent](is_equivalent).
pub fn equivalence_hash(operation: OperationRef) -> u64 {
    // SAFETY: the operation is alive.
    unsafe { cosmaEquivalenceHash(operation.to_raw()) }
}

/// Whether an operation calls a function.
pub fn is_call(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaIsCall(operation.to_raw()) }
}

/// Whether the effects of an operation are those of what is in its regions, beside its own.
pub fn has_recursive_effects(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive.
    unsafe { cosmaHasRecursiveEffects(operation.to_raw()) }
}

/// The element that all elements of a tensor are, where an attribute is such a tensor.
pub fn splat_value<'c>(attribute: Attribute<'c>) -> Option<Attribute<'c>> {
    // SAFETY: the attribute is alive; of one that is no splat there is null.
    unsafe { Attribute::from_option_raw(cosmaSplatValue(attribute.to_raw())) }
}

/// Whether nothing in a module refers to a symbol, such as a function, that is in it. What cannot be known
/// counts as a reference.
pub fn is_symbol_unused(symbol: OperationRef, module: OperationRef) -> bool {
    // SAFETY: both are alive.
    unsafe { cosmaIsSymbolUnused(symbol.to_raw(), module.to_raw()) }
}

/// Takes a `linalg.pack` or `linalg.unpack` of tensors apart into paddings, reshapes, transpositions and slices;
/// gives whether that went well. Then no handle to the operation may be used any more.
pub fn decompose_pack(operation: OperationRef) -> bool {
    // SAFETY: the operation is alive, and gone afterwards.
    unsafe { cosmaDecomposePack(operation.to_raw()) }
}
