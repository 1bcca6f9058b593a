//! When to stop.

use crate::Deadline;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A deadline, looked at now and then: asking the clock costs more than a step of a search. Those who
/// work side by side are also called off by it, once one with a lower number has an answer.
#[derive(Clone, Debug)]
pub(super) struct Watch<'a> {
    deadline: Deadline<'a>,
    race: Option<(&'a AtomicUsize, usize)>,
    asked: u32,
    over: bool,
}

impl<'a> Watch<'a> {
    /// A look at a deadline.
    pub fn new(deadline: Deadline<'a>) -> Watch<'a> {
        Watch { deadline, race: None, asked: 0, over: deadline.has_passed() }
    }

    /// The same for number `lane` of those who work side by side; `winner` is the least of those with
    /// an answer.
    pub fn in_race<'b>(&self, winner: &'b AtomicUsize, lane: usize) -> Watch<'b>
    where
        'a: 'b,
    {
        Watch { deadline: self.deadline, race: Some((winner, lane)), asked: 0, over: self.over }
    }

    /// Whether it is time to stop.
    pub fn is_over(&mut self) -> bool {
        self.asked = self.asked.wrapping_add(1);
        if self.asked.is_multiple_of(16) { self.is_over_now() } else { self.over }
    }

    /// Whether it is time to stop, whatever that costs.
    pub fn is_over_now(&mut self) -> bool {
        let is_beaten = || self.race.is_some_and(|(winner, lane)| winner.load(Ordering::Relaxed) < lane);
        self.over = self.over || is_beaten() || self.deadline.has_passed();
        self.over
    }
}
