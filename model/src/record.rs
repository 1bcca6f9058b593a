//! The program and the residencies of a plan as records, one per line, for tables.

use crate::Planned;
use cosma_planner::{Bytes, MemoryId, Origin, Slot, TensorId};
use cosma_show::{Line, Part};
use serde::Serialize;

/// A line of a planned program: a transfer, or an operator that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionRecord {
    /// `load`, `reload`, `spill`, `store` or `run`; `keep`, a load of the prologue, which runs once; `wait`, from which on
    /// a transfer that goes on beside operators is complete.
    pub kind: &'static str,
    /// Its step: for incoming transfers that of the next operator, for outgoing transfers that of the previous
    /// operator.
    pub step: usize,
    /// The operator that runs; `None` in a transfer.
    pub operator: Option<String>,
    /// The tensor that is moved or waited for; `None` in a run.
    pub tensor: Option<String>,
    /// The bytes that are moved, of a slice those of the slice; `None` in a run and a wait.
    pub bytes: Option<u64>,
    /// Whether operators run during the transfer, until a wait.
    pub overlaps: bool,
    /// The offset of the moved tensor in the scratchpad; `None` in a run, and if the tensor is streamed.
    pub offset: Option<u64>,
    /// The tensors that the operator reads in the scratchpad.
    pub reads: Vec<SlotRecord>,
    /// The tensors that the operator writes.
    pub writes: Vec<SlotRecord>,
    /// The offset of the operator's workspace; `None` if it has none.
    pub workspace: Option<u64>,
}

/// A tensor at an offset in the scratchpad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlotRecord {
    /// Its name.
    pub tensor: String,
    /// The offset of its first byte.
    pub offset: u64,
}

/// The steps during which a tensor is in the scratchpad, and its offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResidencyRecord {
    /// The tensor's name.
    pub tensor: String,
    /// The tensor's origin: `argument`, `weight`, `staged` or `operator`.
    pub origin: &'static str,
    /// The first step.
    pub start: usize,
    /// The first step after the last one.
    pub end: usize,
    /// The offset of its first byte in the scratchpad.
    pub offset: u64,
    /// Its bytes, without padding.
    pub size: u64,
}

impl Planned {
    /// The program, line by line.
    pub fn program(&self) -> Vec<ActionRecord> {
        let graph = &self.exhibit.problem.graph;
        let slot = |it: &Slot| SlotRecord { tensor: self.tensor_name(it.tensor), offset: it.offset().0 };
        let moved = |kind, step, tensor: TensorId, offset: Option<Bytes>, part: Option<Part>| ActionRecord {
            kind,
            step,
            operator: None,
            tensor: Some(self.tensor_name(tensor)),
            bytes: part.map(|it| it.slice(graph.tensor(tensor).size)).map(|it| (it.high - it.low).0),
            overlaps: part.is_some_and(Part::is_issued),
            offset: offset.map(|it| it.0),
            reads: Vec::new(),
            writes: Vec::new(),
            workspace: None,
        };
        let mut n_run = 0;
        let mut records = Vec::new();
        for (index, line) in self.exhibit.lines().into_iter().enumerate() {
            let before = usize::saturating_sub(n_run, 1);
            records.push(match line {
                Line::In { tensor, offset, part, .. } if index < self.exhibit.n_prologue => {
                    moved("keep", 0, tensor, offset, Some(part))
                }
                Line::In { kind, tensor, offset, part } => moved(kind.name(), n_run, tensor, offset, Some(part)),
                Line::Out { kind, tensor, offset, part } => {
                    moved(kind.name(), before, tensor, Some(offset), Some(part))
                }
                Line::Wait { slot } => {
                    let is_in = slot.place.memory == MemoryId::SCRATCHPAD;
                    let step = if is_in { n_run } else { before };
                    moved("wait", step, slot.tensor, is_in.then(|| slot.offset()), None)
                }
                Line::Run { op, reads, writes, workspace } => {
                    n_run += 1;
                    ActionRecord {
                        kind: "run",
                        step: n_run - 1,
                        operator: Some(self.exhibit.operators[op.index()].name.clone()),
                        tensor: None,
                        bytes: None,
                        overlaps: false,
                        offset: None,
                        reads: reads.iter().map(slot).collect(),
                        writes: writes.iter().map(slot).collect(),
                        workspace: (graph.op(op).workspace != Bytes::ZERO).then_some(workspace.0),
                    }
                }
            });
        }
        records
    }

    /// The residencies, ordered by their first step.
    pub fn residencies(&self) -> Vec<ResidencyRecord> {
        let graph = &self.exhibit.problem.graph;
        let record = |it: &cosma_planner::Residency| ResidencyRecord {
            tensor: self.tensor_name(it.tensor),
            origin: match graph.tensor(it.tensor).origin {
                Origin::Argument => "argument",
                Origin::Weight => "weight",
                Origin::Staged => "staged",
                Origin::Op(_) => "operator",
            },
            start: it.steps.start.index(),
            end: it.steps.end.index(),
            offset: it.offset.0,
            size: graph.tensor(it.tensor).size.0,
        };
        let mut records: Vec<ResidencyRecord> = self.solution.plan.residencies.iter().map(record).collect();
        records.sort_by_key(|it| (it.start, it.offset));
        records
    }

    fn tensor_name(&self, tensor: TensorId) -> String {
        self.exhibit.tensors[tensor.index()].name.clone()
    }
}
