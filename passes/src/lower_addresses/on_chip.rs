//! What starts and ends in the scratchpad: neither taken nor returned, but in the arena, where the caller puts it before the
//! call and finds it after.
//!
//! The lowered function says in `cosma.on_chip` which arguments and results of the planned one these are, and where they
//! lie.

use super::INFO;
use super::function::Lowering;
use super::options::ArenaName;
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike};
use cosma_ir::melior::ir::{BlockLike, OperationRef, Value};
use cosma_ir::{Diagnostic, erase, erase_argument};
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
        for (index, offset) in self.on_chip.arguments.clone() {
            let argument: Value = self.block.argument(index).expect("the judge has seen it").into();
            let buffer = self.place(argument, MemoryId::SCRATCHPAD, offset, self.first)?;
            self.keep(argument, buffer);
        }
        Ok(())
    }

    /// Whether the function takes an argument from the arena.
    pub(super) fn starts_on_chip(&self, argument: usize) -> bool {
        self.on_chip.arguments.iter().any(|it| it.0 == argument)
    }

    /// Whether the function leaves a result in the arena.
    pub(super) fn ends_on_chip(&self, result: usize) -> bool {
        self.on_chip.results.iter().any(|it| it.0 == result)
    }

    /// Erases the arguments that lie in the arena.
    pub(super) fn erase_arguments(&self) {
        self.on_chip.arguments.iter().for_each(|it| erase_argument(self.block, it.0));
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
