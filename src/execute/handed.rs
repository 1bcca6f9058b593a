//! What is handed over in arenas: put there before a call, and taken from there after it.

use crate::optimize::functions;
use cosma_ir::execute::{Buffer, ExecuteError, Outcome};
use cosma_ir::melior::ir::Module;
use cosma_ir::{InArena, OnChip, arenas, is_weight};
use cosma_passes::{MachineOptions, handed, symbol};

/// The arguments and results of a function that lie in arenas.
#[derive(Default)]
pub(super) struct Handed {
    on_chip: OnChip,
    /// The memories whose arenas the lowered function takes, by name; none where there is the scratchpad alone.
    arenas: Vec<String>,
    /// By number: whether an argument is a weight, which stays in its arena from call to call.
    are_weights: Vec<bool>,
}

impl Handed {
    /// Of a function of a planned or lowered module.
    pub(super) fn new(module: &Module, function: &str) -> Handed {
        let Some(function) = functions(module.as_operation()).into_iter().find(|it| symbol(*it) == function) else {
            return Handed::default();
        };
        let on_chip = handed(function);
        let n_arguments = on_chip.arguments.iter().map(|it| it.index + 1).max().unwrap_or(0);
        let are_weights = (0..n_arguments).map(|it| is_weight(function, it)).collect();
        let machine = || MachineOptions::default().resolve_if_said(function).map(|it| it.machine);
        let arenas = arenas(function).or_else(|| {
            let machine = machine()?;
            let sized = machine.memories().iter().filter(|it| it.size.is_some()).map(|it| it.name.clone());
            Some(sized.collect())
        });
        Handed { on_chip, arenas: arenas.unwrap_or_default(), are_weights }
    }

    /// Those of the source's arguments that the lowered function takes, with their numbers in the source.
    pub(super) fn passed(&self, arguments: &[Buffer]) -> Vec<(usize, Buffer)> {
        let is_passed = |index: usize| !self.on_chip.arguments.iter().any(|it| it.index == index);
        arguments.iter().cloned().enumerate().filter(|it| is_passed(it.0)).collect()
    }

    /// Puts the others of the source's arguments into the arenas, which begin at a number among the arguments of the lowered
    /// function: all of them, or but for weights, which are there from an earlier call.
    ///
    /// # Errors
    /// If one of them does not lie in its arena.
    pub(super) fn fill(
        &self,
        lowered: &mut [Buffer],
        first_arena: usize,
        arguments: &[Buffer],
        with_weights: bool,
    ) -> Result<(), ExecuteError> {
        for it in &self.on_chip.arguments {
            if !with_weights && self.are_weights.get(it.index) == Some(&true) {
                continue;
            }
            let fail = || ExecuteError::Call(format!("argument {}", it.index));
            let argument = arguments.get(it.index).ok_or_else(fail)?;
            let arena = self.arena_of(it).and_then(|it| lowered.get_mut(first_arena + it)).ok_or_else(fail)?;
            let mut bytes = arena.bytes().to_vec();
            place(&mut bytes, it.offset, argument).ok_or_else(fail)?.copy_from_slice(argument.bytes());
            *arena = Buffer::new(arena.element(), arena.shape(), bytes).expect("it has as many bytes as before");
        }
        Ok(())
    }

    /// Puts what a call left in the arenas, which begin at this number among its arguments, among its results, which are
    /// then those of the source.
    ///
    /// # Errors
    /// If one of them does not lie in its arena.
    pub(super) fn take(
        &self,
        outcome: &mut Outcome,
        first_arena: usize,
        results: &[Buffer],
    ) -> Result<(), ExecuteError> {
        for it in &self.on_chip.results {
            let fail = || ExecuteError::Call(format!("result {}", it.index));
            let result = results.get(it.index).ok_or_else(fail)?;
            let arena = self.arena_of(it).and_then(|it| outcome.arguments.get(first_arena + it)).ok_or_else(fail)?;
            let mut arena = arena.bytes().to_vec();
            let bytes = place(&mut arena, it.offset, result).ok_or_else(fail)?.to_vec();
            let found = Buffer::new(result.element(), result.shape(), bytes).ok_or_else(fail)?;
            if outcome.results.len() < it.index {
                return Err(fail());
            }
            outcome.results.insert(it.index, found);
        }
        Ok(())
    }

    /// Whether arguments lie in arenas, where a call may write over them.
    pub(super) fn has_arguments(&self) -> bool {
        !self.on_chip.arguments.is_empty()
    }

    /// Which of the arenas something lies in; the scratchpad's is the first. None where a memory has no arena.
    fn arena_of(&self, it: &InArena) -> Option<usize> {
        match &it.memory {
            None => Some(0),
            Some(name) => self.arenas.iter().position(|arena| arena == name),
        }
    }
}

/// The bytes of an arena at which a tensor lies, if it lies in it.
fn place<'b>(arena: &'b mut [u8], offset: u64, tensor: &Buffer) -> Option<&'b mut [u8]> {
    let start = usize::try_from(offset).ok()?;
    arena.get_mut(start..start.checked_add(tensor.bytes().len())?)
}
