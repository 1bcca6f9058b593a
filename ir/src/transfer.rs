//! The kinds of transfers between memories, and their waits.

use crate::edit::as_mut;
use crate::fact::{Maker, read_integers, read_string};
use crate::ffi::{cosmaTransitTensor, cosmaTransitType};
use crate::operation::{maker, name, operand_at};
use crate::place::is_place;
use crate::region::{STATIC_OFFSETS, STATIC_SIZES, TensorRegion};
use melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use melior::ir::r#type::TypeLike;
use melior::ir::{Attribute, Identifier, Location, Operation, OperationRef, Type, Value, ValueLike};
use mlir_sys::mlirLocationGetContext;
use std::ops::Range;

pub(crate) const ASYNC: &str = "async";
pub(crate) const SLICE: &str = "slice";
pub(crate) const KEPT: &str = "kept";
pub(crate) const WAIT: &str = "cosma.wait";
pub(crate) const OFFSET: &str = "offset";
pub(crate) const MEMORY: &str = "memory";
/// The attribute on operations of other dialects, in lowered form.
pub(crate) const MARK: &str = "cosma.transfer";
pub(crate) const STREAMED_MARK: &str = "cosma.streamed";
const ALL: [Transfer; 5] = [Transfer::Load, Transfer::Reload, Transfer::Spill, Transfer::Store, Transfer::Copy];

/// A kind of transfer between memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Host memory → scratchpad: the first load of an argument. Compulsory.
    Load,
    /// Host memory → scratchpad: each later load.
    Reload,
    /// Scratchpad → host memory: a tensor that is reloaded later.
    Spill,
    /// Scratchpad → host memory: a result of the function. Compulsory.
    Store,
    /// Between two memories that are not host memory.
    Copy,
}

impl Transfer {
    /// The operation's name.
    pub fn name(self) -> &'static str {
        match self {
            Transfer::Load => "cosma.load",
            Transfer::Reload => "cosma.reload",
            Transfer::Spill => "cosma.spill",
            Transfer::Store => "cosma.store",
            Transfer::Copy => "cosma.copy",
        }
    }

    /// The value of `cosma.transfer` on the operation in lowered form.
    pub fn mark(self) -> &'static str {
        match self {
            Transfer::Load => "load",
            Transfer::Reload => "reload",
            Transfer::Spill => "spill",
            Transfer::Store => "store",
            Transfer::Copy => "copy",
        }
    }

    /// Whether every plan has it.
    pub fn is_compulsory(self) -> bool {
        matches!(self, Transfer::Load | Transfer::Store)
    }

    /// Whether it comes from host memory: its result is in another memory, or streamed.
    pub fn is_inward(self) -> bool {
        matches!(self, Transfer::Load | Transfer::Reload)
    }

    /// Whether it goes to host memory.
    pub fn is_outward(self) -> bool {
        matches!(self, Transfer::Spill | Transfer::Store)
    }
}

/// Which transfer an operation is, if it is one.
pub fn transfer(operation: OperationRef) -> Option<Transfer> {
    let name = name(operation);
    ALL.into_iter().find(|it| it.name() == name)
}

/// When a transfer completes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Before the next operation begins.
    #[default]
    AtOnce,
    /// At its wait.
    Awaited,
    /// At its wait, and it moves only these bytes, half-open.
    SliceAwaited(Range<u64>),
}

/// Whether a transfer completes at a wait.
pub fn is_async(operation: OperationRef) -> bool {
    transfer(operation).is_some() && operation.has_attribute(ASYNC)
}

/// The bytes that an asynchronous transfer moves, half-open; `None` if it moves all of them.
pub fn slice_of_transfer(operation: OperationRef) -> Option<Range<u64>> {
    match read_integers(operation.attribute(SLICE).ok().filter(|_| transfer(operation).is_some())?)?[..] {
        [low, high] => Some(u64::try_from(low).ok()?..u64::try_from(high).ok()?),
        _ => None,
    }
}

/// Whether an operation waits for transfers; they are its operands.
pub fn is_wait(operation: OperationRef) -> bool {
    name(operation) == WAIT
}

/// Waits for asynchronous transfers of one tensor, at least one.
pub fn wait<'c>(transits: &[Value<'c, '_>], location: Location<'c>) -> Operation<'c> {
    let result = tensor_type(transits[0].r#type());
    let builder = OperationBuilder::new(WAIT, location).add_operands(transits).add_results(&[result]);
    builder.build().expect("nothing is inferred that could fail")
}

/// The tensor type of a tensor in transit; any other type itself.
pub fn tensor_type<'c>(r#type: Type<'c>) -> Type<'c> {
    // SAFETY: the type is alive, and what it has lives in its context.
    let tensor = unsafe { cosmaTransitTensor(r#type.to_raw()) };
    // SAFETY: likewise, where there is one.
    if tensor.ptr.is_null() { r#type } else { unsafe { Type::from_raw(tensor) } }
}

/// Whether a type is that of a tensor in transit.
pub(crate) fn is_transit(r#type: Type) -> bool {
    tensor_type(r#type) != r#type
}

/// Whether it is a load or a reload that bypasses the scratchpad.
pub fn is_streamed(operation: OperationRef) -> bool {
    transfer(operation).is_some_and(Transfer::is_inward) && !operation.has_attribute(OFFSET)
}

/// Whether it is a load that runs once, before the first run of the function.
pub fn is_kept(operation: OperationRef) -> bool {
    transfer(operation) == Some(Transfer::Load) && operation.has_attribute(KEPT)
}

/// The name of the memory of what a transfer or a `cosma.place` returns, if it has one; otherwise that is host memory or
/// the scratchpad.
pub fn memory(operation: OperationRef) -> Option<String> {
    let is_named = transfer(operation).is_some_and(|it| !it.is_outward()) || is_place(operation);
    read_string(operation.attribute(MEMORY).ok().filter(|_| is_named)?)
}

/// The tensor in host memory into which an outward transfer writes a region, if it does not make a new tensor.
pub fn destination<'c, 'a>(operation: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let is_outward = transfer(operation).is_some_and(Transfer::is_outward);
    if is_outward { operand_at(operation, 1) } else { None }
}

/// Marks an operation of lowered form as a transfer: a copy, or a view of host memory through which an operator reads
/// a streamed tensor.
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

/// A region of a tensor, and the type of a tensor of exactly that region.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'c, 'r> {
    /// The type of the tensor in host memory.
    pub region: &'r TensorRegion,
    /// The type of the piece in the scratchpad.
    pub r#type: Type<'c>,
}

/// The place of a tensor outside of host memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At<'r> {
    /// The offset of its first byte.
    pub offset: u64,
    /// The name of the memory; `None` for the scratchpad.
    pub memory: Option<&'r str>,
}

/// Loads a tensor, or a piece of one, from host memory to a place in another memory; without a place, streams it.
pub fn load<'c>(
    source: Value<'c, '_>,
    piece: Option<Piece<'c, '_>>,
    at: Option<At>,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    bring_in(Transfer::Load, source, piece, at, ending, location)
}

/// Loads a weight, or a piece of one, to an offset in the scratchpad once, before the first run of the function.
pub fn keep<'c>(
    source: Value<'c, '_>,
    piece: Option<Piece<'c, '_>>,
    at: Option<At>,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    let mut operation = load(source, piece, at, ending, location);
    operation.set_attribute(KEPT, maker_at(location).unit());
    operation
}

/// Reloads a tensor, or a piece of one, to an offset in the scratchpad; without an offset, streams it.
pub fn reload<'c>(
    source: Value<'c, '_>,
    piece: Option<Piece<'c, '_>>,
    at: Option<At>,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    bring_in(Transfer::Reload, source, piece, at, ending, location)
}

/// Copies a tensor from one memory to another, neither of them host memory.
pub fn copy<'c>(source: Value<'c, '_>, at: At, ending: &Ending, location: Location<'c>) -> Operation<'c> {
    let attributes = place_attributes(maker_at(location), at);
    build(Transfer::Copy, &[source], tensor_type(source.r#type()), attributes, ending, location)
}

/// Spills a tensor to host memory.
pub fn spill<'c>(source: Value<'c, '_>, ending: &Ending, location: Location<'c>) -> Operation<'c> {
    build(Transfer::Spill, &[source], tensor_type(source.r#type()), Vec::new(), ending, location)
}

/// Stores a result of the function to host memory.
pub fn store<'c>(source: Value<'c, '_>, ending: &Ending, location: Location<'c>) -> Operation<'c> {
    build(Transfer::Store, &[source], tensor_type(source.r#type()), Vec::new(), ending, location)
}

/// Stores a piece of a result of the function into a region of the whole in host memory.
pub fn store_into<'c, 'a>(
    source: Value<'c, 'a>,
    destination: Value<'c, 'a>,
    region: &TensorRegion,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    take_out_into(Transfer::Store, source, destination, region, ending, location)
}

/// Spills a tensor into a region of a larger one in host memory, whose regions are reloaded.
pub fn spill_into<'c, 'a>(
    source: Value<'c, 'a>,
    destination: Value<'c, 'a>,
    region: &TensorRegion,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    take_out_into(Transfer::Spill, source, destination, region, ending, location)
}

fn take_out_into<'c>(
    transfer: Transfer,
    source: Value<'c, '_>,
    destination: Value<'c, '_>,
    region: &TensorRegion,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    let attributes = region_attributes(maker_at(location), region).to_vec();
    build(transfer, &[source, destination], tensor_type(destination.r#type()), attributes, ending, location)
}

fn bring_in<'c>(
    transfer: Transfer,
    source: Value<'c, '_>,
    piece: Option<Piece<'c, '_>>,
    at: Option<At>,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    let maker = maker_at(location);
    let mut attributes: Vec<_> = at.into_iter().flat_map(|it| place_attributes(maker, it)).collect();
    attributes.extend(piece.into_iter().flat_map(|it| region_attributes(maker, it.region)));
    let r#type = piece.map_or(tensor_type(source.r#type()), |it| it.r#type);
    build(transfer, &[source], r#type, attributes, ending, location)
}

pub(crate) fn place_attributes<'c>(maker: Maker, at: At) -> Vec<(Identifier<'c>, Attribute<'c>)> {
    let mut attributes = vec![(maker.name(OFFSET), maker.integer(at.offset))];
    attributes.extend(at.memory.map(|it| (maker.name(MEMORY), maker.string(it))));
    attributes
}

fn region_attributes<'c>(maker: Maker, region: &TensorRegion) -> [(Identifier<'c>, Attribute<'c>); 2] {
    [
        (maker.name(STATIC_OFFSETS), maker.integers(&region.offsets)),
        (maker.name(STATIC_SIZES), maker.integers(&region.sizes)),
    ]
}

pub(crate) fn maker_at(location: Location) -> Maker {
    // SAFETY: the location is alive.
    Maker::new(unsafe { mlirLocationGetContext(location.to_raw()) })
}

fn build<'c>(
    transfer: Transfer,
    operands: &[Value<'c, '_>],
    tensor: Type<'c>,
    mut attributes: Vec<(Identifier<'c>, Attribute<'c>)>,
    ending: &Ending,
    location: Location<'c>,
) -> Operation<'c> {
    let maker = maker_at(location);
    let result = match ending {
        Ending::AtOnce => tensor,
        Ending::Awaited | Ending::SliceAwaited(_) => {
            attributes.push((maker.name(ASYNC), maker.unit()));
            // SAFETY: the type is alive, and that of a ranked tensor, as everything that is moved.
            unsafe { Type::from_raw(cosmaTransitType(tensor.to_raw())) }
        }
    };
    if let Ending::SliceAwaited(bytes) = ending {
        attributes.push((maker.name(SLICE), maker.integers(&[bytes.start, bytes.end])));
    }
    let builder = OperationBuilder::new(transfer.name(), location)
        .add_operands(operands)
        .add_results(&[result])
        .add_attributes(&attributes);
    builder.build().expect("nothing is inferred that could fail")
}
