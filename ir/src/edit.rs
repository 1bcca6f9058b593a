//! Changes to a module that melior leaves to `unsafe` or does not have.
//!
//! An operation that MLIR lends out may be changed through any handle to it, as in MLIR itself:
//! melior's two kinds of reference differ in what they offer, not in what they own.

use melior::ir::operation::{OperationLike, OperationMutLike, OperationRefMut};
use melior::ir::r#type::TypeLike;
use melior::ir::{Identifier, Operation, OperationRef, Region, RegionLike, RegionRef, Type, Value, ValueLike};
use mlir_sys::{
    mlirOpOperandGetNextUse, mlirOpOperandGetOperandNumber, mlirOpOperandGetOwner, mlirOpOperandIsNull,
    mlirOperationDestroy, mlirRegionTakeBody, mlirValueGetFirstUse, mlirValueReplaceAllUsesOfWith, mlirValueSetType,
};

/// A place where a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'c, 'a> {
    /// The reader.
    pub operation: OperationRef<'c, 'a>,
    /// Which of its operands.
    pub operand: usize,
}

/// The operation, to be changed: attributes, operands, its place in the block.
pub fn as_mut<'c, 'a>(operation: OperationRef<'c, 'a>) -> OperationRefMut<'c, 'a> {
    // SAFETY: the operation is alive for `'a`.
    unsafe { OperationRefMut::from_raw(operation.to_raw()) }
}

/// Where a value is read, in an order that depends only on how the module was made.
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

/// Makes every reader of `value` read `other`, which has the same type.
pub fn replace_uses<'c>(value: Value<'c, '_>, other: Value<'c, '_>) {
    // SAFETY: both are alive.
    unsafe { mlirValueReplaceAllUsesOfWith(value.to_raw(), other.to_raw()) }
}

/// Takes an operation out of its block and destroys it. No handle to it, to its results or into its
/// regions may be used after that.
///
/// # Panics
/// If one of its results is still read.
pub fn erase(operation: OperationRef) {
    let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
    assert!(!is_read, "an operation whose results are read is not erased: {operation}");
    // SAFETY: nothing in the module refers to it any more; of handles, see above.
    unsafe { mlirOperationDestroy(operation.to_raw()) }
}

/// Gives a value another type. Its readers must be fit for that, or go.
pub fn set_type<'c>(value: Value<'c, '_>, r#type: Type<'c>) {
    // SAFETY: both are alive, in one context.
    unsafe { mlirValueSetType(value.to_raw(), r#type.to_raw()) }
}

/// Takes the bodies out of an operation's regions, which are empty afterwards.
pub fn take_regions<'c>(operation: OperationRef<'c, '_>) -> Vec<Region<'c>> {
    let take = |region: RegionRef<'c, '_>| {
        let taken = Region::new();
        // SAFETY: both are alive; the blocks change their owner.
        unsafe { mlirRegionTakeBody(taken.to_raw(), region.to_raw()) };
        taken
    };
    operation.regions().map(take).collect()
}

/// Makes an operation what it was when `saved` was cloned from it, but for its operands: the same
/// attributes, and regions with the operations of `saved`. No handle into its regions may be used
/// after that.
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
