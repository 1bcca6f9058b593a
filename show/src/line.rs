//! A program as pictures and times see it.

use crate::Exhibit;
use cosma_planner::{Action, Bytes, Kind, Kinds, MemoryId, OpId, Slot, TensorId};

/// What happens between host memory and the scratchpad, or in it; one thing after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A tensor comes from host memory.
    In {
        /// Load or reload.
        kind: Kind,
        /// Which.
        tensor: TensorId,
        /// At which offset in the scratchpad; none if it passes by to the operator that runs next.
        offset: Option<Bytes>,
    },
    /// A tensor goes to host memory.
    Out {
        /// Store or spill.
        kind: Kind,
        /// Which.
        tensor: TensorId,
        /// From which offset in the scratchpad.
        offset: Bytes,
    },
    /// An operator runs.
    Run {
        /// Which.
        op: OpId,
        /// What it reads in the scratchpad.
        reads: Vec<Slot>,
        /// What it writes.
        writes: &'a [Slot],
        /// Offset of its workspace.
        workspace: Bytes,
    },
}

impl Exhibit {
    /// The program's lines. What an operator reads in host memory is a line of its own before it. Copies that are issued
    /// are taken to be there at once, and other memories are not shown: no planned function has either.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut kinds = Kinds::new(&self.problem);
        let mut lines = Vec::with_capacity(self.actions.len());
        for action in &self.actions {
            match action {
                Action::Copy(copy) | Action::Issue(copy) => {
                    let (kind, tensor) = (kinds.of(copy), copy.tensor);
                    match kind {
                        Kind::Load | Kind::Reload => {
                            lines.push(Line::In { kind, tensor, offset: Some(copy.to.offset) })
                        }
                        Kind::Store | Kind::Spill => lines.push(Line::Out { kind, tensor, offset: copy.from.offset }),
                        Kind::Move => {}
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
