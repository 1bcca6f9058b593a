//! Transfers that were issued and are not known to be complete yet.

use super::Flight;
use cosma_planner::{Bytes, MemoryId, Slot, Step, TensorId};

/// Where each goes, its block, and what is known of it.
#[derive(Default)]
pub(super) struct Flights(Vec<(Slot, usize, Flight)>);

impl Flights {
    /// Some bytes of a block, from an offset on, begin their way to a slot before a step.
    pub fn begin(&mut self, slot: Slot, block: usize, (offset, size): (Bytes, Bytes), step: Step) {
        let is_inward = slot.place.memory != MemoryId::HOME;
        self.0.push((slot, block, Flight { steps: step..step, offset, size, is_inward }));
    }

    /// What is on its way to a slot is there before a step. Those that end, with their blocks.
    pub fn end(&mut self, slot: Slot, step: Step) -> Vec<(usize, Flight)> {
        self.end_those(|it, _| *it == slot, step)
    }

    /// What is on its way out of some bytes, from an offset on, is gone before a step, since something else is put there:
    /// behind it in its channel, it need not have been waited for.
    pub fn end_in(&mut self, (offset, size): (Bytes, Bytes), step: Step) -> Vec<(usize, Flight)> {
        let is_met = |it: &Flight| it.offset.max(offset) < (it.offset + it.size).min(offset + size);
        self.end_those(|_, flight| !flight.is_inward && is_met(flight), step)
    }

    /// A tensor is back before a step, so it has been out.
    pub fn end_of(&mut self, tensor: TensorId, step: Step) -> Vec<(usize, Flight)> {
        self.end_those(|slot, flight| !flight.is_inward && slot.tensor == tensor, step)
    }

    fn end_those(&mut self, ends: impl Fn(&Slot, &Flight) -> bool, step: Step) -> Vec<(usize, Flight)> {
        let (ended, open) = std::mem::take(&mut self.0).into_iter().partition(|it| ends(&it.0, &it.2));
        self.0 = open;
        let ended: Vec<(Slot, usize, Flight)> = ended;
        let end =
            |(_, block, flight): (_, usize, Flight)| (block, Flight { steps: flight.steps.start..step, ..flight });
        ended.into_iter().map(end).collect()
    }
}
