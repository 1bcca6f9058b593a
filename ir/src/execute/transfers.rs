//! Makes the transfers of a lowered module count the bytes that they move.

use super::memory::{BEGINNING, PASSING, TRANSFER, TRANSFERS};
use super::{Element, ExecuteError};
use crate::edit::{edit, erase};
use crate::{marked_transfer, name};
use melior::Context;
use melior::ir::attribute::{FlatSymbolRefAttribute, IntegerAttribute, StringAttribute, TypeAttribute};
use melior::ir::operation::{OperationBuilder, OperationLike};
use melior::ir::r#type::{FunctionType, IntegerType, MemRefType, ShapedTypeLike, TypeLike};
use melior::ir::{
    AttributeLike, BlockLike, Identifier, Location, Module, OperationRef, Region, RegionLike, Type, Value, ValueLike,
};
use mlir_sys::{MlirAttribute, mlirUnrankedMemRefTypeGet};
use std::collections::BTreeMap;

/// Replaces each `memref.copy` that is marked as a transfer by a call that copies and counts, and each call that
/// begins a transfer by a call with its kind. Inserts a counting call after each view that is marked as streamed.
/// [`Program`](super::Program) resolves these calls. Returns the number of transfers.
///
/// # Errors
/// If a marked operation cannot be counted.
pub fn count_transfers<'c>(context: &'c Context, module: &mut Module<'c>) -> Result<usize, ExecuteError> {
    edit(module, |module| count(context, module))
}

fn count<'c>(context: &'c Context, module: OperationRef<'c, '_>) -> Result<usize, ExecuteError> {
    let Some(body) = module.region(0).ok().and_then(|it| it.first_block()) else { return Ok(0) };
    let transfers = marked(module);
    // By type: the name of the function.
    let mut callees: BTreeMap<String, String> = BTreeMap::new();
    for &operation in &transfers {
        let location = operation.location();
        let block = operation.block().expect("it is in a block");
        let is_copy = name(operation) == "memref.copy";
        let is_call = name(operation) == "func.call";
        let moved: Vec<Value> = if is_copy || is_call {
            operation.operands().collect()
        } else {
            operation.results().map(Value::from).collect()
        };
        let mut last = operation;
        let mut place = |builder: OperationBuilder<'c>| {
            last = block.insert_operation_after(last, builder.build().expect(NOT_INFERRED));
            last
        };
        let (kind, element) = if is_call { (number(operation), None) } else { kind(operation, &moved)? };
        let mut values: Vec<Value> = Vec::new();
        for value in [Some(kind), element].into_iter().flatten() {
            let integer: Type = IntegerType::new(context, 64).into();
            let attribute = IntegerAttribute::new(integer, value as i64);
            let constant = OperationBuilder::new("arith.constant", location)
                .add_attributes(&[(Identifier::new(context, "value"), attribute.into())])
                .add_results(&[integer]);
            values.push(place(constant).result(0).expect("it has one").into());
        }
        let (passed, cast) = if is_call { (moved, Vec::new()) } else { (Vec::new(), moved) };
        values.extend(passed);
        for value in cast {
            let r#type = unranked(value.r#type()).ok_or_else(|| cannot_count(value.r#type()))?;
            let cast = OperationBuilder::new("memref.cast", location).add_operands(&[value]).add_results(&[r#type]);
            values.push(place(cast).result(0).expect("it has one").into());
        }
        let types: Vec<Type> = values.iter().map(|it| it.r#type()).collect();
        let r#type = FunctionType::new(context, &types, &[]);
        let prefix = match (is_copy, is_call) {
            (true, _) => TRANSFER,
            (_, true) => BEGINNING,
            _ => PASSING,
        };
        let next = format!("{prefix}_{}", callees.len());
        let callee = callees.entry(r#type.to_string()).or_insert_with(|| {
            body.insert_operation(0, declaration(context, &next, r#type, location).build().expect(NOT_INFERRED));
            next
        });
        let call = OperationBuilder::new("func.call", location)
            .add_attributes(&[(
                Identifier::new(context, "callee"),
                FlatSymbolRefAttribute::new(context, callee).into(),
            )])
            .add_operands(&values);
        place(call);
        if is_copy || is_call {
            erase(operation);
        }
    }
    Ok(transfers.len())
}

const NOT_INFERRED: &str = "nothing is inferred that could fail";

/// All marked operations in all regions.
fn marked<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut pending = vec![module];
    let mut found = Vec::new();
    while let Some(operation) = pending.pop() {
        if marked_transfer(operation).is_some() {
            found.push(operation);
        }
        for region in operation.regions() {
            let mut next = region.first_block();
            while let Some(block) = next {
                pending.extend(std::iter::successors(block.first_operation(), |it| it.next_in_block()));
                next = block.next_in_region();
            }
        }
    }
    found
}

/// The number of an operation's transfer, and the size of its elements in bytes.
fn kind(operation: OperationRef, moved: &[Value]) -> Result<(usize, Option<usize>), ExecuteError> {
    let kind = number(operation);
    let Some(first) = moved.first() else {
        return Err(ExecuteError::Compile(format!("{} is marked as a transfer, and moves nothing", name(operation))));
    };
    let memref = MemRefType::try_from(first.r#type()).map_err(|_| cannot_count(first.r#type()))?;
    let element = Element::parse(&memref.element().to_string()).ok_or_else(|| cannot_count(first.r#type()))?;
    Ok((kind, Some(element.size())))
}

/// The number of an operation's transfer.
fn number(operation: OperationRef) -> usize {
    let transfer = marked_transfer(operation);
    TRANSFERS.iter().position(|it| Some(*it) == transfer).expect("it is marked")
}

fn cannot_count(r#type: Type) -> ExecuteError {
    ExecuteError::Compile(format!("the bytes of a transfer of {} cannot be counted", r#type))
}

/// The unranked memref type with the same elements and memory space.
fn unranked<'c>(r#type: Type<'c>) -> Option<Type<'c>> {
    let memref = MemRefType::try_from(r#type).ok()?;
    let space = memref.memory_space().map_or(MlirAttribute { ptr: std::ptr::null_mut() }, |it| it.to_raw());
    // SAFETY: the element's type is alive, and so is the attribute; none is a null one.
    Some(unsafe { Type::from_raw(mlirUnrankedMemRefTypeGet(memref.element().to_raw(), space)) })
}

fn declaration<'c>(
    context: &'c Context,
    name: &str,
    r#type: FunctionType<'c>,
    location: Location<'c>,
) -> OperationBuilder<'c> {
    OperationBuilder::new("func.func", location)
        .add_attributes(&[
            (Identifier::new(context, "sym_name"), StringAttribute::new(context, name).into()),
            (Identifier::new(context, "function_type"), TypeAttribute::new(r#type.into()).into()),
            (Identifier::new(context, "sym_visibility"), StringAttribute::new(context, "private").into()),
        ])
        .add_regions([Region::new()])
}
