//! The same program without overlap.

use crate::{Action, Copy, MemoryId, Slot};
use std::collections::HashMap;

/// A program with the same operators, transfers and addresses, in which each line is done before the next one begins:
/// loads are placed at their waits, and stores where they were issued. If the judge accepts the program, it accepts
/// this one, too.
pub fn without_overlap(actions: &[Action]) -> Vec<Action> {
    let mut begun: HashMap<Slot, Copy> = HashMap::new();
    let mut lines = Vec::with_capacity(actions.len());
    for action in actions {
        match action {
            Action::Issue(copy) if copy.to.memory == MemoryId::HOME => lines.push(Action::Copy(*copy)),
            Action::Issue(copy) | Action::IssueSlice(copy, _) => {
                begun.insert(Slot { tensor: copy.tensor, place: copy.to }, *copy);
            }
            // Outgoing transfers stay where they were issued.
            Action::Wait(slot) => lines.extend(begun.remove(slot).map(Action::Copy)),
            Action::Start(_) | Action::Copy(_) | Action::Run { .. } => lines.push(action.clone()),
        }
    }
    lines
}
