//! What is handed over in the scratchpad: put there before a call, and taken from there after it.

use crate::optimize::functions;
use cosma_ir::OnChip;
use cosma_ir::execute::{Buffer, ExecuteError, Outcome};
use cosma_ir::melior::ir::Module;
use cosma_passes::symbol;

/// The arguments and results of a function that lie in the scratchpad.
pub(super) struct Handed(OnChip);

impl Handed {
    /// Of a function of a planned or lowered module.
    pub(super) fn new(module: &Module, function: &str) -> Handed {
        let found = functions(module.as_operation()).into_iter().find(|it| symbol(*it) == function);
        Handed(found.map(OnChip::of).unwrap_or_default())
    }

    /// Those of the source's arguments that the lowered function takes, with their numbers in the source.
    pub(super) fn passed(&self, arguments: &[Buffer]) -> Vec<(usize, Buffer)> {
        let is_passed = |index: usize| !self.0.arguments.iter().any(|it| it.0 == index);
        arguments.iter().cloned().enumerate().filter(|it| is_passed(it.0)).collect()
    }

    /// The scratchpad with the others of the source's arguments in it.
    ///
    /// # Errors
    /// If one of them does not lie in it.
    pub(super) fn fill(&self, arena: Buffer, arguments: &[Buffer]) -> Result<Buffer, ExecuteError> {
        let mut bytes = arena.bytes().to_vec();
        for (index, offset) in &self.0.arguments {
            let what = format!("argument {index}");
            let argument = arguments.get(*index).ok_or_else(|| ExecuteError::Call(what.clone()))?;
            let place = place(&mut bytes, *offset, argument).ok_or(ExecuteError::Call(what))?;
            place.copy_from_slice(argument.bytes());
        }
        Ok(Buffer::new(arena.element(), arena.shape(), bytes).expect("it has as many bytes as before"))
    }

    /// Puts what a call left in the scratchpad, the argument of this index, among its results, which are then those of the
    /// source.
    ///
    /// # Errors
    /// If one of them does not lie in it.
    pub(super) fn take(
        &self,
        outcome: &mut Outcome,
        scratchpad: usize,
        results: &[Buffer],
    ) -> Result<(), ExecuteError> {
        for (index, offset) in &self.0.results {
            let fail = || ExecuteError::Call(format!("result {index}"));
            let result = results.get(*index).ok_or_else(fail)?;
            let mut arena = outcome.arguments.get(scratchpad).ok_or_else(fail)?.bytes().to_vec();
            let bytes = place(&mut arena, *offset, result).ok_or_else(fail)?.to_vec();
            let found = Buffer::new(result.element(), result.shape(), bytes).ok_or_else(fail)?;
            if outcome.results.len() < *index {
                return Err(fail());
            }
            outcome.results.insert(*index, found);
        }
        Ok(())
    }
}

/// The bytes of a scratchpad at which a tensor lies, if it lies in it.
fn place<'b>(arena: &'b mut [u8], offset: u64, tensor: &Buffer) -> Option<&'b mut [u8]> {
    let start = usize::try_from(offset).ok()?;
    arena.get_mut(start..start.checked_add(tensor.bytes().len())?)
}
