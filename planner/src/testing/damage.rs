//! Planned programs made wrong, to see whether it is noticed.

use super::Choices;
use crate::{Action, Bytes, Place, Problem, TensorId};

/// Changes a program in one place: an offset, an operand, or which lines there are and in what
/// order. Mostly it is wrong after that, but not always. All ids stay those of the graph.
pub fn damage(problem: &Problem, actions: &mut Vec<Action>, choices: &mut Choices) {
    let Some(last) = actions.len().checked_sub(1) else { return };
    let at = choices.below(actions.len() as u64) as usize;
    match choices.below(8) {
        0 => drop(actions.remove(at)),
        1 => actions.truncate(at),
        2 => actions.insert(choices.below(actions.len() as u64) as usize, actions[at].clone()),
        3 => actions.swap(at, (at + 1).min(last)),
        4 => {
            let moved = actions.remove(at);
            actions.insert(choices.below(actions.len() as u64 + 1) as usize, moved);
        }
        5 => {
            let mut slots = slots(&mut actions[at]);
            if !slots.is_empty() {
                let slot = choices.below(slots.len() as u64) as usize;
                shift(problem, slots[slot].1, choices);
            }
        }
        6 => {
            // A residency moves as a whole: each line agrees with the others.
            let found = slots(&mut actions[at]).first().map(|it| (*it.0, *it.1));
            if let Some((tensor, offset)) = found {
                let mut shifted = offset;
                shift(problem, &mut shifted, choices);
                for (_, it) in actions.iter_mut().flat_map(slots).filter(|it| (*it.0, *it.1) == (tensor, offset)) {
                    *it = shifted;
                }
            }
        }
        _ => {
            if let Action::Run { reads, workspace, .. } = &mut actions[at] {
                shift(problem, workspace, choices);
                reads.reverse();
            } else if let Some((tensor, _)) = slots(&mut actions[at]).into_iter().next() {
                *tensor = TensorId(choices.below(problem.graph.tensors().len() as u64) as u32);
            }
        }
    }
}

fn shift(problem: &Problem, offset: &mut Bytes, choices: &mut Choices) {
    let by = choices.one_of(&[problem.machine.alignment(), Bytes(1)]);
    *offset = if choices.chance(50) { *offset + by } else { offset.saturating_sub(by) };
}

/// Every tensor of a line that has an offset, and the offset.
fn slots(action: &mut Action) -> Vec<(&mut TensorId, &mut Bytes)> {
    match action {
        Action::Load { tensor, place: Place::Scratchpad(offset) }
        | Action::Reload { tensor, place: Place::Scratchpad(offset) } => vec![(tensor, offset)],
        Action::Load { place: Place::Stream, .. } | Action::Reload { place: Place::Stream, .. } => vec![],
        Action::Store(slot) | Action::Spill(slot) => vec![(&mut slot.tensor, &mut slot.offset)],
        Action::Run { reads, writes, .. } => {
            reads.iter_mut().chain(writes).map(|it| (&mut it.tensor, &mut it.offset)).collect()
        }
    }
}
