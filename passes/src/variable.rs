//! State across calls: variables of `ml_program` and TOSA.
//!
//! A variable is in host memory. To the planner, a value read is an argument of the function and a value written a
//! result. So a plan may load the old value at any time and repeatedly. For that, reads move to the beginning of
//! the block and writes to the end; a read after a write is replaced by the written value, and only the last of
//! several writes remains ([`settle`]).

use crate::extract::Extraction;
use crate::form::operations;
use crate::role::is_load_of_constant;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, OperationRef, Value, ValueLike};
use cosma_ir::{as_mut, erase, name, operand_at, replace_uses, result_at};
use std::collections::{BTreeMap, BTreeSet};

/// An operation that reads or writes a variable of tensors.
#[derive(Clone, Debug)]
pub(crate) struct Access<'c, 'a> {
    /// The name of the variable, without `@`.
    pub symbol: String,
    /// The value read or written.
    pub value: Value<'c, 'a>,
    pub is_write: bool,
}

/// The variable that an operation reads or writes, if it does.
pub(crate) fn access<'c, 'a>(operation: OperationRef<'c, 'a>) -> Option<Access<'c, 'a>> {
    let (attribute, is_write) = match name(operation).as_str() {
        "ml_program.global_load" if !is_load_of_constant(operation) => ("global", false),
        "ml_program.global_store" => ("global", true),
        "tosa.variable_read" => ("name", false),
        "tosa.variable_write" => ("name", true),
        _ => return None,
    };
    let symbol = operation.attribute(attribute).ok()?.to_string();
    let symbol = symbol.trim_start_matches('@').trim_matches('"').to_owned();
    let value = if is_write { operand_at(operation, 0) } else { result_at(operation, 0) }?;
    value.r#type().is_tensor().then_some(Access { symbol, value, is_write })
}

/// Moves reads of variables to the beginning of a function's block and writes to its end, forwards written values to
/// later reads, and removes overwritten writes.
pub(crate) fn settle(extraction: &Extraction) {
    let Some(block) = extraction.terminator.block() else { return };
    let accesses: Vec<(OperationRef, Access)> = operations(block).filter_map(|it| Some((it, access(it)?))).collect();
    let Some(first) = block.first_operation() else { return };
    let mut is_written = BTreeSet::new();
    for (operation, access) in &accesses {
        if access.is_write {
            is_written.insert(&access.symbol);
        } else if !is_written.contains(&access.symbol) && *operation != first {
            as_mut(*operation).move_before(first);
        }
    }
    let mut last: BTreeMap<&str, OperationRef> = BTreeMap::new();
    for (operation, access) in &accesses {
        let before = last.get(access.symbol.as_str()).copied();
        if access.is_write {
            before.into_iter().for_each(erase);
            last.insert(&access.symbol, *operation);
        } else if let Some(write) = before {
            // The written value may have been replaced since.
            replace_uses(access.value, operand_at(write, 0).expect("it writes something"));
            erase(*operation);
        }
    }
    extraction.writes.iter().for_each(|it| as_mut(*it).move_before(extraction.terminator));
}
