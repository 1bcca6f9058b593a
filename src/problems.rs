//! A module's functions as the planner sees them, for those who call the planner themselves.

use crate::Error;
use crate::optimize::{functions, has_body, inlined};
use cosma_ir::melior::ir::Module;
use cosma_ir::{Reports, context_of};
use cosma_passes::{MachineOptions, extract, symbol};
use cosma_planner::Problem;

/// The name of each function that has a body, and the problem of planning it for a machine; those
/// of nested modules included, in order. What is left out of the machine, the function's or its module's
/// `cosma.machine` says. Nothing is planned, and nothing is checked that depends on
/// the size of the scratchpad. A function is one problem with those that it calls.
///
/// # Errors
/// [`Error::NoScratchpad`] where nobody says its size; [`Error::Module`] with all that cannot be planned.
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
