//! The planning problem of a function as an integer program, for external solvers.

use crate::extract::extract;
use crate::form::{Form, body, expect};
use crate::machine::MachineOptions;
use cosma_ir::Diagnostic;
use cosma_ir::melior::ir::OperationRef;
use cosma_planner::ilp::{Decisions, Format, write_program};

/// The integer program of a function in source form, as text; `None` for a declaration.
///
/// # Errors
/// At a function in another form, at operations that cannot be planned, and at an operator for which the
/// scratchpad is too small.
pub fn program_text<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
    decisions: Decisions,
    format: Format,
) -> Result<Option<String>, Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(None);
    }
    expect(function, "an integer program", Form::Source)?;
    let extraction = extract(function, machine.resolve(function)?)?;
    write_program(&extraction.problem, decisions, format).map(Some).map_err(|error| extraction.diagnose(&error))
}
