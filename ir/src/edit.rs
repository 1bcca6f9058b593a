//! Mutations of a module that melior does not have, or has only as `unsafe`.
//!
//! An operation may be mutated through any handle to it, as in MLIR itself: melior's two kinds of reference differ in
//! their methods, not in ownership.

use melior::ir::operation::{OperationLike, OperationMutLike, OperationRefMut};
use melior::ir::r#type::TypeLike;
use melior::ir::{Identifier, Operation, OperationRef, Region, RegionLike, RegionRef, Type, Value, ValueLike};
use mlir_sys::{
    mlirOpOperandGetNextUse, mlirOpOperandGetOperandNumber, mlirOpOperandGetOwner, mlirOpOperandIsNull,
    mlirOperationDestroy, mlirRegionTakeBody, mlirValueGetFirstUse, mlirValueReplaceAllUsesOfWith, mlirValueSetType,
};

/// A use of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'c, 'a> {
    /// The operation that uses it.
    pub operation: OperationRef<'c, 'a>,
    /// The index of the operand.
    pub operand: usize,
}

/// A mutable reference to an operation, to change attributes, operands, or its position in the block.
pub fn as_mut<'c, 'a>(operation: OperationRef<'c, 'a>) -> OperationRefMut<'c, 'a> {
    // SAFETY: the operation is alive for `'a`.
    unsafe { OperationRefMut::from_raw(operation.to_raw()) }
}

/// The uses of a value, in an order that depends only on how the module was constructed.
pub fn uses<'c, 'a>(value: Value<'c, 'a>) -> Vec<Use<'c, 'a>> {
    let mut uses = Vec::new();
    // SAFETY: the value is alive, and with it the chain of its uses, which nobody changes meanwhile.
    unsafe {
        let mut next = mlirValueGetFirstUse(value.to_raw());
        while !mlirOpOperandIsNull(next) {
            let operation = OperationRef::from_raw(mlirOpOperandGetOwner(next));
            uses.push(Use { operation, operand: mlirOpOperandGetOperandNumber(next) as usize });
            next = mlirOpOperandGetNextUse(next);
        }
    }
    uses
}

/// Replaces all uses of `value` by `other`, which has the same type.
pub fn replace_uses<'c>(value: Value<'c, '_>, other: Value<'c, '_>) {
    // SAFETY: both are alive.
    unsafe { mlirValueReplaceAllUsesOfWith(value.to_raw(), other.to_raw()) }
}

/// Removes an operation from its block and destroys it. Handles to it, to its results and into its regions must not
/// be used afterwards.
///
/// # Panics
/// If one of its results still has uses.
pub fn erase(operation: OperationRef) {
    let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
    assert!(!is_read, "an operation whose results are read is not erased: {operation}");
    // SAFETY: nothing in the module refers to it any more; for handles, see the documentation.
    unsafe { mlirOperationDestroy(operation.to_raw()) }
}

/// Changes the type of a value. Its uses must accept the type, or be removed.
pub fn set_type<'c>(value: Value<'c, '_>, r#type: Type<'c>) {
    // SAFETY: both are alive, in one context.
    unsafe { mlirValueSetType(value.to_raw(), r#type.to_raw()) }
}

/// Moves the bodies of an operation's regions to new regions. The operation's regions are empty afterwards.
pub fn take_regions<'c>(operation: OperationRef<'c, '_>) -> Vec<Region<'c>> {
    let take = |region: RegionRef<'c, '_>| {
        let taken = Region::new();
        // SAFETY: both are alive; the blocks change their owner.
        unsafe { mlirRegionTakeBody(taken.to_raw(), region.to_raw()) };
        taken
    };
    operation.regions().map(take).collect()
}

/// Restores an operation from `saved`, an earlier clone of it: its attributes and its regions, but not its operands.
/// Handles into its regions must not be used afterwards.
pub fn restore<'c>(operation: OperationRef<'c, '_>, saved: Operation<'c>) {
    for (region, saved) in operation.regions().zip(saved.regions()) {
        // SAFETY: both are alive; the blocks change their owner, and those that were there are destroyed.
        unsafe { mlirRegionTakeBody(region.to_raw(), saved.to_raw()) };
    }
    let own: Vec<String> = operation.attributes().map(|it| name(it.0)).collect();
    let mut operation = as_mut(operation);
    for own in own {
        if !saved.has_attribute(&own) {
            operation.remove_attribute(&own).expect("it is there");
        }
    }
    for (identifier, value) in saved.attributes() {
        operation.set_attribute(&name(identifier), value);
    }
}

fn name(identifier: Identifier) -> String {
    identifier.as_string_ref().as_str().unwrap_or_default().to_owned()
}
