//! The options of the lowering.

use std::fmt;
use std::str::FromStr;

/// The source of a lowered function's arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArenaName {
    /// The function allocates it at its beginning and frees it at its end.
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

/// The lowering of transfers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransfersName {
    /// `memref.copy`, which completes in place; waits are removed.
    #[default]
    Copy,
    /// `memref.dma_start` and `memref.dma_wait`.
    Dma,
    /// Calls of `cosma_dma_start` and `cosma_dma_wait`, which a runtime supplies.
    Call,
}

impl FromStr for TransfersName {
    type Err = String;

    fn from_str(text: &str) -> Result<TransfersName, String> {
        match text {
            "copy" => Ok(TransfersName::Copy),
            "dma" => Ok(TransfersName::Dma),
            "call" => Ok(TransfersName::Call),
            _ => Err(format!("'{text}' is neither copy, dma nor call")),
        }
    }
}

impl fmt::Display for TransfersName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TransfersName::Copy => "copy",
            TransfersName::Dma => "dma",
            TransfersName::Call => "call",
        })
    }
}

/// The options of the lowering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LowerOptions {
    /// The source of the arena.
    pub arena: ArenaName,
    /// The memory space of the arena and of all views of it; `None` is that of host memory.
    pub memory_space: Option<u32>,
    /// The lowering of transfers.
    pub transfers: TransfersName,
}
