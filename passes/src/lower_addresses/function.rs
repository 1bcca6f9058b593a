//! One function on its way from planned to lowered form.

use super::INFO;
use super::buffer::{Buffer, Root};
use super::build::{Builder, Shape, insert, place};
use super::options::{ArenaName, LowerOptions};
use super::symbols::Symbols;
use super::workshop::Workshop;
use crate::extract::key;
use crate::form::{body, operations};
use crate::role::{Role, may_have_effects, role};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{IntegerAttribute, TypeAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::{FunctionType, TypeLike};
use cosma_ir::melior::ir::{Attribute, BlockLike, BlockRef, OperationRef, Type, Value, ValueLike};
use cosma_ir::{
    Diagnostic, as_mut, erase, is_abstract, machine, name, offsets, set_type, size_in_bytes, transfer, uses,
};
use std::collections::{BTreeMap, HashMap};

/// One function on its way.
pub(super) struct Lowering<'s, 'c, 'a> {
    pub build: Builder<'c>,
    pub function: OperationRef<'c, 'a>,
    pub block: BlockRef<'c, 'a>,
    pub symbols: &'s mut Symbols<'c, 'a>,
    pub workshop: &'s mut Workshop<'c, 'a>,
    /// The first operation of the source: constants and the arena go before it.
    pub first: OperationRef<'c, 'a>,
    options: LowerOptions,
    scratchpad: u64,
    alignment: u64,
    arena: Option<Value<'c, 'a>>,
    offsets: BTreeMap<u64, Value<'c, 'a>>,
    /// What has become of each tensor. Only looked up, never iterated over.
    buffers: HashMap<usize, Buffer<'c, 'a>>,
    /// Buffers in host memory that the function allocated, in order.
    owned: Vec<Value<'c, 'a>>,
}

impl<'s, 'c, 'a> Lowering<'s, 'c, 'a> {
    pub(super) fn new(
        context: &'c Context,
        function: OperationRef<'c, 'a>,
        options: LowerOptions,
        symbols: &'s mut Symbols<'c, 'a>,
        workshop: &'s mut Workshop<'c, 'a>,
    ) -> Result<Self, Diagnostic<'c>> {
        let block = body(function).expect("declarations are left alone");
        let machine = machine(function);
        if machine.as_ref().is_some_and(|it| it.element_bytes.is_some()) {
            let message = format!(
                "{} takes tensors as they are, but this function was planned with element_bytes for other types",
                INFO.name
            );
            return Err(Diagnostic::at(function, message));
        }
        Ok(Lowering {
            build: Builder(context),
            function,
            block,
            symbols,
            workshop,
            first: block.first_operation().expect("a block has a terminator"),
            options,
            scratchpad: machine.as_ref().and_then(|it| it.scratchpad).unwrap_or(0),
            alignment: machine.and_then(|it| it.alignment).unwrap_or(crate::DEFAULT_ALIGNMENT.0),
            arena: None,
            offsets: BTreeMap::new(),
            buffers: HashMap::new(),
            owned: Vec::new(),
        })
    }

    /// Lowers the function, except for what is in the workshop afterwards.
    pub(super) fn function(mut self, is_planned: bool) -> Result<(), Diagnostic<'c>> {
        let source: Vec<OperationRef> = operations(self.block).collect();
        let (terminator, source) = source.split_last().expect("a block has a terminator");
        let mut arguments = Vec::new();
        for index in 0..self.block.argument_count() {
            let argument: Value = self.block.argument(index).expect("it is counted").into();
            if argument.r#type().is_tensor() {
                let memref = self.build.memref(argument.r#type(), None, self.function)?;
                self.keep(argument, Buffer::host(argument, memref, size(argument)));
                arguments.push((argument, memref));
            }
        }
        if is_planned && self.options.arena == ArenaName::Argument {
            let r#type = self.build.bytes(self.scratchpad, self.space());
            self.arena = Some(self.block.add_argument(r#type, self.function.location()));
        }
        for &operation in source {
            self.operation(operation)?;
        }
        self.finish(*terminator)?;
        // Readers come after what they read.
        for operation in source.iter().rev() {
            let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
            if touches_tensor(*operation) || !is_read && !may_have_effects(*operation) {
                erase(*operation);
            }
        }
        for (argument, memref) in arguments {
            set_type(argument, memref);
        }
        self.sign(*terminator);
        Ok(())
    }

    /// Gives each result a buffer of its own, and frees the others.
    fn finish(&mut self, terminator: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let mut given = Vec::new();
        for (index, value) in terminator.operands().enumerate().collect::<Vec<_>>() {
            if !value.r#type().is_tensor() {
                continue;
            }
            let Some(buffer) = self.buffer(value)? else {
                let message = format!("{} finds no bytes for result {index}", INFO.name);
                return Err(Diagnostic::at(terminator, message));
            };
            let is_whole = buffer.r#type == self.build.memref(value.r#type(), None, terminator)?;
            let root = match buffer.root {
                Root::Host(root) if is_whole && self.owned.contains(&root) && !given.contains(&root) => {
                    given.push(root);
                    buffer.value
                }
                // What is the caller's, or given already, cannot be given.
                _ => {
                    let result = self.host(value, terminator)?;
                    self.copy(&buffer, &result, value.r#type(), terminator);
                    given.push(result.value);
                    result.value
                }
            };
            as_mut(terminator).set_operand(index, root);
        }
        for memref in self.owned.iter().filter(|it| !given.contains(*it)) {
            self.build.free(*memref, terminator);
        }
        if let Some(arena) = self.arena.filter(|_| self.options.arena == ArenaName::Allocate) {
            self.build.free(arena, terminator);
        }
        Ok(())
    }

    /// Makes the function say what it takes and gives, and nothing of the plan.
    fn sign(&self, terminator: OperationRef<'c, 'a>) {
        let arguments: Vec<Type> = (0..self.block.argument_count())
            .map(|it| self.block.argument(it).expect("it is counted").r#type())
            .collect();
        let results: Vec<Type> = terminator.operands().map(|it| it.r#type()).collect();
        let r#type = TypeAttribute::new(FunctionType::new(self.build.0, &arguments, &results).into());
        let mut function = as_mut(self.function);
        function.set_attribute("function_type", r#type.into());
        for name in ["cosma.machine", "cosma.plan", "arg_attrs", "res_attrs"] {
            if self.function.has_attribute(name) {
                function.remove_attribute(name).expect("it is there");
            }
        }
    }

    fn operation(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        if let Some(way) = transfer(operation) {
            return self.transfer(operation, way);
        }
        // Whatever it looks like, the planner took it for an operator.
        let is_placed = offsets(operation).is_some();
        match role(operation, |_| false) {
            Role::Transfer => unreachable!("transfers were dealt with"),
            // When somebody asks for them.
            Role::Constant | Role::Preamble if !is_placed => Ok(()),
            Role::View if !is_placed => self.view(operation),
            _ => match name(operation).as_str() {
                _ if !touches_tensor(operation) => Ok(()),
                _ if is_abstract(operation) => self.kernel(operation),
                "tosa.concat" | "tensor.concat" => self.concatenation(operation),
                name if name.starts_with("linalg.") && self.is_structured(operation)? => self.structured(operation),
                "func.call" => {
                    let message = format!("{} does not lower calls of functions that take tensors", INFO.name);
                    Err(Diagnostic::at(operation, message))
                }
                _ => self.outline(operation),
            },
        }
    }

    /// The bytes that a tensor has become; none for what nobody computes, such as `tensor.empty`.
    pub(super) fn buffer(&mut self, tensor: Value<'c, 'a>) -> Result<Option<Buffer<'c, 'a>>, Diagnostic<'c>> {
        match self.buffers.get(&key(tensor)) {
            Some(buffer) => Ok(Some(*buffer)),
            None => self.constant(tensor),
        }
    }

    /// Notes what has become of a tensor.
    pub(super) fn keep(&mut self, tensor: Value<'c, 'a>, buffer: Buffer<'c, 'a>) {
        self.buffers.insert(key(tensor), buffer);
    }

    /// The same for what was computed, loaded or seen before; constants are none.
    pub(super) fn known(&self, tensor: Value<'c, 'a>) -> Option<Buffer<'c, 'a>> {
        self.buffers.get(&key(tensor)).copied()
    }

    /// Where the tensors that an operator writes go: views of the arena, or buffers in host memory for
    /// what is computed before the run.
    pub(super) fn results(
        &mut self,
        operation: OperationRef<'c, 'a>,
    ) -> Result<Vec<(Value<'c, 'a>, Buffer<'c, 'a>)>, Diagnostic<'c>> {
        let offsets = offsets(operation);
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

    /// A tensor in the arena.
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

    /// A buffer in host memory for a tensor, which whoever asks gives away or frees.
    pub(super) fn host(
        &self,
        tensor: Value<'c, 'a>,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let r#type = self.build.memref(tensor.r#type(), None, before)?;
        let value = insert(before, self.build.alloc(r#type, None, before.location()));
        Ok(Buffer::host(value, r#type, size(tensor)))
    }

    /// A buffer in host memory that the function gives away or frees where it ends.
    pub(super) fn owned(
        &mut self,
        tensor: Value<'c, 'a>,
        before: OperationRef<'c, 'a>,
    ) -> Result<Buffer<'c, 'a>, Diagnostic<'c>> {
        let buffer = self.host(tensor, before)?;
        self.owned.push(buffer.value);
        Ok(buffer)
    }

    /// Copies a tensor, which is no transfer.
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

    /// The memory space of the arena.
    pub(super) fn space(&self) -> Option<Attribute<'c>> {
        let space = self.options.memory_space?;
        Some(IntegerAttribute::new(self.build.i64(), space.into()).into())
    }

    fn arena(&mut self) -> Value<'c, 'a> {
        if let Some(arena) = self.arena {
            return arena;
        }
        let r#type = self.build.bytes(self.scratchpad, self.space());
        // MLIR knows no other alignments than powers of two, and elements want theirs in any case.
        let alignment = self.alignment.checked_next_power_of_two().unwrap_or(1).max(16);
        let alloc = self.build.alloc(r#type, Some(alignment), self.function.location());
        let arena = insert(self.first, alloc);
        self.arena = Some(arena);
        arena
    }

    fn offset(&mut self, offset: u64) -> Value<'c, 'a> {
        if let Some(&value) = self.offsets.get(&offset) {
            return value;
        }
        let value = insert(self.first, self.build.index(offset, self.function.location()));
        self.offsets.insert(offset, value);
        value
    }

    /// An abstract operator: a call of an external kernel.
    fn kernel(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let mut operands = Vec::new();
        let mut types = Vec::new();
        for operand in operation.operands() {
            let buffer = self.buffer(operand)?;
            operands.push(buffer.map_or(operand, |it| it.value));
            types.push(buffer.map_or(operand.r#type(), |it| it.r#type));
        }
        for (tensor, buffer) in self.results(operation)? {
            self.keep(tensor, buffer);
            operands.push(buffer.value);
            types.push(buffer.r#type);
        }
        let workspace = cosma_ir::workspace(operation);
        if workspace != 0 {
            let r#type = self.build.bytes(workspace, self.space());
            let offset = cosma_ir::workspace_offset(operation).unwrap_or(0);
            operands.push(self.arena_view(r#type, offset, operation));
            types.push(r#type);
        }
        let scalars: Vec<Value> = operation.results().map(Value::from).filter(|it| !it.r#type().is_tensor()).collect();
        let results: Vec<Type> = scalars.iter().map(|it| it.r#type()).collect();
        let r#type = FunctionType::new(self.build.0, &types, &results);
        let symbol = self.symbols.kernel(&cosma_ir::kind(operation), r#type, operation.location());
        let call = place(operation, self.build.call(&symbol, &operands, &results, operation.location()));
        for (scalar, result) in scalars.into_iter().zip(call.results()) {
            cosma_ir::replace_uses(scalar, result.into());
        }
        Ok(())
    }
}

/// The bytes of a tensor; the plan has seen them.
pub(super) fn size(tensor: Value) -> u64 {
    size_in_bytes(tensor.r#type()).unwrap_or(0)
}

/// Whether an operation, or what is in its regions, reads or writes a tensor.
fn touches_tensor(operation: OperationRef) -> bool {
    crate::role::reads(operation).iter().any(|it| it.value.r#type().is_tensor())
        || operation.results().any(|it| it.r#type().is_tensor())
}
