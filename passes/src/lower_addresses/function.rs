//! Lowering of one function.

use super::INFO;
use super::arena::{Arena, arenas, size};
use super::buffer::{Buffer, Root};
use super::build::{Builder, place};
use super::move_bytes::Flights;
use super::options::{ArenaName, LowerOptions};
use super::symbols::Symbols;
use super::unwrap::{Offsets, unwrap};
use super::workshop::Workshop;
use crate::extract::key;
use crate::form::{body, operations};
use crate::role::{Role, may_have_effects, role};
use crate::variable::access;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::TypeAttribute;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::{FunctionType, TypeLike};
use cosma_ir::melior::ir::{BlockLike, BlockRef, OperationRef, Type, Value, ValueLike};
use cosma_ir::{
    Diagnostic, OnChip, as_mut, erase, is_abstract, is_kept, is_wait, machine, name, set_arenas, set_fixed_offsets,
    set_type, transfer, uses,
};
use cosma_planner::MemoryId;
use std::collections::{BTreeMap, HashMap};

/// The lowering of one function.
pub(super) struct Lowering<'s, 'c, 'a> {
    pub build: Builder<'c>,
    pub function: OperationRef<'c, 'a>,
    pub block: BlockRef<'c, 'a>,
    pub symbols: &'s mut Symbols<'c, 'a>,
    pub workshop: &'s mut Workshop<'c, 'a>,
    /// The first operation of the source: constants and the arena go before it.
    pub first: OperationRef<'c, 'a>,
    pub options: LowerOptions,
    /// What lies in the scratchpad's arena when the function begins, and when it ends.
    pub on_chip: OnChip,
    /// The scratchpad's first.
    pub arenas: Vec<Arena<'c, 'a>>,
    /// Constants for offsets, by number of bytes.
    pub offsets: BTreeMap<u64, Value<'c, 'a>>,
    /// The offsets of results.
    pub results_at: Offsets,
    /// The buffer of each tensor. Only looked up, never iterated over.
    buffers: HashMap<usize, Buffer<'c, 'a>>,
    /// The buffers of constants that are read as bytes. Only looked up, never iterated over.
    pub constants: HashMap<usize, Buffer<'c, 'a>>,
    /// Buffers in host memory that the function allocated, in order.
    pub owned: Vec<Value<'c, 'a>>,
    /// The memrefs of variables that the function reads or writes, by name.
    pub variables: BTreeMap<String, Value<'c, 'a>>,
    /// Transfers that may be waited for, of which each has a tag of its own.
    pub flights: Flights<'c, 'a>,
    /// Whether something runs only once.
    pub has_prologue: bool,
    /// The variables to write before the function returns, with their values.
    pub writes: Vec<(String, Value<'c, 'a>)>,
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
                "{} does not support element_bytes, with which this function was planned for other element types",
                INFO.name
            );
            return Err(Diagnostic::at(function, message));
        }
        let results_at = unwrap(block);
        // What has to lie where was judged.
        operations(block).for_each(|it| set_fixed_offsets(it, &[]));
        Ok(Lowering {
            build: Builder(context),
            function,
            block,
            symbols,
            workshop,
            first: block.first_operation().expect("a block has a terminator"),
            options,
            on_chip: OnChip::of(function),
            arenas: arenas(machine.as_ref()),
            offsets: BTreeMap::new(),
            results_at,
            buffers: HashMap::new(),
            constants: HashMap::new(),
            owned: Vec::new(),
            variables: BTreeMap::new(),
            flights: Flights::default(),
            has_prologue: false,
            writes: Vec::new(),
        })
    }

    /// Lowers the function, except for the operators that are left to the workshop.
    pub(super) fn function(mut self, is_planned: bool) -> Result<(), Diagnostic<'c>> {
        let source: Vec<OperationRef> = operations(self.block).collect();
        let (terminator, source) = source.split_last().expect("a block has a terminator");
        self.expect_shared_arena()?;
        let mut arguments = Vec::new();
        for index in 0..self.block.argument_count() {
            let argument: Value = self.block.argument(index).expect("it is counted").into();
            if argument.r#type().is_tensor() && !self.starts_on_chip(index) {
                let memref = self.build.memref(argument.r#type(), None, self.function)?;
                self.keep(argument, Buffer::host(argument, memref, size(argument)));
                arguments.push((argument, memref));
            }
        }
        if is_planned && self.options.arena == ArenaName::Argument {
            for index in 0..self.arenas.len() {
                let r#type = self.build.bytes(self.arenas[index].size, self.space(index));
                self.arenas[index].value = Some(self.block.add_argument(r#type, self.function.location()));
            }
        }
        self.place_arguments()?;
        let mut last = None;
        for &operation in source {
            self.operation(operation)?;
            if is_kept(operation) {
                self.mark_kept(last, operation)?;
            }
            last = Some(operation);
        }
        self.finish(*terminator)?;
        self.finish_tags(*terminator);
        let terminator = self.return_others(*terminator);
        // In reverse, so that readers are erased before their operands.
        for operation in source.iter().rev() {
            let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
            let moves = transfer(*operation).is_some() || is_wait(*operation);
            if moves || touches_tensor(*operation) || !is_read && !may_have_effects(*operation) {
                erase(*operation);
            }
        }
        for (argument, memref) in arguments {
            set_type(argument, memref);
        }
        self.erase_arguments();
        self.sign(terminator);
        self.split_prologue()
    }

    /// Returns a separate buffer for each result, and frees the others.
    fn finish(&mut self, terminator: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let mut given = Vec::new();
        for (index, value) in terminator.operands().enumerate().collect::<Vec<_>>() {
            if !value.r#type().is_tensor() || self.ends_on_chip(index) {
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
                // The buffer belongs to the caller, or is returned already: copy it.
                _ => {
                    let result = self.host(value, terminator)?;
                    self.copy(&buffer, &result, value.r#type(), terminator);
                    given.push(result.value);
                    result.value
                }
            };
            as_mut(terminator).set_operand(index, root);
        }
        self.write_variables(terminator)?;
        for memref in self.owned.iter().filter(|it| !given.contains(*it)) {
            self.build.free(*memref, terminator);
        }
        if self.options.arena == ArenaName::Allocate {
            self.arenas.iter().filter_map(|it| it.value).for_each(|it| self.build.free(it, terminator));
        }
        Ok(())
    }

    /// Updates the function's type, and removes the attributes of the plan.
    fn sign(&self, terminator: OperationRef<'c, 'a>) {
        let arguments: Vec<Type> = (0..self.block.argument_count())
            .filter(|it| !self.starts_on_chip(*it))
            .map(|it| self.block.argument(it).expect("it is counted").r#type())
            .collect();
        let results: Vec<Type> = terminator.operands().map(|it| it.r#type()).collect();
        let r#type = TypeAttribute::new(FunctionType::new(self.build.0, &arguments, &results).into());
        let mut function = as_mut(self.function);
        function.set_attribute("function_type", r#type.into());
        for name in ["cosma.machine", "cosma.plan", "cosma.tiling", "arg_attrs", "res_attrs"] {
            if self.function.has_attribute(name) {
                function.remove_attribute(name).expect("it is there");
            }
        }
        if !self.on_chip.is_empty() {
            self.on_chip.write(self.function);
        }
        let names: Vec<&str> = self.arenas.iter().filter_map(|it| it.name.as_deref()).collect();
        if self.options.arena == ArenaName::Argument && self.arenas.iter().any(|it| it.value.is_some()) {
            set_arenas(self.function, &names);
        }
    }

    fn operation(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        if let Some(way) = transfer(operation) {
            return self.transfer(operation, way);
        }
        if is_wait(operation) {
            self.wait(operation);
            return Ok(());
        }
        if let Some(access) = access(operation) {
            return self.variable(operation, access);
        }
        // With an offset it is an operator, whatever its role.
        let is_placed = self.results_at.of(operation).is_some();
        match role(operation, |_| false) {
            Role::Transfer => unreachable!("transfers were dealt with"),
            // Created on demand.
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

    /// The buffer of a tensor; `None` for one that is not computed, such as `tensor.empty`.
    pub(super) fn buffer(&mut self, tensor: Value<'c, 'a>) -> Result<Option<Buffer<'c, 'a>>, Diagnostic<'c>> {
        match self.known(tensor).or_else(|| self.constants.get(&key(tensor)).copied()) {
            Some(buffer) => Ok(Some(buffer)),
            None => self.constant(tensor),
        }
    }

    /// Records the buffer of a tensor.
    pub(super) fn keep(&mut self, tensor: Value<'c, 'a>, buffer: Buffer<'c, 'a>) {
        self.buffers.insert(key(tensor), buffer);
    }

    /// The recorded buffer of a tensor; `None` for constants.
    pub(super) fn known(&self, tensor: Value<'c, 'a>) -> Option<Buffer<'c, 'a>> {
        self.buffers.get(&key(tensor)).copied()
    }

    /// Lowers an abstract operator to a call of an external kernel.
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
            let scratchpad = self.arena_of(MemoryId::SCRATCHPAD);
            let r#type = self.build.bytes(workspace, self.space(scratchpad));
            let offset = cosma_ir::workspace_offset(operation).unwrap_or(0);
            operands.push(self.arena_view(scratchpad, r#type, offset, operation));
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

/// Whether an operation, or one in its regions, reads or writes a tensor.
pub(super) fn touches_tensor(operation: OperationRef) -> bool {
    crate::role::reads(operation).iter().any(|it| it.value.r#type().is_tensor())
        || operation.results().any(|it| it.r#type().is_tensor())
}
