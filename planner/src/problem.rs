//! A graph and the machine that it is to run on.

use crate::{Bytes, Dies, Error, Graph, InPlace, Machine, MemoryId, MemorySet, Moves, OpId, Origin, Tensor, TensorId};

/// A planning problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Operators and tensors.
    pub graph: Graph,
    /// The machine.
    pub machine: Machine,
}

/// The limit of all sums, with a margin.
const MAX_ROOMS: u128 = 1 << 60;

impl Problem {
    /// The tensors that must lie in the scratchpad while an operator runs: operands that it reads only there, then its
    /// results.
    pub fn operands(&self, op: OpId) -> impl Iterator<Item = TensorId> {
        let op = self.graph.op(op);
        let reads = op.reads.iter().filter(|it| it.from.contains(MemoryId::SCRATCHPAD) && !it.may_pass_by());
        reads.map(|it| it.tensor).chain(op.writes.iter().copied())
    }

    /// A tensor's padded size: rounded up to the alignment.
    pub fn room(&self, tensor: TensorId) -> Bytes {
        self.graph.tensor(tensor).size.align_up(self.machine.alignment())
    }

    /// Whether a tensor can lie in the scratchpad between two steps, and takes space there.
    pub(crate) fn is_tracked(&self, tensor: TensorId) -> bool {
        let n_readers = self.graph.readers(tensor).len();
        let n_touches = n_readers + usize::from(self.graph.producer(tensor).is_some());
        0 < n_readers && 1 < n_touches && self.graph.tensor(tensor).size != Bytes::ZERO
    }

    /// The padded size of an operator's workspace.
    pub(crate) fn workspace_room(&self, op: OpId) -> Bytes {
        self.graph.op(op).workspace.align_up(self.machine.alignment())
    }

    /// The padded sizes of everything that must lie in the scratchpad while an operator runs, workspace included,
    /// without sharing of bytes.
    pub(crate) fn own_room(&self, op: OpId) -> Bytes {
        self.operands(op).map(|it| self.room(it)).sum::<Bytes>() + self.workspace_room(op)
    }

    /// The scratchpad's size, rounded up to the alignment: the maximum sum of padded sizes, since only the highest
    /// block can do without its padding. With reserved addresses, the sum of this over the stretches between them.
    pub fn capacity(&self) -> Bytes {
        self.machine.capacity_of(MemoryId::SCRATCHPAD).expect("a scratchpad has a size")
    }

    /// The least scratchpad with which an operator can run in every order. A result and an operand that dies with the
    /// operator in every order are one block if they may share bytes.
    ///
    /// Each block except the last is followed by another at a multiple of the alignment, so only one block can do
    /// without its padding: the one with the most.
    pub fn working_set(&self, op: OpId) -> Bytes {
        self.working_set_where(op, |it| it.dies == Dies::Always)
    }

    /// The same in an order in which these operands die with it.
    pub(crate) fn working_set_where(&self, op: OpId, dies: impl Fn(&InPlace) -> bool) -> Bytes {
        let mut inner: Vec<TensorId> = self.in_place(op, dies).iter().map(InPlace::inner).collect();
        inner.sort_unstable();
        let blocks = self.operands(op).filter(|tensor| inner.binary_search(tensor).is_err());
        let sizes = blocks.map(|it| self.graph.tensor(it).size).chain([self.graph.op(op).workspace]);
        let mut room = Bytes::ZERO;
        let mut most_padding = Bytes::ZERO;
        for size in sizes {
            let padded = size.align_up(self.machine.alignment());
            room += padded;
            most_padding = most_padding.max(padded - size);
        }
        room - most_padding
    }

    /// The least scratchpad with which the graph can run in every order, without reserved addresses. Some orders may
    /// need less: see [`Problem::least_scratchpad`].
    pub fn min_scratchpad(&self) -> Bytes {
        if let Some(framed) = self.framed() {
            return framed.problem().min_scratchpad();
        }
        self.graph.op_ids().map(|op| self.working_set(op)).max().unwrap_or(Bytes::ZERO)
    }

    /// The transfers that every plan has: each argument or weight that is read is loaded once, and each result that an
    /// operator writes is stored once. For a tensor that is read in host memory, its first use counts; its further uses
    /// are in [`Problem::restreamed`], and so are the transfers of staged tensors and their parts.
    ///
    /// Weights that may be kept from one run to the next ([`Graph::may_be_kept`]) need not be loaded in a run, so their
    /// loads count as non-compulsory.
    pub fn compulsory(&self) -> Bytes {
        if let Some(framed) = self.framed() {
            return framed.problem().compulsory();
        }
        let size = |id: TensorId| self.graph.tensor(id).size;
        let home_uses = self.home_uses();
        let is_read = |it: &TensorId| !self.graph.readers(*it).is_empty() || 0 < home_uses[it.index()];
        let comes_in = |it: &TensorId| {
            let is_argument = matches!(self.graph.tensor(*it).origin, Origin::Argument | Origin::Weight);
            is_argument && !self.graph.may_be_kept(*it)
        };
        let arguments = self.graph.tensor_ids().filter(comes_in);
        let loads: Bytes = arguments.filter(is_read).map(size).sum();
        let stores: Bytes = self.graph.tensor_ids().filter(|it| self.graph.is_stored(*it)).map(size).sum();
        loads + stores
    }

    /// The non-compulsory traffic that all plans have in common. A tensor that several operators read in host memory is
    /// streamed once for each, and only the first time is compulsory. A part of a staged tensor is spilled once, unless
    /// it is also a result; no load of a staged tensor is compulsory.
    pub fn restreamed(&self) -> Bytes {
        if let Some(framed) = self.framed() {
            return framed.problem().restreamed();
        }
        let again = |(tensor, n_uses): (TensorId, u64)| {
            let comes_in = !self.graph.readers(tensor).is_empty();
            let n_ways = match self.graph.tensor(tensor).origin {
                Origin::Staged => n_uses + u64::from(comes_in),
                Origin::Op(_) => u64::from(self.graph.is_part(tensor) && !self.graph.is_stored(tensor)),
                Origin::Argument | Origin::Weight => n_uses.saturating_sub(u64::from(!comes_in)),
            };
            Bytes(self.graph.tensor(tensor).size.0 * n_ways)
        };
        self.graph.tensor_ids().zip(self.home_uses()).map(again).sum()
    }

    /// The sum of the padded sizes of all tensors, and of the needs of all operators, with each tensor counted for each
    /// operator.
    fn all_rooms(&self) -> u128 {
        let alignment = u128::from(self.machine.alignment().0);
        let room = |Bytes(size): Bytes| u128::from(size).next_multiple_of(alignment);
        let tensors = self.graph.tensors().iter().map(|it| room(it.size));
        let operands = |op| self.operands(op).map(|it| room(self.graph.tensor(it).size)).sum::<u128>();
        let ops = self.graph.op_ids().map(|op| operands(op) + room(self.graph.op(op).workspace));
        tensors.sum::<u128>() + ops.sum::<u128>()
    }

    /// By tensor: the number of operators that read it only in host memory.
    fn home_uses(&self) -> Vec<u64> {
        let mut uses = vec![0; self.graph.tensors().len()];
        let reads = self.graph.ops().iter().flat_map(|it| &it.reads);
        for read in reads.filter(|it| it.from.contains(MemoryId::HOME) && !it.may_pass_by()) {
            uses[read.tensor.index()] += 1;
        }
        uses
    }

    /// Checks that the problem has a plan and that [`plan()`](crate::plan()) supports it: one memory on-chip, and each
    /// operand in one place.
    ///
    /// # Errors
    /// [`Error::ZeroAlignment`]; [`Error::AlignmentTooLarge`]; [`Error::NotPlanned`] for features that only the judge
    /// supports; [`Error::TooLarge`] if the padded sizes of all tensors and the needs of all operators add up to more
    /// than 2⁶⁰ bytes; [`Error::Pin`] for the first pin that is impossible; [`Error::ScratchpadTooSmall`] for the first
    /// of the operators that need the most; [`Error::NoPlace`] for the first operator, or the start or the end, for
    /// which pins and reserved addresses leave too little space.
    pub fn check(&self) -> Result<(), Error> {
        self.check_sizes()?;
        self.check_is_planned()?;
        self.check_fits()
    }

    /// Checks that all sums are in range.
    pub(crate) fn check_sizes(&self) -> Result<(), Error> {
        if self.machine.alignment() == Bytes::ZERO {
            return Err(Error::ZeroAlignment);
        }
        if Bytes(1 << 32) < self.machine.alignment() {
            return Err(Error::AlignmentTooLarge);
        }
        // Then the sums of any part of the problem are also in range.
        if MAX_ROOMS < self.all_rooms() {
            return Err(Error::TooLarge);
        }
        Ok(())
    }

    /// Checks that pins are possible, and that each operator alone fits.
    fn check_fits(&self) -> Result<(), Error> {
        self.check_pins()?;
        match self.framed() {
            Some(framed) => framed.problem().check_room().map_err(|error| framed.error(error)),
            None => self.check_room(),
        }
    }

    /// The same for functions that ignore starts and ends in the scratchpad.
    ///
    /// # Errors
    /// Those of [`Problem::check`] and [`Problem::check_ends`].
    #[cfg(feature = "ilp")]
    pub(crate) fn check_without_ends(&self) -> Result<(), Error> {
        self.check_ends()?;
        self.check()
    }

    /// Refuses problems that need the framed problem: see [`framed`](mod@crate::framed).
    ///
    /// # Errors
    /// [`Error::NotPlanned`] if a tensor starts or ends in the scratchpad.
    pub(crate) fn check_ends(&self) -> Result<(), Error> {
        match self.graph.tensors().iter().find(|it| it.starts_on_chip || it.ends_on_chip) {
            Some(it) => {
                let why = format!("a search or an integer program alone: {} starts or ends in the scratchpad", it.name);
                Err(Error::NotPlanned(why))
            }
            None => Ok(()),
        }
    }

    /// The same for functions that also require fixed uses.
    ///
    /// # Errors
    /// Those of [`Problem::check_without_ends`]; [`Error::NotPlanned`] if a use has a choice.
    #[cfg(feature = "ilp")]
    pub(crate) fn check_is_settled(&self) -> Result<(), Error> {
        self.check_without_ends()?;
        match self.graph.ops().iter().find(|it| it.reads_either_way().next().is_some()) {
            Some(op) => Err(Error::NotPlanned(format!("a choice of memories: {}", op.name))),
            None => Ok(()),
        }
    }

    /// Checks that each operator alone fits.
    fn check_room(&self) -> Result<(), Error> {
        let dies = |it: &InPlace| it.dies == Dies::Always;
        let Some(op) = self.graph.op_ids().find(|it| self.has_room(*it, dies) != Some(true)) else { return Ok(()) };
        let min_scratchpad = self.min_scratchpad();
        let stretch = self.machine.largest_stretch();
        let scratchpad = stretch.end - stretch.start;
        let is_one = self.machine.stretches().len() <= 1;
        if scratchpad < min_scratchpad && (is_one || self.capacity() < min_scratchpad) {
            let op = self.graph.op_ids().find(|it| self.working_set(*it) == min_scratchpad);
            let op = op.expect("the maximum is one operator's");
            return Err(Error::ScratchpadTooSmall { op, needed: min_scratchpad, scratchpad, min_scratchpad });
        }
        Err(self.no_place(op, &dies))
    }

    /// Checks that each pin alone is possible.
    pub(crate) fn check_pins(&self) -> Result<(), Error> {
        let (scratchpad, alignment) = (self.machine.scratchpad(), self.machine.alignment());
        for id in self.graph.tensor_ids() {
            let Tensor { name, size, pin, .. } = self.graph.tensor(id);
            let Some(at) = pin.filter(|_| *size != Bytes::ZERO) else { continue };
            let refuse = |why: String| Err(Error::Pin { tensor: id, why: format!("{name} cannot lie at {at}: {why}") });
            if !at.0.is_multiple_of(alignment.0) {
                return refuse(format!("that is {} B off the alignment of {alignment} B", at.0 % alignment.0));
            }
            let end = u128::from(at.0) + u128::from(size.0);
            if u128::from(scratchpad.0) < end {
                let excess = end - u128::from(scratchpad.0);
                return refuse(format!("it ends {excess} B after the scratchpad of {scratchpad} B"));
            }
            let end = Bytes(end as u64);
            if let Some(met) = self.machine.reserved().into_iter().find(|it| it.start.max(at) < it.end.min(end)) {
                let overlap = met.end.min(end) - met.start.max(at);
                return refuse(format!("{overlap} B of it would be in {}..{}, which is reserved", met.start, met.end));
            }
        }
        Ok(())
    }

    fn check_is_planned(&self) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::NotPlanned(why));
        if self.machine.moves() == Moves::None {
            return refuse("transfers on a machine on which nothing moves".into());
        }
        if let Some(memory) = self.machine.memories().get(2) {
            return refuse(format!(
                "memories beside {} and the scratchpad: {}",
                self.machine.memories()[0].name,
                memory.name
            ));
        }
        if let Some(memory) = self.machine.memories().first().filter(|it| !it.reserved.is_empty()) {
            return refuse(format!("reserved addresses in {}, which has no addresses", memory.name));
        }
        if let Some(memory) = self.machine.memories().iter().find(|it| it.banks.is_some()) {
            return refuse(format!("banks: {}", memory.name));
        }
        if let Some(op) = self.graph.ops().iter().find(|it| it.may_rerun) {
            return refuse(format!("operators that may run again: {}", op.name));
        }
        let price = |from, to| self.machine.link(from, to).map(|it| it.price);
        let (inward, outward) =
            (price(MemoryId::HOME, MemoryId::SCRATCHPAD), price(MemoryId::SCRATCHPAD, MemoryId::HOME));
        if inward.is_none() || inward != outward {
            return refuse("a machine without links to the scratchpad and back at the same price".into());
        }
        for op in self.graph.ops() {
            for read in &op.reads {
                let tensor = self.graph.tensor(read.tensor);
                if !matches!(read.from, MemorySet::HOME | MemorySet::SCRATCHPAD | MemorySet::EITHER) {
                    return refuse(format!("a choice of memories: {} reads {}", op.name, tensor.name));
                }
                let is_from_home = read.from != MemorySet::SCRATCHPAD;
                if read.may_pass_by() && tensor.origin == Origin::Staged {
                    return refuse(format!(
                        "a choice of memories for a staged tensor: {} reads {}",
                        op.name, tensor.name
                    ));
                }
                if is_from_home && tensor.starts_on_chip {
                    let message =
                        format!("{} reads {} in host memory, but it starts in the scratchpad", op.name, tensor.name);
                    return refuse(message);
                }
                if is_from_home && self.graph.producer(read.tensor).is_some() {
                    let message =
                        format!("{} reads {} in host memory, but an operator writes it", op.name, tensor.name);
                    return refuse(message);
                }
            }
        }
        self.check_is_combined()
    }

    /// Checks that planning supports this combination of features.
    ///
    /// A kept weight has one address at all times, and those of [`Keep::Auto`](crate::Keep::Auto) are chosen by sums of
    /// padded sizes, which ignore pins. Kept weights are present at the end of a run and at the start of the next one,
    /// where they would conflict with tensors that end or start there.
    pub(crate) fn check_is_combined(&self) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::NotPlanned(why));
        let named = |id: TensorId| &self.graph.tensor(id).name;
        let pinned = self.graph.tensor_ids().find(|it| self.graph.pinned(*it).is_some());
        let is_at_an_end = |it: &TensorId| self.graph.tensor(*it).starts_on_chip || self.graph.tensor(*it).ends_on_chip;
        if let Some(kept) = self.graph.keepable().next() {
            let kept = named(kept);
            if let Some(pinned) = pinned {
                let pinned = named(pinned);
                return refuse(format!("pins beside weights that may be kept from run to run: {pinned}, {kept}"));
            }
            if let Some(other) = self.graph.tensor_ids().find(is_at_an_end) {
                let other = named(other);
                return refuse(format!(
                    "tensors that start or end in the scratchpad beside weights that may be kept from run to run: {other}, {kept}"
                ));
            }
        }
        if let (Some(pinned), Some(other)) = (pinned, self.graph.tensor_ids().find(|it| self.graph.may_pass_by(*it))) {
            let (pinned, other) = (named(pinned), named(other));
            return refuse(format!("pins beside tensors that may be streamed: {pinned}, {other}"));
        }
        Ok(())
    }
}
