//! The planning problems of a module's functions, for callers of the planner.

use crate::Error;
use crate::optimize::{functions, has_body, inlined};
use cosma_ir::melior::ir::Module;
use cosma_ir::{Reports, context_of};
use cosma_passes::{MachineOptions, extract, symbol};
use cosma_planner::Problem;

/// Returns the name and the planning problem of each function with a body, in order, including nested
/// modules. A function is one problem together with the functions that it calls. The default of a `None`
/// in `machine` is that of `cosma.machine` of the function or its module. Nothing that depends on the size
/// of the scratchpad is checked.
///
/// # Errors
/// [`Error::NoScratchpad`] if a size is neither given nor declared; [`Error::Module`] with all errors in
/// the functions.
pub fn problems(module: &Module, machine: &MachineOptions) -> Result<Vec<(String, Problem)>, Error> {
    let context = context_of(module);
    let module = inlined(module)?;
    let reports = Reports::attach(&context);
    let mut problems = Vec::new();
    let mut is_right = true;
    for function in functions(module.as_operation()).into_iter().filter(|it| has_body(*it)) {
        let target = machine.resolve_if_said(function).ok_or(Error::NoScratchpad)?;
        match extract(function, target) {
            Ok(extraction) => problems.push((symbol(function), extraction.problem)),
            Err(diagnostic) => {
                diagnostic.emit_error();
                is_right = false;
            }
        }
    }
    if is_right { Ok(problems) } else { Err(Error::Module(reports.take())) }
}
