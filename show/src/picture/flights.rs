//! Asynchronous transfers that are not known to be complete.

use super::Flight;
use cosma_planner::{Bytes, MemoryId, Slot, Step, TensorId};

/// The destination of each transfer, its block, and its known properties.
#[derive(Default)]
pub(super) struct Flights(Vec<(Slot, usize, Flight)>);

impl Flights {
    /// Some bytes of a block, from an offset on, begin their transfer to a slot before a step.
    pub fn begin(&mut self, slot: Slot, block: usize, (offset, size): (Bytes, Bytes), step: Step) {
        let is_inward = slot.place.memory != MemoryId::HOME;
        self.0.push((slot, block, Flight { steps: step..step, offset, size, is_inward }));
    }

    /// The transfers to a slot are complete before a step. Returns those that end, with their blocks.
    pub fn end(&mut self, slot: Slot, step: Step) -> Vec<(usize, Flight)> {
        self.end_those(|it, _| *it == slot, step)
    }

    /// The outgoing transfers of some bytes, from an offset on, are complete before a step, since another transfer
    /// behind them in their channel overwrites the bytes: they need no wait.
    pub fn end_in(&mut self, (offset, size): (Bytes, Bytes), step: Step) -> Vec<(usize, Flight)> {
        let is_met = |it: &Flight| it.offset.max(offset) < (it.offset + it.size).min(offset + size);
        self.end_those(|_, flight| !flight.is_inward && is_met(flight), step)
    }

    /// A tensor is back before a step, so its outgoing transfer is complete.
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
