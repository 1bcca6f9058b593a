//! A model as a graph of values and nodes, which refer to each other by index.

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
    /// The version of ONNX's own operator set.
    pub opset: i64,
    pub values: Vec<Value>,
    /// The nodes, in an order that respects the dependences.
    pub nodes: Vec<Node>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
}

/// A value: an input, an initialiser, or a result of a node.
#[derive(Clone, Debug)]
pub struct Value {
    pub name: String,
    /// The type that the model declares, if all its sizes are known.
    pub declared: Option<Type>,
    /// The type; known after inference.
    pub r#type: Option<Type>,
    /// The elements, if it is a small constant.
    pub content: Option<Content>,
    /// Why the elements of a small constant could not be read, as the end of a sentence.
    pub absent: Option<String>,
    /// Whether it does not depend on the inputs.
    pub is_constant: bool,
    /// Whether it is a constant with equal elements.
    pub is_uniform: bool,
}

impl Value {
    /// A value of which only the name is known.
    pub fn named(name: String) -> Value {
        let (is_constant, is_uniform) = (false, false);
        Value { name, declared: None, r#type: None, content: None, absent: None, is_constant, is_uniform }
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// The unique name: that of the node, or else that of its first result.
    pub name: String,
    /// The path of the framework's module that it is of, if the model tells.
    pub module: Option<String>,
    pub kind: String,
    /// Empty for ONNX's own operators.
    pub domain: String,
    pub attributes: Attributes,
    /// The inputs by position; `None` if an optional one is absent.
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<Option<usize>>,
    /// The values that graphs in its attributes read from the enclosing graph.
    pub captures: Vec<usize>,
    /// Its position in the model, from 1.
    pub position: usize,
}

impl Node {
    /// An error at this node.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let (node, kind, position) = (self.name.clone(), self.kind.clone(), self.position);
        Error::Node { node, kind, position, message: message.into() }
    }
}

/// The product of dimensions; `None` on overflow.
pub fn n_elements(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |product, it| product.checked_mul(*it))
}
