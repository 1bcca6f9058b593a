//! Allocation of tensors in the arena and in host memory.

use super::buffer::{Buffer, Root};
use super::build::{Shape, insert};
use super::function::Lowering;
use cosma_ir::melior::ir::attribute::{IntegerAttribute, StringAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{Attribute, OperationRef, Type, Value, ValueLike};
use cosma_ir::{ARENA_OF, Diagnostic, Machine, machine, size_in_bytes, tensor_type};
use cosma_planner::{Memory, MemoryId};

/// A memory that has a size, and what stands for it in a lowered function.
pub(super) struct Arena<'c, 'a> {
    pub memory: MemoryId,
    /// Its name, where there are several memories.
    pub name: Option<String>,
    pub size: u64,
    pub alignment: u64,
    /// The memref of all its bytes; none before it is needed.
    pub value: Option<Value<'c, 'a>>,
}

/// The arenas of a machine, the scratchpad's first, in the order of their memories.
pub(super) fn arenas<'c, 'a>(machine: Option<&Machine>) -> Vec<Arena<'c, 'a>> {
    let Some(memories) = machine.and_then(|it| it.memories.as_ref()) else {
        let size = machine.and_then(|it| it.scratchpad).unwrap_or(0);
        let alignment = machine.and_then(|it| it.alignment).unwrap_or(crate::DEFAULT_ALIGNMENT.0);
        return vec![Arena { memory: MemoryId::SCRATCHPAD, name: None, size, alignment, value: None }];
    };
    let arena = |(index, memory): (usize, &Memory)| {
        let (name, size, alignment) = (Some(memory.name.clone()), memory.size?.0, memory.alignment.0);
        Some(Arena { memory: MemoryId(index as u32), name, size, alignment, value: None })
    };
    memories.memories().iter().enumerate().filter_map(arena).collect()
}

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// A memory by its name; without one, or where there is none of that name, the scratchpad.
    pub(super) fn memory_named(&self, name: Option<&str>) -> MemoryId {
        let memories = machine(self.function).and_then(|it| it.memories);
        let find = |name: &str| memories?.memories().iter().position(|it| it.name == name);
        name.and_then(find).map_or(MemoryId::SCRATCHPAD, |it| MemoryId(it as u32))
    }

    /// The buffers of an operator's results: views of the arena, or buffers in host memory for results computed
    /// before the run.
    pub(super) fn results(
        &mut self,
        operation: OperationRef<'c, 'a>,
    ) -> Result<Vec<(Value<'c, 'a>, Buffer<'c, 'a>)>, Diagnostic<'c>> {
        let offsets = self.results_at.of(operation);
        let memories = self.results_at.memories(operation).unwrap_or_default();
        let mut results = Vec::new();
        for (index, result) in operation.results().enumerate() {
            let result: Value = result.into();
            if !result.r#type().is_tensor() {
                continue;
            }
            let buffer = match &offsets {
                Some(offsets) => {
                    let offset = offsets.get(index).copied().unwrap_or(0);
                    let memory = self.memory_named(memories.get(index).map(String::as_str));
                    self.place(result, memory, offset, operation)?
                }
                None => self.owned(result, operation)?,
            };
            results.push((result, buffer));
        }
        Ok(results)
    }

    /// A view of an arena for a tensor; where its memory has no size, a buffer of its own that the function frees.
    pub(super) fn place(
        &mut self,
        tensor: Value<'c, 'a>,
        memory: MemoryId,
        start: u64,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let Some(index) = self.arenas.iter().position(|it| it.memory == memory) else {
            return Ok(Buffer { memory, ..self.owned(tensor, before)? });
        };
        let r#type = self.build.memref(tensor.r#type(), self.space(index), before)?;
        let value = self.arena_view(index, r#type, start, before);
        Ok(Buffer { value, r#type, root: Root::Arena(memory), memory, start, size: size(tensor) })
    }

    /// A view of the arena with this index.
    pub(super) fn arena_view(
        &mut self,
        index: usize,
        r#type: Type<'c>,
        start: u64,
        before: OperationRef<'c, 'a>,
    ) -> Value<'c, 'a> {
        let (arena, start) = (self.arena(index), self.offset(start));
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

    /// The memory space of the arena with this index: that of the first one and those after it.
    pub(super) fn space(&self, index: usize) -> Option<Attribute<'c>> {
        let space = i64::from(self.options.memory_space?) + index as i64;
        Some(IntegerAttribute::new(self.build.i64(), space).into())
    }

    /// The index of a memory's arena.
    pub(super) fn arena_of(&self, memory: MemoryId) -> usize {
        self.arenas.iter().position(|it| it.memory == memory).expect("what lies in an arena lies in one that there is")
    }

    /// The memref of the arena with this index.
    pub(super) fn arena(&mut self, index: usize) -> Value<'c, 'a> {
        let Arena { name, size, alignment, value, .. } = &self.arenas[index];
        if let Some(arena) = *value {
            return arena;
        }
        let r#type = self.build.bytes(*size, self.space(index));
        // MLIR supports only powers of two, and elements need their own alignment.
        let alignment = alignment.checked_next_power_of_two().unwrap_or(1).max(16);
        let mut alloc = self.build.alloc(r#type, Some(alignment), self.function.location());
        if let Some(name) = name {
            alloc = alloc.add_attributes(&[(self.build.id(ARENA_OF), StringAttribute::new(self.build.0, name).into())]);
        }
        let arena = insert(self.first, alloc);
        self.arenas[index].value = Some(arena);
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
