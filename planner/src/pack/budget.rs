//! Budgets of searches.

use crate::Deadline;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A deadline that is checked occasionally, since reading the clock costs more than a step of a search. Concurrent
/// searches are also stopped by it, once one with a lower number has an answer.
#[derive(Clone, Debug)]
pub(super) struct Budget<'a> {
    deadline: Deadline<'a>,
    race: Option<(&'a AtomicUsize, usize)>,
    spent: u64,
    /// The spent steps at which the clock is read next.
    next_look: u64,
    /// It is never over before this many steps.
    granted: u64,
    over: bool,
}

/// The number of steps between two readings of the clock: some ten microseconds.
const STEPS: u64 = 4096;

/// The number of steps that a decision of a search counts as.
const DECISION: usize = 256;

impl<'a> Budget<'a> {
    /// A budget with a deadline.
    pub fn new(deadline: Deadline<'a>) -> Budget<'a> {
        Budget { deadline, race: None, spent: 0, next_look: STEPS, granted: 0, over: deadline.has_passed() }
    }

    /// The same, but this many steps are always granted: for results that are needed in any case.
    pub fn granting(&self, steps: u64) -> Budget<'a> {
        Budget { spent: 0, next_look: STEPS.max(steps), granted: steps, over: false, ..self.clone() }
    }

    /// The same for search number `lane` among concurrent ones; `winner` is the least number with an answer.
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

    /// Whether it is over, called at each decision of a search.
    pub fn is_over(&mut self) -> bool {
        self.spend(DECISION)
    }

    /// Whether it is over after this many more steps, which are rounds of an innermost loop.
    pub fn spend(&mut self, steps: usize) -> bool {
        self.spent += steps as u64;
        if self.next_look <= self.spent {
            self.next_look = self.spent + STEPS;
            self.is_over_now();
        }
        self.over
    }

    /// The number of spent steps.
    #[cfg(test)]
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Whether it is over, with a reading of the clock.
    pub fn is_over_now(&mut self) -> bool {
        if self.spent < self.granted {
            return false;
        }
        let is_beaten = || self.race.is_some_and(|(winner, lane)| winner.load(Ordering::Relaxed) < lane);
        self.over = self.over || is_beaten() || self.deadline.has_passed();
        self.over
    }
}
