//! The operations of each group move into a `cosma.group`.

use super::{Class, Groups, Operator};
use crate::extract::{Carrier, Extraction, key};
use crate::form::{body, operations};
use crate::role::{may_have_effects, reads};
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike, OperationResult};
use cosma_ir::melior::ir::{BlockLike, Operation, OperationRef, Value, ValueLike};
use cosma_ir::{InPlace, as_mut, erase, macs, result_at, size_in_bytes, transfer, uses, workspace};
use cosma_planner::TensorId;
use std::collections::{HashMap, HashSet};

/// Makes groups of what has more than one member.
pub(super) fn outline(groups: &Groups) {
    let extraction = groups.extraction;
    let block = body(extraction.function).expect("it was extracted");
    let source: Vec<OperationRef> = operations(block).filter(|it| it.next_in_block().is_some()).collect();
    let position: HashMap<usize, usize> = source.iter().enumerate().map(|(index, it)| (address(*it), index)).collect();
    let is_several = |it: &&Operator| !it.is_gone && 1 < it.members.len() + it.copies.len();
    for operator in groups.operators.iter().filter(is_several) {
        outline_one(groups, operator, &position);
    }
    // What went into groups as copies, or was read by what did, may have no readers any more.
    let mut left: HashSet<usize> = extraction
        .operators
        .iter()
        .zip(&groups.operators)
        .filter(|it| !it.1.is_gone)
        .map(|it| address(*it.0))
        .collect();
    left.extend(groups.operators.iter().flat_map(|it| &it.members).map(|it| address(extraction.operators[*it])));
    for operation in source.into_iter().rev().filter(|it| !left.contains(&address(*it))) {
        let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
        if !is_read && operation.result_count() != 0 && transfer(operation).is_none() && !may_have_effects(operation) {
            erase(operation);
        }
    }
}

fn outline_one(groups: &Groups, operator: &Operator, position: &HashMap<usize, usize>) {
    let extraction = groups.extraction;
    let graph = &extraction.problem.graph;
    // What nobody reads is left as it is.
    let Some(&result) = operator.writes.first() else { return };
    let Carrier::Result(value, _) = extraction.carriers[result.index()] else { return };
    let is_inside =
        |it: TensorId| it != result && graph.producer(it).is_some_and(|it| operator.members.contains(&it.index()));
    let mut members: Vec<OperationRef> = operator.members.iter().map(|it| extraction.operators[*it]).collect();
    let is_inner_view = |view: &&OperationRef<'_, '_>| {
        let tensor = result_at(**view, 0).and_then(|it| extraction.tensor(it));
        tensor.is_some_and(is_inside)
    };
    members.extend(extraction.views.iter().filter(is_inner_view));
    members.sort_by_key(|it| position[&address(*it)]);
    let mut outline = Outline { extraction, operator, first: members[0], copies: HashMap::new(), made: Vec::new() };
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
    let room = operator.members.iter().map(|it| workspace(extraction.operators[*it])).max().unwrap_or(0);
    let overlays = in_place(groups, operator, result, &inputs);
    let group = cosma_ir::group(&operator.kind, &all, &inputs, &[value], room);
    if !overlays.is_empty() {
        cosma_ir::set_in_place(group, &overlays);
    }
    // What its members say of themselves, and as far as it can be counted.
    let macs = operator.members.iter().filter_map(|it| macs(extraction.operators[*it]));
    if let Some(sum) = macs.reduce(u64::saturating_add).filter(|it| i64::try_from(*it).is_ok()) {
        cosma_ir::set_macs(group, sum);
    }
}

/// The operands that the result of a group may lie over: as large as it, and each member that reads one
/// either may write there as well, or reads it to reduce it, which is done before anything is written. An
/// accelerator works tile by tile, or writes in its last pass only; so what it needs of such an operand for
/// a tile is read before that tile is written, and not again.
fn in_place(groups: &Groups, operator: &Operator, result: TensorId, inputs: &[Value]) -> Vec<InPlace> {
    let extraction = groups.extraction;
    let graph = &extraction.problem.graph;
    let is_reduction = |it: usize| matches!(groups.operators[it].class, Class::Reduction | Class::Comparison);
    let is_elementwise = |it: usize| groups.operators[it].class == Class::Elementwise;
    if !operator.members.iter().all(|it| is_elementwise(*it) || is_reduction(*it)) {
        return Vec::new();
    }
    let reads = |member: usize, tensor: TensorId| graph.ops()[member].reads_tensor(tensor);
    let shares = |member: usize, tensor: TensorId| {
        graph.ops()[member].in_place.iter().any(|it| it.operand == tensor && !it.is_part())
    };
    let may_lie_over = |tensor: TensorId| {
        groups.n_elements(tensor) == groups.n_elements(result)
            && graph.tensor(tensor).size == graph.tensor(result).size
            && operator.members.iter().any(|it| shares(*it, tensor))
            && operator.members.iter().all(|it| !reads(*it, tensor) || shares(*it, tensor) || is_reduction(*it))
            && !operator.copies.iter().any(|it| reads(*it, tensor))
    };
    let of_input = |it: &Value| extraction.tensor(*it);
    let Carrier::Result(value, _) = extraction.carriers[result.index()] else { return Vec::new() };
    let mut overlays = Vec::new();
    for (operand, input) in inputs.iter().enumerate() {
        let Some(tensor) = of_input(input).filter(|it| may_lie_over(*it)) else { continue };
        let is_read_once = inputs.iter().filter(|it| of_input(it) == Some(tensor)).count() == 1;
        let size = |it: Value| size_in_bytes(it.r#type());
        if is_read_once && size(*input).is_ok() && size(*input) == size(value) {
            overlays.push(InPlace { result: 0, operand, at: 0 });
        }
    }
    overlays
}

/// One group on its way.
struct Outline<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    operator: &'e Operator,
    /// Copies go before it.
    first: OperationRef<'c, 'a>,
    /// Of which value which copy.
    copies: HashMap<usize, Value<'c, 'a>>,
    /// In order.
    made: Vec<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Outline<'_, 'c, 'a> {
    /// Makes an operation read copies, where there are to be copies.
    fn copy_reads(&mut self, operation: OperationRef<'c, 'a>) {
        for it in reads(operation) {
            if let Some(copy) = self.copy(it.value) {
                as_mut(it.operation).set_operand(it.operand, copy);
            }
        }
    }

    /// The copy that a group has of a value for itself, if it has: of a scalar, a shape, a parameter,
    /// what sums start from; and of what each reader does for itself.
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
        // After what it reads.
        as_mut(copy).move_before(self.first);
        self.made.push(copy);
        for (old, new) in operation.results().zip(copy.results()) {
            self.copies.insert(key(old.into()), new.into());
        }
        self.copies.get(&key(value)).copied()
    }

    fn is_copied(&self, value: Value<'c, 'a>) -> bool {
        let producer = self.extraction.tensor(value).and_then(|it| self.extraction.problem.graph.producer(it));
        self.extraction.is_no_tensor(value) || producer.is_some_and(|it| self.operator.copies.contains(&it.index()))
    }
}

/// Whether a value is of the block around an operation, and not of a region in it.
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

fn defining<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    OperationResult::try_from(value).ok().map(|it| it.owner())
}

/// What tells operations apart while none of them goes.
fn address(operation: OperationRef) -> usize {
    operation.to_raw().ptr.addr()
}
