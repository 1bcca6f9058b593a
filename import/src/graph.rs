//! A model as a graph: values and nodes by index instead of by name.

use crate::attributes::Attributes;
use crate::content::Content;
use crate::element::Element;
use crate::error::Error;

/// Element type and static shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    pub element: Element,
    pub shape: Vec<u64>,
}

/// A model.
#[derive(Clone, Debug)]
pub struct Graph {
    pub name: String,
    /// Version of ONNX's own set of operators.
    pub opset: i64,
    pub values: Vec<Value>,
    /// In an order that respects the dependences.
    pub nodes: Vec<Node>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
}

/// What a node reads or writes, an input or an initialiser.
#[derive(Clone, Debug)]
pub struct Value {
    pub name: String,
    /// What the model says that it is, as far as it says it with known sizes.
    pub declared: Option<Type>,
    /// What it is; known after inference.
    pub r#type: Option<Type>,
    /// Its elements, if it is a small constant.
    pub content: Option<Content>,
    /// Why the elements of what could be a small constant are not known, as the end of a sentence.
    pub absent: Option<String>,
    /// Whether it does not depend on the inputs.
    pub is_constant: bool,
    /// Whether it is a constant whose elements are all the same: one number, however large its shape.
    pub is_uniform: bool,
}

impl Value {
    /// One of which only the name is known.
    pub fn named(name: String) -> Value {
        let (is_constant, is_uniform) = (false, false);
        Value { name, declared: None, r#type: None, content: None, absent: None, is_constant, is_uniform }
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Unique: that of the node, or else that of its first result.
    pub name: String,
    pub kind: String,
    /// Empty for ONNX's own operators.
    pub domain: String,
    pub attributes: Attributes,
    /// By position; none where an optional one is left out.
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<Option<usize>>,
    /// What graphs in its attributes read from around them.
    pub captures: Vec<usize>,
    /// Its place in the model, from 1.
    pub position: usize,
}

impl Node {
    /// An error at this node.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let (node, kind, position) = (self.name.clone(), self.kind.clone(), self.position);
        Error::Node { node, kind, position, message: message.into() }
    }
}

/// The product of dimensions, or none if it is too large to count.
pub fn n_elements(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |product, it| product.checked_mul(*it))
}
