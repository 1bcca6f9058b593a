//! Reading modules.

use crate::Error;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::Module;
use cosma_ir::{Reports, parse};

/// Parses a module from MLIR text or bytecode. `name` is the file name in locations. Warnings are
/// discarded; [`parse`] keeps them.
///
/// # Errors
/// [`Error::Module`] with all diagnostics.
pub fn read_module<'c>(context: &'c Context, text: &[u8], name: &str) -> Result<Module<'c>, Error> {
    let reports = Reports::attach(context);
    parse(context, text, name).ok_or_else(|| Error::Module(reports.take()))
}
