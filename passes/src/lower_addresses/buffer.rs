//! The buffer of a tensor.

use cosma_ir::melior::ir::{Type, Value};
use cosma_planner::MemoryId;

/// The buffer of a tensor: a memref and its location.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer<'c, 'a> {
    /// The memref, which is contiguous. That of an argument has the argument's tensor type until the function is
    /// finished.
    pub value: Value<'c, 'a>,
    /// The type of the memref.
    pub r#type: Type<'c>,
    /// The memory that it is a view of.
    pub root: Root<'c, 'a>,
    /// Where that is.
    pub memory: MemoryId,
    /// The offset of its first byte in the root.
    pub start: u64,
    /// The size in bytes.
    pub size: u64,
}

/// The memory that buffers are views of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Root<'c, 'a> {
    /// The arena of the scratchpad, or of another memory that has a size.
    Arena(MemoryId),
    /// A separate memref in host memory, or in another one that has no size.
    Host(Value<'c, 'a>),
}

impl<'c, 'a> Buffer<'c, 'a> {
    /// A memref in host memory.
    pub(super) fn host(value: Value<'c, 'a>, r#type: Type<'c>, size: u64) -> Self {
        Buffer { value, r#type, root: Root::Host(value), memory: MemoryId::HOME, start: 0, size }
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
