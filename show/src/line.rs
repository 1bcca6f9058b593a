//! A program as a list of transfers and operators, as pictures and timings need it.

use crate::Exhibit;
use cosma_planner::{Action, Bytes, Copy, Kind, Kinds, MemoryId, OpId, Slot, TensorId};

/// One line of a program: a transfer or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A transfer from host memory.
    In {
        /// Load or reload.
        kind: Kind,
        /// The tensor.
        tensor: TensorId,
        /// The offset in the scratchpad; `None` if it is streamed to the operator that runs next.
        offset: Option<Bytes>,
    },
    /// A transfer to host memory.
    Out {
        /// Store or spill.
        kind: Kind,
        /// The tensor.
        tensor: TensorId,
        /// The offset in the scratchpad.
        offset: Bytes,
    },
    /// An operator runs.
    Run {
        /// The operator.
        op: OpId,
        /// The tensors that it reads in the scratchpad.
        reads: Vec<Slot>,
        /// The tensors that it writes.
        writes: &'a [Slot],
        /// The offset of its workspace.
        workspace: Bytes,
    },
}

/// The line of a copy; none between two memories that are not host memory.
fn copied(kind: Kind, copy: &Copy) -> Option<Line<'static>> {
    let tensor = copy.tensor;
    match kind {
        Kind::Load | Kind::Reload => Some(Line::In { kind, tensor, offset: Some(copy.to.offset) }),
        Kind::Store | Kind::Spill => Some(Line::Out { kind, tensor, offset: copy.from.offset }),
        Kind::Move => None,
    }
}

impl Exhibit {
    /// The program's lines. Each tensor that an operator reads in host memory is a line before it. Issued
    /// copies count as complete at once, and transfers with other memories are omitted: no planned
    /// function has either.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut kinds = Kinds::new(&self.problem);
        let mut lines = Vec::with_capacity(self.actions.len());
        for action in &self.actions {
            match action {
                Action::Copy(copy) | Action::Issue(copy) => {
                    lines.extend(copied(kinds.of(copy), copy));
                }
                // The slices of a copy are one line, where the first bytes are.
                Action::IssueSlice(copy, slice) => {
                    let kind = kinds.of_slice(copy, *slice);
                    if slice.low == Bytes::ZERO {
                        lines.extend(copied(kind, copy));
                    }
                }
                Action::Wait(_) => {}
                Action::Run { op, reads, writes, workspace } => {
                    for Slot { tensor, .. } in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                        lines.push(Line::In { kind: kinds.from_home(*tensor), tensor: *tensor, offset: None });
                    }
                    let reads = reads.iter().filter(|it| it.place.memory == MemoryId::SCRATCHPAD).copied().collect();
                    lines.push(Line::Run { op: *op, reads, writes, workspace: *workspace });
                }
            }
        }
        lines
    }
}
