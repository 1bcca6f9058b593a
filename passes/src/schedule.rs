//! `cosma-schedule`: reorders operators so that traffic is minimal with the best live intervals for the order.
//! Takes and leaves source form.

use crate::allocate::{solve, solve_in_tiers};
use crate::allocated::reorder;
use crate::effort::{SOLVER, TIME_LIMIT, parse_effort};
use crate::extract::extract;
use crate::facts::Facts;
use crate::form::{Form, body, expect};
use crate::machine::{ALIGNMENT, KEEP, MachineOptions, SCRATCHPAD, WEIGHTS, note_target};
use crate::placed;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, PassInfo, PassOptions, tiling_bound};
use cosma_planner::{Options, Order};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-schedule",
    description: "reorders operators so that traffic is minimal with the best allocation, in source form",
    anchor: "func.func",
    options: &[SCRATCHPAD, ALIGNMENT, WEIGHTS, KEEP, SOLVER, TIME_LIMIT],
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

/// Reorders the operators of a function in source form as in the best plan, and writes the summary of that plan.
/// A declaration is not changed.
///
/// # Errors
/// At a function in another form, at operations that cannot be planned, and at an operator for which the
/// scratchpad is too small.
pub fn schedule<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
    options: &Options,
) -> Result<(), Diagnostic<'c>> {
    expect(function, INFO.name, Form::Source)?;
    if body(function).is_none() {
        return Ok(());
    }
    let extraction = extract(function, machine.resolve(function)?)?;
    if placed::moves_nothing(&extraction.problem) {
        return placed::schedule(&extraction, options);
    }
    if extraction.problem.machine.has_tiers() {
        let planned = solve_in_tiers(&extraction, options)?;
        let facts = Facts::of_tiers(&extraction.problem, options.order, &planned);
        let facts = facts.map_err(|message| Diagnostic::at(function, message))?;
        reorder(&extraction, &planned.plan.order);
        note_target(function, &extraction.target());
        facts.write(function);
        return Ok(());
    }
    let solution = solve(&extraction, options)?;
    reorder(&extraction, &solution.plan.order);
    note_target(function, &extraction.target());
    Facts::new(&extraction.problem, options.order, &solution, tiling_bound(function)).write(function);
    Ok(())
}
