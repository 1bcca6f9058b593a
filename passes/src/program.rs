//! What a function asks of a solver, as an integer program in text, for solvers other than ours.
//! It changes nothing.

use crate::extract::extract;
use crate::form::{Form, body, expect};
use crate::machine::MachineOptions;
use cosma_ir::Diagnostic;
use cosma_ir::melior::ir::OperationRef;
use cosma_planner::ilp::{Decisions, Format, write_program};

/// The integer program that a function in source form is; none for a declaration.
///
/// # Errors
/// At the function in another form, at what cannot be planned, and at the operator for which the
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
