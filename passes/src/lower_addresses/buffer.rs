//! Bytes that a tensor has become.

use cosma_ir::melior::ir::{Type, Value};

/// Bytes that a tensor has become: a memref, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer<'c, 'a> {
    /// The memref, whose elements lie side by side. That of an argument has the argument's tensor type
    /// until the function is done.
    pub value: Value<'c, 'a>,
    /// The type of the memref.
    pub r#type: Type<'c>,
    /// What it is a view of.
    pub root: Root<'c, 'a>,
    /// Its first byte, from the start of the root.
    pub start: u64,
    /// How many bytes.
    pub size: u64,
}

/// What buffers are views of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Root<'c, 'a> {
    /// The scratchpad.
    Arena,
    /// A memref in host memory, of its own.
    Host(Value<'c, 'a>),
}

impl<'c, 'a> Buffer<'c, 'a> {
    /// A memref in host memory.
    pub(super) fn host(value: Value<'c, 'a>, r#type: Type<'c>, size: u64) -> Self {
        Buffer { value, r#type, root: Root::Host(value), start: 0, size }
    }

    /// Whether they share bytes.
    pub(super) fn overlaps(&self, other: &Buffer<'c, 'a>) -> bool {
        let meets = self.start < other.start + other.size && other.start < self.start + self.size;
        self.root == other.root && meets && 0 < self.size && 0 < other.size
    }

    /// Whether they are the same bytes.
    pub(super) fn is_at(&self, other: &Buffer<'c, 'a>) -> bool {
        self.root == other.root && self.start == other.start && self.size == other.size
    }
}
