//! One function for all formats.

use crate::{Document, Error, Planned, buffers, executorch, table, tflm};

/// A format of a plan.
#[derive(Clone, Copy, Debug)]
pub enum Format<'a> {
    /// The whole plan as JSON: [`Document`].
    Json,
    /// CSV with a row per residency: [`table()`].
    Csv,
    /// The packing, in MiniMalloc's CSV: [`buffers()`].
    Buffers,
    /// A C header for TensorFlow Lite Micro, for the model in this `.tflite` file: [`tflm::header`].
    TflmHeader(&'a [u8]),
    /// This `.tflite` file with the plan in it, for TensorFlow Lite Micro: [`tflm::model`].
    TflmModel(&'a [u8]),
    /// Addresses for ExecuTorch, as JSON: [`executorch()`].
    ExecuTorch,
}

/// The result of writing a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The content of the file. All but [`Format::TflmModel`] is UTF-8 and ends with a line break.
    pub bytes: Vec<u8>,
    /// Warnings for the user, a sentence each, without a full stop.
    pub warnings: Vec<String>,
}

impl Written {
    /// The content as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Writes a plan in a format.
///
/// # Errors
/// [`Error::Planner`] for JSON if the machine has a clock on which the program's time cannot be counted;
/// [`Error::Moves`] and [`Error::NoRoom`] for runtimes that move nothing; [`Error::Malformed`] and [`Error::Model`]
/// for models that cannot be read or do not match the plan.
pub fn write(format: Format<'_>, planned: &Planned<'_>) -> Result<Written, Error> {
    let plain = |text: String| Written { bytes: text.into_bytes(), warnings: Vec::new() };
    Ok(match format {
        Format::Json => plain(Document::of(planned)?.json()),
        Format::Csv => plain(table(planned)),
        Format::Buffers => plain(buffers(planned)),
        Format::TflmHeader(model) => tflm::header(model, planned)?,
        Format::TflmModel(model) => tflm::model(model, planned)?,
        Format::ExecuTorch => plain(executorch(planned)?),
    })
}
