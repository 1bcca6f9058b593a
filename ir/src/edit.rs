//! Mutations of a module that melior does not have, or has only as `unsafe`.
//!
//! An operation may be mutated through any handle to it, as in MLIR itself: melior's two kinds of reference differ in
//! their methods, not in ownership. So no function here destroys an operation while there may be handles to it.

use crate::ffi::{Text, cosmaDestroyDetached, cosmaDetach};
use melior::ir::operation::{OperationLike, OperationMutLike, OperationRefMut};
use melior::ir::r#type::TypeLike;
use melior::ir::{
    BlockLike, BlockRef, Identifier, Module, Operation, OperationRef, RegionLike, Type, Value, ValueLike,
};
use mlir_sys::{
    MlirBlock, MlirOperation, mlirBlockEraseArgument, mlirLocationIsAName, mlirLocationNameGet,
    mlirOpOperandGetNextUse, mlirOpOperandGetOperandNumber, mlirOpOperandGetOwner, mlirOpOperandIsNull,
    mlirOperationGetContext, mlirOperationGetLocation, mlirOperationSetLocation, mlirRegionTakeBody,
    mlirValueGetFirstUse, mlirValueReplaceAllUsesOfWith, mlirValueSetType,
};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

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

/// Names the location of an operation, if it has no name.
pub fn set_location_name(operation: OperationRef, name: &str) {
    // SAFETY: the operation is alive, and with it its context, which copies the name.
    unsafe {
        let location = mlirOperationGetLocation(operation.to_raw());
        if !mlirLocationIsAName(location) {
            let context = mlirOperationGetContext(operation.to_raw());
            mlirOperationSetLocation(operation.to_raw(), mlirLocationNameGet(context, Text::new(name).raw(), location));
        }
    }
}

/// The uses of a value, in an order that depends only on how the module was constructed.
pub fn uses<'c, 'a>(value: Value<'c, 'a>) -> Vec<Use<'c, 'a>> {
    let mut uses = Vec::new();
    // SAFETY: the value is alive, and with it the chain of its uses, which nothing changes meanwhile.
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

/// Removes an operation from its block. It has no operands then, and neither has anything in its regions.
///
/// The operation lives until all handles to it are gone: until the end of the pass that erases it, or of the call of
/// [`edit`]. Outside of both, it is never destroyed.
///
/// # Panics
/// If one of its results still has uses.
pub fn erase(operation: OperationRef) {
    let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
    assert!(!is_read, "an operation whose results are read is not erased: {operation}");
    // SAFETY: the operation is alive, and stays so.
    unsafe { cosmaDetach(operation.to_raw()) }
    ERASED.with_borrow_mut(|scopes| {
        if let Some(scope) = scopes.last_mut() {
            scope.operations.insert(operation.to_raw().ptr.addr(), operation.to_raw());
        }
    });
}

/// Lets `change` mutate a module, through handles that do not outlive the call, and destroys what it
/// [erased](erase).
pub fn edit<'c, T>(module: &mut Module<'c>, change: impl for<'a> FnOnce(OperationRef<'c, 'a>) -> T) -> T {
    let _scope = Scope::begin();
    change(module.as_operation())
}

/// Removes an argument from a block, which keeps it until the handles to it are gone, like an operation that was
/// [erased](erase). Until then no argument may be added before it.
///
/// # Panics
/// If the argument has uses.
pub fn erase_argument<'c>(block: BlockRef<'c, '_>, index: usize) {
    let argument = block.argument(index).expect("it is one of the block's");
    assert!(uses(argument.into()).is_empty(), "an argument that is read is not erased");
    ERASED.with_borrow_mut(|scopes| {
        if let Some(scope) = scopes.last_mut() {
            scope.arguments.insert((block.to_raw().ptr.addr(), Reverse(index)), block.to_raw());
        }
    });
}

/// What was erased in a scope.
#[derive(Default)]
struct Erased {
    /// By address.
    operations: BTreeMap<usize, MlirOperation>,
    /// By address of the block, the last one first.
    arguments: BTreeMap<(usize, Reverse<usize>), MlirBlock>,
}

thread_local! {
    /// What was erased in each scope of this thread; the innermost scope is the last one.
    static ERASED: RefCell<Vec<Erased>> = const { RefCell::new(Vec::new()) };
}

/// A scope that destroys the operations erased in it when it ends. No handle to them may outlive it.
pub(crate) struct Scope;

impl Scope {
    pub(crate) fn begin() -> Scope {
        ERASED.with_borrow_mut(|scopes| scopes.push(Erased::default()));
        Scope
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let erased = ERASED.with_borrow_mut(Vec::pop).unwrap_or_default();
        for ((_, Reverse(index)), block) in erased.arguments {
            // SAFETY: the block is alive, as nothing that was erased is destroyed yet; nothing uses the argument, and
            // handles to it are gone.
            unsafe { mlirBlockEraseArgument(block, index as u32) }
        }
        for operation in erased.operations.into_values() {
            // SAFETY: it was detached, and is alive: nothing else destroys what is in no block. Handles to it are gone.
            unsafe { cosmaDestroyDetached(operation) }
        }
    }
}

/// Changes the type of a value. Its uses must accept the new type, or be removed.
pub fn set_type<'c>(value: Value<'c, '_>, r#type: Type<'c>) {
    // SAFETY: both are alive, in one context.
    unsafe { mlirValueSetType(value.to_raw(), r#type.to_raw()) }
}

/// Moves the bodies of an operation's regions to those of another operation, which must have equally many, all empty.
///
/// # Panics
/// If the regions of the other operation are not so.
pub fn move_regions<'c>(from: OperationRef<'c, '_>, to: OperationRef<'c, '_>) {
    let is_fit = from.region_count() == to.region_count() && to.regions().all(|it| it.first_block().is_none());
    assert!(is_fit, "regions move to as many empty ones: {to}");
    for (from, to) in from.regions().zip(to.regions()) {
        // SAFETY: both are alive; the blocks change their owner, and none is destroyed.
        unsafe { mlirRegionTakeBody(to.to_raw(), from.to_raw()) };
    }
}

/// Restores a module from `saved`, an earlier clone of its operation: its attributes and its body.
pub fn restore<'c>(module: &mut Module<'c>, saved: Operation<'c>) {
    let operation = module.as_operation();
    for (region, saved) in operation.regions().zip(saved.regions()) {
        // SAFETY: both are alive; the blocks change their owner. Those that were there are destroyed, to which there
        // are no handles, as the module is borrowed for this.
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
