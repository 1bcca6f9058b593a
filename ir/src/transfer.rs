//! The four ways between host memory and scratchpad.

use crate::fact::Maker;
use crate::operation::name;
use melior::ir::operation::{OperationBuilder, OperationLike};
use melior::ir::{Attribute, Identifier, Location, Operation, OperationRef, Value, ValueLike};
use mlir_sys::mlirLocationGetContext;

pub(crate) const OFFSET: &str = "offset";
pub(crate) const STREAMED: &str = "streamed";

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
    [Transfer::Load, Transfer::Reload, Transfer::Spill, Transfer::Store].into_iter().find(|it| it.name() == name)
}

/// Whether it is a load or a reload that passes by the scratchpad.
pub fn is_streamed(operation: OperationRef) -> bool {
    transfer(operation).is_some_and(Transfer::is_inward) && operation.has_attribute(STREAMED)
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
