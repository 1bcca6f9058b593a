//! Deadlines of searches.

use crate::progress::{Observer, Phase};
use crate::{Bytes, Cycles};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The grace period for finishing the plan after the watcher asks to stop.
const GRACE: Duration = Duration::from_millis(500);

/// The moment at which a solver returns the best that it has found.
///
/// It also carries the observer of a watcher. Every check of the time lets the watcher answer; once it asks to stop,
/// the deadline has passed.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    at: Option<Instant>,
    observer: Option<&'a Observer<'a>>,
    /// Whether bounds and costs hold for the whole problem, and are reported.
    tells: bool,
    /// Whether there is a grace period after the watcher asks to stop.
    has_grace: bool,
    /// Set when the result is no longer needed.
    is_needless: Option<&'a AtomicBool>,
    /// The state shared with concurrent searches for the same problem.
    race: Option<&'a Race>,
}

/// The state shared by several solvers of one problem: the race is over once the best plan is proven optimal.
#[derive(Debug)]
pub(crate) struct Race {
    best: AtomicU64,
    lower_bound: AtomicU64,
}

impl Race {
    pub fn new(best: Bytes, lower_bound: Bytes) -> Race {
        Race { best: AtomicU64::new(best.0), lower_bound: AtomicU64::new(lower_bound.0) }
    }

    fn is_over(&self) -> bool {
        self.best.load(Ordering::Relaxed) <= self.lower_bound.load(Ordering::Relaxed)
    }
}

impl<'a> Deadline<'a> {
    /// No deadline.
    pub const NEVER: Deadline<'static> =
        Deadline { at: None, observer: None, tells: true, has_grace: false, is_needless: None, race: None };

    /// This long from now; no deadline if the clock cannot represent it.
    pub fn after(duration: Duration) -> Deadline<'static> {
        Deadline { at: Instant::now().checked_add(duration), ..Deadline::NEVER }
    }

    /// The same with an observer.
    pub(crate) fn watched<'b>(self, observer: &'b Observer<'b>) -> Deadline<'b>
    where
        'a: 'b,
    {
        Deadline { observer: Some(observer), ..self }
    }

    /// Whether it has passed.
    pub fn has_passed(self) -> bool {
        self.is_told_to_stop()
            || self.is_needless()
            || self.race.is_some_and(Race::is_over)
            || self.at.is_some_and(|it| it <= Instant::now())
    }

    fn is_needless(self) -> bool {
        self.is_needless.is_some_and(|it| it.load(Ordering::Relaxed))
    }

    /// The remaining time; `None` without a deadline.
    pub fn left(self) -> Option<Duration> {
        let left = self.at.map(|it| it.saturating_duration_since(Instant::now()));
        match (left, self.grace_left()) {
            (Some(left), Some(grace)) => Some(left.min(grace)),
            (left, grace) => left.or(grace),
        }
    }

    /// The remaining grace period, once the watcher has asked to stop.
    fn grace_left(self) -> Option<Duration> {
        let grace = if self.has_grace { GRACE } else { Duration::ZERO };
        self.observer.and_then(|it| it.since_stop()).map(|it| grace.saturating_sub(it))
    }

    /// The same, but it also passes once another thread sets `is_needless`.
    pub fn unless<'b>(self, is_needless: &'b AtomicBool) -> Deadline<'b>
    where
        'a: 'b,
    {
        Deadline { is_needless: Some(is_needless), ..self }
    }

    /// The same, but it also passes once the best known plan of the whole problem is proven optimal.
    pub(crate) fn in_race<'b>(self, race: &'b Race) -> Deadline<'b>
    where
        'a: 'b,
    {
        Deadline { race: Some(race), ..self }
    }

    /// The same without a time limit: only a watcher ends it.
    pub fn without_end(self) -> Deadline<'a> {
        Deadline { at: None, ..self }
    }

    /// The moment at which this share of the remaining time will have passed.
    pub fn part(self, share: f64) -> Deadline<'a> {
        self.left().map_or(self, |it| self.within(it.mul_f64(share)))
    }

    /// The earlier of this one and `duration` from now.
    pub fn within(self, duration: Duration) -> Deadline<'a> {
        let other = Deadline::after(duration);
        let at = match (self.at, other.at) {
            (Some(own), Some(new)) => Some(own.min(new)),
            (own, new) => own.or(new),
        };
        Deadline { at, ..self }
    }

    /// The same for a part of the problem or a different problem: costs and bounds are not reported.
    pub(crate) fn in_private(self) -> Deadline<'a> {
        Deadline { tells: false, ..self }
    }

    /// The same for finishing a plan, with a grace period after the watcher asks to stop.
    pub(crate) fn with_grace(self) -> Deadline<'a> {
        Deadline { has_grace: true, ..self }
    }

    /// Whether it may pass early, because of a watcher or a race.
    #[cfg(feature = "ilp")]
    pub(crate) fn can_be_called_off(self) -> bool {
        self.observer.is_some() || self.race.is_some()
    }

    /// Whether it has passed early.
    #[cfg(feature = "ilp")]
    pub(crate) fn is_called_off(self) -> bool {
        self.is_told_to_stop() || self.race.is_some_and(Race::is_over)
    }

    /// Whether the watcher asks to stop. This calls the watcher, for code that has no time limit.
    pub(crate) fn is_told_to_stop(self) -> bool {
        if let Some(observer) = self.observer {
            observer.look();
        }
        self.is_stopped()
    }

    /// Whether the watcher asks to stop, and the grace period is over.
    pub(crate) fn is_stopped(self) -> bool {
        self.grace_left() == Some(Duration::ZERO)
    }

    /// Reports the phase that begins.
    pub(crate) fn enter(self, phase: Phase) {
        if let Some(observer) = self.listener() {
            observer.enter(phase);
        }
    }

    /// Reports the cost of an order and residencies.
    pub(crate) fn found(self, cost: Bytes) {
        if let Some(race) = self.race.filter(|_| self.tells) {
            race.best.fetch_min(cost.0, Ordering::Relaxed);
        }
        if let Some(observer) = self.listener() {
            observer.update(|it| it.best = Some(it.best.map_or(cost, |best| best.min(cost))));
        }
    }

    /// Reports the cost of a plan with addresses.
    pub(crate) fn planned(self, cost: Bytes) {
        if let Some(observer) = self.listener() {
            observer.update(|it| it.planned = Some(it.planned.map_or(cost, |best| best.min(cost))));
        }
    }

    /// Reports a lower bound on the cost of every plan.
    pub(crate) fn proved(self, lower_bound: Bytes) {
        if let Some(race) = self.race.filter(|_| self.tells) {
            race.lower_bound.fetch_max(lower_bound.0, Ordering::Relaxed);
        }
        if let Some(observer) = self.listener() {
            observer.update(|it| it.lower_bound = it.lower_bound.max(lower_bound));
        }
    }

    /// Reports the time of a program.
    pub(crate) fn timed(self, cycles: Cycles) {
        if let Some(observer) = self.listener() {
            observer.update(|it| it.cycles = Some(it.cycles.map_or(cycles, |best| best.min(cycles))));
        }
    }

    /// Reports a lower bound on the time of every program.
    pub(crate) fn proved_in_time(self, cycles: Cycles) {
        if let Some(observer) = self.listener() {
            observer.update(|it| it.least_cycles = it.least_cycles.max(Some(cycles)));
        }
    }

    fn listener(self) -> Option<&'a Observer<'a>> {
        self.observer.filter(|_| self.tells)
    }
}

impl fmt::Debug for Deadline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.at).finish()
    }
}
