//! Reads a plan from JSON and matches it with its problem.

use crate::Error;
use crate::block::Blocks;
use crate::document::{ActionDocument, Document, OperandDocument, PlaceDocument};
use cosma_planner::{Action, Bytes, Copy, MemoryId, OpId, Place, Plan, Problem, Residency, Slice, Slot, TensorId};
use serde::Deserialize;
use std::collections::HashMap;

/// The fields that every document has.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u64,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Error::Json`] if it does not follow the schema; [`Error::Version`].
    pub fn parse(text: &str) -> Result<Document, Error> {
        let Head { format, version } = serde_json::from_str(text)?;
        if (&*format, version) != (Document::FORMAT, Document::VERSION) {
            return Err(Error::Version { format, version });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The program, for the problem that the plan was made for. It is not verified.
    ///
    /// # Errors
    /// [`Error::OtherProblem`] if an action names something that the problem does not have, or lacks a field that its
    /// kind requires.
    pub fn actions(&self, problem: &Problem) -> Result<Vec<Action>, Error> {
        let names = Names::of(problem);
        let action = |(line, action)| names.action(action).map_err(|why| format!("action {line}: {why}"));
        let actions: Result<Vec<Action>, String> = self.actions.iter().enumerate().map(action).collect();
        actions.map_err(Error::OtherProblem)
    }

    /// The plan, for the problem that it was made for: its order, and residencies from the completion of the tensor
    /// to the last operator that uses it. Asynchronous transfers are not part of it. It is not verified.
    ///
    /// # Errors
    /// Those of [`Document::actions`].
    pub fn plan(&self, problem: &Problem) -> Result<Plan, Error> {
        let actions = self.actions(problem)?;
        let blocks = Blocks::of(problem, &actions);
        let mut residencies: Vec<Residency> = Vec::new();
        for block in &blocks.blocks {
            if block.place.memory == MemoryId::SCRATCHPAD && block.used.start < block.used.end {
                let (tensor, steps, offset) = (block.tensor, block.used.clone(), block.place.offset);
                residencies.push(Residency { tensor, steps, offset });
            }
        }
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        let mut plan = Plan { order: Vec::new(), residencies, workspaces: Vec::new() };
        for action in actions {
            if let Action::Run { op, workspace, .. } = action {
                plan.order.push(op);
                plan.workspaces.push(if problem.graph.op(op).workspace == Bytes::ZERO {
                    Bytes::ZERO
                } else {
                    workspace
                });
            }
        }
        Ok(plan)
    }
}

/// Ids by name.
struct Names<'a> {
    problem: &'a Problem,
    tensors: HashMap<&'a str, TensorId>,
    operators: HashMap<&'a str, OpId>,
    memories: HashMap<&'a str, MemoryId>,
}

impl<'a> Names<'a> {
    fn of(problem: &'a Problem) -> Names<'a> {
        let Problem { graph, machine } = problem;
        let memories = machine.memories().iter().zip(0..).map(|(it, id)| (it.name.as_str(), MemoryId(id)));
        Names {
            problem,
            tensors: graph.tensor_ids().map(|it| (graph.tensor(it).name.as_str(), it)).collect(),
            operators: graph.op_ids().map(|it| (graph.op(it).name.as_str(), it)).collect(),
            memories: memories.collect(),
        }
    }

    fn action(&self, action: &ActionDocument) -> Result<Action, String> {
        let of_kind = |what: &str| format!("a {} needs '{what}'", action.kind);
        let tensor = || self.tensor(action.tensor.as_deref().ok_or_else(|| of_kind("tensor"))?);
        let place = |it: &Option<PlaceDocument>, what: &str| {
            let PlaceDocument { memory, offset } = it.as_ref().ok_or_else(|| of_kind(what))?;
            self.place(memory, *offset)
        };
        let copy = || {
            Ok::<Copy, String>(Copy {
                tensor: tensor()?,
                from: place(&action.from, "from")?,
                to: place(&action.to, "to")?,
            })
        };
        match &*action.kind {
            "load" | "reload" | "spill" | "store" | "move" => Ok(Action::Copy(copy()?)),
            "issue" => Ok(match action.slice {
                None => Action::Issue(copy()?),
                Some([low, high]) => Action::IssueSlice(copy()?, Slice { low: Bytes(low), high: Bytes(high) }),
            }),
            "start" => Ok(Action::Start(Slot { tensor: tensor()?, place: place(&action.to, "to")? })),
            "wait" => Ok(Action::Wait(Slot { tensor: tensor()?, place: place(&action.to, "to")? })),
            "run" => {
                let name = action.operator.as_deref().ok_or_else(|| of_kind("operator"))?;
                let op = self.operators.get(name).ok_or_else(|| format!("there is no operator '{name}'"))?;
                let slots = |slots: &Option<Vec<OperandDocument>>, what: &str| -> Result<Vec<Slot>, String> {
                    slots.as_ref().ok_or_else(|| of_kind(what))?.iter().map(|it| self.slot(it)).collect()
                };
                Ok(Action::Run {
                    op: *op,
                    reads: slots(&action.reads, "reads")?,
                    writes: slots(&action.writes, "writes")?,
                    workspace: Bytes(action.workspace.unwrap_or(0)),
                })
            }
            other => Err(format!("there is no action of the kind '{other}'")),
        }
    }

    fn tensor(&self, name: &str) -> Result<TensorId, String> {
        self.tensors.get(name).copied().ok_or_else(|| format!("there is no tensor '{name}'"))
    }

    fn slot(&self, OperandDocument { tensor, memory, offset }: &OperandDocument) -> Result<Slot, String> {
        Ok(Slot { tensor: self.tensor(tensor)?, place: self.place(memory, *offset)? })
    }

    fn place(&self, memory: &str, offset: Option<u64>) -> Result<Place, String> {
        let id = *self.memories.get(memory).ok_or_else(|| format!("there is no memory '{memory}'"))?;
        match (self.problem.machine.memories()[id.index()].size, offset) {
            (Some(_), None) => Err(format!("a place in {memory} needs an offset")),
            (None, Some(_)) => Err(format!("a place in {memory} has no offset")),
            (_, offset) => Ok(Place { memory: id, offset: Bytes(offset.unwrap_or(0)) }),
        }
    }
}
