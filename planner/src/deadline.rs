//! When to stop looking for something better.

use crate::progress::{Observer, Phase};
use crate::{Bytes, Cycles};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The grace period: how long planning may go on after the watcher says to stop, to finish the plan that it has.
const GRACE: Duration = Duration::from_millis(500);

/// A moment at which a solver hands over the best that it has.
///
/// It also carries the observer of a watcher: each look at the time lets the watcher answer, and once the answer
/// is to stop, the deadline has passed.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    at: Option<Instant>,
    observer: Option<&'a Observer<'a>>,
    /// Whether what is found and proven is about the whole problem.
    tells: bool,
    /// Whether there is some time left after the watcher says to stop.
    has_grace: bool,
    /// Whether what is looked for is no longer needed.
    is_needless: Option<&'a AtomicBool>,
    /// What is known by all that look for the same at once.
    race: Option<&'a Race>,
}

/// What several solvers of one problem know together: it is over once the best is proven.
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
    /// Never.
    pub const NEVER: Deadline<'static> =
        Deadline { at: None, observer: None, tells: true, has_grace: false, is_needless: None, race: None };

    /// This long from now; never, if that is further away than the clock can say.
    pub fn after(duration: Duration) -> Deadline<'static> {
        Deadline { at: Instant::now().checked_add(duration), ..Deadline::NEVER }
    }

    /// The same under the eyes of an observer.
    pub(crate) fn watched<'b>(self, observer: &'b Observer<'b>) -> Deadline<'b>
    where
        'a: 'b,
    {
        Deadline { observer: Some(observer), ..self }
    }

    /// Whether it is later than that.
    pub fn has_passed(self) -> bool {
        self.is_told_to_stop()
            || self.is_needless()
            || self.race.is_some_and(Race::is_over)
            || self.at.is_some_and(|it| it <= Instant::now())
    }

    fn is_needless(self) -> bool {
        self.is_needless.is_some_and(|it| it.load(Ordering::Relaxed))
    }

    /// The time that is left; none if there is no end to it.
    pub fn left(self) -> Option<Duration> {
        let left = self.at.map(|it| it.saturating_duration_since(Instant::now()));
        match (left, self.grace_left()) {
            (Some(left), Some(grace)) => Some(left.min(grace)),
            (left, grace) => left.or(grace),
        }
    }

    /// Once the watcher has said to stop: what is left after that.
    fn grace_left(self) -> Option<Duration> {
        let grace = if self.has_grace { GRACE } else { Duration::ZERO };
        self.observer.and_then(|it| it.since_stop()).map(|it| grace.saturating_sub(it))
    }

    /// The same, but it has passed as soon as another thread says that what is looked for is no longer needed.
    pub fn unless<'b>(self, is_needless: &'b AtomicBool) -> Deadline<'b>
    where
        'a: 'b,
    {
        Deadline { is_needless: Some(is_needless), ..self }
    }

    /// The same, but it has passed as soon as the best that is known of the whole problem is proven.
    pub(crate) fn in_race<'b>(self, race: &'b Race) -> Deadline<'b>
    where
        'a: 'b,
    {
        Deadline { race: Some(race), ..self }
    }

    /// The same, however late it gets: only a watcher ends it.
    pub fn without_end(self) -> Deadline<'a> {
        Deadline { at: None, ..self }
    }

    /// The moment at which this share of the time that is left will have passed.
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

    /// The same for a part of the problem, or another one: what is found and proven there is not reported.
    pub(crate) fn in_private(self) -> Deadline<'a> {
        Deadline { tells: false, ..self }
    }

    /// The same for what finishes a plan: it goes on for a moment after the watcher says to stop.
    pub(crate) fn with_grace(self) -> Deadline<'a> {
        Deadline { has_grace: true, ..self }
    }

    /// Whether it may pass before its time: because a watcher says so, or because a race is over.
    #[cfg(feature = "ilp")]
    pub(crate) fn can_be_called_off(self) -> bool {
        self.observer.is_some() || self.race.is_some()
    }

    /// Whether it has passed before its time.
    #[cfg(feature = "ilp")]
    pub(crate) fn is_called_off(self) -> bool {
        self.is_told_to_stop() || self.race.is_some_and(Race::is_over)
    }

    /// Whether the watcher says to stop, when it is asked: for what does not end with time.
    pub(crate) fn is_told_to_stop(self) -> bool {
        if let Some(observer) = self.observer {
            observer.look();
        }
        self.is_stopped()
    }

    /// Whether the watcher says to stop, and there is no time left after that.
    pub(crate) fn is_stopped(self) -> bool {
        self.grace_left() == Some(Duration::ZERO)
    }

    /// Says what begins.
    pub(crate) fn enter(self, phase: Phase) {
        if let Some(observer) = self.listener() {
            observer.enter(phase);
        }
    }

    /// Says what an order and residencies cost that were found.
    pub(crate) fn found(self, cost: Bytes) {
        if let Some(race) = self.race.filter(|_| self.tells) {
            race.best.fetch_min(cost.0, Ordering::Relaxed);
        }
        if let Some(observer) = self.listener() {
            observer.update(|it| it.best = Some(it.best.map_or(cost, |best| best.min(cost))));
        }
    }

    /// Says what a plan with addresses costs.
    pub(crate) fn planned(self, cost: Bytes) {
        if let Some(observer) = self.listener() {
            observer.update(|it| it.planned = Some(it.planned.map_or(cost, |best| best.min(cost))));
        }
    }

    /// Says that no plan costs less.
    pub(crate) fn proved(self, lower_bound: Bytes) {
        if let Some(race) = self.race.filter(|_| self.tells) {
            race.lower_bound.fetch_max(lower_bound.0, Ordering::Relaxed);
        }
        if let Some(observer) = self.listener() {
            observer.update(|it| it.lower_bound = it.lower_bound.max(lower_bound));
        }
    }

    /// Says how long a program takes.
    pub(crate) fn timed(self, cycles: Cycles) {
        if let Some(observer) = self.listener() {
            observer.update(|it| it.cycles = Some(it.cycles.map_or(cycles, |best| best.min(cycles))));
        }
    }

    /// Says that no program takes less.
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
