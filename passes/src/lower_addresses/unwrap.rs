//! Replaces groups of a single operation by that operation, for which there are better lowerings: linalg on memrefs,
//! concatenations with operands in place, elementwise operations that overwrite operands.
//!
//! The program is already verified, and no pass of MLIR runs before it is on memrefs. So the offsets of results are
//! kept in a table.

use super::function::touches_tensor;
use crate::form::operations;
use crate::role::{Role, may_have_effects, role};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{BlockRef, OperationRef, RegionLike, Value};
use cosma_ir::{is_abstract, is_group, memories, offsets, ungroup};
use std::collections::HashMap;

/// The offsets of the results of operations that were alone in their groups.
#[derive(Default)]
pub(super) struct Offsets {
    /// By address of the operation, none of which is erased before all are lowered; with the memories, where these are
    /// not the scratchpad.
    of: HashMap<usize, (Vec<u64>, Option<Vec<String>>)>,
}

impl Offsets {
    /// The offsets of an operation's results, from its attribute or from the group that it was alone in.
    pub(super) fn of(&self, operation: OperationRef) -> Option<Vec<u64>> {
        offsets(operation).or_else(|| self.kept(operation).map(|it| it.0.clone()))
    }

    /// The names of the memories of an operation's results; none where all lie in the scratchpad.
    pub(super) fn memories(&self, operation: OperationRef) -> Option<Vec<String>> {
        memories(operation).or_else(|| self.kept(operation)?.1.clone())
    }

    fn kept(&self, operation: OperationRef) -> Option<&(Vec<u64>, Option<Vec<String>>)> {
        self.of.get(&operation.to_raw().ptr.addr())
    }
}

/// Replaces planned groups of a single operation, and groups that do not use tensors, by their operations.
pub(super) fn unwrap(block: BlockRef) -> Offsets {
    let mut kept = Offsets::default();
    for group in operations(block).filter(|it| is_group(*it)).collect::<Vec<_>>() {
        if !touches_tensor(group) {
            ungroup(group);
        } else if let (Some(offsets), Some(member)) = (offsets(group), only_member(group)) {
            let memories = memories(group);
            ungroup(group);
            kept.of.insert(member.to_raw().ptr.addr(), (offsets, memories));
        }
    }
    kept
}

/// The operation whose results a group yields, if all others in it are constants, shapes, initial values and views.
fn only_member<'c, 'a>(group: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    let block = group.region(0).ok()?.first_block()?;
    let members: Vec<OperationRef> = operations(block).collect();
    let (end, members) = members.split_last()?;
    let (member, others) = members.split_last()?;
    let is_beside = |it: &OperationRef| {
        let is_computed = matches!(role(*it, |_| false), Role::Operator | Role::Transfer);
        !is_computed && !may_have_effects(*it)
    };
    let is_yielded = end.operands().eq(member.results().map(Value::from));
    let is_ours = is_abstract(*member) || is_group(*member);
    (is_yielded && !is_ours && others.iter().all(is_beside)).then_some(*member)
}
