//! The reasons of stalls.

use super::simulate::Transfer;
use crate::{Action, Bytes, Copy, Cycles, MemoryId, Place, Problem, Slot, TensorId};
use std::fmt;
use std::ops::Range;

/// A time in which no operator computed because the next line of the program had to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The line that waited, counted from 0: a wait, a copy, or an operator that reads in host memory.
    pub line: usize,
    /// The tensor that it waited for.
    pub tensor: TensorId,
    /// Half-open.
    pub cycles: Range<Cycles>,
    /// The reason.
    pub reason: Reason,
}

/// The reason of a stall: the last thing that the transfer waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The channel had earlier transfers, or was busy all the time: more bandwidth would help.
    Channel,
    /// The destination was in use until the transfer began; or a result is written over a tensor that was still being
    /// stored: a larger scratchpad would help.
    Place,
    /// The channel was done with the transfer already.
    Latency,
    /// The tensor to reload was still being spilled.
    WriteBack,
    /// The program begins the transfer later than it could, like one without overlap.
    Late,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Reason; 5] = [Reason::Channel, Reason::Place, Reason::Latency, Reason::WriteBack, Reason::Late];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Channel => "channel",
            Reason::Place => "place",
            Reason::Latency => "latency",
            Reason::WriteBack => "write-back",
            Reason::Late => "late",
        })
    }
}

/// The reason why a line had to wait for a transfer from some time on.
pub(super) fn reason(problem: &Problem, after: &[Action], transfer: &Transfer, since: Cycles) -> Reason {
    if transfer.read <= since {
        return Reason::Latency;
    }
    let Copy { tensor, from, to } = transfer.copy;
    if to.memory == MemoryId::HOME {
        return needed_for(problem, after, tensor, from).unwrap_or(Reason::Channel);
    }
    if transfer.issued < transfer.start {
        let is_by_channel = transfer.data < transfer.start;
        return if is_by_channel { Reason::Channel } else { Reason::WriteBack };
    }
    match transfer.issued {
        Cycles::ZERO => Reason::Channel,
        issued if issued <= transfer.data => Reason::WriteBack,
        issued if issued <= transfer.released => Reason::Place,
        _ => Reason::Late,
    }
}

/// Why a tensor must be in host memory, according to the lines after: it is reloaded, or its place is used.
fn needed_for(problem: &Problem, after: &[Action], tensor: TensorId, place: Place) -> Option<Reason> {
    let size = |it: TensorId| problem.graph.tensors().get(it.index()).map_or(Bytes::ZERO, |it| it.size);
    let is_met = |slot: &Slot| {
        let (low, high) = (slot.place.offset.0, slot.place.offset.0.saturating_add(size(slot.tensor).0));
        let end = place.offset.0.saturating_add(size(tensor).0);
        slot.place.memory == place.memory && low.max(place.offset.0) < high.min(end)
    };
    let is_copy = |it: TensorId| it == tensor || problem.graph.parts(it).contains(&tensor);
    after.iter().find_map(|action| match action {
        Action::Copy(copy) | Action::Issue(copy) | Action::IssueSlice(copy, _) => match copy {
            copy if copy.from.memory == MemoryId::HOME && is_copy(copy.tensor) => Some(Reason::WriteBack),
            copy if is_met(&Slot { tensor: copy.tensor, place: copy.to }) => Some(Reason::Place),
            _ => None,
        },
        Action::Run { reads, writes, .. } => {
            let is_read = |it: &Slot| it.place.memory == MemoryId::HOME && is_copy(it.tensor);
            match (reads.iter().any(is_read), writes.iter().any(is_met)) {
                (true, _) => Some(Reason::WriteBack),
                (false, true) => Some(Reason::Place),
                (false, false) => None,
            }
        }
        Action::Start(_) | Action::Wait(_) => None,
    })
}
