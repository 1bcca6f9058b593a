//! What the judge finds in a planned program, and how it says so.

use crate::{Bytes, OpId, Problem, Slot, Step, TensorId};
use std::fmt;

/// One thing that is wrong with a planned program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The line at fault; none for what the whole program lacks.
    pub moment: Option<Moment>,
    /// What is wrong.
    pub fault: Fault,
}

/// A line of a planned program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Counted from 1.
    pub line: usize,
    /// The step that the line is or leads to.
    pub step: Step,
}

/// A piece of the scratchpad while an operator runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose it is; none for the operator's workspace.
    pub tensor: Option<TensorId>,
    /// Of its first byte.
    pub offset: Bytes,
    /// In bytes, without padding.
    pub size: Bytes,
}

/// The ways in which a planned program can be wrong.
///
/// The last group is waste: such a program computes the right thing, but one line of it can be
/// left out, so no planner has a reason to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A transfer of a tensor that the graph does not have.
    UnknownTensor(TensorId),
    /// A run of an operator that the graph does not have.
    UnknownOp(OpId),

    /// An operator runs that ran before.
    RunsAgain(OpId),
    /// An operator does not run at all.
    NeverRuns(OpId),
    /// The slots that an operator reads are not those of its resident operands, in order.
    WrongReads {
        /// The operator.
        op: OpId,
        /// What it is given.
        found: Vec<TensorId>,
    },
    /// The slots that an operator writes are not those of its results, in order.
    WrongWrites {
        /// The operator.
        op: OpId,
        /// What it is given.
        found: Vec<TensorId>,
    },
    /// A streamed weight did not pass by between the previous operator and this one.
    NotPassing {
        /// The operator.
        op: OpId,
        /// What it reads.
        tensor: TensorId,
    },
    /// Two of an operator's own blocks overlap.
    Overlap(OpId, Block, Block),
    /// A result takes the place of an operand that somebody is still to read.
    StillRead {
        /// The operator.
        op: OpId,
        /// Whose place it is.
        operand: TensorId,
        /// Who has not run.
        reader: OpId,
    },

    /// A slot is read, stored or spilled, but what was put there is gone, or never was there.
    NotThere(Slot),
    /// A block is not at a multiple of the alignment.
    Misaligned(Block),
    /// A block ends after the scratchpad.
    OutOfScratchpad(Block),

    /// A load of what an operator writes.
    LoadOfProduct(TensorId),
    /// A load of what was loaded before.
    LoadedBefore(TensorId),
    /// A reload of an argument that was not loaded yet.
    ReloadBeforeLoad(TensorId),
    /// A reload of what host memory does not have.
    NoHostCopy(TensorId),

    /// A store of what is no result, or of an argument, which is in host memory already.
    StoreOfNonResult(TensorId),
    /// A store of what was stored before.
    StoredBefore(TensorId),
    /// A result that an operator writes is not stored.
    NeverStored(TensorId),

    /// A spill of what host memory has already.
    SpillWithHostCopy(TensorId),
    /// A spill of a result: its store serves as well.
    SpillOfResult(TensorId),
    /// A spill without a reload after it.
    NeverReloaded(TensorId),
    /// A load or reload that no operator reads before it is overwritten, or a streamed weight that
    /// the next operator does not read.
    NeverRead(TensorId),
}

impl Violation {
    /// As a sentence, with the graph's names: `line 3, step 1: x@0 is not there any more`.
    pub fn display<'a>(&'a self, problem: &'a Problem) -> impl fmt::Display + 'a {
        DisplayViolation { violation: self, problem }
    }
}

struct DisplayViolation<'a> {
    violation: &'a Violation,
    problem: &'a Problem,
}

impl DisplayViolation<'_> {
    // The ids may be those that the judge complains of, so nothing is looked up blindly.
    fn tensor(&self, id: TensorId) -> String {
        let tensor = self.problem.graph.tensors().get(id.index());
        tensor.map_or_else(|| format!("tensor {}", id.0), |it| it.name.clone())
    }

    fn tensors(&self, ids: &[TensorId]) -> String {
        let names: Vec<String> = ids.iter().map(|it| self.tensor(*it)).collect();
        if names.is_empty() { "nothing".into() } else { names.join(" ") }
    }

    fn op(&self, id: OpId) -> String {
        let op = self.problem.graph.ops().get(id.index());
        op.map_or_else(|| format!("operator {}", id.0), |it| it.name.clone())
    }

    fn block(&self, block: Block) -> String {
        let name = block.tensor.map_or_else(|| "workspace".into(), |it| self.tensor(it));
        format!("{name}@{}", block.offset)
    }
}

impl fmt::Display for DisplayViolation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.violation.moment {
            Some(Moment { line, step }) => write!(f, "line {line}, step {step}: ")?,
            None => write!(f, "at the end: ")?,
        }
        let machine = &self.problem.machine;
        let tensor = |id: &TensorId| self.tensor(*id);
        let op = |id: &OpId| self.op(*id);
        match &self.violation.fault {
            Fault::UnknownTensor(id) => write!(f, "there is no {}", tensor(id)),
            Fault::UnknownOp(id) => write!(f, "there is no {}", op(id)),
            Fault::RunsAgain(id) => write!(f, "{} runs a second time", op(id)),
            Fault::NeverRuns(id) => write!(f, "{} did not run", op(id)),
            Fault::WrongReads { op: id, found } => {
                let resident: Vec<TensorId> = self.problem.graph.op(*id).reads_on_chip().collect();
                write!(f, "{} reads {}, but is given {}", op(id), self.tensors(&resident), self.tensors(found))
            }
            Fault::WrongWrites { op: id, found } => {
                let expected = &self.problem.graph.op(*id).writes;
                write!(f, "{} writes {}, but is given {}", op(id), self.tensors(expected), self.tensors(found))
            }
            Fault::NotPassing { op: id, tensor } => {
                write!(f, "{} reads {}, which is not streamed just before", op(id), self.tensor(*tensor))
            }
            Fault::Overlap(id, a, b) => {
                write!(f, "{} and {} overlap while {} runs", self.block(*a), self.block(*b), op(id))
            }
            Fault::StillRead { op: id, operand, reader } => {
                let (name, reader) = (tensor(operand), op(reader));
                write!(f, "{} writes in the place of {name}, which {reader} is still to read", op(id))
            }
            Fault::NotThere(slot) => {
                let name = tensor(&slot.tensor);
                write!(f, "{name} is needed at {}, but does not lie there intact", slot.offset)
            }
            Fault::Misaligned(block) => {
                write!(f, "{} is not at a multiple of {} B", self.block(*block), machine.alignment())
            }
            Fault::OutOfScratchpad(block) => {
                let (name, size) = (self.block(*block), block.size);
                write!(f, "{name} of {size} B ends after the scratchpad of {} B", machine.scratchpad())
            }
            Fault::LoadOfProduct(id) => write!(f, "{} is loaded, but is no argument", tensor(id)),
            Fault::LoadedBefore(id) => write!(f, "{} is loaded a second time, which is a reload", tensor(id)),
            Fault::ReloadBeforeLoad(id) => write!(f, "{} is reloaded, but was not loaded before", tensor(id)),
            Fault::NoHostCopy(id) => write!(f, "{} is reloaded, but host memory has no copy of it", tensor(id)),
            Fault::StoreOfNonResult(id) => {
                write!(f, "{} is stored, but is no result that an operator writes", tensor(id))
            }
            Fault::StoredBefore(id) => write!(f, "{} is stored a second time", tensor(id)),
            Fault::NeverStored(id) => write!(f, "{} is a result, but is not stored", tensor(id)),
            Fault::SpillWithHostCopy(id) => {
                write!(f, "{} is spilled, but host memory has a copy of it already", tensor(id))
            }
            Fault::SpillOfResult(id) => write!(f, "{} is spilled, but is a result and to be stored", tensor(id)),
            Fault::NeverReloaded(id) => write!(f, "{} is spilled, but not reloaded after", tensor(id)),
            Fault::NeverRead(id) => write!(f, "{} comes in, but nothing reads it while it is there", tensor(id)),
        }
    }
}
