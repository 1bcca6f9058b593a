//! Mutations of planned programs, to test whether the judge notices.

use super::Choices;
use crate::{Action, Bytes, Copy, MemoryId, Problem, Slice, Slot, TensorId};

/// Changes a program in one place: an offset, an operand, or the presence or order of lines. The result is usually
/// wrong, but not always. All ids stay valid.
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
            // A residency moves as a whole, so that its lines agree.
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

/// Makes some copies of a program begin earlier and wait later, each by a few lines. The result is usually wrong, but
/// often not.
pub fn overlap(actions: &mut Vec<Action>, choices: &mut Choices) {
    for _ in 0..1 + choices.below(4) {
        let copies: Vec<usize> = (0..actions.len()).filter(|it| matches!(actions[*it], Action::Copy(_))).collect();
        if copies.is_empty() {
            return;
        }
        let at = choices.one_of(&copies);
        let Action::Copy(copy) = actions.remove(at) else { return };
        let Copy { tensor, to, .. } = copy;
        let (earlier, later) = (choices.below(3) as usize, choices.below(3) as usize);
        actions.insert((at + later).min(actions.len()), Action::Wait(Slot { tensor, place: to }));
        actions.insert(at.saturating_sub(earlier), Action::Issue(copy));
    }
}

/// Splits some asynchronous copies into two slices, with some lines between them.
pub fn slice(problem: &Problem, actions: &mut Vec<Action>, choices: &mut Choices) {
    let is_issue = |it: &Action| matches!(it, Action::Issue(_));
    while let Some(at) = actions.iter().position(is_issue).filter(|_| choices.chance(70)) {
        let Action::Issue(copy) = actions.remove(at) else { return };
        let size = problem.graph.tensor(copy.tensor).size;
        let cut = Bytes(choices.below(size.0.max(1)));
        let slice = |low, high| Action::IssueSlice(copy, Slice { low, high });
        if cut == Bytes::ZERO {
            actions.insert(at, slice(Bytes::ZERO, size));
        } else {
            let mut slices = [slice(Bytes::ZERO, cut), slice(cut, size)];
            if choices.chance(40) {
                slices.reverse();
            }
            let [first, second] = slices;
            actions.insert((at + choices.below(3) as usize).min(actions.len()), second);
            actions.insert(at, first);
        }
    }
}

fn shift(problem: &Problem, offset: &mut Bytes, choices: &mut Choices) {
    let by = choices.one_of(&[problem.machine.alignment(), Bytes(1)]);
    *offset = if choices.chance(50) { *offset + by } else { offset.saturating_sub(by) };
}

/// Every tensor of a line that has an offset, with the offset.
fn slots(action: &mut Action) -> Vec<(&mut TensorId, &mut Bytes)> {
    match action {
        Action::Copy(Copy { tensor, from, to })
        | Action::Issue(Copy { tensor, from, to })
        | Action::IssueSlice(Copy { tensor, from, to }, _) => {
            let place = if to.memory == MemoryId::SCRATCHPAD { to } else { from };
            vec![(tensor, &mut place.offset)]
        }
        Action::Start(slot) | Action::Wait(slot) => vec![(&mut slot.tensor, &mut slot.place.offset)],
        Action::Run { reads, writes, .. } => {
            let on_chip = reads.iter_mut().chain(writes).filter(|it| it.place.memory == MemoryId::SCRATCHPAD);
            on_chip.map(|it| (&mut it.tensor, &mut it.place.offset)).collect()
        }
    }
}
