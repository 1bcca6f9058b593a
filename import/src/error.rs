//! The errors of the importer.

/// Why a model could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The input is not a protobuf, or is truncated.
    #[error("not an ONNX model, or cut off: {0}")]
    Decode(String),
    /// The model as a whole is not supported.
    #[error("{0}")]
    Model(String),
    /// An error at a node.
    #[error("node '{node}' ({kind}): {message}")]
    Node {
        /// The node's name, or that of its first result.
        node: String,
        /// The kind of its operator.
        kind: String,
        /// Its position in the model, from 1.
        position: usize,
        /// The message.
        message: String,
    },
    /// An error at a value that no node computes.
    #[error("'{value}': {message}")]
    Value {
        /// The value's name.
        value: String,
        /// The message.
        message: String,
    },
    /// Symbolic dimensions without a size, by name.
    #[error("the size of {} not known: give {}", dimensions(.0), flags(.0))]
    Dimensions(Vec<String>),
    /// A size was given for a dimension that the model does not have.
    #[error("the model has no symbolic dimension '{name}': {}", those(known))]
    UnknownDimension {
        /// The unknown name.
        name: String,
        /// The names of the model's symbolic dimensions.
        known: Vec<String>,
    },
}

impl Error {
    /// The position of the node, from 1, used as line number in messages; 1 if there is no node.
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
