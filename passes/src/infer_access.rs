//! `cosma-infer-access`: adds the access of each `cosma.op` that does not declare one, as far as its kind and the
//! shapes of its tensors determine it. Takes and leaves source form.
//!
//! The inference relies on conventions ([`cosma_tile::kinds`]): it is for networks whose operators follow them.
//! Declared accesses are kept.

use crate::form::{Form, body, expect, operations};
use crate::network::inferred;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::OperationRef;
use cosma_ir::{Diagnostic, PassInfo, PassOptions, access, is_abstract, set_access};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-infer-access",
    description: "infers how each cosma.op without access may be split, from its kind and shapes",
    anchor: "func.func",
    options: &[],
};

pub(crate) fn run<'c>(_: &'c Context, function: OperationRef<'c, '_>, _: &PassOptions) -> Result<(), Diagnostic<'c>> {
    infer_access(function)
}

/// Adds the access of each `cosma.op` in source form that does not declare one, if its kind and shapes determine it. A
/// declaration is not changed.
///
/// # Errors
/// At the function in another form.
pub fn infer_access<'c>(function: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Some(block) = body(function) else { return Ok(()) };
    expect(function, INFO.name, Form::Source)?;
    for operation in operations(block).filter(|it| is_abstract(*it)) {
        if access(operation).is_none()
            && let Some(inferred) = inferred(operation)
        {
            set_access(operation, &inferred);
        }
    }
    Ok(())
}
