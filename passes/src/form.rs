//! The forms of a function, recognised from its operations.
//!
//! - *Source*: operators on static tensors in one block, no transfers.
//! - *Allocated*, between two passes: the order of the block is the schedule, and each tensor has its live
//!   intervals and addresses (`residencies`).
//! - *Planned*: transfers are operations, and operations that put tensors into the scratchpad have offsets.
//! - *Lowered*: views of an arena, no tensors and no operations of COSMA.

use cosma_ir::melior::ir::operation::{OperationLike, OperationResult};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, BlockRef, OperationRef, RegionLike, Value, ValueLike};
use cosma_ir::{Diagnostic, argument_residencies, is_place, name, offsets, residencies, transfer};
use std::fmt;

/// The form of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a front end writes it.
    Source,
    /// With residencies.
    Allocated,
    /// With transfers and offsets.
    Planned,
    /// With views and copies.
    Lowered,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Source => "source form",
            Form::Allocated => "allocated form",
            Form::Planned => "planned form",
            Form::Lowered => "lowered form",
        })
    }
}

/// The form of a function with a body.
///
/// A function that has nothing to plan is in source form, whatever was done to it.
pub fn form(function: OperationRef) -> Form {
    recognise(function).0
}

/// Fails if a function is not in the form that a pass takes.
///
/// # Errors
/// At the function, with the operation or attribute that shows its form.
pub(crate) fn expect<'c>(function: OperationRef<'c, '_>, pass: &str, expected: Form) -> Result<(), Diagnostic<'c>> {
    let (found, evidence) = recognise(function);
    if found == expected {
        return Ok(());
    }
    let state = match found {
        Form::Source => "is still in source form",
        Form::Allocated => "is in allocated form",
        Form::Planned => "is already planned",
        Form::Lowered => "is already lowered",
    };
    let advice = match (expected, found) {
        (_, Form::Allocated) => "; cosma-insert-transfers goes first",
        (Form::Planned, Form::Source) => "; cosma-allocate and cosma-insert-transfers go first",
        (Form::Allocated, Form::Source) => "; cosma-allocate goes first",
        _ => "",
    };
    let message = format!("{pass} takes a function in {expected}, but this one {state}: it has {evidence}{advice}");
    Err(Diagnostic::at(function, message))
}

/// The block of a function; `None` for a declaration.
pub(crate) fn body<'c, 'a>(function: OperationRef<'c, 'a>) -> Option<BlockRef<'c, 'a>> {
    function.region(0).ok()?.first_block()
}

/// The operations of a block, in order.
pub(crate) fn operations<'c, 'a>(block: BlockRef<'c, 'a>) -> impl Iterator<Item = OperationRef<'c, 'a>> {
    std::iter::successors(block.first_operation(), |it| it.next_in_block())
}

/// The operation that a value is a result of.
pub(crate) fn defining<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    OperationResult::try_from(value).ok().map(|it| it.owner())
}

/// A key that identifies an operation while none is erased.
pub(crate) fn address(operation: OperationRef) -> usize {
    operation.to_raw().ptr.addr()
}

/// The name of a function, without `@`.
pub fn symbol(function: OperationRef) -> String {
    // From the printed form, which is UTF-8 even if the name is not.
    function.attribute("sym_name").map(|it| it.to_string().trim_matches('"').to_owned()).unwrap_or_default()
}

/// The form, and what shows it.
fn recognise(function: OperationRef) -> (Form, String) {
    let Some(block) = body(function) else { return (Form::Source, "no body".into()) };
    let mut is_allocated = (0..block.argument_count()).any(|it| argument_residencies(function, it).is_some());
    let mut has_tensor = block_has_tensor_argument(block);
    let mut has_view = false;
    for operation in operations(block) {
        if transfer(operation).is_some() {
            return (Form::Planned, name(operation));
        }
        if is_place(operation) {
            return (Form::Planned, name(operation));
        }
        if offsets(operation).is_some() {
            return (Form::Planned, "offsets".into());
        }
        is_allocated |= residencies(operation).is_some();
        has_tensor |= operation.results().any(|it| it.r#type().is_tensor());
        has_view |= name(operation) == "memref.view";
    }
    match (is_allocated, has_view && !has_tensor) {
        (true, _) => (Form::Allocated, "residencies".into()),
        (false, true) => (Form::Lowered, "memref.view and no tensor".into()),
        (false, false) => (Form::Source, "neither transfers nor offsets".into()),
    }
}

fn block_has_tensor_argument(block: BlockRef) -> bool {
    (0..block.argument_count()).any(|it| block.argument(it).is_ok_and(|it| it.r#type().is_tensor()))
}
