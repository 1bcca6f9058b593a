//! Operations that compute the same before the run, as `cse` would find: constants, and computations from constants,
//! shapes and weights alone.
//!
//! The planner treats their results as one tensor. Otherwise a pass that merges two of them after planning would merge
//! two tensors with different places.

use crate::extract::key;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, Value};
use cosma_ir::{equivalence_hash, is_equivalent};
use std::collections::HashMap;

/// The first of each kind of equal operations.
#[derive(Default)]
pub(crate) struct Equals<'c, 'a> {
    /// By the hash of an operation and the first equals of its operands.
    firsts: HashMap<(u64, Vec<usize>), Vec<OperationRef<'c, 'a>>>,
    /// The first equal of a result that is not the first itself.
    first: HashMap<usize, Value<'c, 'a>>,
}

impl<'c, 'a> Equals<'c, 'a> {
    /// The first operation that computes the same as this one, which has no effects; `None` if it is the first.
    pub(crate) fn before(&mut self, operation: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        let operands = operation.operands().map(|operand| key(self.first_of(operand))).collect();
        let like_it = self.firsts.entry((equivalence_hash(operation), operands)).or_default();
        let first = like_it.iter().copied().find(|other| is_equivalent(*other, operation));
        match first {
            Some(first) => {
                for (result, of_first) in operation.results().zip(first.results()) {
                    self.first.insert(key(result.into()), of_first.into());
                }
            }
            None => like_it.push(operation),
        }
        first
    }

    fn first_of(&self, value: Value<'c, 'a>) -> Value<'c, 'a> {
        self.first.get(&key(value)).copied().unwrap_or(value)
    }
}
