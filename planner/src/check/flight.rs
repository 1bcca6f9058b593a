//! Copies that were issued and not waited for, and the bytes that they still have to read and to write.
//!
//! A channel executes its copies one at a time, in the order of issue. So if two copies are on one channel, the second
//! may write to the source of the first, and may read the destination of the first. After the wait for a copy, all
//! earlier copies of its channel have read their sources, but each arrives at its destination only with its own wait.
//! Without a clock there are no channels, and only waits order copies.

use crate::time::ChannelId;
use crate::{Bytes, Copy, Moment, Place, Slice, Slot};
use std::ops::Range;

/// All copies in flight, in the order of issue.
#[derive(Default)]
pub(super) struct Flights {
    flights: Vec<Flight>,
}

/// A copy, or one slice of it.
pub(super) struct Flight {
    pub copy: Copy,
    /// Its bytes.
    pub slice: Slice,
    pub moment: Moment,
    pub arrival: usize,
    /// Whether it counts as compulsory.
    pub is_compulsory: bool,
    channel: Option<ChannelId>,
    /// The bytes that it may not have read yet, by address.
    unread: Vec<Range<u128>>,
    /// Whether something was written to its source or destination, which is reported once.
    is_disturbed: bool,
}

/// A place that is to be written.
pub(super) enum Target {
    /// These bytes of a memory with addresses.
    Bytes(Place, u128),
    /// The place of a tensor that needs no address.
    Apart(Slot),
}

impl Flights {
    /// Begins a copy, or a slice of it.
    pub fn begin(&mut self, copy: Copy, slice: Slice, channel: Option<ChannelId>, flight: (Moment, usize, bool)) {
        let (moment, arrival, is_compulsory) = flight;
        let start = u128::from(copy.from.offset.0);
        let byte = |Bytes(it)| start + u128::from(it);
        let unread = std::iter::once(byte(slice.low)..byte(slice.high)).collect();
        let is_disturbed = false;
        self.flights.push(Flight { copy, slice, moment, arrival, is_compulsory, channel, unread, is_disturbed });
    }

    /// The slices of a copy that were issued and not waited for.
    pub fn to(&self, slot: Slot) -> impl Iterator<Item = &Flight> {
        self.flights.iter().filter(move |it| (it.copy.tensor, it.copy.to) == (slot.tensor, slot.place))
    }

    /// Whether all bytes of a tensor were issued to a place on a channel.
    pub fn is_coming(&self, slot: Slot, size: Bytes, channel: Option<ChannelId>) -> bool {
        let on_channel = |it: &Flight| it.channel.is_some() && it.channel == channel;
        let sum: Bytes = self.to(slot).map(|it| it.slice.size()).sum();
        sum == size && self.to(slot).next().is_some() && self.to(slot).all(on_channel)
    }

    /// Ends the wait for the copy that was issued last: all others of its channel have been read.
    pub fn all_read(&mut self, channel: Option<ChannelId>) {
        let on_channel = |it: &&mut Flight| channel.is_some() && it.channel == channel;
        self.flights.iter_mut().filter(on_channel).for_each(|it| it.unread.clear());
    }

    /// Completes all slices of a copy and returns them.
    pub fn arrive(&mut self, slot: Slot) -> Vec<Flight> {
        let is_meant = |it: &Flight| (it.copy.tensor, it.copy.to) == (slot.tensor, slot.place);
        let (arrived, mut left) = std::mem::take(&mut self.flights).into_iter().enumerate().fold(
            (Vec::new(), Vec::new()),
            |(mut arrived, mut left), (at, flight)| {
                if is_meant(&flight) {
                    arrived.push((at, flight))
                } else {
                    left.push((at, flight))
                };
                (arrived, left)
            },
        );
        for (at, flight) in &arrived {
            let before = left.iter_mut().filter(|it| it.0 < *at && it.1.channel.is_some());
            before.filter(|it| it.1.channel == flight.channel).for_each(|it| it.1.unread.clear());
        }
        self.flights = left.into_iter().map(|it| it.1).collect();
        arrived.into_iter().map(|it| it.1).collect()
    }

    /// The first copy that a write disturbs: a write by an operator, or by a copy over a channel.
    pub fn disturb(
        &mut self,
        target: &Target,
        by: Option<ChannelId>,
        has_addresses: impl Fn(Place) -> bool,
    ) -> Option<Copy> {
        for flight in &mut self.flights {
            let is_met = match target {
                Target::Apart(slot) => (flight.copy.to.memory, flight.copy.tensor) == (slot.place.memory, slot.tensor),
                Target::Bytes(place, end) => {
                    let bytes = u128::from(place.offset.0)..*end;
                    let is_in_queue = by.is_some() && by == flight.channel;
                    let is_source = has_addresses(flight.copy.from) && flight.copy.from.memory == place.memory;
                    if is_source && is_in_queue {
                        flight.unread = flight.unread.iter().flat_map(|it| without(it, &bytes)).collect();
                    }
                    let start = u128::from(flight.copy.to.offset.0);
                    let low = start + u128::from(flight.slice.low.0);
                    let to = low..start + u128::from(flight.slice.high.0);
                    let is_goal = has_addresses(flight.copy.to) && flight.copy.to.memory == place.memory;
                    is_source && flight.unread.iter().any(|it| meet(it, &bytes)) || is_goal && meet(&to, &bytes)
                }
            };
            if is_met && !flight.is_disturbed {
                flight.is_disturbed = true;
                return Some(flight.copy);
            }
        }
        None
    }

    /// The copies that are never waited for.
    pub fn left(self) -> Vec<Flight> {
        self.flights
    }
}

fn meet(a: &Range<u128>, b: &Range<u128>) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

/// The parts of a range outside of another.
fn without(range: &Range<u128>, other: &Range<u128>) -> Vec<Range<u128>> {
    if !meet(range, other) {
        return vec![range.clone()];
    }
    let parts = [range.start..other.start.max(range.start), other.end.min(range.end)..range.end];
    parts.into_iter().filter(|it| it.start < it.end).collect()
}
