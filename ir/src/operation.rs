//! What an operation says about itself as an operator, and what planning writes to it.
//!
//! A fact has one name, and two spellings: `cosma.op` and `cosma.group` have it as an attribute of their own, `offsets`;
//! an operation of another dialect as `cosma.offsets`. The functions here treat both alike. On a
//! load or reload, [`offsets`] is its one `offset`.
//!
//! A value that does not make sense reads as absent: the verifier has refused it before.

use crate::edit::as_mut;
use crate::fact::{
    InPlace, Maker, read_array, read_integer, read_integers, read_overlays, read_residencies, read_string,
};
use crate::ffi::string;
use crate::{Residency, transfer};
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{Attribute, OperationRef, Value};
use mlir_sys::{mlirIdentifierStr, mlirOperationGetContext, mlirOperationGetName};

pub(crate) const OPERATOR: &str = "cosma.op";
pub(crate) const GROUP: &str = "cosma.group";
pub(crate) const YIELD: &str = "cosma.yield";
pub(crate) const MACS: &str = "macs";
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

/// An operand, if there are so many. The error of melior's own accessor has the whole operation as text,
/// for which MLIR verifies it and all around it.
pub fn operand_at<'c, 'a>(operation: OperationRef<'c, 'a>, index: usize) -> Option<Value<'c, 'a>> {
    (index < operation.operand_count()).then(|| operation.operand(index).expect("it is counted"))
}

/// A result, if there are so many, as [`operand_at`].
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

/// What an operator does: the `kind` of a `cosma.op` or `cosma.group`, the name of any other.
pub fn kind(operation: OperationRef) -> String {
    let name = name(operation);
    let kind =
        if name == OPERATOR || name == GROUP { operation.attribute("kind").ok().and_then(read_string) } else { None };
    kind.unwrap_or(name)
}

/// Multiply-accumulates of an operator, if it says how many.
pub fn macs(operation: OperationRef) -> Option<u64> {
    natural(fact(operation, MACS)?)
}

/// Bytes that an operator needs for itself while it runs; 0 if it does not say.
pub fn workspace(operation: OperationRef) -> u64 {
    fact(operation, WORKSPACE).and_then(natural).unwrap_or(0)
}

/// Which results may share bytes with which operands; none if the operation does not say.
pub fn in_place(operation: OperationRef) -> Option<Vec<InPlace>> {
    fact(operation, IN_PLACE).and_then(read_overlays)
}

/// Says which results may share bytes with which operands.
pub fn set_in_place(operation: OperationRef, overlays: &[InPlace]) {
    set(operation, IN_PLACE, maker(operation).overlays(overlays));
}

/// Where the workspace lies.
pub fn workspace_offset(operation: OperationRef) -> Option<u64> {
    natural(fact(operation, WORKSPACE_OFFSET)?)
}

/// Where the results lie, one offset for each.
pub fn offsets(operation: OperationRef) -> Option<Vec<u64>> {
    if transfer::transfer(operation).is_some() {
        return Some(vec![natural(operation.attribute(transfer::OFFSET).ok()?)?]);
    }
    read_integers(fact(operation, OFFSETS)?)?.into_iter().map(|it| u64::try_from(it).ok()).collect()
}

/// When and where each of the results lies, before transfers stand between the operators.
pub fn residencies(operation: OperationRef) -> Option<Vec<Vec<Residency>>> {
    read_array(fact(operation, RESIDENCIES)?)?.into_iter().map(read_residencies).collect()
}

/// Puts the results at offsets, one for each.
pub fn set_offsets(operation: OperationRef, offsets: &[u64]) {
    set(operation, OFFSETS, maker(operation).integers(offsets));
}

/// Says how many multiply-accumulates an operator takes.
pub fn set_macs(operation: OperationRef, macs: u64) {
    set(operation, MACS, maker(operation).integer(macs));
}

/// Says how many bytes an operator needs for itself.
pub fn set_workspace(operation: OperationRef, bytes: u64) {
    set(operation, WORKSPACE, maker(operation).integer(bytes));
}

/// Puts the workspace at an offset.
pub fn set_workspace_offset(operation: OperationRef, offset: u64) {
    set(operation, WORKSPACE_OFFSET, maker(operation).integer(offset));
}

/// Notes when and where the results lie, one list for each.
pub fn set_residencies(operation: OperationRef, residencies: &[Vec<Residency>]) {
    let maker = maker(operation);
    set(operation, RESIDENCIES, maker.array(residencies.iter().map(|it| maker.residencies(it))));
}

/// Forgets where the results lie.
pub fn clear_offsets(operation: OperationRef) {
    clear(operation, OFFSETS);
}

/// Forgets where the workspace lies.
pub fn clear_workspace_offset(operation: OperationRef) {
    clear(operation, WORKSPACE_OFFSET);
}

/// Forgets when and where the results lie.
pub fn clear_residencies(operation: OperationRef) {
    clear(operation, RESIDENCIES);
}

/// Forgets all that an operation says about itself as an operator, and what planning wrote to it.
pub fn clear_operator_facts(operation: OperationRef) {
    [MACS, WORKSPACE, IN_PLACE, OFFSETS, WORKSPACE_OFFSET, RESIDENCIES].into_iter().for_each(|it| clear(operation, it));
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
