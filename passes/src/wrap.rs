//! Operators of other dialects go into a `cosma.group` each, which has effects on the scratchpad.
//!
//! By itself an operation of TOSA or linalg is a function of its operands to MLIR: equal ones are merged,
//! unused ones dropped, and one may move to wherever its operands are known. In planned form each
//! reads bytes that others overwrite later, so none of that is right any more.
//!
//! What the operation reads becomes operands of the group, captured by its regions or not; but scalars,
//! shapes, parameters and starting values, which are nothing to the planner, are made again inside, as
//! `cosma-group` does.

use crate::extract::{Extraction, key};
use crate::form::operations;
use crate::role::{may_have_effects, reads};
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike, OperationResult};
use cosma_ir::melior::ir::{BlockLike, Operation, OperationRef, Value};
use cosma_ir::{
    InPlace, as_mut, clear_operator_facts, erase, kind, macs, operand_at, set_in_place, set_macs, set_offsets,
    set_workspace_offset, uses, workspace, workspace_offset,
};
use std::collections::HashMap;

/// An operator of another dialect, and what the plan says of it.
pub(crate) struct Planned<'c, 'a> {
    pub operation: OperationRef<'c, 'a>,
    /// Of each result.
    pub offsets: Vec<u64>,
    /// Which of its results lie on what it reads.
    pub overlays: Vec<Overlay<'c, 'a>>,
}

/// A result that lies on an operand of the operator, or of something in its regions.
#[derive(Clone, Copy)]
pub(crate) struct Overlay<'c, 'a> {
    pub result: usize,
    pub reader: OperationRef<'c, 'a>,
    /// Which of the reader's.
    pub operand: usize,
    /// How many bytes from the start of the larger one the smaller one begins.
    pub at: u64,
}

/// Puts operators into groups of their own, and takes away what they alone have read of what is no tensor.
pub(crate) fn wrap<'c, 'a>(extraction: &Extraction<'c, 'a>, operators: &[Planned<'c, 'a>]) {
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

fn wrap_one<'c, 'a>(extraction: &Extraction<'c, 'a>, planned: &Planned<'c, 'a>) {
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
    set_offsets(group, &planned.offsets);
    if let Some(macs) = macs(operation) {
        set_macs(group, macs);
    }
    if let Some(offset) = workspace_offset(operation) {
        set_workspace_offset(group, offset);
    }
    if !in_place.is_empty() {
        set_in_place(group, &in_place);
    }
    clear_operator_facts(operation);
}

/// What goes into a group before its operation.
struct Inside<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    /// Copies go before it.
    first: OperationRef<'c, 'a>,
    /// Of which value which copy. Only looked up, never iterated over.
    copies: HashMap<usize, Value<'c, 'a>>,
    /// In order.
    made: Vec<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Inside<'_, 'c, 'a> {
    /// Makes an operation read copies of what is no tensor to the planner.
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
        // After what it reads.
        as_mut(copy).move_before(self.first);
        self.made.push(copy);
        for (old, new) in operation.results().zip(copy.results()) {
            self.copies.insert(key(old.into()), new.into());
        }
        self.copies.get(&key(value)).copied()
    }
}

/// Whether a value is of the block around an operation, and not of a region in it.
fn is_of_block<'c, 'a>(value: Value<'c, 'a>, operation: OperationRef<'c, 'a>) -> bool {
    match defining(value) {
        Some(it) => it.block() == operation.block(),
        None => BlockArgument::try_from(value).is_ok_and(|it| Some(it.owner()) == operation.block()),
    }
}

fn defining<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    OperationResult::try_from(value).ok().map(|it| it.owner())
}
