//! A program as a list of transfers and operators, as pictures need it.

use crate::Exhibit;
use cosma_planner::{Action, Bytes, Copy, Kind, Kinds, MemoryId, OpId, Slice, Slot, TensorId};
use std::collections::HashSet;

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
        /// How much of it this line is.
        part: Part,
    },
    /// A transfer to host memory.
    Out {
        /// Store or spill.
        kind: Kind,
        /// The tensor.
        tensor: TensorId,
        /// The offset in the scratchpad.
        offset: Bytes,
        /// How much of it this line is.
        part: Part,
    },
    /// The transfer to this place is complete from here on.
    Wait {
        /// The tensor, in the scratchpad or in host memory.
        slot: Slot,
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

/// The part of a transfer that a line performs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole transfer: it is complete with its line.
    Complete,
    /// The whole transfer begins; it is complete at its [`Line::Wait`].
    Issued,
    /// A slice begins; all slices are complete at their [`Line::Wait`].
    Slice {
        /// Which bytes.
        slice: Slice,
        /// Whether no other slice of the transfer began before.
        is_first: bool,
    },
}

impl Part {
    /// Whether the transfer begins with this line.
    pub fn is_first(self) -> bool {
        !matches!(self, Part::Slice { is_first: false, .. })
    }

    /// Whether it is in progress until its wait.
    pub fn is_issued(self) -> bool {
        self != Part::Complete
    }

    /// The bytes of a tensor of this size that the line moves.
    pub fn slice(self, size: Bytes) -> Slice {
        match self {
            Part::Slice { slice, .. } => slice,
            Part::Complete | Part::Issued => Slice { low: Bytes::ZERO, high: size },
        }
    }
}

/// The line of a copy; `None` between two memories that are not host memory.
fn copied(kind: Kind, copy: &Copy, part: Part) -> Option<Line<'static>> {
    let tensor = copy.tensor;
    match kind {
        Kind::Load | Kind::Reload => Some(Line::In { kind, tensor, offset: Some(copy.to.offset), part }),
        Kind::Store | Kind::Spill => Some(Line::Out { kind, tensor, offset: copy.from.offset, part }),
        Kind::Move => None,
    }
}

impl Exhibit {
    /// The program's lines. A tensor that an operator reads directly from host memory is a line before the operator.
    /// Transfers with other memories are omitted: no planned function has any.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut kinds = Kinds::new(&self.problem);
        let mut lines = Vec::with_capacity(self.actions.len());
        // Where transfers in slices go that have begun.
        let mut sliced: HashSet<Slot> = HashSet::new();
        for action in &self.actions {
            match action {
                // Nothing happens.
                Action::Start(_) => {}
                Action::Copy(copy) => lines.extend(copied(kinds.of(copy), copy, Part::Complete)),
                Action::Issue(copy) => lines.extend(copied(kinds.of(copy), copy, Part::Issued)),
                Action::IssueSlice(copy, slice) => {
                    let is_first = sliced.insert(Slot { tensor: copy.tensor, place: copy.to });
                    let part = Part::Slice { slice: *slice, is_first };
                    lines.extend(copied(kinds.of_slice(copy, *slice), copy, part));
                }
                Action::Wait(slot) => {
                    sliced.remove(slot);
                    if [MemoryId::HOME, MemoryId::SCRATCHPAD].contains(&slot.place.memory) {
                        lines.push(Line::Wait { slot: *slot });
                    }
                }
                Action::Run { op, reads, writes, workspace } => {
                    for Slot { tensor, .. } in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                        let (kind, part) = (kinds.from_home(*tensor), Part::Complete);
                        lines.push(Line::In { kind, tensor: *tensor, offset: None, part });
                    }
                    let reads = reads.iter().filter(|it| it.place.memory == MemoryId::SCRATCHPAD).copied().collect();
                    lines.push(Line::Run { op: *op, reads, writes, workspace: *workspace });
                }
            }
        }
        lines
    }
}
