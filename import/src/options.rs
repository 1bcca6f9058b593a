//! How a model is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a model is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Sizes of symbolic dimensions, by name. A dimension without a name is called `INPUT[AXIS]`.
    pub dimensions: BTreeMap<String, u64>,
    /// The width in bytes to which floats will be quantised; as they are if none. Integers stay.
    pub element_bytes: Option<u16>,
    /// Which operators become one.
    pub grouping: Grouping,
    /// Which results may share bytes with operands.
    pub in_place: Sharing,
    /// The folder of the model, below which shapes are read that it keeps in other files; none are if none.
    pub folder: Option<PathBuf>,
    /// What the model is called in locations: its file's name.
    pub file: String,
}

/// Which operators of a model become one operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// None: each stays on its own.
    None,
    /// Those that an accelerator runs at once.
    #[default]
    Accelerator,
}

/// Which operators of a model write results where operands lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// None: each result has a place of its own.
    None,
    /// Those that can.
    #[default]
    Operators,
}
