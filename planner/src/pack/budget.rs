//! When to stop.

use crate::Deadline;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A deadline, looked at now and then: asking the clock costs more than a step of a search. Searches
/// that run side by side are also called off by it, once one with a lower number has an answer.
#[derive(Clone, Debug)]
pub(super) struct Budget<'a> {
    deadline: Deadline<'a>,
    race: Option<(&'a AtomicUsize, usize)>,
    spent: u64,
    /// How much is spent when the clock is looked at next.
    next_look: u64,
    /// Until so much is spent it is never over.
    granted: u64,
    over: bool,
}

/// Steps between two looks at the clock: some ten microseconds.
const STEPS: u64 = 4096;

/// Steps that a decision of a search stands for.
const DECISION: usize = 256;

impl<'a> Budget<'a> {
    /// A look at a deadline.
    pub fn new(deadline: Deadline<'a>) -> Budget<'a> {
        Budget { deadline, race: None, spent: 0, next_look: STEPS, granted: 0, over: deadline.has_passed() }
    }

    /// The same, but so many steps may be spent whatever the time is: for what must come out in any case.
    pub fn granting(&self, steps: u64) -> Budget<'a> {
        Budget { spent: 0, next_look: STEPS.max(steps), granted: steps, over: false, ..self.clone() }
    }

    /// The same for number `lane` of the searches that run side by side; `winner` is the least of those with
    /// an answer.
    pub fn in_race<'b>(&self, winner: &'b AtomicUsize, lane: usize) -> Budget<'b>
    where
        'a: 'b,
    {
        Budget {
            deadline: self.deadline,
            race: Some((winner, lane)),
            spent: 0,
            next_look: STEPS,
            granted: 0,
            over: self.over,
        }
    }

    /// Whether it is time to stop, asked at each decision of a search.
    pub fn is_over(&mut self) -> bool {
        self.spend(DECISION)
    }

    /// Whether it is time to stop after so many more steps: rounds of some innermost loop.
    pub fn spend(&mut self, steps: usize) -> bool {
        self.spent += steps as u64;
        if self.next_look <= self.spent {
            self.next_look = self.spent + STEPS;
            self.is_over_now();
        }
        self.over
    }

    /// All steps that were spent.
    #[cfg(test)]
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Whether it is time to stop, whatever that costs.
    pub fn is_over_now(&mut self) -> bool {
        if self.spent < self.granted {
            return false;
        }
        let is_beaten = || self.race.is_some_and(|(winner, lane)| winner.load(Ordering::Relaxed) < lane);
        self.over = self.over || is_beaten() || self.deadline.has_passed();
        self.over
    }
}
