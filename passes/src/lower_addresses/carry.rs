//! Lowering of transfers, views and constants.

use super::INFO;
use super::arena::size;
use super::buffer::{Buffer, Root};
use super::build::{Shape, insert, place};
use super::function::Lowering;
use super::move_bytes::{Move, Part, is_last_slice};
use super::options::TransfersName;
use crate::extract::key;
use crate::role::{Role, role};
use cosma_ir::melior::ir::attribute::DenseI64ArrayAttribute;
use cosma_ir::melior::ir::operation::{OperationLike, OperationResult};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{Attribute, OperationRef, Value, ValueLike};
use cosma_ir::{
    Diagnostic, TensorRegion, Transfer, destination, is_streamed, machine, mark_transfer, memory, name, offsets, region,
};
use cosma_planner::MemoryId;

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// Lowers a transfer to a copy, or to a view of host memory if it is streamed.
    pub(super) fn transfer(&mut self, operation: OperationRef<'c, 'a>, way: Transfer) -> Result<(), Diagnostic<'c>> {
        // As a copy, a tensor is moved where its last slice begins.
        if self.options.transfers == TransfersName::Copy && !is_last_slice(operation) {
            return Ok(());
        }
        let source = operation.operand(0).expect("a transfer has an operand");
        let result: Value = operation.result(0).expect("and a result").into();
        let from = self
            .buffer(source)?
            .ok_or_else(|| Diagnostic::at(operation, format!("{} finds no bytes that this moves", INFO.name)))?;
        let to = match (destination(operation), region(operation)) {
            (Some(before), Some(region)) => self.put_into(&from, before, &region, way, operation)?,
            (None, Some(region)) if is_streamed(operation) => {
                self.stream_piece(&from, result, &region, way, operation)?
            }
            (None, region) if !way.is_outward() && !is_streamed(operation) => {
                let offset = offsets(operation).and_then(|it| it.first().copied()).unwrap_or(0);
                let to = self.place(result, self.target(operation), offset, operation)?;
                let part = region.map(|region| Part { whole: source, region });
                self.move_bytes(operation, &Move { way, from, to, part });
                to
            }
            _ if is_streamed(operation) => {
                let seen = self.seen(&from, result, 0, operation)?;
                if let Ok(view) = OperationResult::try_from(seen.value) {
                    mark_transfer(view.owner(), way, true);
                }
                seen
            }
            _ => {
                let to = self.owned(result, operation)?;
                self.move_bytes(operation, &Move { way, from, to, part: None });
                to
            }
        };
        self.keep(result, to);
        Ok(())
    }

    /// The memory in which the result of a transfer lies that does not go to host memory.
    fn target(&self, operation: OperationRef<'c, 'a>) -> MemoryId {
        let name = memory(operation);
        let memories = machine(self.function).and_then(|it| it.memories);
        let find = |name: String| memories?.memories().iter().position(|it| it.name == name);
        name.and_then(find).map_or(MemoryId::SCRATCHPAD, |it| MemoryId(it as u32))
    }

    /// The memref of a region of a tensor in host memory, with the strides of the whole.
    pub(super) fn piece(
        &self,
        whole: &Buffer<'c, 'a>,
        tensor: Value<'c, 'a>,
        region: &TensorRegion,
        before: OperationRef<'c, 'a>,
    ) -> Value<'c, 'a> {
        let shape = Shape::of(tensor.r#type()).expect("it has a buffer");
        let start = whole.start / shape.width;
        insert(before, self.build.region(whole.value, &shape, start, region, before.location()))
    }

    /// Writes a piece to a region of a tensor in host memory. Returns the buffer of the whole tensor, which the first
    /// piece allocates.
    fn put_into(
        &mut self,
        from: &Buffer<'c, 'a>,
        before: Value<'c, 'a>,
        region: &TensorRegion,
        way: Transfer,
        operation: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let whole = match self.known(before) {
            Some(whole) => whole,
            None => self.owned(before, operation)?,
        };
        let part = Some(Part { whole: before, region: region.clone() });
        self.move_bytes(operation, &Move { way, from: *from, to: whole, part });
        Ok(whole)
    }

    /// Streams a piece. If its elements are not contiguous, the operator reads a copy.
    fn stream_piece(
        &mut self,
        from: &Buffer<'c, 'a>,
        result: Value<'c, 'a>,
        region: &TensorRegion,
        way: Transfer,
        operation: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let source = operation.operand(0).expect("a transfer has an operand");
        let shape = Shape::of(source.r#type()).expect("it has a buffer");
        if is_one_run(&shape.dimensions, region) {
            let start = start_of(&shape, region);
            let seen = self.seen(from, result, start, operation)?;
            if let Ok(view) = OperationResult::try_from(seen.value) {
                mark_transfer(view.owner(), way, true);
            }
            return Ok(seen);
        }
        let piece = self.piece(from, source, region, operation);
        mark_transfer(OperationResult::try_from(piece).expect("it was made").owner(), way, true);
        let copy = self.owned(result, operation)?;
        self.build.copy(piece, copy.value, shape.element, operation);
        Ok(copy)
    }

    /// Lowers a view to a view of the same root.
    pub(super) fn view(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let source = operation.operand(0).expect("a view has a source");
        let result: Value = operation.result(0).expect("a view has a result").into();
        // Its source has no buffer, such as `tensor.empty`; its readers create it.
        let Some(from) = self.buffer(source)? else { return Ok(()) };
        let start = slice_start(operation, source)
            .ok_or_else(|| Diagnostic::at(operation, format!("{} does not know where this slice begins", INFO.name)))?;
        let seen = if from.r#type == self.build.memref(result.r#type(), self.space_of(&from), operation)? && start == 0
        {
            from
        } else {
            self.seen(&from, result, start, operation)?
        };
        self.keep(result, seen);
        Ok(())
    }

    /// A tensor that begins at a byte of a buffer.
    fn seen(
        &mut self,
        from: &Buffer<'c, 'a>,
        tensor: Value<'c, 'a>,
        start: u64,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let start = from.start + start;
        let Root::Host(root) = from.root else { return self.place(tensor, from.memory, start, before) };
        // Fails for types without a memref.
        self.build.memref(tensor.r#type(), None, before)?;
        let shape = Shape::of(tensor.r#type()).expect("it has a memref");
        let (view, r#type) = self.build.reinterpret(root, &shape, start / shape.width, before.location());
        Ok(Buffer { value: insert(before, view), r#type, start, size: size(tensor), ..*from })
    }

    pub(super) fn space_of(&self, buffer: &Buffer<'c, 'a>) -> Option<Attribute<'c>> {
        match buffer.root {
            Root::Arena(memory) => self.space(self.arena_of(memory)),
            Root::Host(_) => None,
        }
    }

    /// The buffer of a constant, created at the beginning of the function; `None` if it is not a constant.
    pub(super) fn constant(&mut self, tensor: Value<'c, 'a>) -> Result<Option<Buffer<'c, 'a>>, Diagnostic<'c>> {
        let Some(operation) = OperationResult::try_from(tensor).ok().map(|it| it.owner()) else { return Ok(None) };
        let is_here = operation.block() == Some(self.block) && tensor.r#type().is_tensor();
        if !is_here || role(operation, |_| false) != Role::Constant {
            return Ok(None);
        }
        let Some(value) = self.constant_value(operation) else {
            let message = format!("{} does not know the value of {}", INFO.name, name(operation));
            return Err(Diagnostic::at(operation, message));
        };
        let r#type = self.build.memref(tensor.r#type(), None, operation)?;
        let symbol = self.symbols.global(r#type, value, operation.location());
        let get = place(self.first, self.build.get_global(&symbol, r#type, operation.location()));
        let memref = get.result(0).expect("it has one").into();
        let buffer = Buffer::host(memref, r#type, size(tensor));
        self.constants.insert(key(tensor), buffer);
        Ok(Some(buffer))
    }

    fn constant_value(&self, operation: OperationRef<'c, 'a>) -> Option<Attribute<'c>> {
        if let Ok(global) = operation.attribute("global") {
            let symbol = global.to_string();
            let symbol = symbol.trim_start_matches('@').trim_matches('"');
            return self.symbols.global_value(symbol);
        }
        ["value", "values"].into_iter().find_map(|it| operation.attribute(it).ok())
    }
}

/// The byte of its source at which a view begins.
fn slice_start(operation: OperationRef, source: Value) -> Option<u64> {
    if name(operation) != "tensor.extract_slice" {
        return Some(0);
    }
    let shape = Shape::of(source.r#type())?;
    let offsets = DenseI64ArrayAttribute::try_from(operation.attribute("static_offsets").ok()?).ok()?;
    let mut start = 0;
    for (index, size) in shape.dimensions.iter().enumerate() {
        start = start * u64::try_from(*size).ok()? + u64::try_from(offsets.element(index).ok()?).ok()?;
    }
    Some(start * shape.width)
}

/// Where a region begins in a tensor, in bytes.
pub(super) fn start_of(whole: &Shape, region: &TensorRegion) -> u64 {
    let offsets = whole.dimensions.iter().zip(&region.offsets);
    offsets.fold(0, |start, (size, offset)| start * size.unsigned_abs() + offset) * whole.width
}

/// Whether the elements of a region lie side by side: all of the inner dimensions, a part of one, and one of
/// each outer one.
pub(super) fn is_one_run(dimensions: &[i64], region: &TensorRegion) -> bool {
    let is_whole = |it: usize| region.sizes[it] == dimensions[it].unsigned_abs();
    let outer = (0..dimensions.len()).rev().find(|it| !is_whole(*it)).unwrap_or(0);
    region.sizes.iter().take(outer).all(|it| *it == 1)
}
