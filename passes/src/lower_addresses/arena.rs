//! Allocation of tensors in the arena and in host memory.

use super::buffer::{Buffer, Root};
use super::build::{Shape, insert};
use super::function::Lowering;
use cosma_ir::melior::ir::attribute::IntegerAttribute;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{Attribute, OperationRef, Type, Value, ValueLike};
use cosma_ir::{Diagnostic, size_in_bytes, tensor_type};

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// The buffers of an operator's results: views of the arena, or buffers in host memory for results computed
    /// before the run.
    pub(super) fn results(
        &mut self,
        operation: OperationRef<'c, 'a>,
    ) -> Result<Vec<(Value<'c, 'a>, Buffer<'c, 'a>)>, Diagnostic<'c>> {
        let offsets = self.results_at.of(operation);
        let mut results = Vec::new();
        for (index, result) in operation.results().enumerate() {
            let result: Value = result.into();
            if !result.r#type().is_tensor() {
                continue;
            }
            let buffer = match &offsets {
                Some(offsets) => self.place(result, offsets.get(index).copied().unwrap_or(0), operation)?,
                None => self.owned(result, operation)?,
            };
            results.push((result, buffer));
        }
        Ok(results)
    }

    /// A view of the arena for a tensor.
    pub(super) fn place(
        &mut self,
        tensor: Value<'c, 'a>,
        start: u64,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let r#type = self.build.memref(tensor.r#type(), self.space(), before)?;
        let value = self.arena_view(r#type, start, before);
        Ok(Buffer { value, r#type, root: Root::Arena, start, size: size(tensor) })
    }

    pub(super) fn arena_view(&mut self, r#type: Type<'c>, start: u64, before: OperationRef<'c, 'a>) -> Value<'c, 'a> {
        let (arena, start) = (self.arena(), self.offset(start));
        let view = OperationBuilder::new("memref.view", before.location())
            .add_operands(&[arena, start])
            .add_results(&[r#type]);
        insert(before, view)
    }

    /// A buffer in host memory for a tensor. The caller returns or frees it.
    pub(super) fn host(
        &self,
        tensor: Value<'c, 'a>,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let r#type = self.build.memref(tensor.r#type(), None, before)?;
        let value = insert(before, self.build.alloc(r#type, None, before.location()));
        Ok(Buffer::host(value, r#type, size(tensor)))
    }

    /// A buffer in host memory that the function returns or frees at its end.
    pub(super) fn owned(
        &mut self,
        tensor: Value<'c, 'a>,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let buffer = self.host(tensor, before)?;
        self.owned.push(buffer.value);
        Ok(buffer)
    }

    /// Copies a tensor without counting as a transfer.
    pub(super) fn copy(
        &self,
        from: &Buffer<'c, 'a>,
        to: &Buffer<'c, 'a>,
        tensor: Type<'c>,
        before: OperationRef<'c, 'a>,
    ) {
        if !from.is_at(to) {
            let shape = Shape::of(tensor).expect("it has a buffer");
            self.build.copy(from.value, to.value, shape.element, before);
        }
    }

    /// Copies results from private buffers to their own, and frees the private ones.
    pub(super) fn deliver(
        &self,
        private: Vec<(Buffer<'c, 'a>, Buffer<'c, 'a>, Type<'c>)>,
        before: OperationRef<'c, 'a>,
    ) {
        for (from, to, r#type) in private {
            self.copy(&from, &to, r#type, before);
            self.build.free(from.value, before);
        }
    }

    /// The memory space of the arena.
    pub(super) fn space(&self) -> Option<Attribute<'c>> {
        let space = self.options.memory_space?;
        Some(IntegerAttribute::new(self.build.i64(), space.into()).into())
    }

    pub(super) fn arena(&mut self) -> Value<'c, 'a> {
        if let Some(arena) = self.arena {
            return arena;
        }
        let r#type = self.build.bytes(self.scratchpad, self.space());
        // MLIR supports only powers of two, and elements need their own alignment.
        let alignment = self.alignment.checked_next_power_of_two().unwrap_or(1).max(16);
        let alloc = self.build.alloc(r#type, Some(alignment), self.function.location());
        let arena = insert(self.first, alloc);
        self.arena = Some(arena);
        arena
    }

    /// A constant number of bytes or elements, at the beginning of the function.
    pub(super) fn offset(&mut self, offset: u64) -> Value<'c, 'a> {
        if let Some(&value) = self.offsets.get(&offset) {
            return value;
        }
        let value = insert(self.first, self.build.index(offset, self.function.location()));
        self.offsets.insert(offset, value);
        value
    }
}

/// The size of a tensor in bytes, which planning has checked.
pub(super) fn size(tensor: Value) -> u64 {
    size_in_bytes(tensor_type(tensor.r#type())).unwrap_or(0)
}
