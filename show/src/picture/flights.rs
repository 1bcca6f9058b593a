//! Transfers that were issued and not waited for yet.

use super::Flight;
use cosma_planner::{Bytes, Slot, Step};
use std::collections::HashMap;

/// By where they go: the block of each, and what is known of it.
#[derive(Default)]
pub(super) struct Flights(HashMap<Slot, Vec<(usize, Flight)>>);

impl Flights {
    /// Some bytes of a block begin their way to a slot before a step.
    pub fn begin(&mut self, slot: Slot, block: usize, offset: Bytes, size: Bytes, step: Step) {
        let flight = Flight { steps: step..step, offset, size, is_inward: false };
        self.0.entry(slot).or_default().push((block, flight));
    }

    /// What is on its way to a slot is there before a step.
    pub fn end(&mut self, slot: Slot, step: Step) -> Vec<(usize, Flight)> {
        let mut flights = self.0.remove(&slot).unwrap_or_default();
        flights.iter_mut().for_each(|it| it.1.steps.end = step);
        flights
    }
}
