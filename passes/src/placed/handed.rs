//! What a planned function hands over in arenas: arguments that lie there before it is called, and results that it leaves.

use crate::extract::Carrier;
use crate::form::{Form, form};
use crate::machine::MachineOptions;
use crate::planned::read_program;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::{InArena, OnChip};
use cosma_planner::{Action, MemoryId, Moves, Place};

/// What a function in planned form takes from arenas and leaves there, or one in lowered form says that it does. Where
/// nothing moves, that is what lies in memories that have a size; else what starts and ends in the scratchpad
/// (`cosma.on_chip`).
pub fn handed(function: OperationRef) -> OnChip {
    let said = OnChip::of(function);
    if form(function) != Form::Planned {
        return said;
    }
    let Some(target) = MachineOptions::default().resolve_if_said(function) else { return said };
    if target.machine.moves() != Moves::None {
        return said;
    }
    // What is no program has nowhere to lie; who lowers one has verified it.
    let Ok(program) = read_program(function, target) else { return said };
    let extraction = &program.extraction;
    let memories = extraction.problem.machine.memories();
    let in_arena = |index: usize, place: Place| {
        let memory = &memories[place.memory.index()];
        let name = (place.memory != MemoryId::SCRATCHPAD).then(|| memory.name.clone());
        memory.size.map(|_| InArena { index, memory: name, offset: place.offset.0 })
    };
    let mut arguments = Vec::new();
    for action in &program.actions {
        if let Action::Start(slot) = action
            && let Carrier::Argument(_, index) = extraction.carriers[slot.tensor.index()]
        {
            arguments.extend(in_arena(index, slot.place));
        }
    }
    arguments.sort_by_key(|it| it.index);
    let mut results = Vec::new();
    for (index, value) in extraction.terminator.operands().enumerate() {
        let slot = extraction.tensor(value).and_then(|it| program.ends.iter().find(|end| end.tensor == it));
        results.extend(slot.and_then(|it| in_arena(index, it.place)));
    }
    OnChip { arguments, results }
}
