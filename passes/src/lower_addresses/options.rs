//! What can be chosen about the lowered form.

use std::fmt;
use std::str::FromStr;

/// Where the arena of a lowered function comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArenaName {
    /// The function allocates it where it begins, and frees it where it ends.
    #[default]
    Allocate,
    /// It is the function's last argument.
    Argument,
}

impl FromStr for ArenaName {
    type Err = String;

    fn from_str(text: &str) -> Result<ArenaName, String> {
        match text {
            "allocate" => Ok(ArenaName::Allocate),
            "argument" => Ok(ArenaName::Argument),
            _ => Err(format!("'{text}' is neither allocate nor argument")),
        }
    }
}

impl fmt::Display for ArenaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ArenaName::Allocate => "allocate",
            ArenaName::Argument => "argument",
        })
    }
}

/// What can be chosen about the lowered form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LowerOptions {
    /// Where the arena comes from.
    pub arena: ArenaName,
    /// The memory space of the arena and of all views of it; none is that of host memory.
    pub memory_space: Option<u32>,
}
