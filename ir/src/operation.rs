//! The attributes of operators, declared by front ends or written by planning.
//!
//! A fact has one name and two spellings: on `cosma.op` and `cosma.group` it is an attribute of their own, `offsets`;
//! on an operation of another dialect it is `cosma.offsets`. The functions here treat both alike. On a load, a
//! reload or a `cosma.place`, [`offsets`] is its single `offset`.
//!
//! An invalid value reads as absent: the verifier has refused it before.

use crate::edit::as_mut;
use crate::fact::{
    InPlace, Maker, read_array, read_integer, read_integers, read_overlays, read_residencies, read_string,
};
use crate::ffi::string;
use crate::place::{MEMORIES, is_place};
use crate::{Residency, transfer};
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{Attribute, OperationRef, Value, ValueLike};
use mlir_sys::{mlirIdentifierStr, mlirOperationGetContext, mlirOperationGetName};

pub(crate) const OPERATOR: &str = "cosma.op";
pub(crate) const GROUP: &str = "cosma.group";
pub(crate) const YIELD: &str = "cosma.yield";
pub(crate) const MACS: &str = "macs";
pub(crate) const CYCLES: &str = "cycles";
pub(crate) const WORKSPACE: &str = "workspace";
pub(crate) const IN_PLACE: &str = "in_place";
pub(crate) const OFFSETS: &str = "offsets";
pub(crate) const WORKSPACE_OFFSET: &str = "workspace_offset";
pub(crate) const RESIDENCIES: &str = "residencies";

/// The full name of an operation, `tosa.conv2d`.
pub fn name(operation: OperationRef) -> String {
    // SAFETY: the operation is alive, and the text lives in its context.
    unsafe { string(mlirIdentifierStr(mlirOperationGetName(operation.to_raw()))) }
}

/// A key that identifies a value as long as nothing is erased. Only for lookups, never iterated over.
pub fn key(value: Value) -> usize {
    value.to_raw().ptr.addr()
}

/// The operand at an index, if it exists. melior's accessor is slow if it does not: its error prints the operation,
/// for which MLIR verifies the enclosing operations.
pub fn operand_at<'c, 'a>(operation: OperationRef<'c, 'a>, index: usize) -> Option<Value<'c, 'a>> {
    (index < operation.operand_count()).then(|| operation.operand(index).expect("it is counted"))
}

/// The result at an index, if it exists; see [`operand_at`].
pub fn result_at<'c, 'a>(operation: OperationRef<'c, 'a>, index: usize) -> Option<Value<'c, 'a>> {
    (index < operation.result_count()).then(|| operation.result(index).expect("it is counted").into())
}

/// Whether it is a `cosma.op`.
pub fn is_abstract(operation: OperationRef) -> bool {
    name(operation) == OPERATOR
}

/// Whether it is a `cosma.group`.
pub fn is_group(operation: OperationRef) -> bool {
    name(operation) == GROUP
}

/// The kind of an operator: the attribute `kind` of a `cosma.op` or `cosma.group`, the name of any other operation.
pub fn kind(operation: OperationRef) -> String {
    let name = name(operation);
    let kind =
        if name == OPERATOR || name == GROUP { operation.attribute("kind").ok().and_then(read_string) } else { None };
    kind.unwrap_or(name)
}

/// The number of multiply-accumulates of an operator, if declared.
pub fn macs(operation: OperationRef) -> Option<u64> {
    natural(fact(operation, MACS)?)
}

/// The cycles for which an operator computes, if declared.
pub fn cycles(operation: OperationRef) -> Option<u64> {
    natural(fact(operation, CYCLES)?)
}

/// The size of an operator's workspace in bytes; 0 if not declared.
pub fn workspace(operation: OperationRef) -> u64 {
    fact(operation, WORKSPACE).and_then(natural).unwrap_or(0)
}

/// The declared pairs of result and operand that may share bytes; `None` if the operation declares nothing.
pub fn in_place(operation: OperationRef) -> Option<Vec<InPlace>> {
    fact(operation, IN_PLACE).and_then(read_overlays)
}

/// Declares the pairs of result and operand that may share bytes.
pub fn set_in_place(operation: OperationRef, overlays: &[InPlace]) {
    set(operation, IN_PLACE, maker(operation).overlays(overlays));
}

/// The offset of the workspace.
pub fn workspace_offset(operation: OperationRef) -> Option<u64> {
    natural(fact(operation, WORKSPACE_OFFSET)?)
}

/// The offsets of the results.
pub fn offsets(operation: OperationRef) -> Option<Vec<u64>> {
    if transfer::transfer(operation).is_some() || is_place(operation) {
        return Some(vec![natural(operation.attribute(transfer::OFFSET).ok()?)?]);
    }
    read_integers(fact(operation, OFFSETS)?)?.into_iter().map(|it| u64::try_from(it).ok()).collect()
}

/// The residencies of each result in allocated form.
pub fn residencies(operation: OperationRef) -> Option<Vec<Vec<Residency>>> {
    read_array(fact(operation, RESIDENCIES)?)?.into_iter().map(read_residencies).collect()
}

/// Sets the offsets of the results, one for each.
pub fn set_offsets(operation: OperationRef, offsets: &[u64]) {
    set(operation, OFFSETS, maker(operation).integers(offsets));
}

/// Declares the number of multiply-accumulates of an operator.
pub fn set_macs(operation: OperationRef, macs: u64) {
    set(operation, MACS, maker(operation).integer(macs));
}

/// Declares for how many cycles an operator computes.
pub fn set_cycles(operation: OperationRef, cycles: u64) {
    set(operation, CYCLES, maker(operation).integer(cycles));
}

/// Declares the size of an operator's workspace in bytes.
pub fn set_workspace(operation: OperationRef, bytes: u64) {
    set(operation, WORKSPACE, maker(operation).integer(bytes));
}

/// Sets the offset of the workspace.
pub fn set_workspace_offset(operation: OperationRef, offset: u64) {
    set(operation, WORKSPACE_OFFSET, maker(operation).integer(offset));
}

/// Sets the residencies of the results, one list for each.
pub fn set_residencies(operation: OperationRef, residencies: &[Vec<Residency>]) {
    let maker = maker(operation);
    set(operation, RESIDENCIES, maker.array(residencies.iter().map(|it| maker.residencies(it))));
}

/// Removes the offsets of the results.
pub fn clear_offsets(operation: OperationRef) {
    clear(operation, OFFSETS);
}

/// Removes the offset of the workspace.
pub fn clear_workspace_offset(operation: OperationRef) {
    clear(operation, WORKSPACE_OFFSET);
}

/// Removes the residencies of the results.
pub fn clear_residencies(operation: OperationRef) {
    clear(operation, RESIDENCIES);
}

/// Removes all attributes of an operator, both declared and written by planning.
pub fn clear_operator_facts(operation: OperationRef) {
    let all = [MACS, WORKSPACE, IN_PLACE, OFFSETS, MEMORIES, WORKSPACE_OFFSET, RESIDENCIES];
    all.into_iter().for_each(|it| clear(operation, it));
}

pub(crate) fn maker(operation: OperationRef) -> Maker {
    // SAFETY: the operation is alive.
    Maker::new(unsafe { mlirOperationGetContext(operation.to_raw()) })
}

/// The spelling of a fact on an operation.
pub(crate) fn spelling(operation: OperationRef, fact: &str) -> String {
    if is_abstract(operation) || is_group(operation) { fact.to_owned() } else { format!("cosma.{fact}") }
}

pub(crate) fn fact<'c>(operation: OperationRef<'c, '_>, fact: &str) -> Option<Attribute<'c>> {
    operation.attribute(&spelling(operation, fact)).ok()
}

fn set<'c>(operation: OperationRef<'c, '_>, fact: &str, value: Attribute<'c>) {
    as_mut(operation).set_attribute(&spelling(operation, fact), value);
}

fn clear(operation: OperationRef, fact: &str) {
    // Absent already is as good.
    let _ = as_mut(operation).remove_attribute(&spelling(operation, fact));
}

fn natural(attribute: Attribute) -> Option<u64> {
    u64::try_from(read_integer(attribute)?).ok()
}
