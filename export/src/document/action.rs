//! The program, as JSON.

use crate::Planned;
use cosma_planner::time::Timeline;
use cosma_planner::{Action, Bytes, Copy, Kind, Kinds, MemoryId, Place, Slice, Slot, TensorId};
use serde::{Deserialize, Serialize};

/// A line of a program. `kind` determines which fields are present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionDocument {
    /// `load`, `reload`, `spill`, `store` or `move` for a synchronous copy; `issue` for the beginning of an
    /// asynchronous copy and `wait` for its end; `run` for an operator.
    pub kind: String,
    /// The number of operators that ran before: for a run, its step.
    pub step: u64,
    /// The operator that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The tensor that is copied or waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// The bytes that are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// For an issue: `load`, `reload`, `spill`, `store` or `move`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// For an issue of only some bytes: which bytes, half-open, from the start of the tensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<[u64; 2]>,
    /// The source of a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PlaceDocument>,
    /// The destination of a copy, or of the copy that is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PlaceDocument>,
    /// The tensors that an operator reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<Vec<OperandDocument>>,
    /// The tensors that an operator writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<OperandDocument>>,
    /// The offset of an operator's workspace in the scratchpad; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<u64>,
    /// The channel of a copy; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The beginning and the end in cycles, half-open; absent without a clock. A copy begins when its channel starts
    /// it, and ends when it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<[u64; 2]>,
}

/// A place in a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceDocument {
    /// The memory.
    pub memory: String,
    /// The offset in bytes; absent in a memory without addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// A tensor at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperandDocument {
    /// The tensor.
    pub tensor: String,
    /// The memory.
    pub memory: String,
    /// The offset in bytes; absent in a memory without addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

pub(super) fn actions(planned: &Planned<'_>, timeline: Option<&Timeline>) -> Vec<ActionDocument> {
    let Planned { problem, actions, .. } = *planned;
    let graph = &problem.graph;
    let name = |tensor: TensorId| Some(graph.tensor(tensor).name.clone());
    let mut kinds = Kinds::new(problem);
    let (mut n_run, mut documents) = (0, Vec::with_capacity(actions.len()));
    for (line, action) in actions.iter().enumerate() {
        let copied = |copy: &Copy, bytes: Bytes| ActionDocument {
            step: n_run,
            tensor: name(copy.tensor),
            bytes: Some(bytes.0),
            from: Some(place(planned, copy.from)),
            to: Some(place(planned, copy.to)),
            channel: channel(planned, copy),
            ..ActionDocument::default()
        };
        let size = |copy: &Copy| graph.tensor(copy.tensor).size;
        let issue = |kind: Kind, document: ActionDocument| ActionDocument {
            kind: "issue".into(),
            transfer: Some(kind.name().into()),
            ..document
        };
        let mut document = match action {
            Action::Copy(copy) => ActionDocument { kind: kinds.of(copy).name().into(), ..copied(copy, size(copy)) },
            Action::Issue(copy) => issue(kinds.of(copy), copied(copy, size(copy))),
            Action::IssueSlice(copy, slice @ Slice { low, high }) => ActionDocument {
                slice: Some([low.0, high.0]),
                ..issue(kinds.of_slice(copy, *slice), copied(copy, slice.size()))
            },
            Action::Start(slot) => ActionDocument {
                kind: "start".into(),
                step: n_run,
                tensor: name(slot.tensor),
                to: Some(place(planned, slot.place)),
                ..ActionDocument::default()
            },
            Action::Wait(slot) => ActionDocument {
                kind: "wait".into(),
                step: n_run,
                tensor: name(slot.tensor),
                to: Some(place(planned, slot.place)),
                ..ActionDocument::default()
            },
            Action::Run { op, reads, writes, workspace } => {
                for read in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                    kinds.from_home(read.tensor);
                }
                let slots = |slots: &[Slot]| Some(slots.iter().map(|it| operand(planned, it)).collect());
                let op = graph.op(*op);
                n_run += 1;
                ActionDocument {
                    kind: "run".into(),
                    step: n_run - 1,
                    operator: Some(op.name.clone()),
                    reads: slots(reads),
                    writes: slots(writes),
                    workspace: (op.workspace != Bytes::ZERO).then_some(workspace.0),
                    ..ActionDocument::default()
                }
            }
        };
        document.cycles = timeline.and_then(|it| it.lines.get(line)).map(|it| [it.start.0, it.end.0]);
        documents.push(document);
    }
    documents
}

fn channel(planned: &Planned<'_>, copy: &Copy) -> Option<String> {
    let machine = &planned.problem.machine;
    let timing = machine.timing(copy.from.memory, copy.to.memory)?;
    Some(machine.clock()?.channels.get(timing.channel.index())?.name.clone())
}

fn place(planned: &Planned<'_>, place: Place) -> PlaceDocument {
    let memory = &planned.problem.machine.memories()[place.memory.index()];
    PlaceDocument { memory: memory.name.clone(), offset: memory.size.map(|_| place.offset.0) }
}

fn operand(planned: &Planned<'_>, slot: &Slot) -> OperandDocument {
    let PlaceDocument { memory, offset } = place(planned, slot.place);
    OperandDocument { tensor: planned.problem.graph.tensor(slot.tensor).name.clone(), memory, offset }
}
