//! The context of a run of passes besides their options, which are text: a watcher, and a printer for the output of
//! passes.
//!
//! MLIR creates passes from text, and runs function passes on any of its threads. So a session belongs neither to a
//! thread nor to a context, which others may use. It belongs to the operation on which the passes run, which nothing
//! else may access meanwhile, and a pass finds it by walking up from its own operation. The table of sessions is the
//! only state that threads share. Without a session, as under `mlir-opt`, there is no watcher, and output goes to the
//! standard error.

use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{Module, OperationRef};
use cosma_planner::Progress;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A callback that receives the progress of planning and may stop it. It may be shared.
#[derive(Clone)]
pub struct Watcher(Arc<Watch>);

type Watch = dyn Fn(&str, &Progress) -> ControlFlow<()> + Send + Sync;

impl Watcher {
    /// The callback gets the name of a function and the progress of planning it: at each change of phase and about ten
    /// times a second. [`ControlFlow::Break`] stops planning this function and later ones: each gets the best plan
    /// found so far.
    ///
    /// It is called on any thread; concurrently only if MLIR runs a pipeline on several functions concurrently.
    pub fn new(watch: impl Fn(&str, &Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Watcher {
        Watcher(Arc::new(watch))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// A callback that receives the output of passes in whole lines. It may be shared.
#[derive(Clone)]
pub struct Printer(Arc<dyn Fn(&str) + Send + Sync>);

impl Printer {
    /// The callback gets text.
    pub fn new(print: impl Fn(&str) + Send + Sync + 'static) -> Printer {
        Printer(Arc::new(print))
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Printer")
    }
}

/// The context of a run of passes.
#[derive(Clone, Debug, Default)]
pub struct Session {
    watcher: Option<Watcher>,
    printer: Option<Printer>,
    is_stopped: Arc<AtomicBool>,
}

impl Session {
    /// A session with these callbacks; without a printer, output is lost.
    pub fn new(watcher: Option<Watcher>, printer: Option<Printer>) -> Session {
        Session { watcher, printer, is_stopped: Arc::default() }
    }

    /// Calls `run`, which runs passes on a module or on operations in it.
    pub fn accompany<'c, R>(&self, module: &mut Module<'c>, run: impl FnOnce(&mut Module<'c>) -> R) -> R {
        let key = module.as_operation().to_raw().ptr as usize;
        let before = sessions().insert(key, self.clone());
        let _guard = Guard { key, before };
        run(module)
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn watch(&self, function: &str, progress: &Progress) -> ControlFlow<()> {
        let Some(watcher) = &self.watcher else { return ControlFlow::Continue(()) };
        if (watcher.0)(function, progress).is_break() {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
        if self.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The session of the run that a pass on this operation is part of, if any.
pub(crate) fn session(operation: OperationRef) -> Option<Session> {
    let mut next = Some(operation);
    while let Some(operation) = next {
        if let Some(session) = sessions().get(&(operation.to_raw().ptr as usize)) {
            return Some(session.clone());
        }
        next = operation.parent_operation();
    }
    None
}

/// Prints the output of a pass.
pub(crate) fn print(operation: OperationRef, text: &str) {
    match session(operation) {
        Some(session) => session.printer.iter().for_each(|it| (it.0)(text)),
        // In one call, since MLIR may run this on several functions concurrently.
        None => eprint!("{text}"),
    }
}

/// By the address of the operation that it belongs to.
static SESSIONS: Mutex<BTreeMap<usize, Session>> = Mutex::new(BTreeMap::new());

fn sessions() -> MutexGuard<'static, BTreeMap<usize, Session>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a session in any case.
struct Guard {
    key: usize,
    before: Option<Session>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        match self.before.take() {
            Some(before) => sessions().insert(self.key, before),
            None => sessions().remove(&self.key),
        };
    }
}
