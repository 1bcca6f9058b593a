//! Progress reports of planning to a callback that may stop it.
//!
//! A [`Deadline`](crate::Deadline) carries the observer to all code that checks the time. So whatever respects the time
//! limit also stops soon when asked to. Reports come only from the few places that decide the whole problem: parts of
//! it, and problems with less capacity, have costs and bounds of their own, which do not hold for the whole.

use crate::{Bytes, Cycles};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// The minimum interval between calls of the watcher, except for changes of phase.
const INTERVAL: Duration = Duration::from_millis(100);

/// A callback that receives progress reports. [`ControlFlow::Break`] stops planning.
///
/// It may be called on any thread, but never concurrently for one planning run. Planning waits for it, so it should be
/// fast.
pub type Watcher<'a> = dyn Fn(&Progress) -> ControlFlow<()> + Sync + 'a;

/// The phases of planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// A first plan, which takes almost no time.
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
    /// Address assignment.
    Packing,
    /// The outline cannot be packed: other plans with addresses.
    Repair,
    /// The start times of transfers: programs that overlap, and bounds on their time.
    Overlap,
    /// Planning has ended.
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

/// The progress of planning. Costs are non-compulsory bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The current phase.
    pub phase: Phase,
    /// The cost of the best order and residencies so far; never rises. Addresses are assigned last, and if they do not
    /// fit, the plan costs more.
    pub best: Option<Bytes>,
    /// The cost of the best plan with addresses so far; never rises.
    pub planned: Option<Bytes>,
    /// A proven lower bound on the cost of every plan; never falls.
    pub lower_bound: Bytes,
    /// The time of the fastest program so far, if planning is for time; never rises.
    pub cycles: Option<Cycles>,
    /// A proven lower bound on the time of every program in any allowed order, if planning is for time; never falls.
    pub least_cycles: Option<Cycles>,
    /// The time since planning began.
    pub elapsed: Duration,
    /// The time limit of the search for something better, from the beginning of planning.
    pub time_limit: Duration,
}

impl Progress {
    /// The possible improvement as a fraction of the best cost: of the plan with addresses once there is one. `None`
    /// before the first cost.
    pub fn gap(&self) -> Option<f64> {
        let best = self.planned.or(self.best)?;
        let missing = best.saturating_sub(self.lower_bound);
        Some(if missing == Bytes::ZERO { 0.0 } else { missing.0 as f64 / best.0 as f64 })
    }

    /// The remaining time.
    pub fn left(&self) -> Duration {
        self.time_limit.saturating_sub(self.elapsed)
    }
}

/// The state of one planning run for its watcher.
pub(crate) struct Observer<'a> {
    watcher: &'a Watcher<'a>,
    start: Instant,
    state: Mutex<Progress>,
    /// Locked while the watcher is called.
    gate: Mutex<()>,
    /// The time of the watcher's next call, in microseconds from the start.
    next: AtomicU64,
    /// The time at which it asked to stop, likewise; the largest number if it did not.
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

    /// Calls the watcher if its interval has passed.
    pub fn look(&self) {
        let next = self.next.load(Ordering::Relaxed);
        if self.now() < next || self.is_stopped() {
            return;
        }
        match self.gate.try_lock() {
            Ok(gate) => self.call(&gate),
            Err(TryLockError::Poisoned(gate)) => self.call(&gate.into_inner()),
            // Another thread is calling it.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// Begins a phase.
    pub fn enter(&self, phase: Phase) {
        self.update(|it| it.phase = phase);
        if !self.is_stopped() || phase == Phase::Done {
            self.call(&self.gate.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Changes the progress.
    pub fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.state());
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) != u64::MAX
    }

    /// The time since the watcher asked to stop, if it did.
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
