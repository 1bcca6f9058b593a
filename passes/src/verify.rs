//! `cosma-verify`: verifies a planned program with the planner's judge.
//!
//! The program is read back from the operations alone (see [`read_program`]). Violations are errors at the
//! operations that cause them. Takes planned form and does not change it.

use crate::extract::extract;
use crate::form::{Form, body, expect, form};
use crate::machine::{ALIGNMENT, KEEP, MachineOptions, SCRATCHPAD, Target, WEIGHTS};
use crate::planned::{Program, read_program};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::{Diagnostic, PassInfo, PassOptions};
use cosma_planner::{Traffic, check_with_ends};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-verify",
    description: "verifies a function in planned form and reports all violations",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, KEEP],
};

pub(crate) fn run<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let machine = MachineOptions::parse(options).map_err(|message| Diagnostic::at(function, message))?;
    verify(function, &machine).map(|_| ()).map_err(|faults| {
        let mut faults = faults.into_iter().rev();
        let last = faults.next().expect("what is wrong has a fault");
        faults.rev().for_each(|it| it.emit_error());
        last
    })
}

/// Verifies a function in planned form, and returns its traffic. A function without operators is valid in any form.
///
/// # Errors
/// At least one: at a function in another form, or at each operation that causes a violation.
pub fn verify<'c>(function: OperationRef<'c, '_>, machine: &MachineOptions) -> Result<Traffic, Vec<Diagnostic<'c>>> {
    if body(function).is_none() {
        return Ok(Traffic::default());
    }
    let target = machine.resolve(function).map_err(|it| vec![it])?;
    if form(function) == Form::Source && extract(function, target.clone()).map_err(|it| vec![it])?.is_trivial() {
        return Ok(Traffic::default());
    }
    expect(function, INFO.name, Form::Planned).map_err(|it| vec![it])?;
    judge(function, target).map(|(_, traffic)| traffic)
}

/// Reads back a function in planned form and verifies it; returns the program and its traffic.
///
/// # Errors
/// At least one, at each operation that causes a violation.
pub fn judge<'c, 'a>(
    function: OperationRef<'c, 'a>,
    target: Target,
) -> Result<(Program<'c, 'a>, Traffic), Vec<Diagnostic<'c>>> {
    let program = read_program(function, target)?;
    let Program { extraction, operations, ends, .. } = &program;
    let (prologue, actions) = program.parts();
    let traffic = check_with_ends(&extraction.problem, prologue, actions, ends).map_err(|violations| {
        let diagnose = |violation: &cosma_planner::Violation| {
            let operation = violation.moment.map_or(extraction.terminator, |it| operations[it.line - 1]);
            // The location replaces the judge's line and step.
            let text = violation.display(&extraction.problem).to_string();
            let message = text.split_once(": ").map_or(text.as_str(), |it| it.1);
            Diagnostic::new(operation.location(), message)
        };
        violations.iter().map(diagnose).collect::<Vec<_>>()
    })?;
    Ok((program, traffic))
}
