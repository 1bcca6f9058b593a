//! Reports of how planning goes, to a callback that may stop it.
//!
//! A [`Deadline`](crate::Deadline) carries the observer to wherever time is looked at, so whatever
//! ends in time also stops soon when it is told to. What is told comes from few places: those that
//! decide about the whole problem. Parts of it, and problems with less capacity, have costs and
//! bounds of their own, which say nothing about the whole.

use crate::{Bytes, Cycles};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How often the watcher is called at most, but for changes of phase.
const INTERVAL: Duration = Duration::from_millis(100);

/// A callback that is told how planning goes. [`ControlFlow::Break`] stops it.
///
/// It may be called on any thread, never on two at once for one planning; and it waits, so it had
/// better be quick.
pub type Watcher<'a> = dyn Fn(&Progress) -> ControlFlow<()> + Sync + 'a;

/// What planning is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// A first plan, which costs next to nothing.
    Greedy,
    /// The search over orders and residencies.
    Search,
    /// Simple rules for order and replacement.
    Rules,
    /// Integer programming: replacement in a fixed order.
    Replacement,
    /// Integer programming: order and residency as a whole.
    Joint,
    /// Integer programming: the program over the backbone.
    Backbone,
    /// Integer programming: divide and conquer.
    Conquer,
    /// Addresses for what was decided.
    Packing,
    /// What was decided cannot be packed: other plans with addresses.
    Repair,
    /// When transfers begin: programs that overlap, and bounds on how fast one can be.
    Overlap,
    /// The last word.
    Done,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Greedy => "greedy",
            Phase::Search => "search",
            Phase::Rules => "rules",
            Phase::Replacement => "replacement",
            Phase::Joint => "joint",
            Phase::Backbone => "backbone",
            Phase::Conquer => "conquer",
            Phase::Packing => "packing",
            Phase::Repair => "repair",
            Phase::Overlap => "overlap",
            Phase::Done => "done",
        })
    }
}

/// How far planning has come. Costs are non-compulsory bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// What it is at.
    pub phase: Phase,
    /// What the best order and residencies so far cost; never rises. Addresses come last, and where
    /// they do not fit, the plan costs more.
    pub best: Option<Bytes>,
    /// What the best plan with addresses so far costs; never rises.
    pub planned: Option<Bytes>,
    /// No plan costs less; proven, and never falls.
    pub lower_bound: Bytes,
    /// How long the fastest program so far takes, if it is about time; never rises.
    pub cycles: Option<Cycles>,
    /// No program takes less, in whatever order is allowed, if it is about time; proven, and never falls.
    pub least_cycles: Option<Cycles>,
    /// Since planning began.
    pub elapsed: Duration,
    /// When it will stop looking for something better, counted from its beginning.
    pub time_limit: Duration,
}

impl Progress {
    /// How much less might be possible, as a part of what the best costs: of the plan with addresses
    /// once there is one. None before the first.
    pub fn gap(&self) -> Option<f64> {
        let best = self.planned.or(self.best)?;
        let missing = best.saturating_sub(self.lower_bound);
        Some(if missing == Bytes::ZERO { 0.0 } else { missing.0 as f64 / best.0 as f64 })
    }

    /// The time that is left.
    pub fn left(&self) -> Duration {
        self.time_limit.saturating_sub(self.elapsed)
    }
}

/// One planning, as a watcher sees it.
pub(crate) struct Observer<'a> {
    watcher: &'a Watcher<'a>,
    start: Instant,
    state: Mutex<Progress>,
    /// Held while the watcher is called.
    gate: Mutex<()>,
    /// Microseconds from the start, as below: when the watcher is called next.
    next: AtomicU64,
    /// When it said to stop; the largest number if it did not.
    stopped: AtomicU64,
}

impl<'a> Observer<'a> {
    pub fn new(watcher: &'a Watcher<'a>, lower_bound: Bytes, time_limit: Duration) -> Observer<'a> {
        let state = Progress {
            phase: Phase::Greedy,
            best: None,
            planned: None,
            lower_bound,
            cycles: None,
            least_cycles: None,
            elapsed: Duration::ZERO,
            time_limit,
        };
        Observer {
            watcher,
            start: Instant::now(),
            state: Mutex::new(state),
            gate: Mutex::new(()),
            next: AtomicU64::new(0),
            stopped: AtomicU64::new(u64::MAX),
        }
    }

    /// Tells the watcher, if it is time to.
    pub fn look(&self) {
        let next = self.next.load(Ordering::Relaxed);
        if self.now() < next || self.is_stopped() {
            return;
        }
        match self.gate.try_lock() {
            Ok(gate) => self.call(&gate),
            Err(TryLockError::Poisoned(gate)) => self.call(&gate.into_inner()),
            // Somebody else is telling it.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// Something else begins.
    pub fn enter(&self, phase: Phase) {
        self.update(|it| it.phase = phase);
        if !self.is_stopped() || phase == Phase::Done {
            self.call(&self.gate.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Changes what is known.
    pub fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.state());
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) != u64::MAX
    }

    /// How long ago the watcher said to stop, if it did.
    pub fn since_stop(&self) -> Option<Duration> {
        let stopped = self.stopped.load(Ordering::Relaxed);
        (stopped != u64::MAX).then(|| Duration::from_micros(self.now().saturating_sub(stopped)))
    }

    fn call(&self, _gate: &MutexGuard<()>) {
        let progress = Progress { elapsed: self.start.elapsed(), ..*self.state() };
        if (self.watcher)(&progress).is_break() {
            let _ = self.stopped.compare_exchange(u64::MAX, self.now(), Ordering::Relaxed, Ordering::Relaxed);
        }
        self.next.store(self.now() + INTERVAL.as_micros() as u64, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }
}
