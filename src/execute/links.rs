//! The bytes that a run moved between several memories, compared with those of its program.

use super::LinkTraffic;
use crate::optimize::functions;
use cosma_ir::execute::Way;
use cosma_ir::melior::ir::Module;
use cosma_passes::{MachineOptions, read_program, symbol};
use cosma_planner::{Action, Copy, Machine, MemoryId, Problem};
use std::collections::BTreeMap;

/// By link, the bytes that a function moved, and those of its program if that can be read. Empty if the machine of the
/// function has one memory besides host memory.
///
/// The arguments from index `scratchpad` on are the memories with a size, in the order of the machine.
pub(super) fn of(planned: &Module, function: &str, ways: &BTreeMap<Way, u64>, scratchpad: usize) -> Vec<LinkTraffic> {
    let Some(function) = functions(planned.as_operation()).into_iter().find(|it| symbol(*it) == function) else {
        return Vec::new();
    };
    let Some(target) = MachineOptions::default().resolve_if_said(function) else { return Vec::new() };
    let machine = target.machine.clone();
    if machine.is_with_host() {
        return Vec::new();
    }
    let sized: Vec<MemoryId> = ids(&machine).filter(|it| has_size(&machine, *it)).collect();
    let place = |argument: Option<usize>| {
        let arena = argument.and_then(|it| sized.get(it.checked_sub(scratchpad)?));
        arena.copied().unwrap_or(MemoryId::HOME)
    };
    let mut moved: BTreeMap<(MemoryId, MemoryId), u64> = BTreeMap::new();
    for ((from, to), bytes) in ways {
        *moved.entry((place(*from), place(*to))).or_default() += bytes;
    }
    let program = read_program(function, target).ok();
    let said = program.map(|it| said(&it.extraction.problem, it.parts().1));
    let ways = moved.keys().chain(said.iter().flat_map(BTreeMap::keys)).copied();
    let ways: std::collections::BTreeSet<_> = ways.collect();
    let name = |it: MemoryId| machine.memories()[it.index()].name.clone();
    let link = |way: (MemoryId, MemoryId)| LinkTraffic {
        from: name(way.0),
        to: name(way.1),
        moved: moved.get(&way).copied().unwrap_or(0),
        planned: said.as_ref().map(|it| it.get(&way).copied().unwrap_or(0)),
    };
    ways.into_iter().map(link).collect()
}

/// The bytes that the copies of a program move, by link; memories without a size count as home.
fn said(problem: &Problem, actions: &[Action]) -> BTreeMap<(MemoryId, MemoryId), u64> {
    let place = |it: MemoryId| if has_size(&problem.machine, it) { it } else { MemoryId::HOME };
    let mut said = BTreeMap::new();
    for action in actions {
        let (Copy { tensor, from, to }, slice) = match action {
            Action::Copy(copy) | Action::Issue(copy) => (copy, None),
            Action::IssueSlice(copy, slice) => (copy, Some(slice.size())),
            Action::Start(_) | Action::Wait(_) | Action::Run { .. } => continue,
        };
        let bytes = slice.unwrap_or(problem.graph.tensor(*tensor).size).0;
        if bytes != 0 {
            *said.entry((place(from.memory), place(to.memory))).or_default() += bytes;
        }
    }
    said
}

fn ids(machine: &Machine) -> impl Iterator<Item = MemoryId> {
    (0..machine.memories().len()).map(|it| MemoryId(it as u32))
}

fn has_size(machine: &Machine, memory: MemoryId) -> bool {
    machine.memories()[memory.index()].size.is_some()
}
