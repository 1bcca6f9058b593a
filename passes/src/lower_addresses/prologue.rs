//! The prologue: loads of weights that stay in the arena from one run of a function to the next.
//!
//! They are lowered in place, and marked. Then a copy of the function keeps only them and the operations that they
//! need, and the function itself keeps all others.

use super::INFO;
use super::function::Lowering;
use super::options::ArenaName;
use crate::extract::key;
use crate::form::{body, operations, symbol};
use cosma_ir::melior::ir::attribute::{StringAttribute, TypeAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::FunctionType;
use cosma_ir::melior::ir::{Attribute, BlockLike, OperationRef, Type, Value, ValueLike};
use cosma_ir::{Diagnostic, as_mut, erase, uses};
use std::collections::HashSet;

/// Marks operations that run only once.
const MARK: &str = "cosma.kept";

/// The name of the prologue of a function.
pub fn prologue_name(function: &str) -> String {
    format!("{function}_prologue")
}

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// Marks the lowering of a load that runs once: everything that was inserted between the previous operation of the
    /// source, if any, and this one.
    pub(super) fn mark_kept(
        &mut self,
        last: Option<OperationRef<'c, 'a>>,
        load: OperationRef<'c, 'a>,
    ) -> Result<(), Diagnostic<'c>> {
        if self.options.arena == ArenaName::Allocate {
            let message = format!(
                "{} cannot allocate the arena in this function, since weights stay in it from one run to the next: pass \
                 it as an argument (arena=argument)",
                INFO.name
            );
            return Err(Diagnostic::at(self.function, message));
        }
        let mut next = last.map_or(self.block.first_operation(), |it| it.next_in_block());
        while let Some(operation) = next.filter(|it| *it != load) {
            as_mut(operation).set_attribute(MARK, Attribute::unit(self.build.0));
            next = operation.next_in_block();
        }
        self.has_prologue = true;
        Ok(())
    }

    /// Splits the lowered function, whose type is updated already.
    pub(super) fn split_prologue(&mut self) -> Result<(), Diagnostic<'c>> {
        if !self.has_prologue {
            return Ok(());
        }
        let name = prologue_name(&symbol(self.function));
        if !self.symbols.claim(&name) {
            let message = format!("{} needs the name @{name} for the prologue, but it is taken", INFO.name);
            return Err(Diagnostic::at(self.function, message));
        }
        let copy: OperationRef<'c, 'a> = self.symbols.insert_after(self.function, (*self.function).clone());
        as_mut(copy).set_attribute("sym_name", StringAttribute::new(self.build.0, &name).into());
        let block = body(copy).expect("it was copied with its body");
        let all: Vec<OperationRef> = operations(block).collect();
        let (terminator, others) = all.split_last().expect("a block has a terminator");
        erase(*terminator);
        keep_only(others);
        let end = OperationBuilder::new("func.return", self.function.location()).build().expect("nothing can fail");
        block.append_operation(end);
        let arguments: Vec<Type> =
            (0..block.argument_count()).map(|it| block.argument(it).expect("it is below the count").r#type()).collect();
        let r#type = TypeAttribute::new(FunctionType::new(self.build.0, &arguments, &[]).into());
        as_mut(copy).set_attribute("function_type", r#type.into());

        let own: Vec<OperationRef> = operations(self.block).collect();
        for operation in own.iter().rev().filter(|it| it.has_attribute(MARK)) {
            let is_read = operation.results().any(|it| !uses(it.into()).is_empty());
            match is_read {
                true => as_mut(*operation).remove_attribute(MARK).expect("it is there"),
                false => erase(*operation),
            }
        }
        Ok(())
    }
}

/// Erases all operations of a block except the marked ones and those that they need, and removes the marks.
fn keep_only(operations: &[OperationRef]) {
    let mut needed: HashSet<usize> = HashSet::new();
    for operation in operations.iter().rev() {
        let is_read = operation.results().any(|it| needed.contains(&key(it.into())));
        if operation.has_attribute(MARK) {
            as_mut(*operation).remove_attribute(MARK).expect("it is there");
        } else if !is_read {
            erase(*operation);
            continue;
        }
        needed.extend(operation.operands().map(|it: Value| key(it)));
    }
}
