//! The program and the residencies of a plan as records, one per line, for tables.

use crate::{Error, Planned};
use cosma_planner::{Action, Bytes, Copy, Kind, Kinds, MemoryId, Origin, Place, Residency, Slot, Step, TensorId};
use cosma_show::Exhibit;
use serde::Serialize;
use std::ops::Range;

/// A line of a planned program: a transfer, or an operator that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ActionRecord {
    /// `load`, `reload`, `spill`, `store` or `run`; `move`, a copy between two memories that are not home; `keep`, a load of
    /// the prologue, which runs once; `wait`, from which on a transfer that goes on beside operators is complete; `start`,
    /// that a tensor lies somewhere from the start, if nothing moves.
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
    /// The offset of the moved tensor in the scratchpad; `None` in a run, if the tensor is streamed, and if neither end of the
    /// copy is in the scratchpad.
    pub offset: Option<u64>,
    /// Where a moved tensor comes from; `None` in a run and a wait.
    pub source: Option<PlaceRecord>,
    /// Where it goes, or is by now; `None` in a run, and if it is streamed to its operator.
    pub destination: Option<PlaceRecord>,
    /// The tensors that the operator reads in the scratchpad; if nothing moves, wherever they lie.
    pub reads: Vec<SlotRecord>,
    /// The tensors that the operator writes.
    pub writes: Vec<SlotRecord>,
    /// The offset of the operator's workspace; `None` if it has none.
    pub workspace: Option<u64>,
}

/// A place in a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceRecord {
    /// The memory's name.
    pub memory: String,
    /// The offset in bytes; `None` in a memory without a size, where no addresses are decided.
    pub offset: Option<u64>,
}

/// A tensor at a place, which is in the scratchpad unless nothing moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlotRecord {
    /// Its name.
    pub tensor: String,
    /// The offset of its first byte; `None` in a memory without a size.
    pub offset: Option<u64>,
    /// The memory's name if nothing moves; `None` stands for the scratchpad.
    pub memory: Option<String>,
}

/// The steps during which a tensor is in a memory, and its offset.
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
    /// The offset of its first byte in that memory.
    pub offset: u64,
    /// Its bytes, without padding.
    pub size: u64,
}

impl Planned {
    /// The program, line by line.
    pub fn program(&self) -> Vec<ActionRecord> {
        let Exhibit { problem, actions, n_prologue, .. } = &self.exhibit;
        let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
        let mut kinds = Kinds::new(problem);
        let mut n_run = 0;
        let mut records = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            let is_kept = index < *n_prologue;
            let name = |kind: Kind| if is_kept { "keep" } else { kind.name() };
            let record = match action {
                // Elsewhere nothing happens.
                Action::Start(slot) if self.placement.is_none() => {
                    continue;
                }
                Action::Start(slot) => ActionRecord { kind: "start", ..self.arrived(slot, 0) },
                Action::Copy(copy) => self.copied(name(kinds.of(copy)), copy, size(copy.tensor), n_run),
                Action::Issue(copy) => {
                    let record = self.copied(name(kinds.of(copy)), copy, size(copy.tensor), n_run);
                    ActionRecord { overlaps: true, ..record }
                }
                Action::IssueSlice(copy, slice) => {
                    let record = self.copied(name(kinds.of_slice(copy, *slice)), copy, slice.size(), n_run);
                    ActionRecord { overlaps: true, ..record }
                }
                Action::Wait(slot) => ActionRecord { kind: "wait", ..self.arrived(slot, n_run) },
                Action::Run { op, reads, writes, workspace } => {
                    let is_past = |it: &&Slot| self.placement.is_none() && it.place.memory != MemoryId::SCRATCHPAD;
                    for slot in reads.iter().filter(is_past) {
                        let kind = match slot.place.memory {
                            MemoryId::HOME => kinds.from_home(slot.tensor),
                            _ => Kind::Move,
                        };
                        records.push(ActionRecord {
                            kind: kind.name(),
                            bytes: Some(size(slot.tensor).0),
                            source: Some(self.place(slot.place)),
                            ..self.of_tensor(slot.tensor, n_run)
                        });
                    }
                    n_run += 1;
                    ActionRecord {
                        kind: "run",
                        step: n_run - 1,
                        operator: Some(self.exhibit.operators[op.index()].name.clone()),
                        reads: reads.iter().filter(|it| !is_past(it)).map(|it| self.slot(it)).collect(),
                        writes: writes.iter().map(|it| self.slot(it)).collect(),
                        workspace: (problem.graph.op(*op).workspace != Bytes::ZERO).then_some(workspace.0),
                        ..ActionRecord::default()
                    }
                }
            };
            records.push(record);
        }
        records
    }

    /// A copy, after so many operators.
    fn copied(&self, kind: &'static str, copy: &Copy, bytes: Bytes, n_run: usize) -> ActionRecord {
        let is_out = copy.from.memory == MemoryId::SCRATCHPAD || copy.to.memory == MemoryId::HOME;
        let step = if is_out { n_run.saturating_sub(1) } else { n_run };
        let on_chip = [copy.to, copy.from].into_iter().find(|it| it.memory == MemoryId::SCRATCHPAD);
        ActionRecord {
            kind,
            bytes: Some(bytes.0),
            offset: on_chip.map(|it| it.offset.0),
            source: Some(self.place(copy.from)),
            destination: Some(self.place(copy.to)),
            ..self.of_tensor(copy.tensor, step)
        }
    }

    /// That a tensor is at a place, after so many operators.
    fn arrived(&self, slot: &Slot, n_run: usize) -> ActionRecord {
        let is_on_chip = slot.place.memory == MemoryId::SCRATCHPAD;
        let step = if is_on_chip { n_run } else { n_run.saturating_sub(1) };
        ActionRecord {
            offset: is_on_chip.then(|| slot.offset().0),
            destination: Some(self.place(slot.place)),
            ..self.of_tensor(slot.tensor, step)
        }
    }

    fn of_tensor(&self, tensor: TensorId, step: usize) -> ActionRecord {
        ActionRecord { step, tensor: Some(self.tensor_name(tensor)), ..ActionRecord::default() }
    }

    fn slot(&self, slot: &Slot) -> SlotRecord {
        let PlaceRecord { memory, offset } = self.place(slot.place);
        let memory = self.placement.as_ref().map(|_| memory);
        SlotRecord { tensor: self.tensor_name(slot.tensor), offset, memory }
    }

    fn place(&self, place: Place) -> PlaceRecord {
        let memory = &self.exhibit.problem.machine.memories()[place.memory.index()];
        PlaceRecord { memory: memory.name.clone(), offset: memory.size.map(|_| place.offset.0) }
    }

    /// The residencies in the scratchpad, ordered by their first step.
    pub fn residencies(&self) -> Vec<ResidencyRecord> {
        let record = |it: &Residency| self.residency(it.tensor, &it.steps, it.offset);
        sorted(self.solution.plan.residencies.iter().map(record).collect())
    }

    /// The residencies in a memory of the machine, ordered by their first step. Those in the scratchpad are
    /// [`Planned::residencies`]; in another memory, a residency is empty if the tensor only passes through between two steps.
    ///
    /// # Errors
    /// [`Error::Option`] if the machine has no memory of this name, or one without addresses.
    pub fn residencies_in(&self, memory: &str) -> Result<Vec<ResidencyRecord>, Error> {
        let Exhibit { problem, actions, .. } = &self.exhibit;
        let memories = problem.machine.memories();
        let Some(index) = memories.iter().position(|it| it.name == memory) else {
            let names: Vec<&str> = memories.iter().map(|it| it.name.as_str()).collect();
            return Err(Error::Option(format!("the machine has no memory '{memory}': there are {}", names.join(", "))));
        };
        if memories[index].size.is_none() {
            return Err(Error::Option(format!("no addresses are decided in '{memory}', which has no size")));
        }
        if let Some(placement) = &self.placement {
            let places = problem.graph.tensor_ids().zip(&placement.places).zip(placement.lifetimes(problem));
            let record = |((tensor, place), steps): ((TensorId, &Option<Place>), Range<Step>)| {
                let place = place.filter(|it| it.memory.index() == index)?;
                Some(self.residency(tensor, &steps, place.offset))
            };
            return Ok(sorted(places.filter_map(record).collect()));
        }
        if index == MemoryId::SCRATCHPAD.index() {
            return Ok(self.residencies());
        }
        let stays = cosma_export::stays(problem, actions).into_iter();
        let here = stays.filter(|it| it.place.memory.index() == index);
        Ok(sorted(here.map(|it| self.residency(it.tensor, &it.steps, it.place.offset)).collect()))
    }

    fn residency(&self, tensor: TensorId, steps: &Range<Step>, offset: Bytes) -> ResidencyRecord {
        let of = self.exhibit.problem.graph.tensor(tensor);
        ResidencyRecord {
            tensor: self.tensor_name(tensor),
            origin: match of.origin {
                Origin::Argument => "argument",
                Origin::Weight => "weight",
                Origin::Staged => "staged",
                Origin::Op(_) => "operator",
            },
            start: steps.start.index(),
            end: steps.end.index(),
            offset: offset.0,
            size: of.size.0,
        }
    }

    fn tensor_name(&self, tensor: TensorId) -> String {
        self.exhibit.tensors[tensor.index()].name.clone()
    }
}

/// By first step, then offset.
fn sorted(mut records: Vec<ResidencyRecord>) -> Vec<ResidencyRecord> {
    records.sort_by_key(|it| (it.start, it.offset));
    records
}
