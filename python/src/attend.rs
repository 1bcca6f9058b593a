//! Work without the interpreter, while its thread attends to signals and to a callback.
//!
//! The planner tells a watcher how far it is, on whichever of its threads; but Python handles signals on its main thread
//! only, and a callback belongs on the thread that called. So work goes to a thread of its own. The calling thread lets
//! go of the interpreter, wakes up some twenty times a second, and then takes hold of it to see to signals and to tell the
//! callback the latest news. If either says to stop, the watcher does.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often the calling thread wakes up.
const INTERVAL: Duration = Duration::from_millis(50);

/// The stack of the thread that works: as much as a main thread usually has.
const STACK: usize = 8 << 20;

/// How far planning has come. Costs are non-compulsory bytes.
#[pyclass(frozen, get_all, module = "cosma")]
#[derive(Clone, Debug)]
pub struct Progress {
    /// What planning is at: `greedy`, `search`, `packing`, and so on until `done`.
    phase: String,
    /// What the best order and residencies so far cost; None before the first.
    best: Option<u64>,
    /// What the best plan with addresses so far costs; None before the first.
    planned: Option<u64>,
    /// No plan costs less; proven.
    lower_bound: u64,
    /// How many cycles the fastest program so far takes; None before the first, and if it is not about time.
    cycles: Option<u64>,
    /// No program takes fewer cycles, in whatever order is allowed; proven. None if it is not about time.
    least_cycles: Option<u64>,
    /// Seconds since planning began.
    elapsed: f64,
    /// Seconds after which planning stops looking for something better.
    time_limit: f64,
    /// The scratchpad that is planned for.
    scratchpad: u64,
}

#[pymethods]
impl Progress {
    /// How much less might be possible, as a part of what the best costs, 0 to 1; None before the first.
    #[getter]
    fn gap(&self) -> Option<f64> {
        let best = self.planned.or(self.best)?;
        let missing = best.saturating_sub(self.lower_bound);
        Some(if missing == 0 { 0.0 } else { missing as f64 / best as f64 })
    }

    fn __repr__(&self) -> String {
        let known = |it: Option<u64>| it.map_or("None".to_owned(), |it| it.to_string());
        format!(
            "Progress(phase='{}', best={}, planned={}, lower_bound={}, elapsed={:.3})",
            self.phase,
            known(self.best),
            known(self.planned),
            self.lower_bound,
            self.elapsed
        )
    }
}

/// What the thread that works and the one that called share.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// Whether to stop.
    pub stop: AtomicBool,
    news: Mutex<Option<Progress>>,
}

impl Desk {
    /// The answer of a watcher.
    pub fn watch(&self, scratchpad: u64, progress: &cosma_planner::Progress) -> ControlFlow<()> {
        let news = Progress {
            phase: progress.phase.to_string(),
            best: progress.best.map(|it| it.0),
            planned: progress.planned.map(|it| it.0),
            lower_bound: progress.lower_bound.0,
            cycles: progress.cycles.map(|it| it.0),
            least_cycles: progress.least_cycles.map(|it| it.0),
            elapsed: progress.elapsed.as_secs_f64(),
            time_limit: progress.time_limit.as_secs_f64(),
            scratchpad,
        };
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        if self.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Sees to signals, and tells the callback what is new. A callback that answers `False` stops the work.
    fn look(&self, py: Python<'_>, callback: Option<&Py<PyAny>>) -> PyResult<()> {
        py.check_signals()?;
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(news), Some(callback)) = (news, callback)
            && callback.bind(py).call1((news,))?.is(pyo3::types::PyBool::new(py, false))
        {
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Does work on another thread, without the interpreter.
///
/// # Errors
/// What a signal handler or the callback raises, as soon as the work has stopped.
pub(crate) fn attend<T: Send>(
    py: Python<'_>,
    callback: Option<&Py<PyAny>>,
    work: impl FnOnce(&Desk) -> T + Send,
) -> PyResult<T> {
    let desk = Desk::default();
    let outcome = py.detach(|| {
        thread::scope(|scope| {
            let (done, is_done) = channel::<()>();
            let desk = &desk;
            let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
                // The other end hears it when this one is dropped, however the work ends.
                let _done = done;
                work(desk)
            });
            let worker = worker.map_err(|error| PyRuntimeError::new_err(format!("no thread to plan on: {error}")))?;
            let mut raised = None;
            while is_done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if raised.is_none() {
                    raised = Python::attach(|py| desk.look(py, callback)).err();
                    desk.stop.fetch_or(raised.is_some(), Ordering::Relaxed);
                }
            }
            let found = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            raised.map_or(Ok(found), Err)
        })
    })?;
    // The last news, which callers may wait for.
    desk.look(py, callback)?;
    Ok(outcome)
}
