//! Modules, read from what files hold.

use crate::Error;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::Module;
use cosma_ir::{Reports, parse};

/// A module from MLIR's text or bytecode, which is said to lie in a file of this name. Warnings are lost;
/// who wants them calls [`parse`].
///
/// # Errors
/// [`Error::Module`] with all that is wrong with it.
pub fn read_module<'c>(context: &'c Context, text: &[u8], name: &str) -> Result<Module<'c>, Error> {
    let reports = Reports::attach(context);
    parse(context, text, name).ok_or_else(|| Error::Module(reports.take()))
}
