//! What keeps a model from being read.

/// Why there is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a protobuf, or cut off.
    #[error("not an ONNX model, or cut off: {0}")]
    Decode(String),
    /// A protobuf, but no model that can be read.
    #[error("{0}")]
    Model(String),
    /// A node is at fault.
    #[error("node '{node}' ({kind}): {message}")]
    Node {
        /// Its name, or that of its first result.
        node: String,
        /// Its operator.
        kind: String,
        /// Its number in the model, from 1.
        position: usize,
        /// What is wrong.
        message: String,
    },
    /// A value is at fault that no node computes.
    #[error("'{value}': {message}")]
    Value {
        /// Its name.
        value: String,
        /// What is wrong.
        message: String,
    },
    /// Symbolic dimensions without a size.
    #[error("the size of {} not known: give {}", dimensions(.0), flags(.0))]
    Dimensions(Vec<String>),
    /// A size was given for a dimension that the model does not have.
    #[error("the model has no symbolic dimension '{name}': {}", those(known))]
    UnknownDimension {
        /// The name that was given.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

impl Error {
    /// The number of the node that is at fault, from 1: what a line is to a text. 1 if it is none.
    pub fn position(&self) -> usize {
        match self {
            Error::Node { position, .. } => *position,
            _ => 1,
        }
    }
}

fn those(names: &[String]) -> String {
    let list = names.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
    if names.is_empty() { "all its sizes are given".into() } else { format!("it has {list}") }
}

fn dimensions(names: &[String]) -> String {
    let list = names.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
    format!(
        "dimension{} {list} {}",
        if names.len() == 1 { "" } else { "s" },
        if names.len() == 1 { "is" } else { "are" }
    )
}

fn flags(names: &[String]) -> String {
    names.iter().map(|it| format!("--dim '{it}=SIZE'")).collect::<Vec<_>>().join(" ")
}
