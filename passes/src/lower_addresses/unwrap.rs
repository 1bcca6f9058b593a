//! Groups of a single operation are that operation again, which lowering knows ways for that it has not for
//! a group: linalg on memrefs, concatenations whose operands lie in place, elementwise operations that
//! write over what they read.
//!
//! By now the program was judged, and no pass of MLIR sees it before it is on memrefs. So where its results
//! lie is kept beside the operation.

use super::function::touches_tensor;
use crate::form::operations;
use crate::role::{Role, may_have_effects, role};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{BlockRef, OperationRef, RegionLike, Value};
use cosma_ir::{is_abstract, is_group, offsets, ungroup};
use std::collections::HashMap;

/// Where the results lie of operations that were alone in their groups.
#[derive(Default)]
pub(super) struct Offsets {
    /// By address of an operation that goes only when all are lowered.
    of: HashMap<usize, Vec<u64>>,
}

impl Offsets {
    /// Where the results of an operation lie, said by itself or by the group that it was alone in.
    pub(super) fn of(&self, operation: OperationRef) -> Option<Vec<u64>> {
        offsets(operation).or_else(|| self.of.get(&operation.to_raw().ptr.addr()).cloned())
    }
}

/// Puts what is alone in a group of planned form in the place of the group, and what is in one that has
/// nothing to do with tensors.
pub(super) fn unwrap(block: BlockRef) -> Offsets {
    let mut kept = Offsets::default();
    for group in operations(block).filter(|it| is_group(*it)).collect::<Vec<_>>() {
        if !touches_tensor(group) {
            ungroup(group);
        } else if let (Some(offsets), Some(member)) = (offsets(group), only_member(group)) {
            ungroup(group);
            kept.of.insert(member.to_raw().ptr.addr(), offsets);
        }
    }
    kept
}

/// The operation whose results are those of a group, if all else in the group is constants, shapes, starting
/// values and views.
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
