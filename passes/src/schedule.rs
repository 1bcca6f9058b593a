//! `cosma-schedule`: brings operators into the order that, with the best residencies for it, moves
//! least. Source form stays source form.

use crate::allocate::solve;
use crate::allocated::reorder;
use crate::effort::{SOLVER, TIME_LIMIT, parse_effort};
use crate::facts::Facts;
use crate::form::{Form, expect};
use crate::machine::{ALIGNMENT, MachineOptions, SCRATCHPAD, WEIGHTS, note_target};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, PassInfo, PassOptions, tiling_bound};
use cosma_planner::{Options, Order};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-schedule",
    description: "reorders operators so that the best allocation moves least; source form stays source form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, SOLVER, TIME_LIMIT],
};

pub(crate) fn run<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    options: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    let complain = |message: String| Diagnostic::at(function, message);
    let machine = MachineOptions::parse(options).map_err(complain)?;
    let effort = parse_effort(options, Order::Free).map_err(complain)?;
    schedule(function, &machine, &effort)
}

/// Brings the operators of a function in source form into the order of the best plan, and notes
/// what is known about that plan. A declaration stays as it is.
///
/// # Errors
/// At the function in another form, at what cannot be planned, and at the operator for which the
/// scratchpad is too small.
pub fn schedule<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
    options: &Options,
) -> Result<(), Diagnostic<'c>> {
    expect(function, INFO.name, Form::Source)?;
    let Some((extraction, solution)) = solve(function, machine, options)? else { return Ok(()) };
    reorder(&extraction, &solution.plan.order);
    note_target(function, &extraction.target());
    Facts::new(&extraction.problem, options.order, &solution, tiling_bound(function)).write(function);
    Ok(())
}
