//! What a function says about its arguments.

use crate::Residency;
use crate::fact::read_residencies;
use crate::ffi::{Text, cosmaArgumentAttribute, cosmaSetArgumentAttribute};
use crate::operation::maker;
use melior::ir::{Attribute, AttributeLike, OperationRef};
use mlir_sys::MlirAttribute;

pub(crate) const WEIGHT: &str = "cosma.weight";
pub(crate) const RESIDENCIES: &str = "cosma.residencies";

/// Whether an argument is a weight of the network.
pub fn is_weight(function: OperationRef, argument: usize) -> bool {
    get(function, argument, WEIGHT).is_some()
}

/// Makes an argument a weight of the network.
pub fn set_weight(function: OperationRef, argument: usize) {
    set(function, argument, WEIGHT, maker(function).unit().to_raw());
}

/// When and where an argument lies in the scratchpad, before transfers bring it there.
pub fn argument_residencies(function: OperationRef, argument: usize) -> Option<Vec<Residency>> {
    read_residencies(get(function, argument, RESIDENCIES)?)
}

/// Notes when and where an argument lies.
pub fn set_argument_residencies(function: OperationRef, argument: usize, residencies: &[Residency]) {
    set(function, argument, RESIDENCIES, maker(function).residencies(residencies).to_raw());
}

/// Forgets when and where an argument lies.
pub fn clear_argument_residencies(function: OperationRef, argument: usize) {
    set(function, argument, RESIDENCIES, MlirAttribute { ptr: std::ptr::null_mut() });
}

fn get<'c>(function: OperationRef<'c, '_>, argument: usize, name: &str) -> Option<Attribute<'c>> {
    // SAFETY: the operation is alive; one that is no function, or has no such argument, gives null.
    unsafe {
        let raw = cosmaArgumentAttribute(function.to_raw(), argument as isize, Text::new(name).raw());
        Attribute::from_option_raw(raw)
    }
}

fn set(function: OperationRef, argument: usize, name: &str, value: MlirAttribute) {
    // SAFETY: as above; the value lives in the operation's context.
    unsafe { cosmaSetArgumentAttribute(function.to_raw(), argument as isize, Text::new(name).raw(), value) }
}
