//! Attributes of a node, by name.

use crate::proto::{AttributeProto, GraphProto, TensorProto};

/// The attributes of a node. Accessors return `None` if the attribute is absent or has another type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub Vec<AttributeProto>);

impl Attributes {
    fn find(&self, name: &str) -> Option<&AttributeProto> {
        self.0.iter().find(|it| it.name == name)
    }

    /// An integer.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.find(name)?.i
    }

    /// An integer as a flag; false if absent.
    pub fn flag(&self, name: &str) -> bool {
        self.int(name).is_some_and(|it| it != 0)
    }

    /// A list of integers, which may be empty.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        self.find(name).map(|it| it.ints.as_slice())
    }

    /// A list of floats.
    pub fn floats(&self, name: &str) -> Option<&[f32]> {
        self.find(name).map(|it| it.floats.as_slice())
    }

    /// A float.
    pub fn float(&self, name: &str) -> Option<f32> {
        self.find(name)?.f
    }

    /// A string; empty if absent or not UTF-8.
    pub fn text(&self, name: &str) -> &str {
        self.find(name).and_then(|it| it.s.as_ref()).and_then(|it| str::from_utf8(it).ok()).unwrap_or_default()
    }

    /// A graph.
    pub fn graph(&self, name: &str) -> Option<&GraphProto> {
        self.find(name)?.g.as_ref()
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.find(name)?.t.as_ref()
    }
}
