//! The four ways between host memory and scratchpad.

use crate::edit::as_mut;
use crate::fact::{Maker, read_string};
use crate::operation::{maker, name};
use melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use melior::ir::{Attribute, Identifier, Location, Operation, OperationRef, Value, ValueLike};
use mlir_sys::mlirLocationGetContext;

pub(crate) const OFFSET: &str = "offset";
pub(crate) const STREAMED: &str = "streamed";
/// On operations of other dialects, in lowered form.
pub(crate) const MARK: &str = "cosma.transfer";
pub(crate) const STREAMED_MARK: &str = "cosma.streamed";
const ALL: [Transfer; 4] = [Transfer::Load, Transfer::Reload, Transfer::Spill, Transfer::Store];

/// A way between host memory and scratchpad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Host memory → scratchpad, an argument's first time. Compulsory.
    Load,
    /// Host memory → scratchpad, each time after that.
    Reload,
    /// Scratchpad → host memory, a tensor that has to come back.
    Spill,
    /// Scratchpad → host memory, a result of the function. Compulsory.
    Store,
}

impl Transfer {
    /// The operation's name.
    pub fn name(self) -> &'static str {
        match self {
            Transfer::Load => "cosma.load",
            Transfer::Reload => "cosma.reload",
            Transfer::Spill => "cosma.spill",
            Transfer::Store => "cosma.store",
        }
    }

    /// What an operation of lowered form that is this transfer says in `cosma.transfer`.
    pub fn mark(self) -> &'static str {
        match self {
            Transfer::Load => "load",
            Transfer::Reload => "reload",
            Transfer::Spill => "spill",
            Transfer::Store => "store",
        }
    }

    /// Whether no plan can do without it.
    pub fn is_compulsory(self) -> bool {
        matches!(self, Transfer::Load | Transfer::Store)
    }

    /// Whether its result lies in the scratchpad, or passes by; otherwise in host memory.
    pub fn is_inward(self) -> bool {
        matches!(self, Transfer::Load | Transfer::Reload)
    }
}

/// Which transfer an operation is, if it is one.
pub fn transfer(operation: OperationRef) -> Option<Transfer> {
    let name = name(operation);
    ALL.into_iter().find(|it| it.name() == name)
}

/// Whether it is a load or a reload that passes by the scratchpad.
pub fn is_streamed(operation: OperationRef) -> bool {
    transfer(operation).is_some_and(Transfer::is_inward) && operation.has_attribute(STREAMED)
}

/// Notes on an operation of lowered form that it is a transfer: a copy, or a view of host memory
/// through which an operator reads what is streamed.
pub fn mark_transfer(operation: OperationRef, transfer: Transfer, is_streamed: bool) {
    let maker = maker(operation);
    let mut operation = as_mut(operation);
    operation.set_attribute(MARK, maker.string(transfer.mark()));
    if is_streamed {
        operation.set_attribute(STREAMED_MARK, maker.unit());
    }
}

/// Which transfer an operation of lowered form is, if it is one.
pub fn marked_transfer(operation: OperationRef) -> Option<Transfer> {
    read_mark(operation.attribute(MARK).ok()?)
}

pub(crate) fn read_mark(attribute: Attribute) -> Option<Transfer> {
    let mark = read_string(attribute)?;
    ALL.into_iter().find(|it| it.mark() == mark)
}

/// Brings a tensor from host memory to an offset in the scratchpad; without an offset, streams it.
pub fn load<'c>(source: Value<'c, '_>, offset: Option<u64>, location: Location<'c>) -> Operation<'c> {
    bring_in(Transfer::Load, source, offset, location)
}

/// Brings a tensor back to an offset in the scratchpad; without an offset, streams it.
pub fn reload<'c>(source: Value<'c, '_>, offset: Option<u64>, location: Location<'c>) -> Operation<'c> {
    bring_in(Transfer::Reload, source, offset, location)
}

/// Puts a tensor out into host memory, from where it comes back.
pub fn spill<'c>(source: Value<'c, '_>, location: Location<'c>) -> Operation<'c> {
    build(Transfer::Spill, source, &[], location)
}

/// Puts a result of the function out into host memory.
pub fn store<'c>(source: Value<'c, '_>, location: Location<'c>) -> Operation<'c> {
    build(Transfer::Store, source, &[], location)
}

fn bring_in<'c>(
    transfer: Transfer,
    source: Value<'c, '_>,
    offset: Option<u64>,
    location: Location<'c>,
) -> Operation<'c> {
    // SAFETY: the location is alive.
    let maker = Maker::new(unsafe { mlirLocationGetContext(location.to_raw()) });
    let attribute = match offset {
        Some(offset) => (maker.name(OFFSET), maker.integer(offset)),
        None => (maker.name(STREAMED), maker.unit()),
    };
    build(transfer, source, &[attribute], location)
}

fn build<'c>(
    transfer: Transfer,
    source: Value<'c, '_>,
    attributes: &[(Identifier<'c>, Attribute<'c>)],
    location: Location<'c>,
) -> Operation<'c> {
    let builder = OperationBuilder::new(transfer.name(), location)
        .add_operands(&[source])
        .add_results(&[source.r#type()])
        .add_attributes(attributes);
    builder.build().expect("nothing is inferred that could fail")
}
