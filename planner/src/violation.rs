//! The judge's findings in a planned program, and their messages.

use crate::{Bytes, Copy, MemoryId, OpId, Place, Problem, Slice, Slot, Step, TensorId};
use std::fmt;

/// A fault in a planned program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The line at fault; `None` for a fault of the whole program.
    pub moment: Option<Moment>,
    /// The fault.
    pub fault: Fault,
}

/// A line of a planned program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Counted from 1.
    pub line: usize,
    /// The step of the line: the current one, or the next one for lines between two steps.
    pub step: Step,
}

/// A range of a memory, during an operator or a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its tensor; `None` for the operator's workspace.
    pub tensor: Option<TensorId>,
    /// The place of its first byte.
    pub place: Place,
    /// In bytes, without padding.
    pub size: Bytes,
}

/// The faults of planned programs.
///
/// The last group is waste: such a program computes the right results, but some line of it can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A copy of a tensor that the graph does not have.
    UnknownTensor(TensorId),
    /// A run of an operator that the graph does not have.
    UnknownOp(OpId),
    /// A copy to or from a memory that the machine does not have.
    UnknownMemory(MemoryId),
    /// A copy, or a half of one, on a machine on which nothing moves.
    Moves(TensorId),

    /// An operator that may run only once runs again.
    RunsAgain(OpId),
    /// An operator does not run at all.
    NeverRuns(OpId),
    /// An operator runs before another one that must run first.
    OutOfOrder {
        /// The operator.
        op: OpId,
        /// The operator that has not run.
        before: OpId,
    },
    /// The slots that an operator reads are not those of its operands, in order.
    WrongReads {
        /// The operator.
        op: OpId,
        /// The tensors of its slots.
        found: Vec<TensorId>,
    },
    /// The slots that an operator writes are not those of its results, in order.
    WrongWrites {
        /// The operator.
        op: OpId,
        /// The tensors of its slots.
        found: Vec<TensorId>,
    },
    /// An operator reads or writes in a memory where that is not allowed.
    WrongMemory {
        /// The operator.
        op: OpId,
        /// The slot.
        slot: Slot,
    },
    /// Two of an operator's own blocks overlap.
    Overlap(OpId, Block, Block),

    /// A slot is read or copied, but its tensor was overwritten, or was never there.
    NotThere(Slot),
    /// A staged tensor is copied or read in host memory, but one of its parts is missing there.
    PartNotThere {
        /// The staged tensor.
        tensor: TensorId,
        /// The missing part.
        part: TensorId,
    },
    /// A block is not at a multiple of the alignment.
    Misaligned(Block),
    /// A block ends after its memory.
    OutOfMemory(Block),
    /// A block overlaps reserved addresses.
    Reserved(Block),
    /// A block lies across two banks.
    AcrossBanks(Block),
    /// Two operands of an operator lie in one bank of a memory whose banks must be apart.
    OneBank(OpId, Block, Block),
    /// A pinned tensor is put at another place in the scratchpad.
    NotAtPin(Block),
    /// A declaration of the start of a tensor that does not start in the scratchpad, or starts at another place, or
    /// after the first line of the program.
    WrongStart(Slot),
    /// A block overwrites the source or the destination of a copy in flight.
    InFlight(Block, Copy),

    /// A copy between memories without a link.
    NoLink(MemoryId, MemoryId),
    /// A slice that is empty, ends beyond the tensor, or overlaps another slice of the same copy.
    WrongSlice(Slot, Slice),
    /// A wait for a copy whose slices were not all issued.
    NotWhole(Slot),
    /// A wait for a tensor that is not being copied there.
    NotIssued(Slot),
    /// A copy that is never waited for.
    NeverWaitedFor(Slot),
    /// A result is not in host memory at the end; where nothing moves, it is in no memory.
    NeverStored(TensorId),
    /// The place of a tensor that starts in the scratchpad is not declared.
    NoStart(TensorId),
    /// A tensor is not in the scratchpad at the end.
    NotLeft(TensorId),
    /// A tensor is not at its declared place at the end.
    NotAtEnd(Slot),

    /// A line of the prologue that does not load a weight that may be kept from run to run.
    NoPrologue,
    /// A weight that the prologue loaded is not there at the end of the program, where the next run expects it.
    Lost(Slot),
    /// The prologue does not load a weight that must lie in the scratchpad at all times.
    NotKept(TensorId),

    /// A copy to host memory of a tensor that host memory already has.
    ThereAlready(TensorId),
    /// A copy whose destination is overwritten before anything reads it.
    NeverRead(Slot),
    /// A second run of an operator whose results are not read.
    RunsForNothing(OpId),
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
    // Ids may be the invalid ones that the judge reports, so lookups must not panic.
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
        format!("{name}@{}", block.place.display(self.problem))
    }

    fn memory(&self, id: MemoryId) -> String {
        match self.problem.machine.memories().get(id.index()) {
            _ if id == MemoryId::HOME => "host memory".into(),
            _ if id == MemoryId::SCRATCHPAD => "the scratchpad".into(),
            Some(memory) => memory.name.clone(),
            None => format!("memory {}", id.0),
        }
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
            Fault::UnknownMemory(id) => write!(f, "there is no {}", self.memory(*id)),
            Fault::RunsAgain(id) => write!(f, "{} runs a second time", op(id)),
            Fault::NeverRuns(id) => write!(f, "{} did not run", op(id)),
            Fault::OutOfOrder { op: id, before } => {
                write!(f, "{} runs before {}, which has to run first", op(id), op(before))
            }
            Fault::WrongReads { op: id, found } => {
                let expected: Vec<TensorId> = self.problem.graph.op(*id).reads.iter().map(|it| it.tensor).collect();
                write!(f, "{} reads {}, but is given {}", op(id), self.tensors(&expected), self.tensors(found))
            }
            Fault::WrongWrites { op: id, found } => {
                let expected = &self.problem.graph.op(*id).writes;
                write!(f, "{} writes {}, but is given {}", op(id), self.tensors(expected), self.tensors(found))
            }
            Fault::WrongMemory { op: id, slot } => {
                let (name, memory) = (tensor(&slot.tensor), self.memory(slot.place.memory));
                write!(f, "{} is given {name} in {memory}, where it cannot use it", op(id))
            }
            Fault::Overlap(id, a, b) => {
                write!(f, "{} and {} overlap while {} runs", self.block(*a), self.block(*b), op(id))
            }
            Fault::NotThere(Slot { tensor: id, place: Place { memory, offset } }) => {
                let has_addresses = machine.memories().get(memory.index()).is_some_and(|it| it.size.is_some());
                match has_addresses {
                    _ if *memory == MemoryId::SCRATCHPAD => {
                        write!(f, "{} is needed at {offset}, but does not lie there intact", tensor(id))
                    }
                    true => {
                        let memory = self.memory(*memory);
                        write!(f, "{} is needed at {offset} in {memory}, but does not lie there intact", tensor(id))
                    }
                    false => write!(f, "{} is needed in {}, but is not there", tensor(id), self.memory(*memory)),
                }
            }
            Fault::PartNotThere { tensor: id, part } => {
                write!(f, "{} is needed in host memory, but its part {} is not there", tensor(id), tensor(part))
            }
            Fault::Misaligned(block) => {
                let alignment = machine.memories()[block.place.memory.index()].alignment;
                write!(f, "{} is not at a multiple of {alignment} B", self.block(*block))
            }
            Fault::OutOfMemory(block) => {
                let (name, size, memory) = (self.block(*block), block.size, block.place.memory);
                let has = machine.memories()[memory.index()].size.unwrap_or_default();
                write!(f, "{name} of {size} B ends after {} of {has} B", self.memory(memory))
            }
            Fault::Reserved(block) => write!(f, "{} overlaps reserved addresses", self.block(*block)),
            Fault::AcrossBanks(block) => write!(f, "{} lies across two banks", self.block(*block)),
            Fault::OneBank(id, a, b) => {
                write!(f, "{} and {}, which {} reads, are in one bank", self.block(*a), self.block(*b), op(id))
            }
            Fault::NotAtPin(block) => {
                let pin = block.tensor.and_then(|it| self.problem.graph.tensors().get(it.index())?.pin);
                write!(f, "{} is pinned at {}", self.block(*block), pin.unwrap_or_default())
            }
            Fault::WrongStart(slot) => write!(f, "{} is not there from the start", slot.display(self.problem)),
            Fault::InFlight(block, copy) => {
                let name = tensor(&copy.tensor);
                write!(f, "{} is written where {name} is still being copied from or to", self.block(*block))
            }
            Fault::Moves(id) => write!(f, "{} is copied, but nothing moves on this machine", tensor(id)),
            Fault::NoLink(from, to) => {
                write!(f, "there is no link from {} to {}", self.memory(*from), self.memory(*to))
            }
            Fault::WrongSlice(slot, Slice { low, high }) => {
                let name = slot.display(self.problem);
                write!(f, "bytes {low} to {high} of {name} are not a slice of it, or overlap an earlier slice")
            }
            Fault::NotWhole(slot) => {
                write!(f, "{} is waited for, but not all of it is being copied", slot.display(self.problem))
            }
            Fault::NotIssued(slot) => {
                write!(f, "{} is waited for, but is not being copied", slot.display(self.problem))
            }
            Fault::NeverWaitedFor(slot) => write!(f, "{} is copied, but not waited for", slot.display(self.problem)),
            Fault::NeverStored(id) => write!(f, "{} is a result, but is not stored", tensor(id)),
            Fault::NoPrologue => write!(f, "this is not a load of a weight that may be kept from run to run"),
            Fault::Lost(slot) => {
                write!(f, "{} is kept from run to run, but is not there for the next one", slot.display(self.problem))
            }
            Fault::NotKept(id) => write!(f, "{} must be kept from run to run, but is not", tensor(id)),
            Fault::NoStart(id) => write!(f, "{} starts in the scratchpad, but not at any address", tensor(id)),
            Fault::NotAtEnd(Slot { tensor: id, place }) => {
                write!(f, "{} is declared to end at {}, but does not lie there intact", tensor(id), place.offset)
            }
            Fault::NotLeft(id) => write!(f, "{} must be in the scratchpad at the end, but is not", tensor(id)),
            Fault::ThereAlready(id) => {
                write!(f, "{} is spilled, but host memory has a copy of it already", tensor(id))
            }
            Fault::NeverRead(Slot { tensor: id, place }) => match place.memory {
                MemoryId::HOME => write!(f, "{} is spilled, but not reloaded afterwards", tensor(id)),
                MemoryId::SCRATCHPAD => {
                    write!(f, "{} is copied to the scratchpad, but nothing reads it there", tensor(id))
                }
                memory => {
                    write!(f, "{} is copied to {}, but nothing reads it there", tensor(id), self.memory(memory))
                }
            },
            Fault::RunsForNothing(id) => write!(f, "{} runs again, but nothing reads its results afterwards", op(id)),
        }
    }
}
