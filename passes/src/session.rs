//! What goes along with a run of passes beside their options, which are text: who watches, and who
//! takes what passes print.
//!
//! MLIR makes passes from text, and runs those on functions on whichever of its threads it likes. So a
//! session belongs neither to a thread nor to a context, in which others may be at work: it belongs to
//! the operation on which the passes run, which nobody else may touch meanwhile, and a pass finds it by
//! going up from its own operation. The table of sessions is the only thing that threads share; without
//! one, as under `mlir-opt`, nobody watches, and what is printed goes to the standard error.

use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{Module, OperationRef};
use cosma_planner::Progress;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is told how planning goes, and may stop it. It may be shared.
#[derive(Clone)]
pub struct Watcher(Arc<Watch>);

type Watch = dyn Fn(&str, &Progress) -> ControlFlow<()> + Send + Sync;

impl Watcher {
    /// Is told the name of a function, and how far planning it has come: at each change of phase and
    /// some ten times a second. [`ControlFlow::Break`] stops planning this function and those after
    /// it: each gets the best plan that was found so far.
    ///
    /// It is called on any thread; on several at once only where MLIR runs a pipeline on several
    /// functions at once.
    pub fn new(watch: impl Fn(&str, &Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Watcher {
        Watcher(Arc::new(watch))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// Who takes what passes print, which is whole lines. It may be shared.
#[derive(Clone)]
pub struct Printer(Arc<dyn Fn(&str) + Send + Sync>);

impl Printer {
    /// Takes text.
    pub fn new(print: impl Fn(&str) + Send + Sync + 'static) -> Printer {
        Printer(Arc::new(print))
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Printer")
    }
}

/// What goes along with a run of passes.
#[derive(Clone, Debug, Default)]
pub struct Session {
    watcher: Option<Watcher>,
    printer: Option<Printer>,
    is_stopped: Arc<AtomicBool>,
}

impl Session {
    /// With whoever is there to watch and to take what is printed: without a printer it is lost.
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

/// The session of a run that a pass on this operation is part of, if there is one.
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

/// Hands on what a pass has to print.
pub(crate) fn print(operation: OperationRef, text: &str) {
    match session(operation) {
        Some(session) => session.printer.iter().for_each(|it| (it.0)(text)),
        // In one piece, as MLIR may run this on several functions at once.
        None => eprint!("{text}"),
    }
}

/// By the address of the operation that it belongs to.
static SESSIONS: Mutex<BTreeMap<usize, Session>> = Mutex::new(BTreeMap::new());

fn sessions() -> MutexGuard<'static, BTreeMap<usize, Session>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a session, whatever happens.
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
