//! The attributes of functions and their arguments.

use crate::Residency;
use crate::border::{self, Border};
use crate::edit::as_mut;
use crate::fact::{read_array, read_residencies, read_string};
use crate::ffi::NO_ATTRIBUTE;
use crate::operation::maker;
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{Attribute, AttributeLike, OperationRef};
use mlir_sys::MlirAttribute;

pub(crate) const WEIGHT: &str = "cosma.weight";
pub(crate) const KEEP: &str = "cosma.keep";
pub(crate) const RESIDENCIES: &str = "cosma.residencies";
pub(crate) const ARENAS: &str = "cosma.arenas";
/// The attribute on the operation that allocates an arena in lowered form: the name of its memory.
pub const ARENA_OF: &str = "cosma.memory";

/// Whether an argument is a weight of the network.
pub fn is_weight(function: OperationRef, argument: usize) -> bool {
    get(function, argument, WEIGHT).is_some()
}

/// Whether an argument stays in the scratchpad from one run of the function to the next, at any cost.
pub fn is_always_kept(function: OperationRef, argument: usize) -> bool {
    get(function, argument, KEEP).is_some()
}

/// Marks an argument as a weight of the network.
pub fn set_weight(function: OperationRef, argument: usize) {
    set(function, argument, WEIGHT, maker(function).unit().to_raw());
}

/// The residencies of an argument in allocated form.
pub fn argument_residencies(function: OperationRef, argument: usize) -> Option<Vec<Residency>> {
    read_residencies(get(function, argument, RESIDENCIES)?)
}

/// Sets the residencies of an argument.
pub fn set_argument_residencies(function: OperationRef, argument: usize, residencies: &[Residency]) {
    set(function, argument, RESIDENCIES, maker(function).residencies(residencies).to_raw());
}

/// Removes the residencies of an argument.
pub fn clear_argument_residencies(function: OperationRef, argument: usize) {
    set(function, argument, RESIDENCIES, NO_ATTRIBUTE);
}

fn get<'c>(function: OperationRef<'c, '_>, argument: usize, name: &str) -> Option<Attribute<'c>> {
    border::get(function, Border::Argument(argument), name)
}

fn set(function: OperationRef, argument: usize, name: &str, value: MlirAttribute) {
    border::set(function, Border::Argument(argument), name, value);
}

/// The names of the memories whose arenas are the last arguments of a lowered function, in their order.
pub fn arenas(function: OperationRef) -> Option<Vec<String>> {
    read_arenas(function.attribute(ARENAS).ok()?)
}

/// Records the memories whose arenas are the last arguments of a lowered function; no attribute if there are no names.
pub fn set_arenas(function: OperationRef, memories: &[&str]) {
    let maker = maker(function);
    if !memories.is_empty() {
        as_mut(function).set_attribute(ARENAS, maker.array(memories.iter().map(|it| maker.string(it))));
    }
}

/// A list of strings.
pub(crate) fn read_arenas(attribute: Attribute) -> Option<Vec<String>> {
    read_array(attribute)?.into_iter().map(read_string).collect()
}
