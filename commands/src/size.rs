//! Sizes on command lines.

use crate::command::say;
use cosma::{Size, SizeError};

/// Reads a size. One that is not a whole number of bytes, as `1.1MiB`, is rounded down, with a warning.
///
/// # Errors
/// Those of [`Size`]; also if nothing is left.
pub fn size(text: &str) -> Result<Size, SizeError> {
    match text.parse() {
        Err(SizeError::Fraction(_, bytes)) if bytes.0 != 0 => {
            say(&format!("warning: '{text}' is not a whole number of bytes: it is taken as {bytes} B"));
            Ok(Size(bytes))
        }
        size => size,
    }
}
