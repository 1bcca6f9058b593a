//! Allocated form where nothing moves: one residency for each tensor, in its memory, for as long as it is needed.

use crate::allocated::{hoist_constants, listed, reorder, workspace_of, write_residencies};
use crate::extract::Extraction;
use cosma_ir::Diagnostic;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_planner::{Bytes, MemoryId, OpId, Place, Placement, Step, TensorId};
use std::ops::Range;

/// Writes a placement to a function in source form.
pub(super) fn write(extraction: &Extraction, placement: &Placement) {
    let problem = &extraction.problem;
    if extraction.is_trivial() {
        return;
    }
    hoist_constants(extraction);
    reorder(extraction, &placement.order);
    let lifetimes = placement.lifetimes(problem);
    let residency = |(place, steps): (&Option<Place>, &Range<Step>)| {
        let place = (*place)?;
        let memory = &problem.machine.memories()[place.memory.index()].name;
        let memory = (place.memory != MemoryId::SCRATCHPAD).then(|| memory.clone());
        let steps = u64::from(steps.start.0)..u64::from(steps.end.0);
        Some(cosma_ir::Residency { memory, offset: place.offset.0, steps })
    };
    let residencies: Vec<Vec<cosma_ir::Residency>> =
        placement.places.iter().zip(&lifetimes).map(|it| residency(it).into_iter().collect()).collect();
    write_residencies(extraction, &placement.order, &residencies, &placement.workspaces);
}

/// Reads the placement of a function in allocated form.
///
/// # Errors
/// At a tensor that has not one place for all steps in which it is needed, or has it in a memory that there is not; at an
/// operator whose workspace has no offset.
pub(super) fn read<'c>(extraction: &Extraction<'c, '_>) -> Result<Placement, Diagnostic<'c>> {
    let problem = &extraction.problem;
    let graph = &problem.graph;
    let order: Vec<OpId> = graph.op_ids().collect();
    let workspaces = order.iter().map(|it| workspace_of(extraction, *it)).collect::<Result<Vec<Bytes>, _>>()?;
    let listed = listed(extraction);
    let mut placement = Placement { order, places: vec![None; graph.tensors().len()], workspaces };
    let lifetimes = placement.lifetimes(problem);
    for (index, (residencies, operation)) in listed.iter().enumerate() {
        let tensor = TensorId(index as u32);
        let name = &graph.tensor(tensor).name;
        let refuse = |message: String| Err(Diagnostic::new(operation.location(), message));
        let needs_place = graph.touches(tensor).next().is_some() || graph.results().contains(&tensor);
        let steps = &lifetimes[index];
        match &residencies[..] {
            [] if !needs_place => {}
            [one] if one.steps == (u64::from(steps.start.0)..u64::from(steps.end.0)) => {
                let memories = problem.machine.memories();
                let memory = match &one.memory {
                    None => Some(MemoryId::SCRATCHPAD),
                    Some(name) => memories.iter().position(|it| it.name == *name).map(|it| MemoryId(it as u32)),
                };
                let Some(memory) = memory else {
                    let named = one.memory.as_deref().unwrap_or_default();
                    return refuse(format!("{name} has a residency in '{named}', which is no memory of the machine"));
                };
                placement.places[index] = Some(Place { memory, offset: Bytes(one.offset) });
            }
            [one] => {
                let (start, end) = (one.steps.start, one.steps.end);
                return refuse(format!(
                    "{name} has a residency from step {start} to {end}, but it is needed from {} to {}, and nothing moves",
                    steps.start, steps.end
                ));
            }
            several => {
                let has = match several.len() {
                    0 => "no residency".to_owned(),
                    n => format!("{n} residencies"),
                };
                return refuse(format!("{name} has {has}, but where nothing moves each tensor has one"));
            }
        }
    }
    Ok(placement)
}
