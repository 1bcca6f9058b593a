//! When to stop.

use std::time::Instant;

/// A point in time, looked at now and then: asking the clock costs more than a step of a search.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    at: Instant,
    asked: u32,
    over: bool,
}

impl Deadline {
    /// A deadline at a point in time.
    pub fn new(at: Instant) -> Deadline {
        Deadline { at, asked: 0, over: Instant::now() >= at }
    }

    /// Whether it has passed.
    pub fn is_over(&mut self) -> bool {
        self.asked = self.asked.wrapping_add(1);
        if self.asked.is_multiple_of(64) { self.is_over_now() } else { self.over }
    }

    /// Whether it has passed, whatever that costs.
    pub fn is_over_now(&mut self) -> bool {
        self.over = self.over || Instant::now() >= self.at;
        self.over
    }
}
