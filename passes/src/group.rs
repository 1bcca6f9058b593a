//! `cosma-group`: what an accelerator runs at once becomes one operator. Source form stays source form.
//!
//! It works on the operators of the function as the planner sees them, to whom views are nothing and
//! weights that are computed before the run are weights.
//!
//! 1. Each operator becomes a node of a `cosma_network::Network` (`classify.rs`): what it is to its neighbours
//!    (`class.rs` is the table), and what it reads at the place that it writes.
//! 2. `cosma-network` decides which of them become one, and which operands the result may lie over.
//! 3. The operations of each group, with the views, constants, scalars and starting values between
//!    them, move into a `cosma.group` (`outline.rs`), called after its head.
//!
//! `cosma-ungroup` takes groups apart again.

mod classify;
mod outline;

use crate::extract::extract;
use crate::form::{Form, body, expect, operations};
use crate::machine::Target;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, PassInfo, PassOptions, is_group};
use cosma_network::Rules;

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-group",
    description: "joins operators that an accelerator runs at once into a cosma.group; source form stays source form",
    anchor: "func.func",
    options: &[],
};

pub(crate) const UNGROUP: PassInfo = PassInfo {
    name: "cosma-ungroup",
    description: "puts what is in each cosma.group in its place; source form stays source form",
    anchor: "func.func",
    options: &[],
};

pub(crate) fn run<'c>(_: &'c Context, function: OperationRef<'c, '_>, _: &PassOptions) -> Result<(), Diagnostic<'c>> {
    group(function)
}

pub(crate) fn run_ungroup<'c>(
    _: &'c Context,
    function: OperationRef<'c, '_>,
    _: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    ungroup(function)
}

/// Joins the operators of a function in source form. A declaration stays as it is.
///
/// # Errors
/// At the function in another form, and at what cannot be planned.
pub fn group<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(());
    }
    expect(function, INFO.name, Form::Source)?;
    // What joins what does not depend on the machine.
    let extraction = extract(function, Target::any())?;
    let network = classify::network(&extraction);
    let groups = cosma_network::group(&network, &Rules::ACCELERATOR);
    outline::outline(&extraction, &groups);
    Ok(())
}

/// Takes the groups of a function in source form apart.
///
/// # Errors
/// At the function in another form: what is in a group has no place of its own.
pub fn ungroup<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Some(block) = body(function) else { return Ok(()) };
    expect(function, UNGROUP.name, Form::Source)?;
    let groups: Vec<OperationRef> = operations(block).filter(|it| is_group(*it)).collect();
    groups.into_iter().for_each(cosma_ir::ungroup);
    Ok(())
}
