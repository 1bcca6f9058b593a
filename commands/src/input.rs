//! Reading the input of a command.

use std::io::{self, Read};

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// If it cannot be read.
pub fn read(input: &str) -> io::Result<Vec<u8>> {
    if input != "-" {
        return std::fs::read(input);
    }
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}
