//! MLIR's own drivers with COSMA's dialect and passes, for commands.

use crate::optimize::register_all;
use std::ffi::OsString;

pub use cosma_ir::tool::lsp_server_main;

/// Runs `mlir-opt` with COSMA's dialect and passes on these arguments, of which the first is the name of the program,
/// and gives its exit code. A wrong flag ends the process, as it does there.
pub fn opt_main(arguments: Vec<OsString>) -> i32 {
    register_all();
    cosma_ir::tool::opt_main(arguments)
}

/// Reads flags such as `--mlir-print-op-generic` or `--mlir-timing`, as `mlir-opt` has them. From then on they hold for
/// all that this process prints and for all of its pass managers. Returns whether they are right; what is wrong is
/// printed.
pub fn read_flags(program: &str, flags: &[String]) -> bool {
    // They may name passes.
    if !flags.is_empty() {
        register_all();
    }
    cosma_ir::tool::read_flags(program, flags)
}

/// Whether this is the name of a pass or a pipeline, of MLIR or of COSMA.
pub fn is_pass(name: &str) -> bool {
    register_all();
    cosma_ir::tool::is_pass(name)
}
