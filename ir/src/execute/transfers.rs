//! Makes the transfers of a lowered module count what they move.

use super::memory::{TRANSFER, TRANSFERS};
use super::{Element, ExecuteError};
use crate::edit::erase;
use crate::name;
use melior::Context;
use melior::ir::attribute::{FlatSymbolRefAttribute, IntegerAttribute, StringAttribute, TypeAttribute};
use melior::ir::operation::{OperationBuilder, OperationLike};
use melior::ir::r#type::{FunctionType, IntegerType, MemRefType, ShapedTypeLike, TypeLike};
use melior::ir::{
    AttributeLike, BlockLike, Identifier, Location, OperationRef, Region, RegionLike, Type, Value, ValueLike,
};
use mlir_sys::{MlirAttribute, mlirUnrankedMemRefTypeGet};
use std::collections::BTreeMap;

/// The attribute that says of a copy which transfer it is: `load`, `reload`, `spill` or `store`.
const MARK: &str = "cosma.transfer";

/// Replaces each `memref.copy` with the attribute `cosma.transfer` by a call that
/// [`Program`](super::Program) resolves, and which copies and counts; gives how many there were.
///
/// # Errors
/// Where a mark names no transfer, or is on what cannot be counted.
pub fn count_transfers<'c>(context: &'c Context, module: OperationRef<'c, '_>) -> Result<usize, ExecuteError> {
    let Some(body) = module.region(0).ok().and_then(|it| it.first_block()) else { return Ok(0) };
    let copies = marked(module);
    // The name of the function for each pair of types.
    let mut callees: BTreeMap<String, String> = BTreeMap::new();
    for &copy in &copies {
        let location = copy.location();
        let block = copy.block().expect("a copy is in a block");
        let place =
            |builder: OperationBuilder<'c>| block.insert_operation_before(copy, builder.build().expect(NOT_INFERRED));
        let (kind, element) = kind(copy)?;
        let mut values: Vec<Value> = Vec::new();
        for value in [kind, element] {
            let integer: Type = IntegerType::new(context, 64).into();
            let attribute = IntegerAttribute::new(integer, value as i64);
            let constant = OperationBuilder::new("arith.constant", location)
                .add_attributes(&[(Identifier::new(context, "value"), attribute.into())])
                .add_results(&[integer]);
            values.push(place(constant).result(0).expect("it has one").into());
        }
        for operand in copy.operands() {
            let r#type = unranked(operand.r#type()).ok_or_else(|| cannot_count(operand.r#type()))?;
            let cast = OperationBuilder::new("memref.cast", location).add_operands(&[operand]).add_results(&[r#type]);
            values.push(place(cast).result(0).expect("it has one").into());
        }
        let types: Vec<Type> = values.iter().map(|it| it.r#type()).collect();
        let r#type = FunctionType::new(context, &types, &[]);
        let next = format!("{TRANSFER}_{}", callees.len());
        let callee = callees.entry(r#type.to_string()).or_insert_with(|| {
            body.insert_operation(0, declaration(context, &next, r#type, location).build().expect(NOT_INFERRED));
            next
        });
        let call = OperationBuilder::new("func.call", location)
            .add_attributes(&[(Identifier::new(context, "callee"), FlatSymbolRefAttribute::new(context, callee).into())])
            .add_operands(&values);
        place(call);
        erase(copy);
    }
    Ok(copies.len())
}

const NOT_INFERRED: &str = "nothing is inferred that could fail";

/// All copies that are marked, in whatever region.
fn marked<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut pending = vec![module];
    let mut copies = Vec::new();
    while let Some(operation) = pending.pop() {
        if name(operation) == "memref.copy" && operation.has_attribute(MARK) {
            copies.push(operation);
        }
        for region in operation.regions() {
            let mut next = region.first_block();
            while let Some(block) = next {
                pending.extend(std::iter::successors(block.first_operation(), |it| it.next_in_block()));
                next = block.next_in_region();
            }
        }
    }
    copies
}

/// Which transfer a copy is, and the bytes of its elements.
fn kind(copy: OperationRef) -> Result<(usize, usize), ExecuteError> {
    let mark = copy.attribute(MARK).ok().and_then(|it| StringAttribute::try_from(it).ok());
    let mark = mark.map(|it| it.value().to_owned()).unwrap_or_default();
    let kind = TRANSFERS.iter().position(|it| it.name().strip_prefix("cosma.") == Some(&mark));
    let kind = kind.ok_or_else(|| ExecuteError::Compile(format!("'{mark}' is no transfer")))?;
    let r#type = copy.operand(0).expect("a copy has a source").r#type();
    let memref = MemRefType::try_from(r#type).map_err(|_| cannot_count(r#type))?;
    let element = Element::parse(&memref.element().to_string()).ok_or_else(|| cannot_count(r#type))?;
    Ok((kind, element.size()))
}

fn cannot_count(r#type: Type) -> ExecuteError {
    ExecuteError::Compile(format!("what a transfer of {} moves cannot be counted", r#type))
}

/// The memref type of any rank with the same elements in the same memory.
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
