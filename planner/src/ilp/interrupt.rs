//! Runs HiGHS such that it can be interrupted: by a watcher, or because its result is no longer needed.
//!
//! HiGHS has a callback that can stop it, which the safe crate lacks. It calls it between nodes and between simplex
//! iterations, but not while it presolves or solves a first relaxation, which can take seconds; slices of time would
//! change the result. So a model that can be interrupted runs on a thread of its own. After a request to stop, the
//! caller waits briefly; a result that arrives by then counts. Otherwise the thread is abandoned: it ends at the next
//! callback or at its time limit, and its result is dropped. Until then no other model is solved in the process, so
//! that memory is not used twice. A model that cannot be interrupted runs on the calling thread.

// The only place in the planner: a C callback that the safe crate lacks.
#![allow(unsafe_code)]

use crate::{Deadline, Error};
use highs::Model;
use highs_sys::{
    Highs_setCallback, Highs_startCallback, HighsCallbackDataIn, HighsCallbackDataOut, kHighsCallbackIpmInterrupt,
    kHighsCallbackMipInterrupt, kHighsCallbackSimplexInterrupt,
};
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The events at which HiGHS calls back.
const OCCASIONS: [c_int; 3] =
    [kHighsCallbackSimplexInterrupt as c_int, kHighsCallbackIpmInterrupt as c_int, kHighsCallbackMipInterrupt as c_int];

/// The interval between calls of the watcher.
const INTERVAL: Duration = Duration::from_millis(20);

/// The time to wait for HiGHS after a request to stop.
const PATIENCE: Duration = Duration::from_millis(150);

/// That of a main thread.
const STACK_SIZE: usize = 8 << 20;

/// The number of abandoned models that are still running.
static N_LEFT: AtomicUsize = AtomicUsize::new(0);

/// The state of a model on a thread of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waited,
    Left,
    Done,
}

/// Changes the state of a model, and counts abandoned ones; returns the previous state.
fn change(fate: &Mutex<Fate>, new: Fate) -> Fate {
    let mut fate = fate.lock().unwrap_or_else(PoisonError::into_inner);
    match (*fate, new) {
        (Fate::Waited, Fate::Left) => _ = N_LEFT.fetch_add(1, Ordering::Relaxed),
        (Fate::Left, Fate::Done) => _ = N_LEFT.fetch_sub(1, Ordering::Relaxed),
        (Fate::Done, _) => return Fate::Done,
        _ => {}
    }
    std::mem::replace(&mut *fate, new)
}

/// Records the end of a thread, however it ends.
struct Ending(Arc<Mutex<Fate>>);

impl Drop for Ending {
    fn drop(&mut self) {
        change(&self.0, Fate::Done);
    }
}

/// A model that is sent to the thread that solves it.
struct Sent(Model);

// SAFETY: a model is used by one thread at a time: it is made on one, moved, and solved on the other.
unsafe impl Send for Sent {}

/// Lets `finish` solve a model and read the result; `None` if it was abandoned.
///
/// # Errors
/// [`Error::Solver`] if there is no thread, or `finish` fails.
pub(super) fn solve<T: Send + 'static>(
    model: Model,
    deadline: Deadline,
    finish: impl FnOnce(Model) -> Result<T, Error> + Send + 'static,
) -> Result<Option<T>, Error> {
    while 0 < N_LEFT.load(Ordering::Relaxed) {
        if deadline.has_passed() {
            return Ok(None);
        }
        thread::sleep(INTERVAL);
    }
    if !deadline.can_be_called_off() {
        return finish(model).map(Some);
    }
    let fate = Arc::new(Mutex::new(Fate::Waited));
    let ending = Ending(Arc::clone(&fate));
    let failed = || Error::Solver("HiGHS fails".to_owned());
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = channel();
    let (sent, stop_of_thread) = (Sent(model), Arc::clone(&stop));
    let run = move || {
        let _ending = ending;
        let Sent(mut model) = { sent };
        let data = Arc::as_ptr(&stop_of_thread);
        // SAFETY: the model is alive, and this thread keeps the flag until the model is gone.
        unsafe {
            Highs_setCallback(model.as_mut_ptr(), Some(ask), data.cast_mut().cast());
            for occasion in OCCASIONS {
                Highs_startCallback(model.as_mut_ptr(), occasion);
            }
        }
        let result = finish(model);
        drop(stop_of_thread);
        // The receiver is gone if the model was abandoned.
        let _ = sender.send(result);
    };
    thread::Builder::new().stack_size(STACK_SIZE).spawn(run).map_err(|_| failed())?;
    loop {
        match receiver.recv_timeout(INTERVAL) {
            Ok(result) => return result.map(Some),
            Err(RecvTimeoutError::Disconnected) => return Err(failed()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if deadline.is_called_off() {
            stop.store(true, Ordering::Relaxed);
            return match receiver.recv_timeout(PATIENCE) {
                Ok(result) => result.map(Some),
                Err(RecvTimeoutError::Disconnected) => Err(failed()),
                Err(RecvTimeoutError::Timeout) => {
                    change(&fate, Fate::Left);
                    Ok(None)
                }
            };
        }
    }
}

unsafe extern "C" fn ask(
    _: c_int,
    _: *const c_char,
    _: *const HighsCallbackDataOut,
    answer: *mut HighsCallbackDataIn,
    data: *mut c_void,
) {
    // SAFETY: it is the flag from `solve`, which the solving thread keeps alive.
    let stop = unsafe { &*data.cast::<AtomicBool>() };
    // SAFETY: HiGHS reads the answer after this returns; the pointer is null if it takes none.
    if let Some(answer) = unsafe { answer.as_mut() } {
        answer.user_interrupt = stop.load(Ordering::Relaxed).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Observer;
    use crate::{Bytes, Progress};
    use highs::{RowProblem, Sense};
    use std::ops::ControlFlow;
    use std::sync::mpsc::Sender;

    fn model() -> Model {
        let mut problem = RowProblem::default();
        problem.add_column(1.0, 0..1);
        problem.optimise(Sense::Minimise)
    }

    /// Runs a solver that a watcher stops, and that waits until `release` is dropped and then calls `last`.
    fn abandon(last: fn()) -> (Result<Option<()>, Error>, Sender<()>) {
        let stops = |_: &Progress| ControlFlow::Break(());
        let observer = Observer::new(&stops, Bytes::ZERO, Duration::MAX);
        let (release, released) = channel();
        let finish = move |_: Model| {
            // Nothing is sent: it ends when the sender is dropped.
            let _ = released.recv();
            last();
            Ok(())
        };
        (solve(model(), Deadline::NEVER.watched(&observer), finish), release)
    }

    fn solve_soon() -> Option<u64> {
        let goes_on = |_: &Progress| ControlFlow::Continue(());
        let observer = Observer::new(&goes_on, Bytes::ZERO, Duration::MAX);
        let deadline = Deadline::after(Duration::ZERO).watched(&observer);
        solve(model(), deadline, |_| Ok(7)).expect("there is a thread")
    }

    /// One test for all, since abandoned models are counted for the process.
    #[test]
    fn what_does_not_stop_is_left_to_itself_and_waited_for_before_the_next() {
        for last in [(|| {}) as fn(), || panic!("a solver that fails when nobody waits any more")] {
            let (result, release) = abandon(last);
            assert_eq!(result.ok(), Some(None), "what was left to itself has no result");
            assert_eq!(N_LEFT.load(Ordering::Relaxed), 1);
            // Without any time, no other model may start.
            assert_eq!(solve_soon(), None);
            // But once it has ended, in any way, another one may.
            drop(release);
            let in_a_minute = Deadline::after(Duration::from_secs(60));
            assert_eq!(solve(model(), in_a_minute, |_| Ok(7)).expect("it solves"), Some(7));
            assert_eq!(N_LEFT.load(Ordering::Relaxed), 0);
            assert_eq!(solve_soon(), Some(7));
        }
    }

    #[test]
    fn what_fails_while_it_is_waited_for_is_an_error() {
        let goes_on = |_: &Progress| ControlFlow::Continue(());
        let observer = Observer::new(&goes_on, Bytes::ZERO, Duration::MAX);
        let fails = |_: Model| -> Result<(), Error> { panic!("a solver that fails") };
        let result = solve(model(), Deadline::NEVER.watched(&observer), fails);
        assert!(matches!(result, Err(Error::Solver(_))), "{result:?}");
    }
}
