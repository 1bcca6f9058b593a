//! Moves the operations of each group into a `cosma.group`.

use super::classify::index;
use crate::class::n_elements;
use crate::extract::{Carrier, Extraction, key};
use crate::form::{address, body, defining, operations};
use crate::role::{may_have_effects, reads};
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{BlockLike, Operation, OperationRef, Value, ValueLike};
use cosma_ir::{
    InPlace, as_mut, erase, fixed_offsets, kind, macs, result_at, set_fixed_offsets, size_in_bytes, transfer, uses,
    workspace,
};
use cosma_network::{Group, Kind, NodeIndex};
use cosma_planner::{OpId, TensorId};
use std::collections::{HashMap, HashSet};

/// The kinds of groups that were recognised as a normalisation or softmax.
const NORMALIZATION: &str = "Normalization";
const SOFTMAX: &str = "Softmax";

/// Creates a `cosma.group` for each group of more than one operator.
pub(super) fn outline(extraction: &Extraction, groups: &[Group]) {
    let block = body(extraction.function).expect("it was extracted");
    let source: Vec<OperationRef> = operations(block).filter(|it| it.next_in_block().is_some()).collect();
    let position: HashMap<usize, usize> = source.iter().enumerate().map(|(index, it)| (address(*it), index)).collect();
    let mut views: HashMap<TensorId, Vec<OperationRef>> = HashMap::new();
    for view in &extraction.views {
        if let Some(tensor) = result_at(*view, 0).and_then(|it| extraction.tensor(it)) {
            views.entry(tensor).or_default().push(*view);
        }
    }
    // In reverse, so that the operands of a group are still the extracted values, not results of other groups.
    for group in groups.iter().rev().filter(|group| 1 < group.members.len() + group.copies.len()) {
        outline_one(extraction, group, &position, &views);
    }
    // Operations that were copied into groups, and their operands, may have become dead.
    let members = groups.iter().flat_map(|group| &group.members);
    let left: HashSet<usize> = members.map(|node| address(extraction.operators[node.0])).collect();
    for operation in source.into_iter().rev().filter(|it| !left.contains(&address(*it))) {
        let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
        if !is_read && operation.result_count() != 0 && transfer(operation).is_none() && !may_have_effects(operation) {
            erase(operation);
        }
    }
}

/// Creates the operation of one group, given the position of each operation in the block, and the views of each
/// tensor.
fn outline_one<'c, 'a>(
    extraction: &Extraction<'c, 'a>,
    group: &Group,
    position: &HashMap<usize, usize>,
    views: &HashMap<TensorId, Vec<OperationRef<'c, 'a>>>,
) {
    let graph = &extraction.problem.graph;
    // Dead operators are not grouped.
    let Some(&result) = group.writes.first() else { return };
    let Carrier::Result(value, _) = extraction.carriers[result.0] else { return };
    let mut members: Vec<OperationRef> = group.members.iter().map(|node| extraction.operators[node.0]).collect();
    // Views of tensors that are used only inside move into the group.
    let written = group.members.iter().flat_map(|node| &graph.op(OpId(node.0 as u32)).writes);
    let inside = written.filter(|tensor| tensor.index() != result.0);
    members.extend(inside.filter_map(|tensor| views.get(tensor)).flatten());
    members.sort_by_key(|it| position[&address(*it)]);
    let mut outline = Outline { extraction, group, first: members[0], copies: HashMap::new(), made: Vec::new() };
    for member in &members {
        outline.copy_reads(*member);
    }
    let mut all = outline.made;
    all.extend(&members);
    let inside: HashSet<usize> = all.iter().map(|it| address(*it)).collect();
    let mut inputs = Vec::new();
    for operation in &all {
        for it in reads(*operation) {
            let is_made_inside = defining(it.value).is_some_and(|it| inside.contains(&address(it)));
            if !is_made_inside && is_outer(it.value, *operation) && !inputs.contains(&it.value) {
                inputs.push(it.value);
            }
        }
    }
    let operators = || group.members.iter().chain(&group.copies).map(|node| extraction.operators[node.0]);
    let room = operators().map(workspace).max().unwrap_or(0);
    let overlays = overlays(extraction, group, value, &inputs);
    let kind = match group.kind {
        Kind::Head => kind(extraction.operators[group.head.0]),
        Kind::Normalization => NORMALIZATION.into(),
        Kind::Softmax => SOFTMAX.into(),
    };
    let fixed = take_fixed_offset(&all, value);
    let made = cosma_ir::group(&kind, &all, &inputs, &[value], room);
    set_fixed_offsets(made, &[fixed]);
    if !overlays.is_empty() {
        cosma_ir::set_in_place(made, &overlays);
    }
    // The sum over its members; absent on overflow.
    let macs = operators().filter_map(macs);
    if let Some(sum) = macs.reduce(u64::saturating_add).filter(|it| i64::try_from(*it).is_ok()) {
        cosma_ir::set_macs(made, sum);
    }
}

/// The fixed offset of what a group computes. What is in it has none any more: all that has one outside is no part of a
/// group.
fn take_fixed_offset(members: &[OperationRef], result: Value) -> Option<u64> {
    let mut fixed = None;
    for member in members {
        if let Some(index) = member.results().position(|it| Value::from(it) == result) {
            fixed = fixed_offsets(*member).get(index).copied().flatten();
        }
        set_fixed_offsets(*member, &[]);
    }
    fixed
}

/// The operands of a group that its result may be in place of, by index. Offsets are in bytes of the types, even
/// if floats are planned with another number of bytes.
fn overlays(extraction: &Extraction, group: &Group, result: Value, inputs: &[Value]) -> Vec<InPlace> {
    let mut overlays = Vec::new();
    for pair in &group.in_place {
        let mut same = inputs.iter().enumerate().filter(|it| extraction.tensor(*it.1).map(index) == Some(pair.operand));
        // A tensor that is read through several views is several operands.
        let (Some((operand, input)), None) = (same.next(), same.next()) else { continue };
        let layout = |value: Value| Some((n_elements(value)?, size_in_bytes(value.r#type()).ok()?));
        let (Some(read), Some(written)) = (layout(*input), layout(result)) else { continue };
        let (inner, outer) = if read.1 < written.1 { (read, written) } else { (written, read) };
        let outer_tensor = if read.1 < written.1 { pair.result } else { pair.operand };
        let planned = u128::from(extraction.problem.graph.tensor(TensorId(outer_tensor.0 as u32)).size.0);
        let (inner_bytes, outer_bytes) = (u128::from(inner.1), u128::from(outer.1));
        let is_of_one_width = inner_bytes * u128::from(outer.0) == outer_bytes * u128::from(inner.0);
        let is_whole = pair.part.is_none() && inner == outer;
        let at = u128::from(pair.part.unwrap_or(0)) * outer_bytes;
        let is_part = pair.part.is_some() && inner.1 < outer.1 && planned != 0 && at.is_multiple_of(planned);
        if is_of_one_width && (is_whole || is_part) {
            let at = if is_whole { 0 } else { at / planned };
            let Ok(at) = u64::try_from(at) else { continue };
            overlays.push(InPlace { result: 0, operand, at });
        }
    }
    overlays
}

/// A group under construction.
struct Outline<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    group: &'e Group,
    /// Copies are inserted before it.
    first: OperationRef<'c, 'a>,
    /// The copy of each value. Only looked up, never iterated over.
    copies: HashMap<usize, Value<'c, 'a>>,
    /// In order.
    made: Vec<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Outline<'_, 'c, 'a> {
    /// Replaces the operands of an operation by copies where the group has its own.
    fn copy_reads(&mut self, operation: OperationRef<'c, 'a>) {
        for it in reads(operation) {
            if let Some(copy) = self.copy(it.value) {
                as_mut(it.operation).set_operand(it.operand, copy);
            }
        }
    }

    /// The group's own copy of a value: of scalars, shapes, parameters and initial values, and of operations that
    /// are fused into several groups. `None` for other values.
    fn copy(&mut self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        if let Some(copy) = self.copies.get(&key(value)) {
            return Some(*copy);
        }
        let operation = defining(value)?;
        if !self.is_copied(value) || may_have_effects(operation) {
            return None;
        }
        let block = self.first.block()?;
        let copy = block.insert_operation_before(self.first, Operation::clone(&operation));
        self.copy_reads(copy);
        // After its operands.
        as_mut(copy).move_before(self.first);
        self.made.push(copy);
        for (old, new) in operation.results().zip(copy.results()) {
            self.copies.insert(key(old.into()), new.into());
        }
        self.copies.get(&key(value)).copied()
    }

    fn is_copied(&self, value: Value<'c, 'a>) -> bool {
        let producer = self.extraction.tensor(value).and_then(|it| self.extraction.problem.graph.producer(it));
        self.extraction.is_no_tensor(value)
            || producer.is_some_and(|op| self.group.copies.contains(&NodeIndex(op.index())))
    }
}

/// Whether a value is defined in the block of an operation, not in a region of it.
fn is_outer<'c, 'a>(value: Value<'c, 'a>, operation: OperationRef<'c, 'a>) -> bool {
    match defining(value) {
        Some(it) => it.block() == operation.block(),
        None => {
            let block = operation.block();
            block.is_some_and(|it| {
                (0..it.argument_count()).any(|index| it.argument(index).is_ok_and(|it| Value::from(it) == value))
            })
        }
    }
}
