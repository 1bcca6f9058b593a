//! What a command is given to read.

use std::io::{self, Read};

/// The bytes of a file, or of the standard input for `-`.
///
/// # Errors
/// Where it cannot be read.
pub fn read(input: &str) -> io::Result<Vec<u8>> {
    if input != "-" {
        return std::fs::read(input);
    }
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}
