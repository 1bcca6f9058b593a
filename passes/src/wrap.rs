//! Wraps each operator of another dialect in a `cosma.group`, which has effects on the scratchpad.
//!
//! MLIR treats an operation of TOSA or linalg as a pure function of its operands: passes merge equal ones, drop
//! unused ones, and move them. In planned form an operation reads bytes that others overwrite later, so none of
//! that is valid.
//!
//! The operands of the operation, including values that its regions capture, become operands of the group. Scalars,
//! shapes, parameters and initial values, which the planner ignores, are copied into the group, as in `cosma-group`.

use crate::extract::{Extraction, key};
use crate::form::{defining, operations};
use crate::role::{may_have_effects, reads};
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{BlockLike, Operation, OperationRef, Value};
use cosma_ir::{
    InPlace, as_mut, clear_operator_facts, cycles, erase, fixed_offsets, kind, macs, operand_at, set_cycles,
    set_fixed_offsets, set_in_place, set_macs, set_memories, set_offsets, set_workspace_offset, uses, workspace,
    workspace_offset,
};
use std::collections::HashMap;

/// An operator of another dialect with its plan.
pub(crate) struct Planned<'e, 'c, 'a> {
    pub operation: OperationRef<'c, 'a>,
    /// The offset of each result.
    pub offsets: Vec<u64>,
    /// The memory of each result; none where all lie in the scratchpad.
    pub memories: Vec<&'e str>,
    /// The results that share bytes with operands.
    pub overlays: Vec<Overlay<'c, 'a>>,
}

/// A result that shares bytes with an operand of the operator, or of an operation in its regions.
#[derive(Clone, Copy)]
pub(crate) struct Overlay<'c, 'a> {
    pub result: usize,
    pub reader: OperationRef<'c, 'a>,
    /// The index of the reader's operand.
    pub operand: usize,
    /// The byte of the larger one at which the smaller one begins.
    pub at: u64,
}

/// Says where the results of an operator lie; no memories where that is the scratchpad.
pub(crate) fn set_results(operator: OperationRef, offsets: &[u64], memories: &[&str]) {
    set_offsets(operator, offsets);
    if !memories.is_empty() {
        set_memories(operator, memories);
    }
}

/// Wraps operators in groups, and erases scalars and the like that have become dead.
pub(crate) fn wrap<'c, 'a>(extraction: &Extraction<'c, 'a>, operators: &[Planned<'_, 'c, 'a>]) {
    for planned in operators {
        wrap_one(extraction, planned);
    }
    let Some(block) = extraction.terminator.block() else { return };
    for operation in operations(block).collect::<Vec<_>>().into_iter().rev() {
        let is_copied = operation.result_count() != 0
            && operation.results().all(|it| extraction.is_no_tensor(it.into()) && uses(it.into()).is_empty());
        if is_copied && !may_have_effects(operation) {
            erase(operation);
        }
    }
}

fn wrap_one<'c, 'a>(extraction: &Extraction<'c, 'a>, planned: &Planned<'_, 'c, 'a>) {
    let operation = planned.operation;
    let mut inside = Inside { extraction, first: operation, copies: HashMap::new(), made: Vec::new() };
    inside.copy_reads(operation);
    let mut members = inside.made;
    members.push(operation);
    let mut inputs: Vec<Value> = Vec::new();
    for it in members.iter().flat_map(|it| reads(*it)) {
        let is_inside = defining(it.value).is_some_and(|it| members.contains(&it));
        if !is_inside && is_of_block(it.value, operation) && !inputs.contains(&it.value) {
            inputs.push(it.value);
        }
    }
    let pair = |it: &Overlay<'c, 'a>| {
        let value = operand_at(it.reader, it.operand)?;
        let operand = inputs.iter().position(|input| *input == value)?;
        Some(InPlace { result: it.result, operand, at: it.at })
    };
    let in_place: Vec<InPlace> = planned.overlays.iter().filter_map(pair).collect();
    let results: Vec<Value> = operation.results().map(Value::from).collect();
    let group = cosma_ir::group(&kind(operation), &members, &inputs, &results, workspace(operation));
    set_results(group, &planned.offsets, &planned.memories);
    set_fixed_offsets(group, &fixed_offsets(operation));
    set_fixed_offsets(operation, &[]);
    if let Some(macs) = macs(operation) {
        set_macs(group, macs);
    }
    if let Some(cycles) = cycles(operation) {
        set_cycles(group, cycles);
    }
    if let Some(offset) = workspace_offset(operation) {
        set_workspace_offset(group, offset);
    }
    if !in_place.is_empty() {
        set_in_place(group, &in_place);
    }
    clear_operator_facts(operation);
}

/// The copies that a group needs before its operation.
struct Inside<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    /// Copies are inserted before it.
    first: OperationRef<'c, 'a>,
    /// The copy of each value. Only looked up, never iterated over.
    copies: HashMap<usize, Value<'c, 'a>>,
    /// The copied operations, in order.
    made: Vec<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Inside<'_, 'c, 'a> {
    /// Replaces the operands of an operation that the planner ignores by copies.
    fn copy_reads(&mut self, operation: OperationRef<'c, 'a>) {
        for it in reads(operation) {
            if let Some(copy) = self.copy(it.value) {
                as_mut(it.operation).set_operand(it.operand, copy);
            }
        }
    }

    fn copy(&mut self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        if let Some(copy) = self.copies.get(&key(value)) {
            return Some(*copy);
        }
        let operation = defining(value)?;
        if !self.extraction.is_no_tensor(value) || may_have_effects(operation) {
            return None;
        }
        let copy = self.first.block()?.insert_operation_before(self.first, Operation::clone(&operation));
        self.copy_reads(copy);
        // After its operands.
        as_mut(copy).move_before(self.first);
        self.made.push(copy);
        for (old, new) in operation.results().zip(copy.results()) {
            self.copies.insert(key(old.into()), new.into());
        }
        self.copies.get(&key(value)).copied()
    }
}

/// Whether a value is defined in the block of an operation, not in a region of it.
fn is_of_block<'c, 'a>(value: Value<'c, 'a>, operation: OperationRef<'c, 'a>) -> bool {
    match defining(value) {
        Some(it) => it.block() == operation.block(),
        None => BlockArgument::try_from(value).is_ok_and(|it| Some(it.owner()) == operation.block()),
    }
}
