//! Ctrl-C, which stops planning but not the run.

use signal_hook::consts::SIGINT;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Installs the handler for Ctrl-C and returns the flag that the first one sets to stop planning. The
/// second ends the process; if no handler can be installed, the first does.
pub fn on_control_c() -> Arc<AtomicBool> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    // Handlers run in the order of registration, so the shutdown sees only the flag of an earlier signal.
    let _ = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, is_stopped.clone())
        .and_then(|_| signal_hook::flag::register(SIGINT, is_stopped.clone()));
    is_stopped
}
