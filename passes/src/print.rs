//! `cosma-print-problem` and `cosma-print-plan`: print the planner's input and its plan as text. They change
//! nothing.

use crate::extract::extract;
use crate::form::{Form, body, expect, form, symbol};
use crate::machine::{ALIGNMENT, KEEP, MachineOptions, SCRATCHPAD, WEIGHTS};
use crate::planned::read_program;
use crate::session::print;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, PassInfo, PassOptions};
use cosma_planner::program_text;
use std::fmt::Write;

pub(crate) const PROBLEM: PassInfo = PassInfo {
    name: "cosma-print-problem",
    description: "prints the planning problem of a function in source form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, KEEP],
};

pub(crate) const PLAN: PassInfo = PassInfo {
    name: "cosma-print-plan",
    description: "prints the program of a function in planned form, one action per line",
    anchor: "func.func",
    options: &[],
};

pub(crate) fn run_problem<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let machine = MachineOptions::parse(options).map_err(|message| Diagnostic::at(function, message))?;
    if let Some(text) = problem_text(function, &machine)? {
        print(function, &format!("# @{}\n{text}", symbol(function)));
    }
    Ok(())
}

pub(crate) fn run_plan<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    _: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    if let Some(text) = plan_text(function)? {
        print(function, &format!("# @{}\n{text}", symbol(function)));
    }
    Ok(())
}

/// The planning problem of a function in source form, as text; `None` for a declaration.
///
/// # Errors
/// At a function in another form, and at operations that cannot be planned.
pub fn problem_text<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
) -> Result<Option<String>, Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(None);
    }
    expect(function, PROBLEM.name, Form::Source)?;
    Ok(Some(extract(function, machine.resolve(function)?)?.problem.to_string()))
}

/// The program of a function in planned form, one action per line; `None` for a declaration.
///
/// # Errors
/// At a function in another form, and at the first operation that is not an action.
pub fn plan_text<'c>(function: OperationRef<'c, '_>) -> Result<Option<String>, Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(None);
    }
    let target = MachineOptions::default().resolve(function)?;
    // A function without operators has an empty program in any form.
    let is_trivial = form(function) == Form::Source && extract(function, target.clone())?.is_trivial();
    if !is_trivial {
        expect(function, PLAN.name, Form::Planned)?;
    }
    let program = read_program(function, target);
    let program = program.map_err(|faults| faults.into_iter().next().expect("what is wrong has a fault"))?;
    let mut text = String::new();
    for line in program_text(&program.extraction.problem, &program.actions) {
        writeln!(text, "{line}").expect("a string takes all");
    }
    Ok(Some(text))
}
