//! What is wrong with the user's module, at a location.

use crate::ffi::{Text, cosmaEmit};
use melior::ir::operation::OperationLike;
use melior::ir::{Location, OperationRef};
use mlir_sys::{MlirLocation, MlirStringRef};

/// A message at a place in the user's module, with notes at others.
///
/// A value: nothing is said until it is emitted, which a failing pass leaves to its caller.
#[derive(Clone, Debug)]
pub struct Diagnostic<'c> {
    /// Where.
    pub location: Location<'c>,
    /// What; starts in lower case and has no full stop.
    pub message: String,
    /// What helps to understand it.
    pub notes: Vec<(Location<'c>, String)>,
}

impl<'c> Diagnostic<'c> {
    /// At a location.
    pub fn new(location: Location<'c>, message: impl Into<String>) -> Self {
        Diagnostic { location, message: message.into(), notes: Vec::new() }
    }

    /// At an operation.
    pub fn at(operation: OperationRef<'c, '_>, message: impl Into<String>) -> Self {
        Diagnostic::new(operation.location(), message)
    }

    /// The same with one more note.
    pub fn note(mut self, location: Location<'c>, message: impl Into<String>) -> Self {
        self.notes.push((location, message.into()));
        self
    }

    /// Says it through MLIR, as an error.
    pub fn emit_error(&self) {
        self.emit(true);
    }

    /// Says it through MLIR, as a warning.
    pub fn emit_warning(&self) {
        self.emit(false);
    }

    fn emit(&self, is_error: bool) {
        let locations: Vec<MlirLocation> = self.notes.iter().map(|it| it.0.to_raw()).collect();
        let notes: Vec<MlirStringRef> = self.notes.iter().map(|it| Text::new(&it.1).raw()).collect();
        // SAFETY: locations live in the context; MLIR copies the texts, which live until it returns.
        unsafe {
            cosmaEmit(
                self.location.to_raw(),
                is_error,
                Text::new(&self.message).raw(),
                locations.as_ptr(),
                notes.as_ptr(),
                notes.len() as isize,
            );
        }
    }
}
