//! The options of the importer.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The options of the importer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The sizes of symbolic dimensions, by name. An anonymous dimension is called `INPUT[AXIS]`.
    pub dimensions: BTreeMap<String, u64>,
    /// The size of floats after quantisation in bytes; `None` means that of their type. Integers keep theirs.
    pub element_bytes: Option<u16>,
    /// Which nodes to group.
    pub grouping: Grouping,
    /// Which results may share bytes with operands.
    pub in_place: Sharing,
    /// Whether operators describe how they may be split.
    pub access: Splitting,
    /// The folder of the model. External files below it are read if they contain shapes; `None` reads none.
    pub folder: Option<PathBuf>,
    /// The file name of the model in locations.
    pub file: String,
}

/// Which nodes of a model to group into one operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// None: each node is an operator.
    None,
    /// Nodes that an accelerator runs as one operator.
    #[default]
    Accelerator,
}

/// Which results may share bytes with operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// None.
    None,
    /// All for which the operator allows it.
    #[default]
    Operators,
}

/// Whether operators describe how they may be split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Splitting {
    /// No operator does.
    #[default]
    None,
    /// All operators do whose nodes are all understood.
    Operators,
}
