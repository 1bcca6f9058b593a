//! Outlines operators that MLIR's bufferization lowers: groups, TOSA, and all other operations on tensors.
//!
//! An operator becomes a function in the workshop with memref arguments: each operand is converted from one
//! (`bufferization.to_tensor`), the operations follow unchanged, and each result is written to one
//! (`bufferization.materialize_in_destination`). Bufferization assumes that these memrefs do not overlap. So a result
//! that overlaps an operand goes to a private buffer and is copied at the end, except for a single elementwise
//! operation.

use super::INFO;
use super::buffer::{Buffer, Root};
use super::build::place;
use super::function::Lowering;
use super::parts::is_cut_in_place;
use crate::class::{is_elementwise, n_elements};
use crate::extract::key;
use crate::form::{defining, operations};
use crate::role::{Role, may_have_effects, reads, role};
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{
    Attribute, BlockLike, BlockRef, Operation, OperationRef, RegionLike, Type, Value, ValueLike,
};
use cosma_ir::{Diagnostic, as_mut, erase, is_abstract, is_group, name, operand_at, replace_uses, transfer};
use std::collections::HashMap;

/// The body of a function in the workshop.
struct Room<'c, 'a> {
    block: BlockRef<'c, 'a>,
    /// Its terminator, before which operations are inserted.
    end: OperationRef<'c, 'a>,
    /// The values outside that are passed as the block's arguments.
    operands: Vec<Value<'c, 'a>>,
    /// The values inside that stand for values outside. Only looked up, never iterated over.
    locals: HashMap<usize, Value<'c, 'a>>,
}

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    pub(super) fn outline(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let results = self.results(operation)?;
        if let [(tensor, to)] = results[..] {
            let from = operand_at(operation, 0).and_then(|it| self.known(it));
            if from.and_then(|it| is_cut_in_place(operation, &it, &to)) == Some(true) {
                self.keep(tensor, to);
                return Ok(());
            }
        }
        let (function, block) = self.workshop.open(operation.location());
        let end = block.terminator().expect("it has one");
        let mut room = Room { block, end, operands: Vec::new(), locals: HashMap::new() };
        let values = if is_group(operation) {
            self.move_group(operation, &mut room)?
        } else {
            let copy = self.copy_in(operation, &mut room)?;
            copy.results().map(Value::from).collect()
        };
        let mut private = Vec::new();
        let mut destinations = results.iter();
        let mut scalars = Vec::new();
        for (result, value) in operation.results().map(Value::from).zip(values) {
            if !result.r#type().is_tensor() {
                scalars.push((result, value));
                continue;
            }
            let (_, buffer) = *destinations.next().expect("one for each tensor");
            let mut to = buffer;
            let is_in_the_way = |it: Value<'c, 'a>| {
                let Some(from) = self.known(it).filter(|it| it.overlaps(&buffer)) else { return false };
                let is_plain = !is_group(operation) && is_elementwise(operation) && it.r#type() == result.r#type();
                !(is_plain && from.is_at(&buffer))
            };
            if reads(operation).iter().any(|it| is_in_the_way(it.value)) {
                to = self.host(result, operation)?;
                private.push((to, buffer, result.r#type()));
            }
            let memref = room.argument(to.value, self.without_space(&to, result.r#type(), operation)?);
            let unit = Attribute::unit(self.build.0);
            let materialize = OperationBuilder::new("bufferization.materialize_in_destination", operation.location())
                .add_operands(&[value, memref])
                .add_attributes(&[(self.build.id("restrict"), unit), (self.build.id("writable"), unit)]);
            place(room.end, materialize);
        }
        let inner: Vec<Value> = scalars.iter().map(|it| it.1).collect();
        let given = self.workshop.close(function, &room.operands, &inner, operation);
        for ((scalar, _), value) in scalars.into_iter().zip(given) {
            replace_uses(scalar, value);
        }
        self.deliver(private, operation);
        for (tensor, buffer) in results {
            self.keep(tensor, buffer);
        }
        Ok(())
    }

    /// Moves the operations of a group into a body, and returns the yielded values.
    fn move_group(
        &mut self,
        group: OperationRef<'c, 'a>,
        room: &mut Room<'c, 'a>,
    ) -> Result<Vec<Value<'c, 'a>>, Diagnostic<'c>> {
        let block = group.region(0).ok().and_then(|it| it.first_block()).expect("the verifier has seen it");
        let members: Vec<OperationRef> = operations(block).collect();
        if let Some(member) = members.iter().find(|it| is_abstract(**it) || is_group(**it)) {
            let message =
                format!("{} supports operations of TOSA, linalg and tensor, not {}", INFO.name, name(*member));
            return Err(Diagnostic::at(*member, message));
        }
        let mut locals = Vec::new();
        for (index, operand) in group.operands().enumerate().collect::<Vec<_>>() {
            let argument: Value = block.argument(index).expect("the verifier has seen it").into();
            locals.push((argument, self.local(operand, room)?));
        }
        // Nothing may fail from here on: operations of the two modules must not refer to each other.
        for (argument, local) in locals {
            replace_uses(argument, local);
        }
        let (end, members) = members.split_last().expect("it ends with a yield");
        for member in members {
            as_mut(*member).move_before(room.end);
            forget(*member);
        }
        let yielded = end.operands().collect();
        erase(*end);
        Ok(yielded)
    }

    /// Copies an operation into a body.
    fn copy_in(
        &mut self,
        operation: OperationRef<'c, 'a>,
        room: &mut Room<'c, 'a>,
    ) -> Result<OperationRef<'c, 'a>, Diagnostic<'c>> {
        let mut locals = Vec::new();
        for it in reads(operation) {
            locals.push(if self.is_here(it.value) { Some(self.local(it.value, room)?) } else { None });
        }
        let copy = room.block.insert_operation_before(room.end, Operation::clone(&operation));
        forget(copy);
        // The copy has its operands in the same order.
        for (it, local) in reads(copy).into_iter().zip(locals) {
            if let Some(local) = local {
                as_mut(it.operation).set_operand(it.operand, local);
            }
        }
        Ok(copy)
    }

    /// The value in a body that stands for a value of the function.
    fn local(&mut self, value: Value<'c, 'a>, room: &mut Room<'c, 'a>) -> Result<Value<'c, 'a>, Diagnostic<'c>> {
        if let Some(local) = room.locals.get(&key(value)) {
            return Ok(*local);
        }
        let local = match defining(value).filter(|it| self.is_copied(*it, value)) {
            Some(operation) => {
                let copy = self.copy_in(operation, room)?;
                let mut results = operation.results().zip(copy.results());
                let found = results.find(|it| Value::from(it.0) == value).expect("it is defined there");
                found.1.into()
            }
            None if !value.r#type().is_tensor() => room.argument(value, value.r#type()),
            None => {
                let Some(buffer) = self.buffer(value)? else {
                    let message = format!("{} finds no bytes for {}", INFO.name, value.r#type());
                    return Err(Diagnostic::new(room.end.location(), message));
                };
                let memref = room.argument(buffer.value, self.without_space(&buffer, value.r#type(), room.end)?);
                let tensor = OperationBuilder::new("bufferization.to_tensor", room.end.location())
                    .add_operands(&[memref])
                    .add_attributes(&[(self.build.id("restrict"), Attribute::unit(self.build.0))])
                    .add_results(&[value.r#type()]);
                place(room.end, tensor).result(0).expect("it has one").into()
            }
        };
        room.locals.insert(key(value), local);
        Ok(local)
    }

    /// The type of a buffer without its memory space.
    fn without_space(
        &self,
        buffer: &Buffer<'c, 'a>,
        tensor: Type<'c>,
        at: OperationRef<'c, 'a>,
    ) -> Result<Type<'c>, Diagnostic<'c>> {
        match buffer.root {
            Root::Arena(_) => self.build.memref(tensor, None, at),
            Root::Host(_) => Ok(buffer.r#type),
        }
    }

    /// Whether an operation is copied into each body: constants, shapes, parameters, and operations that compute
    /// nothing, such as `tensor.empty`.
    fn is_copied(&self, operation: OperationRef<'c, 'a>, value: Value<'c, 'a>) -> bool {
        if may_have_effects(operation) || transfer(operation).is_some() || self.known(value).is_some() {
            return false;
        }
        let r#type = value.r#type();
        match role(operation, |_| false) {
            Role::Constant => n_elements(value) == Some(1),
            Role::Preamble if r#type.is_tensor() => true,
            // Only scalars can be arguments.
            Role::Preamble => operation.operand_count() == 0 || !is_scalar(r#type),
            Role::View => true,
            Role::Transfer | Role::Operator => false,
        }
    }

    /// Whether a value is defined in the function's block, not in a region of it.
    fn is_here(&self, value: Value<'c, 'a>) -> bool {
        match defining(value) {
            Some(it) => it.block() == Some(self.block),
            None => BlockArgument::try_from(value).is_ok_and(|it| it.owner() == self.block),
        }
    }
}

impl<'c, 'a> Room<'c, 'a> {
    /// Adds an argument for a value outside.
    fn argument(&mut self, value: Value<'c, 'a>, r#type: Type<'c>) -> Value<'c, 'a> {
        self.operands.push(value);
        self.block.add_argument(r#type, self.end.location())
    }
}

/// Removes the attributes of the plan from an operation.
fn forget(operation: OperationRef) {
    let names: Vec<String> =
        operation.attributes().map(|it| it.0.as_string_ref().as_str().unwrap_or_default().to_owned()).collect();
    for name in names.iter().filter(|it| it.starts_with("cosma.")) {
        as_mut(operation).remove_attribute(name).expect("it is there");
    }
}

fn is_scalar(r#type: Type) -> bool {
    r#type.is_integer() || r#type.is_float() || r#type.is_index()
}
