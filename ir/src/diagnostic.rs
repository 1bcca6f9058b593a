//! Errors and warnings about the user's module, at a location.

use crate::ffi::{Text, cosmaEmit};
use melior::ir::operation::OperationLike;
use melior::ir::{Location, OperationRef};
use mlir_sys::{MlirLocation, MlirStringRef};

/// A message at a location in the user's module, with notes at others.
///
/// It is a value: nothing is printed until it is emitted, which a failing pass leaves to its caller.
#[derive(Clone, Debug)]
pub struct Diagnostic<'c> {
    /// The location.
    pub location: Location<'c>,
    /// The message, which starts in lower case and has no full stop.
    pub message: String,
    /// Notes that help to understand it.
    pub notes: Vec<(Location<'c>, String)>,
}

impl<'c> Diagnostic<'c> {
    /// A diagnostic at a location.
    pub fn new(location: Location<'c>, message: impl Into<String>) -> Self {
        Diagnostic { location, message: message.into(), notes: Vec::new() }
    }

    /// A diagnostic at an operation.
    pub fn at(operation: OperationRef<'c, '_>, message: impl Into<String>) -> Self {
        Diagnostic::new(operation.location(), message)
    }

    /// Adds a note.
    pub fn note(mut self, location: Location<'c>, message: impl Into<String>) -> Self {
        self.notes.push((location, message.into()));
        self
    }

    /// Emits it through MLIR as an error.
    pub fn emit_error(&self) {
        self.emit(true);
    }

    /// Emits it through MLIR as a warning.
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
