//! MLIR's drivers, `mlir-opt` and the language server, with COSMA's dialect; and the flags by which they control
//! printing, timing and pass managers, for tools of our own.

use crate::ffi::{Text, cosmaApplyFlags, cosmaIsPass, cosmaLspServerMain, cosmaOptMain, cosmaReadFlags};
use melior::pass::PassManager;
use std::ffi::{CString, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `mlir-opt` with the registered passes on these arguments, the first of which is the name of the program, and
/// returns its exit code. As in `mlir-opt`, an invalid flag ends the process.
pub fn opt_main(arguments: Vec<OsString>) -> i32 {
    run(arguments, cosmaOptMain)
}

/// Runs MLIR's language server on these arguments, the first of which is the name of the program, until its client
/// ends it, and returns its exit code.
pub fn lsp_server_main(arguments: Vec<OsString>) -> i32 {
    run(arguments, cosmaLspServerMain)
}

fn run(arguments: Vec<OsString>, main: unsafe extern "C" fn(c_int, *mut *mut c_char) -> c_int) -> i32 {
    let arguments = strings(arguments);
    let mut pointers = pointers(&arguments);
    // SAFETY: there are as many texts as is said, and after them a null; they outlive the call, which does not write
    // to them.
    unsafe { main(arguments.len() as c_int, pointers.as_mut_ptr()) }
}

/// Whether a pass or a pipeline of this name is registered.
pub fn is_pass(name: &str) -> bool {
    // SAFETY: the text outlives the call.
    unsafe { cosmaIsPass(Text::new(name).raw()) }
}

static ARE_FLAGS_READ: AtomicBool = AtomicBool::new(false);

/// Reads flags such as `--mlir-print-op-generic` or `--mlir-timing`. They then apply to the whole process: to all
/// printing, to new contexts, and to pass managers passed to [`apply_flags`]. Passes named in flags must be
/// registered before. Returns whether the flags are valid; errors are printed.
pub fn read_flags(program: &str, flags: &[String]) -> bool {
    if flags.is_empty() {
        return true;
    }
    ARE_FLAGS_READ.store(true, Ordering::Relaxed);
    let arguments = std::iter::once(program).chain(flags.iter().map(String::as_str));
    let arguments = strings(arguments.map(OsString::from).collect());
    let pointers = pointers(&arguments);
    // SAFETY: as above.
    unsafe { cosmaReadFlags(arguments.len() as c_int, pointers.as_ptr().cast()) }
}

/// Applies the flags that were read to a pass manager. Returns whether that succeeded.
pub fn apply_flags(manager: &PassManager) -> bool {
    // SAFETY: the manager is alive.
    !ARE_FLAGS_READ.load(Ordering::Relaxed) || unsafe { cosmaApplyFlags(manager.to_raw()) }
}

/// Arguments cannot contain a null character: the operating system ends them there.
fn strings(arguments: Vec<OsString>) -> Vec<CString> {
    arguments.into_iter().map(|it| CString::new(it.into_vec()).unwrap_or_default()).collect()
}

/// Arguments in the form of `main`: a null pointer follows the last one.
fn pointers(arguments: &[CString]) -> Vec<*mut c_char> {
    arguments.iter().map(|it| it.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
}
