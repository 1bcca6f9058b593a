//! A graph and the machine that it is to run on.

use crate::{Bytes, Dies, Error, Graph, OpId, Origin, TensorId};

/// How weights reach their operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weights {
    /// They need room in the scratchpad while their operator runs, like any tensor.
    #[default]
    Resident,
    /// They pass by on the way to the operator: traffic, once per use, and no room.
    Streamed,
}

/// What planning needs to know of an accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Size of the scratchpad. Every residency ends within it.
    pub scratchpad: Bytes,
    /// Every address is a multiple of it; at least 1.
    pub alignment: Bytes,
    /// How weights reach their operators.
    pub weights: Weights,
}

/// What is to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Operators and tensors.
    pub graph: Graph,
    /// The machine.
    pub machine: Machine,
}

impl Problem {
    /// Whether a tensor passes by and never lies in the scratchpad.
    pub fn is_streamed(&self, tensor: TensorId) -> bool {
        self.machine.weights == Weights::Streamed && self.graph.tensor(tensor).origin == Origin::Weight
    }

    /// The tensors that must lie in the scratchpad while an operator runs: what it reads, streamed
    /// weights excepted, then what it writes.
    pub fn operands(&self, op: OpId) -> impl Iterator<Item = TensorId> {
        let op = self.graph.op(op);
        op.reads.iter().filter(|it| !self.is_streamed(**it)).chain(&op.writes).copied()
    }

    /// A tensor's size, rounded up to the alignment: the room that it takes among others.
    pub fn room(&self, tensor: TensorId) -> Bytes {
        self.graph.tensor(tensor).size.align_up(self.machine.alignment)
    }

    /// Whether a tensor can lie in the scratchpad between two steps, and takes room there.
    pub(crate) fn is_tracked(&self, tensor: TensorId) -> bool {
        let n_readers = self.graph.readers(tensor).len();
        let n_touches = n_readers + usize::from(self.graph.producer(tensor).is_some());
        0 < n_readers && 1 < n_touches && self.graph.tensor(tensor).size != Bytes::ZERO && !self.is_streamed(tensor)
    }

    /// The room of an operator's workspace.
    pub(crate) fn workspace_room(&self, op: OpId) -> Bytes {
        self.graph.op(op).workspace.align_up(self.machine.alignment)
    }

    /// The rooms of all that must lie in the scratchpad while an operator runs, workspace included,
    /// each result in a place of its own.
    pub(crate) fn own_room(&self, op: OpId) -> Bytes {
        self.operands(op).map(|it| self.room(it)).sum::<Bytes>() + self.workspace_room(op)
    }

    /// The scratchpad's size, rounded up to the alignment: no more than this can the rooms of what
    /// lies in it add up to, since only the highest block can do without its padding.
    pub fn capacity(&self) -> Bytes {
        let Machine { scratchpad: Bytes(scratchpad), alignment: Bytes(alignment), .. } = self.machine;
        Bytes(scratchpad.checked_next_multiple_of(alignment).unwrap_or(u64::MAX))
    }

    /// The least scratchpad with which an operator can run, whatever the order. A result and an
    /// operand that dies with the operator in every order are one block if they may share bytes.
    ///
    /// Each block but the last is followed by another at a multiple of the alignment, so only one
    /// block may leave out its padding: the one with the most.
    pub fn working_set(&self, op: OpId) -> Bytes {
        let in_place = self.in_place(op, |it| it.dies == Dies::Always);
        let blocks = self.operands(op).filter(|tensor| !in_place.iter().any(|it| it.inner() == *tensor));
        let sizes = blocks.map(|it| self.graph.tensor(it).size).chain([self.graph.op(op).workspace]);
        let mut room = Bytes::ZERO;
        let mut most_padding = Bytes::ZERO;
        for size in sizes {
            let padded = size.align_up(self.machine.alignment);
            room += padded;
            most_padding = most_padding.max(padded - size);
        }
        room - most_padding
    }

    /// The least scratchpad with which the graph can run at all, whatever the order.
    pub fn min_scratchpad(&self) -> Bytes {
        self.graph.op_ids().map(|op| self.working_set(op)).max().unwrap_or(Bytes::ZERO)
    }

    /// The transfers that no plan can avoid: each argument that is read comes in once, each result
    /// that an operator writes goes out once. For a streamed weight this is its first use; its
    /// further uses are [`Problem::restreamed`].
    pub fn compulsory(&self) -> Bytes {
        let size = |id: TensorId| self.graph.tensor(id).size;
        let read = |id: &TensorId| self.graph.producer(*id).is_none() && !self.graph.readers(*id).is_empty();
        let loads: Bytes = self.graph.tensor_ids().filter(read).map(size).sum();
        let stores: Bytes = self.graph.tensor_ids().filter(|it| self.graph.is_stored(*it)).map(size).sum();
        loads + stores
    }

    /// Non-compulsory traffic that every plan has alike: a streamed weight that several operators
    /// read passes by once for each, and only the first time is compulsory.
    pub fn restreamed(&self) -> Bytes {
        let streamed = self.graph.tensor_ids().filter(|it| self.is_streamed(*it));
        streamed
            .map(|it| Bytes(self.graph.tensor(it).size.0 * (self.graph.readers(it).len() as u64).saturating_sub(1)))
            .sum()
    }

    /// Whether there is a plan at all.
    ///
    /// # Errors
    /// [`Error::ZeroAlignment`]; [`Error::AlignmentTooLarge`]; [`Error::ScratchpadTooSmall`] at the first of the operators that
    /// need the most.
    pub fn check(&self) -> Result<(), Error> {
        if self.machine.alignment == Bytes::ZERO {
            return Err(Error::ZeroAlignment);
        }
        // Rooms of 2^16 and more tensors add up without overflow then.
        if Bytes(1 << 32) < self.machine.alignment {
            return Err(Error::AlignmentTooLarge);
        }
        let min_scratchpad = self.min_scratchpad();
        let scratchpad = self.machine.scratchpad;
        if min_scratchpad <= scratchpad {
            return Ok(());
        }
        let op = self.graph.op_ids().find(|it| self.working_set(*it) == min_scratchpad);
        let op = op.expect("the maximum is one operator's");
        Err(Error::ScratchpadTooSmall { op, needed: min_scratchpad, scratchpad, min_scratchpad })
    }
}
