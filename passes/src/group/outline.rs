//! The operations of each group move into a `cosma.group`.

use super::Groups;
use crate::extract::{Carrier, key};
use crate::form::{body, operations};
use crate::role::{may_have_effects, reads};
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike, OperationResult};
use cosma_ir::melior::ir::{BlockLike, Operation, OperationRef, Value};
use cosma_ir::{as_mut, erase, transfer, uses, workspace};
use cosma_planner::TensorId;
use std::collections::{HashMap, HashSet};

/// Makes groups of what has more than one member.
pub(super) fn outline(groups: &Groups) {
    let extraction = groups.extraction;
    let graph = &extraction.problem.graph;
    let block = body(extraction.function).expect("it was extracted");
    let position: HashMap<usize, usize> =
        operations(block).enumerate().map(|(index, it)| (address(it), index)).collect();
    let operators: HashSet<usize> = extraction.operators.iter().map(|it| address(*it)).collect();
    // What is no operator, and may have been copied into groups by the time.
    let others: Vec<OperationRef> = operations(block)
        .filter(|it| it.next_in_block().is_some() && !operators.contains(&address(*it)) && transfer(*it).is_none())
        .collect();
    for operator in groups.operators.iter().filter(|it| !it.is_gone && 1 < it.members.len()) {
        let result = operator.writes[0];
        let is_inside = |it: TensorId| {
            it != result && graph.producer(it).is_some_and(|it| operator.members.contains(&it.index()))
        };
        let mut members: Vec<OperationRef> = operator.members.iter().map(|it| extraction.operators[*it]).collect();
        let is_inner_view = |view: &&OperationRef<'_, '_>| {
            let tensor = view.result(0).ok().and_then(|it| extraction.tensor(it.into()));
            tensor.is_some_and(is_inside)
        };
        members.extend(extraction.views.iter().filter(is_inner_view));
        members.sort_by_key(|it| position[&address(*it)]);
        let Carrier::Result(value, _) = extraction.carriers[result.index()] else { continue };
        let room = operator.members.iter().map(|it| workspace(extraction.operators[*it])).max().unwrap_or(0);
        let mut outline = Outline { groups, first: members[0], copies: HashMap::new(), made: Vec::new() };
        let mut inputs = Vec::new();
        for member in members.clone() {
            for it in reads(member) {
                let inside = defining(it.value).is_some_and(|it| contains(&members, it));
                if inside || !is_outer(it.value, member) {
                    continue;
                }
                match outline.copy(it.value) {
                    Some(copy) => as_mut(it.operation).set_operand(it.operand, copy),
                    None if !inputs.contains(&it.value) => inputs.push(it.value),
                    None => {}
                }
            }
        }
        let mut all = outline.made;
        all.extend(&members);
        cosma_ir::group(&operator.kind, &all, &inputs, &[value], room);
    }
    for operation in others.into_iter().rev() {
        let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
        if !is_read && operation.result_count() != 0 && !may_have_effects(operation) {
            erase(operation);
        }
    }
}

/// One group on its way.
struct Outline<'g, 'e, 'c, 'a> {
    groups: &'g Groups<'e, 'c, 'a>,
    /// Copies go before it.
    first: OperationRef<'c, 'a>,
    /// Of which value which copy.
    copies: HashMap<usize, Value<'c, 'a>>,
    /// In order.
    made: Vec<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Outline<'_, '_, 'c, 'a> {
    /// A copy of a value that is no tensor to the planner: a scalar, a shape, a parameter, what sums
    /// start from. A group has its own.
    fn copy(&mut self, value: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        if let Some(copy) = self.copies.get(&key(value)) {
            return Some(*copy);
        }
        let operation = defining(value)?;
        if !self.groups.extraction.is_no_tensor(value) || may_have_effects(operation) {
            return None;
        }
        let block = self.first.block()?;
        let copy = block.insert_operation_before(self.first, Operation::clone(&operation));
        for it in reads(operation) {
            let inner = it.operation != operation;
            if let Some(source) = (!inner).then(|| self.copy(it.value)).flatten() {
                as_mut(copy).set_operand(it.operand, source);
            }
        }
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
fn is_outer<'c, 'a>(value: Value<'c, 'a>, operation: OperationRef<'c, 'a>) -> bool {
    match defining(value) {
        Some(it) => it.block() == operation.block(),
        None => {
            let block = operation.block();
            block.is_some_and(|it| (0..it.argument_count()).any(|index| it.argument(index).is_ok_and(|it| Value::from(it) == value)))
        }
    }
}

fn contains(operations: &[OperationRef], operation: OperationRef) -> bool {
    operations.iter().any(|it| address(*it) == address(operation))
}

fn defining<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    OperationResult::try_from(value).ok().map(|it| it.owner())
}

/// What tells operations apart while none of them goes.
fn address(operation: OperationRef) -> usize {
    operation.to_raw().ptr.addr()
}
