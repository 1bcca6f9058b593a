//! Creating and dissolving a `cosma.group`.

use crate::edit::{as_mut, erase, replace_uses};
use crate::fact::Maker;
use crate::operation::{GROUP, YIELD, key, maker, operand_at, set_workspace};
use melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use melior::ir::{
    Attribute, Block, BlockLike, Identifier, Location, OperationRef, Region, RegionLike, Type, Value, ValueLike,
};
use std::collections::HashMap;

/// Moves operations of one block, in their order, into a group at the position of the last one, and returns the group.
/// `inputs` are the values that they use from outside, `results` their values that are used outside.
///
/// Captured values that are not in `inputs` must be defined in the regions of these operations.
///
/// # Panics
/// If there are no operations.
pub fn group<'c, 'a>(
    kind: &str,
    operations: &[OperationRef<'c, 'a>],
    inputs: &[Value<'c, 'a>],
    results: &[Value<'c, 'a>],
    workspace: u64,
) -> OperationRef<'c, 'a> {
    let last = *operations.last().expect("a group has members");
    let maker: Maker = maker(last);
    let location: Location = last.location();
    let arguments: Vec<(Type, Location)> = inputs.iter().map(|it| (it.r#type(), location)).collect();
    let region = Region::new();
    let body = region.append_block(Block::new(&arguments));
    let types: Vec<Type> = results.iter().map(|it| it.r#type()).collect();
    let name: Identifier = maker.name("kind");
    let kind: Attribute = maker.string(kind);
    let built = OperationBuilder::new(GROUP, location)
        .add_operands(inputs)
        .add_attributes(&[(name, kind)])
        .add_results(&types)
        .add_regions([region])
        .build()
        .expect("nothing is inferred");
    let outer = last.block().expect("members are in a block");
    let group = outer.insert_operation_after(last, built);
    for (index, result) in results.iter().enumerate() {
        replace_uses(*result, group.result(index).expect("it has as many").into());
    }
    let end = OperationBuilder::new(YIELD, location).add_operands(results).build().expect("nothing is inferred");
    let end = body.append_operation(end);
    for &operation in operations {
        as_mut(operation).move_before(end);
    }
    let mut arguments: HashMap<usize, Value> = HashMap::new();
    for (index, input) in inputs.iter().enumerate() {
        let argument: Value = body.argument(index).expect("it has as many").into();
        arguments.entry(key(*input)).or_insert(argument);
    }
    operations.iter().for_each(|it| replace_inside(*it, &arguments));
    if 0 < workspace {
        set_workspace(group, workspace);
    }
    group
}

/// Replaces a group by its operations; the group is [erased](crate::erase).
pub fn ungroup(group: OperationRef) {
    let Some(block) = group.region(0).ok().and_then(|it| it.first_block()) else { return };
    for (index, operand) in group.operands().enumerate() {
        replace_uses(block.argument(index).expect("the verifier has seen that there is one").into(), operand);
    }
    while let Some(operation) = block.first_operation() {
        if operation.next_in_block().is_none() {
            for (result, value) in group.results().zip(operation.operands()) {
                replace_uses(result.into(), value);
            }
            erase(operation);
            break;
        }
        as_mut(operation).move_before(group);
    }
    erase(group);
}

/// Replaces operands of an operation and in its regions; the replacements are given by the keys of the operands.
fn replace_inside<'c, 'a>(operation: OperationRef<'c, 'a>, others: &HashMap<usize, Value<'c, 'a>>) {
    for index in 0..operation.operand_count() {
        let other = operand_at(operation, index).and_then(|it| others.get(&key(it)));
        other.into_iter().for_each(|it| as_mut(operation).set_operand(index, *it));
    }
    for region in operation.regions() {
        let mut next = region.first_block();
        while let Some(block) = next {
            let inner = std::iter::successors(block.first_operation(), |it| it.next_in_block());
            inner.for_each(|it| replace_inside(it, others));
            next = block.next_in_region();
        }
    }
}
