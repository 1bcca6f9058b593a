//! What starts and ends in the scratchpad: neither taken nor returned, but in the arena, where the caller puts it before the
//! call and finds it after.
//!
//! The lowered function says in `cosma.on_chip` which arguments and results of the planned one these are, and where they
//! lie.

use super::INFO;
use super::buffer::{Buffer, Root};
use super::function::Lowering;
use super::options::ArenaName;
use cosma_ir::melior::ir::block::BlockArgument;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::{BlockLike, OperationRef, Value, ValueLike};
use cosma_ir::{Diagnostic, InArena, erase, erase_argument, is_place, offsets, operand_at};
use cosma_planner::MemoryId;

impl<'c, 'a> Lowering<'_, 'c, 'a> {
    /// That the caller has the arena.
    ///
    /// # Errors
    /// If the function allocates it, and something starts or ends there.
    pub(super) fn expect_shared_arena(&self) -> Result<(), Diagnostic<'c>> {
        if self.on_chip.is_empty() || self.options.arena == ArenaName::Argument {
            return Ok(());
        }
        let message = format!(
            "{} cannot allocate the arena in this function, since arguments lie in it before the call, or results after \
             it: pass it as an argument (arena=argument)",
            INFO.name
        );
        Err(Diagnostic::at(self.function, message))
    }

    /// Views of the arena for the arguments that start in it.
    pub(super) fn place_arguments(&mut self) -> Result<(), Diagnostic<'c>> {
        for InArena { index, memory, offset } in self.on_chip.arguments.clone() {
            let argument: Value = self.block.argument(index).expect("the judge has seen it").into();
            let memory = self.memory_named(memory.as_deref());
            let buffer = self.place(argument, memory, offset, self.first)?;
            self.keep(argument, buffer);
        }
        Ok(())
    }

    /// Where nothing moves: what lies in a memory without a size is read where it is, and an argument in an arena as well.
    /// A constant is copied to its arena.
    pub(super) fn place_source(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let source = operation.operand(0).expect("it says the place of something");
        let result: Value = operation.result(0).expect("and gives that").into();
        let buffer = self
            .buffer(source)?
            .ok_or_else(|| Diagnostic::at(operation, format!("{} finds nothing that lies here", INFO.name)))?;
        let memory = self.target(operation);
        let there = match self.has_arena(memory) {
            false => Buffer { memory, ..buffer },
            true if matches!(buffer.root, Root::Arena(_)) => buffer,
            true => {
                let offset = offsets(operation).and_then(|it| it.first().copied()).unwrap_or(0);
                let there = self.place(result, memory, offset, operation)?;
                self.copy(&buffer, &there, result.r#type(), operation);
                there
            }
        };
        self.keep(result, there);
        Ok(())
    }

    /// Whether an operation says the place of a constant in an arena that outlives the call, to which it is copied before
    /// the first one.
    pub(super) fn is_copied_once(&self, operation: OperationRef<'c, 'a>) -> bool {
        let is_constant = || operand_at(operation, 0).is_some_and(|it| BlockArgument::try_from(it).is_err());
        is_place(operation)
            && self.options.arena == ArenaName::Argument
            && is_constant()
            && self.has_arena(self.target(operation))
    }

    fn has_arena(&self, memory: MemoryId) -> bool {
        self.arenas.iter().any(|it| it.memory == memory)
    }

    /// Whether the function takes an argument from the arena.
    pub(super) fn starts_on_chip(&self, argument: usize) -> bool {
        self.on_chip.arguments.iter().any(|it| it.index == argument)
    }

    /// Whether the function leaves a result in the arena.
    pub(super) fn ends_on_chip(&self, result: usize) -> bool {
        self.on_chip.results.iter().any(|it| it.index == result)
    }

    /// Erases the arguments that lie in the arena.
    pub(super) fn erase_arguments(&self) {
        self.on_chip.arguments.iter().for_each(|it| erase_argument(self.block, it.index));
    }

    /// The return of what does not stay in the arena, which takes the place of the one that there was.
    pub(super) fn return_others(&self, terminator: OperationRef<'c, 'a>) -> OperationRef<'c, 'a> {
        if self.on_chip.results.is_empty() {
            return terminator;
        }
        let others = terminator.operands().enumerate().filter(|it| !self.ends_on_chip(it.0));
        let others: Vec<Value> = others.map(|it| it.1).collect();
        let end = OperationBuilder::new("func.return", terminator.location()).add_operands(&others);
        erase(terminator);
        self.block.append_operation(end.build().expect("nothing is inferred"))
    }
}
