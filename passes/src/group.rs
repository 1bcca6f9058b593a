//! `cosma-group`: groups operations that an accelerator runs as one operator. Takes and leaves source form.
//!
//! It works on the operators of the extracted planning problem, in which views do not exist and weights that are
//! computed before the run are weights.
//!
//! 1. Each operator becomes a node of a `cosma_network::Network` with its class (`class.rs`) and the operands that
//!    it reads element by element (`classify.rs`).
//! 2. `cosma-network` decides about groups, and which results may be in place of operands.
//! 3. The operations of each group, with the views, constants, scalars and initial values between them, move into
//!    a `cosma.group` (`outline.rs`) with the kind of its head.
//!
//! `cosma-ungroup` dissolves groups.

mod classify;
mod outline;

use crate::extract::extract;
use crate::form::{Form, body, defining, expect, operations};
use crate::machine::Target;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{OperationRef, Value};
use cosma_ir::{Diagnostic, PassInfo, PassOptions, fixed_offsets, is_group, set_fixed_offsets};
use cosma_network::Rules;

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-group",
    description: "groups operations that an accelerator runs as one operator into a cosma.group, in source form",
    anchor: "func.func",
    options: &[],
};

pub(crate) const UNGROUP: PassInfo = PassInfo {
    name: "cosma-ungroup",
    description: "replaces each cosma.group by its operations, in source form",
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

/// Groups the operators of a function in source form. A declaration is not changed.
///
/// # Errors
/// At a function in another form, and at operations that cannot be planned.
pub fn group<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    if body(function).is_none() {
        return Ok(());
    }
    expect(function, INFO.name, Form::Source)?;
    // Grouping does not depend on the machine.
    let extraction = extract(function, Target::any())?;
    let network = classify::network(&extraction);
    let groups = cosma_network::group(&network, &Rules::ACCELERATOR);
    outline::outline(&extraction, &groups);
    Ok(())
}

/// Dissolves the groups of a function in source form.
///
/// # Errors
/// At a function in another form: the operations of a planned group have no offsets.
pub fn ungroup<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Some(block) = body(function) else { return Ok(()) };
    expect(function, UNGROUP.name, Form::Source)?;
    let groups: Vec<OperationRef> = operations(block).filter(|it| is_group(*it)).collect();
    for group in groups {
        hand_on_fixed_offsets(group)?;
        cosma_ir::ungroup(group);
    }
    Ok(())
}

/// Fixed offsets of what a group computes become those of the operations in it that compute that.
///
/// # Errors
/// At a group that has a fixed offset for what it does not compute, or two for one value.
fn hand_on_fixed_offsets<'c>(group: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Some(end) = body(group).and_then(|block| operations(block).last()) else { return Ok(()) };
    for (index, (at, value)) in fixed_offsets(group).into_iter().zip(end.operands()).enumerate() {
        let Some(at) = at else { continue };
        let refuse = |why: String| {
            let message =
                format!("{} cannot preserve the fixed offset of result {index} (cosma.at): {why}", UNGROUP.name);
            Err(Diagnostic::at(group, message))
        };
        let Some(operation) = defining(value) else {
            return refuse("the group does not compute it".into());
        };
        let mut offsets = fixed_offsets(operation);
        offsets.resize(operation.result_count(), None);
        let own = operation.results().position(|it| Value::from(it) == value).expect("it defines it");
        if let Some(other) = offsets[own].replace(at).filter(|it| *it != at) {
            return refuse(format!("the same value has another one, {other}"));
        }
        set_fixed_offsets(operation, &offsets);
    }
    Ok(())
}
