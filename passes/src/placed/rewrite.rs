//! Planned form where nothing moves: `cosma.place` for what lies there before the first operator, and offsets and memories
//! of what operators write.

use crate::extract::{Carrier, Extraction};
use crate::insert_transfers::{Writer, erase_unused};
use crate::wrap::wrap;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::{as_mut, place};
use cosma_planner::Action;

/// Writes a program of places and runs into a function whose operators stand in the order in which they run.
pub(super) fn rewrite<'c, 'a>(extraction: &Extraction<'c, 'a>, actions: &[Action]) {
    let mut writer = Writer::new(extraction);
    for action in actions {
        match action {
            Action::Start(slot) => {
                let carrier: &Carrier = &extraction.carriers[slot.tensor.index()];
                let source = carrier.source().expect("what starts somewhere is an argument or a constant");
                let location = writer.next().location();
                let value = writer.insert(place(source, writer.at(slot.place), location));
                writer.lies(*slot, value);
            }
            Action::Run { op, reads, writes, .. } => writer.run(*op, reads, writes),
            _ => unreachable!("a placement has places and runs"),
        }
    }
    let end: OperationRef = extraction.terminator;
    for (index, value) in end.operands().enumerate().collect::<Vec<_>>() {
        if let Some(tensor) = extraction.tensor(value) {
            let place = writer.place_of(tensor).expect("the judge has seen that a result lies somewhere");
            let returned = writer.as_seen(value, place);
            as_mut(end).set_operand(index, returned);
        }
    }
    let views: Vec<OperationRef> = extraction.views.iter().rev().copied().collect();
    // Last, since what was extracted is known by its values, and groups have values of their own.
    wrap(extraction, writer.foreign());
    views.into_iter().for_each(erase_unused);
}
