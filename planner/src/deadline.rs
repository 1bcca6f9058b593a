//! When to stop looking for something better.

use std::time::{Duration, Instant};

/// A moment at which a solver hands over the best that it has.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Never.
    pub const NEVER: Deadline = Deadline(None);

    /// So long from now; never, if that is further away than the clock can say.
    pub fn after(duration: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(duration))
    }

    /// Whether it is later than that.
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|it| it <= Instant::now())
    }

    /// The time that is left; none if there is no end to it.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|it| it.saturating_duration_since(Instant::now()))
    }

    /// The moment at which so large a part of the time that is left will have passed.
    pub fn part(self, share: f64) -> Deadline {
        self.left().map_or(self, |it| self.within(it.mul_f64(share)))
    }

    /// The earlier of this one and `duration` from now.
    pub fn within(self, duration: Duration) -> Deadline {
        let other = Deadline::after(duration);
        match (self.0, other.0) {
            (Some(own), Some(new)) => Deadline(Some(own.min(new))),
            (own, new) => Deadline(own.or(new)),
        }
    }
}
