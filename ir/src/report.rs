//! The diagnostics of MLIR and the passes as data, printed as `file:line:col: error: message`.

use crate::ffi::{append, guard};
use melior::Context;
use melior::diagnostic::DiagnosticHandlerId;
use melior::ir::Location;
use mlir_sys::{
    MlirDiagnostic, MlirDiagnosticSeverity_MlirDiagnosticError, MlirDiagnosticSeverity_MlirDiagnosticRemark,
    MlirDiagnosticSeverity_MlirDiagnosticWarning, MlirLogicalResult, mlirContextAttachDiagnosticHandler,
    mlirDiagnosticGetLocation, mlirDiagnosticGetNote, mlirDiagnosticGetNumNotes, mlirDiagnosticGetSeverity,
    mlirDiagnosticPrint,
};
use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The module is invalid.
    Error,
    /// The module is valid but deserves attention.
    Warning,
    /// Information.
    Remark,
    /// Part of another diagnostic.
    Note,
}

/// An emitted diagnostic as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The severity.
    pub severity: Severity,
    /// The file's name as it was given to the parser; `<unknown>` if the location has none.
    pub file: String,
    /// The line, from 1; 0 if the location has none.
    pub line: usize,
    /// The column, from 1; 0 if the location has none.
    pub column: usize,
    /// The message, without location and severity. It begins with the name in the location, if there is one.
    pub message: String,
    /// The notes, in order.
    pub notes: Vec<Report>,
}

/// Collects a context's diagnostics, instead of printing them, as long as it is alive.
pub struct Reports<'c> {
    context: &'c Context,
    handler: DiagnosticHandlerId,
    // Shared with the handler. Passes on other threads report too, though MLIR calls the handler sequentially.
    collected: Arc<Collected>,
}

type Collected = Mutex<Vec<Report>>;

impl<'c> Reports<'c> {
    /// Begins to collect.
    pub fn attach(context: &'c Context) -> Self {
        let collected = Arc::new(Collected::default());
        let data = Arc::into_raw(Arc::clone(&collected)).cast_mut().cast();
        // SAFETY: the handler owns a count of `collected` until MLIR calls `release`.
        let handler = unsafe {
            let raw = mlirContextAttachDiagnosticHandler(context.to_raw(), Some(handle), data, Some(release));
            DiagnosticHandlerId::from_raw(raw)
        };
        Reports { context, handler, collected }
    }

    /// The diagnostics since the last call.
    pub fn take(&self) -> Vec<Report> {
        std::mem::take(&mut *self.collected.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Reports<'_> {
    fn drop(&mut self) {
        self.context.detach_diagnostic_handler(self.handler);
    }
}

unsafe extern "C" fn handle(diagnostic: MlirDiagnostic, data: *mut c_void) -> MlirLogicalResult {
    // SAFETY: the handler's count keeps it alive.
    let collected = unsafe { &*data.cast::<Collected>() };
    let handled = guard(|| {
        // SAFETY: MLIR keeps the diagnostic until this returns.
        let report = unsafe { read(diagnostic) };
        collected.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    });
    // If it could not be kept, MLIR's own handler prints it.
    MlirLogicalResult { value: handled.is_ok().into() }
}

unsafe extern "C" fn release(data: *mut c_void) {
    // SAFETY: the pointer is the one that `attach` gave away, and MLIR calls this once.
    drop(unsafe { Arc::from_raw(data.cast::<Collected>()) });
}

unsafe fn read(diagnostic: MlirDiagnostic) -> Report {
    let mut message = Vec::<u8>::new();
    // SAFETY: the caller's: the diagnostic is alive, and so are its location and notes.
    unsafe {
        mlirDiagnosticPrint(diagnostic, Some(append), (&raw mut message).cast());
        let location = Location::from_raw(mlirDiagnosticGetLocation(diagnostic));
        let (file, line, column) = place(location).unwrap_or_else(|| ("<unknown>".to_owned(), 0, 0));
        let message = String::from_utf8_lossy(&message);
        let message = match name(location) {
            Some(name) => format!("'{name}': {message}"),
            None => message.into_owned(),
        };
        let notes = (0..mlirDiagnosticGetNumNotes(diagnostic)).map(|it| read(mlirDiagnosticGetNote(diagnostic, it)));
        Report {
            severity: severity(mlirDiagnosticGetSeverity(diagnostic)),
            file,
            line,
            column,
            message,
            notes: notes.collect(),
        }
    }
}

#[allow(non_upper_case_globals)] // The names of the C enumeration.
fn severity(raw: u32) -> Severity {
    match raw {
        MlirDiagnosticSeverity_MlirDiagnosticError => Severity::Error,
        MlirDiagnosticSeverity_MlirDiagnosticWarning => Severity::Warning,
        MlirDiagnosticSeverity_MlirDiagnosticRemark => Severity::Remark,
        _ => Severity::Note,
    }
}

/// File, line and column of the first file location in a location.
fn place(location: Location) -> Option<(String, usize, usize)> {
    if location.is_file_line_col_range() {
        let file = location.file_line_col_range_filename().as_string_ref().as_str().unwrap_or("<not UTF-8>").to_owned();
        return Some((file, location.file_line_col_range_start_line(), location.file_line_col_range_start_column()));
    }
    if location.is_name() {
        return place(location.name_child_location());
    }
    if location.is_call_site() {
        return place(location.call_site_callee()).or_else(|| place(location.call_site_caller()));
    }
    if location.is_fused() {
        return (0..location.fused_num_locations()).find_map(|it| place(location.fused_location(it)));
    }
    None
}

/// The name in a location, such as that of a model's node.
fn name(location: Location) -> Option<String> {
    if location.is_name() {
        return location.name_value().as_string_ref().as_str().ok().map(str::to_owned);
    }
    if location.is_fused() {
        return (0..location.fused_num_locations()).find_map(|it| name(location.fused_location(it)));
    }
    None
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Remark => "remark",
            Severity::Note => "note",
        })
    }
}

/// `file:line:col: error: message`, and a line for each note.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.severity, self.message)?;
        for note in &self.notes {
            write!(f, "\n{note}")?;
        }
        Ok(())
    }
}
