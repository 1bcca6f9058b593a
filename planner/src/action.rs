//! The lines of a planned program.

use crate::{Bytes, OpId, Problem, TensorId};
use std::fmt;

/// A tensor at an offset in the scratchpad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The tensor.
    pub tensor: TensorId,
    /// Of its first byte.
    pub offset: Bytes,
}

/// Where a tensor that comes in goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// To this offset in the scratchpad.
    Scratchpad(Bytes),
    /// Past the scratchpad, straight to the operator that runs next.
    Stream,
}

/// A line of a planned program.
///
/// There is none for leaving the scratchpad: a tensor that has a host copy, or no reader any more,
/// is simply overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Host memory → scratchpad, an argument's first time. Compulsory.
    Load {
        /// An argument.
        tensor: TensorId,
        /// Where to.
        place: Place,
    },
    /// Host memory → scratchpad, each time after that.
    Reload {
        /// A tensor with a host copy.
        tensor: TensorId,
        /// Where to.
        place: Place,
    },
    /// Runs an operator.
    Run {
        /// The operator.
        op: OpId,
        /// What it reads, in the order of [`Op::reads`](crate::Op::reads), streamed weights left out.
        reads: Vec<Slot>,
        /// What it writes, in the order of [`Op::writes`](crate::Op::writes).
        writes: Vec<Slot>,
        /// Offset of its workspace; of no meaning if it has none.
        workspace: Bytes,
    },
    /// Scratchpad → host memory, a result of the function. Compulsory, once.
    Store(Slot),
    /// Scratchpad → host memory, a tensor that has to come back.
    Spill(Slot),
}

/// Bytes moved between scratchpad and host memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Loads and stores.
    pub compulsory: Bytes,
    /// Spills and reloads.
    pub non_compulsory: Bytes,
}

impl Traffic {
    /// What a program moves.
    pub fn of(problem: &Problem, actions: &[Action]) -> Traffic {
        let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
        let mut traffic = Traffic::default();
        for action in actions {
            match *action {
                Action::Load { tensor, .. } | Action::Store(Slot { tensor, .. }) => traffic.compulsory += size(tensor),
                Action::Reload { tensor, .. } | Action::Spill(Slot { tensor, .. }) => {
                    traffic.non_compulsory += size(tensor);
                }
                Action::Run { .. } => {}
            }
        }
        traffic
    }

    /// All of it.
    pub fn total(self) -> Bytes {
        self.compulsory + self.non_compulsory
    }
}

impl Action {
    /// The line as text, with the graph's names: `reload a at 64`, `run conv: a@0 w@64 -> b@128`.
    pub fn display<'a>(&'a self, problem: &'a Problem) -> impl fmt::Display + 'a {
        DisplayAction { action: self, problem }
    }
}

struct DisplayAction<'a> {
    action: &'a Action,
    problem: &'a Problem,
}

impl fmt::Display for DisplayAction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = &self.problem.graph;
        let name = |tensor: TensorId| &graph.tensor(tensor).name;
        let bring_in = |f: &mut fmt::Formatter<'_>, verb, tensor, place| match place {
            Place::Scratchpad(offset) => write!(f, "{verb} {} at {offset}", name(tensor)),
            Place::Stream => write!(f, "{verb} {} streamed", name(tensor)),
        };
        match self.action {
            Action::Load { tensor, place } => bring_in(f, "load", *tensor, *place),
            Action::Reload { tensor, place } => bring_in(f, "reload", *tensor, *place),
            Action::Store(slot) => write!(f, "store {}@{}", name(slot.tensor), slot.offset),
            Action::Spill(slot) => write!(f, "spill {}@{}", name(slot.tensor), slot.offset),
            Action::Run { op, reads, writes, workspace } => {
                let op = graph.op(*op);
                write!(f, "run {}:", op.name)?;
                for slot in reads {
                    write!(f, " {}@{}", name(slot.tensor), slot.offset)?;
                }
                write!(f, " ->")?;
                for slot in writes {
                    write!(f, " {}@{}", name(slot.tensor), slot.offset)?;
                }
                if op.workspace != Bytes::ZERO {
                    write!(f, " workspace@{workspace}")?;
                }
                Ok(())
            }
        }
    }
}
