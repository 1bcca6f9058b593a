//! A plan as JSON.
//!
//! The schema is `schema/plan.schema.json`. Tensors, operators, memories and channels have the names of the problem,
//! which are unique; a `label` is the name in the model, if it differs. Sizes and offsets are bytes, steps count
//! operators from 0, and all ranges are half-open.

mod action;
mod machine;

pub use action::{ActionDocument, OperandDocument, PlaceDocument};
pub use machine::{BanksDocument, ComputeDocument, LinkDocument, MachineDocument, MemoryDocument, TimingDocument};

use crate::block::{Block, Blocks, Workspace};
use crate::{Error, Planned};
use cosma_planner::time::{LatencyBound, Scope, Timeline, simulate};
use cosma_planner::{Bytes, MemoryId, Origin, TensorId, Traffic};
use serde::{Deserialize, Serialize};

/// A plan with its problem, its program and its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// `cosma-plan`.
    pub format: String,
    /// The version of the format: 1. It changes whenever a field or its meaning changes.
    pub version: u64,
    /// The network's name.
    pub name: String,
    /// The machine that the plan is for.
    pub machine: MachineDocument,
    /// All tensors, by id.
    pub tensors: Vec<TensorDocument>,
    /// The operators, in the order in which they run.
    pub steps: Vec<StepDocument>,
    /// The residencies, in the order in which they begin.
    pub residencies: Vec<ResidencyDocument>,
    /// The program, line by line.
    pub actions: Vec<ActionDocument>,
    /// The bytes that the program moves.
    pub traffic: TrafficDocument,
    /// The proof; absent if nothing was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofDocument>,
    /// The time that it takes; absent on a machine without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeDocument>,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorDocument {
    /// Its name in the problem, unique.
    pub name: String,
    /// Its name in the model; absent if it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its bytes, without padding.
    pub bytes: u64,
    /// `argument`, `weight`, `staged` (a region of a larger tensor in host memory) or `operator`.
    pub origin: String,
    /// The operator that writes it; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Whether host memory must have it at the end.
    pub is_result: bool,
}

/// A step, which runs one operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDocument {
    /// The operator's name in the problem, unique.
    pub operator: String,
    /// Its name in the model; absent if it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The tensors that it reads.
    pub reads: Vec<String>,
    /// The tensors that it writes.
    pub writes: Vec<String>,
    /// Its workspace in the scratchpad; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<RoomDocument>,
    /// How many multiply-accumulates it computes; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macs: Option<u64>,
}

/// Bytes in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDocument {
    /// The first byte.
    pub offset: u64,
    /// The number of bytes.
    pub bytes: u64,
}

/// A tensor that lies at an offset during some steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidencyDocument {
    /// The tensor.
    pub tensor: String,
    /// The memory.
    pub memory: String,
    /// The offset of its first byte.
    pub offset: u64,
    /// Its bytes, without padding.
    pub bytes: u64,
    /// The first step during which it occupies its bytes, even if a transfer is still bringing it in.
    pub first: u64,
    /// The first step after that during which it does not occupy them.
    pub end: u64,
    /// The first step before which it is complete; absent if it is `first`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<u64>,
    /// The action that puts it there: an index into `actions`.
    pub came: u64,
    /// The last action that copies it from there: an index into `actions`. Absent if it is overwritten without a
    /// copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// The residencies that its operator overwrites in place, as indices into the list of residencies: they end with
    /// the step in which this one begins.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub in_place_of: Vec<u64>,
}

/// Bytes moved between host memory and the other memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficDocument {
    /// All of them.
    pub total: u64,
    /// Loads and stores, which every plan has.
    pub compulsory: u64,
    /// Spills and reloads.
    pub non_compulsory: u64,
}

/// How good a plan is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofDocument {
    /// Whether no plan moves less.
    pub is_optimal: bool,
    /// A proven lower bound on the non-compulsory bytes of any plan.
    pub lower_bound: u64,
    /// The non-compulsory bytes caused by addresses.
    pub fragmentation: u64,
    /// `search`, `ilp` or `greedy`.
    pub solver: String,
}

/// How long a program takes on the machine's clock, in cycles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeDocument {
    /// The end of the last action.
    pub makespan: u64,
    /// The sum of the cycles of all operators.
    pub compute: u64,
    /// No program within `bound_scope` takes less; absent if no bound was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower_bound: Option<u64>,
    /// The programs that the bound is for: `any order`, `this order`, `this plan` or `this kind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_scope: Option<String>,
}

impl Document {
    /// The value of [`Document::format`].
    pub const FORMAT: &'static str = "cosma-plan";
    /// The value of [`Document::version`].
    pub const VERSION: u64 = 1;
    /// The JSON Schema (draft 2020-12) of this version.
    pub const SCHEMA: &'static str = include_str!("../schema/plan.schema.json");

    /// The document of a plan.
    ///
    /// # Errors
    /// [`Error::Planner`] if the machine has a clock on which the program's time cannot be counted.
    pub fn of(planned: &Planned<'_>) -> Result<Document, Error> {
        let Planned { problem, actions, .. } = *planned;
        let timeline = match problem.machine.clock() {
            None => None,
            Some(_) => Some(simulate(problem, actions)?),
        };
        let blocks = Blocks::of(problem, actions);
        let traffic = Traffic::of(problem, actions);
        Ok(Document {
            format: Document::FORMAT.into(),
            version: Document::VERSION,
            name: planned.name.into(),
            machine: MachineDocument::of(&problem.machine),
            tensors: problem.graph.tensor_ids().map(|it| tensor(planned, it)).collect(),
            steps: steps(planned, &blocks),
            residencies: residencies(planned, &blocks),
            actions: action::actions(planned, timeline.as_ref()),
            traffic: TrafficDocument {
                total: traffic.total().0,
                compulsory: traffic.compulsory.0,
                non_compulsory: traffic.non_compulsory.0,
            },
            proof: planned.proof.map(|it| ProofDocument {
                is_optimal: traffic.non_compulsory <= it.lower_bound,
                lower_bound: it.lower_bound.0,
                fragmentation: it.fragmentation.0,
                solver: it.solver.name().into(),
            }),
            time: timeline.map(|it| time(&it, planned.latency_bound.as_ref())),
        })
    }

    /// The document as JSON text, ending with a line break.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers, words and lists are JSON");
        text.push('\n');
        text
    }
}

fn time(timeline: &Timeline, bound: Option<&LatencyBound>) -> TimeDocument {
    let scope = |bound: &LatencyBound| match bound.rule.scope() {
        Scope::AnyOrder => "any order",
        Scope::ThisOrder => "this order",
        Scope::ThisPlan => "this plan",
        _ => "this kind",
    };
    TimeDocument {
        makespan: timeline.makespan.0,
        compute: timeline.compute.0,
        lower_bound: bound.map(|it| it.cycles.0),
        bound_scope: bound.map(|it| scope(it).into()),
    }
}

fn label(label: &str, name: &str) -> Option<String> {
    (label != name).then(|| label.into())
}

fn tensor(planned: &Planned<'_>, id: TensorId) -> TensorDocument {
    let graph = &planned.problem.graph;
    let tensor = graph.tensor(id);
    TensorDocument {
        name: tensor.name.clone(),
        label: label(planned.tensor_name(id), &tensor.name),
        bytes: tensor.size.0,
        origin: origin(tensor.origin).into(),
        operator: graph.producer(id).map(|it| graph.op(it).name.clone()),
        is_result: graph.results().contains(&id),
    }
}

/// The origin of a tensor as a word.
pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Argument => "argument",
        Origin::Weight => "weight",
        Origin::Staged => "staged",
        Origin::Op(_) => "operator",
    }
}

fn steps(planned: &Planned<'_>, blocks: &Blocks) -> Vec<StepDocument> {
    let graph = &planned.problem.graph;
    let name = |tensor: TensorId| graph.tensor(tensor).name.clone();
    let mut workspaces = blocks.workspaces.iter().peekable();
    let steps = planned.order().into_iter().enumerate().map(|(step, id)| {
        let op = graph.op(id);
        let workspace = workspaces.next_if(|it| it.step.index() == step);
        StepDocument {
            operator: op.name.clone(),
            label: label(planned.operator_name(id), &op.name),
            reads: op.reads.iter().map(|it| name(it.tensor)).collect(),
            writes: op.writes.iter().map(|it| name(*it)).collect(),
            workspace: workspace.map(|Workspace { offset: Bytes(offset), size: Bytes(bytes), .. }| RoomDocument {
                offset: *offset,
                bytes: *bytes,
            }),
            macs: op.macs,
        }
    });
    steps.collect()
}

fn residencies(planned: &Planned<'_>, blocks: &Blocks) -> Vec<ResidencyDocument> {
    let mut in_place_of: Vec<Vec<u64>> = vec![Vec::new(); blocks.blocks.len()];
    blocks.shared().for_each(|(result, operand, _)| in_place_of[result].push(operand as u64));
    let record = |(block, in_place_of): (&Block, Vec<u64>)| {
        let tensor = planned.problem.graph.tensor(block.tensor);
        let ready = block.used.start;
        ResidencyDocument {
            tensor: tensor.name.clone(),
            memory: memory_name(planned, block.place.memory),
            offset: block.place.offset.0,
            bytes: tensor.size.0,
            first: u64::from(block.steps.start.0),
            end: u64::from(block.steps.end.0),
            ready: (ready != block.steps.start).then_some(u64::from(ready.0)),
            came: block.came as u64,
            left: block.left.map(|it| it as u64),
            in_place_of,
        }
    };
    blocks.blocks.iter().zip(in_place_of).map(record).collect()
}

fn memory_name(planned: &Planned<'_>, memory: MemoryId) -> String {
    planned.problem.machine.memories()[memory.index()].name.clone()
}
