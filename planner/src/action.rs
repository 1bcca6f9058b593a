//! The lines of a planned program, and the bytes that each of them moves.

use crate::{Apart, Bytes, MemoryId, OpId, Origin, Problem, TensorId};

/// A place in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The memory.
    pub memory: MemoryId,
    /// In bytes from the start of the memory; zero in a memory without addresses
    /// ([`Memory::size`](crate::Memory::size)).
    pub offset: Bytes,
}

impl Place {
    /// In host memory.
    pub const HOME: Place = Place { memory: MemoryId::HOME, offset: Bytes::ZERO };

    /// An offset in the scratchpad.
    pub fn on_chip(offset: Bytes) -> Place {
        Place { memory: MemoryId::SCRATCHPAD, offset }
    }
}

/// A tensor at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The tensor.
    pub tensor: TensorId,
    /// The place of its first byte.
    pub place: Place,
}

impl Slot {
    /// A tensor at an offset in the scratchpad.
    pub fn on_chip(tensor: TensorId, offset: Bytes) -> Slot {
        Slot { tensor, place: Place::on_chip(offset) }
    }

    /// A tensor in host memory.
    pub fn at_home(tensor: TensorId) -> Slot {
        Slot { tensor, place: Place::HOME }
    }

    /// The offset of its first byte in its memory.
    pub fn offset(&self) -> Bytes {
        self.place.offset
    }
}

/// A copy of a tensor from one memory to another. The source stays valid until it is overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Copy {
    /// The tensor.
    pub tensor: TensorId,
    /// The source.
    pub from: Place,
    /// The destination.
    pub to: Place,
}

/// A range of bytes of a tensor, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first byte, counted from the start of the tensor.
    pub low: Bytes,
    /// One past the last byte.
    pub high: Bytes,
}

impl Slice {
    /// The number of bytes; zero if `high` is below `low`, which the judge refuses.
    pub fn size(self) -> Bytes {
        self.high.saturating_sub(self.low)
    }
}

/// A line of a planned program.
///
/// No line removes a tensor from a memory: a tensor that is no longer needed there is simply overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Declares the place of a tensor that starts in the scratchpad, or where [nothing moves](crate::Moves::None), of
    /// any argument or weight. Such lines come before all others.
    Start(Slot),
    /// Copies a tensor; the next line begins when the copy is complete.
    Copy(Copy),
    /// Begins to copy a tensor. Until the wait, nothing may read the destination, and nothing may overwrite the source.
    Issue(Copy),
    /// Begins to copy some bytes of a tensor. The slices of one copy are disjoint and together are the whole tensor, in
    /// any order; one wait is for all of them. Other lines may come between them. The destination of each slice must be
    /// free only from its own line on.
    IssueSlice(Copy, Slice),
    /// Waits until the copy to this place is complete.
    Wait(Slot),
    /// Runs an operator.
    Run {
        /// The operator.
        op: OpId,
        /// The operands, in the order of [`Op::reads`](crate::Op::reads), each in a memory of its use.
        reads: Vec<Slot>,
        /// The results, in the order of [`Op::writes`](crate::Op::writes), in the scratchpad; where nothing moves, in
        /// any memory that operators can write.
        writes: Vec<Slot>,
        /// Offset of its workspace in the scratchpad; ignored if it has none.
        workspace: Bytes,
    },
}

/// The kind of a copy in the count of traffic. It follows from the lines before it: see [`Kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// From host memory, the first load of an argument. Compulsory.
    Load,
    /// From host memory, any other: later loads of an argument, and tensors that operators wrote, staged tensors
    /// included.
    Reload,
    /// To host memory, the first store of a result of the function. Compulsory.
    Store,
    /// To host memory, any other: the tensor is read again later, by itself or as part of a staged tensor.
    Spill,
    /// Between two memories, neither of them host memory.
    Move,
}

impl Kind {
    /// The name in programs and reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Load => "load",
            Kind::Reload => "reload",
            Kind::Store => "store",
            Kind::Spill => "spill",
            Kind::Move => "move",
        }
    }

    /// Whether every plan needs it.
    pub fn is_compulsory(self) -> bool {
        matches!(self, Kind::Load | Kind::Store)
    }
}

/// Determines the kind of each copy of a program, in the order of its lines.
pub struct Kinds<'a> {
    problem: &'a Problem,
    /// By tensor: whether it was copied from host memory before, or never has to be.
    came_in: Vec<bool>,
    /// By tensor: whether it was copied to host memory before, or never has to be.
    went_out: Vec<bool>,
    /// By tensor: the kind of a copy whose slices are incomplete, and the bytes of its slices so far.
    sliced: Vec<Option<(Kind, Bytes)>>,
}

impl Kinds<'_> {
    /// The state before the first line.
    pub fn new(problem: &Problem) -> Kinds<'_> {
        let graph = &problem.graph;
        Kinds {
            problem,
            came_in: graph.tensor_ids().map(|it| !is_loaded(problem, it)).collect(),
            went_out: graph.tensor_ids().map(|it| !graph.is_stored(it)).collect(),
            sliced: vec![None; graph.tensors().len()],
        }
    }

    /// The kind of the next copy.
    pub fn of(&mut self, copy: &Copy) -> Kind {
        match (copy.from.memory, copy.to.memory) {
            (MemoryId::HOME, _) => self.from_home(copy.tensor),
            (_, MemoryId::HOME) => self.goes_home(copy.tensor),
            _ => Kind::Move,
        }
    }

    /// The kind of the copy that this is the next slice of. It is decided at the first slice.
    pub fn of_slice(&mut self, copy: &Copy, slice: Slice) -> Kind {
        let size = self.problem.graph.tensor(copy.tensor).size;
        let (kind, before) = match self.sliced[copy.tensor.index()] {
            Some(it) => it,
            None => (self.of(copy), Bytes::ZERO),
        };
        let so_far = Bytes(before.0.saturating_add(slice.size().0));
        self.sliced[copy.tensor.index()] = (so_far < size).then_some((kind, so_far));
        kind
    }

    /// The kind of an operator's read in host memory.
    pub fn from_home(&mut self, tensor: TensorId) -> Kind {
        let is_first = !std::mem::replace(&mut self.came_in[tensor.index()], true);
        if is_first { Kind::Load } else { Kind::Reload }
    }

    /// The kind of an operator's write in host memory.
    fn goes_home(&mut self, tensor: TensorId) -> Kind {
        let is_first = !std::mem::replace(&mut self.went_out[tensor.index()], true);
        if is_first { Kind::Store } else { Kind::Spill }
    }

    /// The error of calling a copy `said` whose kind is `found`, as a sentence.
    pub fn complain(&self, tensor: TensorId, said: Kind, found: Kind) -> Option<String> {
        let graph = &self.problem.graph;
        let why = match (said, found) {
            _ if said == found => return None,
            (Kind::Load, Kind::Reload) if !is_loaded(self.problem, tensor) => "is loaded, but is not an argument",
            (Kind::Load, Kind::Reload) => "is loaded a second time, which is a reload",
            (Kind::Reload, Kind::Load) => "is reloaded, but was not loaded before",
            (Kind::Store, Kind::Spill) if graph.is_stored(tensor) => "is stored a second time",
            (Kind::Store, Kind::Spill) => "is stored, but is not a result that an operator writes",
            (Kind::Spill, Kind::Store) => "is spilled, but is a result, so this is a store",
            _ => return Some(format!("a {} is not a {}", found.name(), said.name())),
        };
        Some(format!("{} {why}", graph.tensor(tensor).name))
    }
}

/// Whether the first load of a tensor is compulsory: it is an argument or a weight, and not staged.
fn is_loaded(problem: &Problem, tensor: TensorId) -> bool {
    problem.graph.tensor(tensor).origin != Origin::Staged && problem.graph.starts_at_home(tensor)
}

/// Bytes moved from and to host memory, and the cost of all copies. Where nothing moves: the bytes that operators read
/// and write in host memory, and the cost of all their accesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Loads and stores, except loads of weights that may be kept from one run to the next.
    pub compulsory: Bytes,
    /// Spills and reloads, and loads of weights that may be kept.
    pub non_compulsory: Bytes,
    /// The cost of all copies, including those between other memories: each byte costs the price of its link
    /// ([`Link::price`](crate::Link::price)).
    pub cost: u128,
    /// The bank conflicts that have a price ([`Apart::Price`](crate::Apart::Price)); their price is not part of `cost`.
    pub bank_conflicts: u64,
}

impl Traffic {
    /// The traffic of a program.
    pub fn of(problem: &Problem, actions: &[Action]) -> Traffic {
        let mut traffic = Traffic::default();
        let mut kinds = Kinds::new(problem);
        let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
        let mut count = |tensor: TensorId, size: Bytes, kind: Kind, from: MemoryId, to: MemoryId| {
            traffic.cost += problem.machine.price(from, to, size);
            match kind {
                Kind::Load if problem.graph.may_be_kept(tensor) => traffic.non_compulsory += size,
                Kind::Load | Kind::Store => traffic.compulsory += size,
                Kind::Reload | Kind::Spill => traffic.non_compulsory += size,
                Kind::Move => {}
            }
        };
        for action in actions {
            match action {
                Action::Copy(copy) | Action::Issue(copy) => {
                    count(copy.tensor, size(copy.tensor), kinds.of(copy), copy.from.memory, copy.to.memory);
                }
                Action::IssueSlice(copy, slice) => {
                    count(copy.tensor, slice.size(), kinds.of_slice(copy, *slice), copy.from.memory, copy.to.memory);
                }
                Action::Run { reads, writes, .. } => {
                    traffic.bank_conflicts += priced_conflicts(problem, reads);
                    for Slot { tensor, place: Place { memory, .. } } in reads {
                        let kind = if *memory == MemoryId::HOME { kinds.from_home(*tensor) } else { Kind::Move };
                        if *memory != MemoryId::SCRATCHPAD {
                            count(*tensor, size(*tensor), kind, *memory, MemoryId::SCRATCHPAD);
                        }
                    }
                    for Slot { tensor, place: Place { memory, .. } } in writes {
                        let kind = if *memory == MemoryId::HOME { kinds.goes_home(*tensor) } else { Kind::Move };
                        if *memory != MemoryId::SCRATCHPAD {
                            count(*tensor, size(*tensor), kind, MemoryId::SCRATCHPAD, *memory);
                        }
                    }
                }
                Action::Start(_) | Action::Wait(_) => {}
            }
        }
        traffic
    }

    /// All bytes.
    pub fn total(self) -> Bytes {
        self.compulsory + self.non_compulsory
    }
}

/// The number of bank conflicts that have a price.
fn priced_conflicts(problem: &Problem, reads: &[Slot]) -> u64 {
    let bank = |it: &Slot| {
        let memory = problem.machine.memories().get(it.place.memory.index())?;
        let banks = memory.banks.filter(|it| matches!(it.apart, Apart::Price(_)))?;
        let has_bytes = problem.graph.tensor(it.tensor).size != Bytes::ZERO;
        has_bytes.then_some((it.place.memory, it.place.offset.0 / banks.size.0.max(1)))
    };
    let mut banks: Vec<(MemoryId, u64)> = reads.iter().filter_map(bank).collect();
    banks.sort_unstable();
    let pairs = |it: &[(MemoryId, u64)]| it.len() as u64 * (it.len() as u64 - 1) / 2;
    banks.chunk_by(|a, b| a == b).map(pairs).sum()
}

/// The bytes that a program moves over each link, in the order of the machine's links: those of copies, and those that
/// operators read and write in memories other than the scratchpad. [`Traffic::cost`] is their sum, weighted by the prices of
/// links.
pub fn bytes_by_link(problem: &Problem, actions: &[Action]) -> Vec<Bytes> {
    let mut bytes = vec![Bytes::ZERO; problem.machine.links().len()];
    let mut count = |from: MemoryId, to: MemoryId, size: Bytes| {
        if let Some(link) = problem.machine.links().iter().position(|it| (it.from, it.to) == (from, to)) {
            bytes[link] += size;
        }
    };
    let size = |tensor: TensorId| problem.graph.tensor(tensor).size;
    for action in actions {
        match action {
            Action::Copy(copy) | Action::Issue(copy) => count(copy.from.memory, copy.to.memory, size(copy.tensor)),
            Action::IssueSlice(copy, slice) => count(copy.from.memory, copy.to.memory, slice.size()),
            Action::Run { reads, writes, .. } => {
                reads.iter().for_each(|it| count(it.place.memory, MemoryId::SCRATCHPAD, size(it.tensor)));
                writes.iter().for_each(|it| count(MemoryId::SCRATCHPAD, it.place.memory, size(it.tensor)));
            }
            Action::Start(_) | Action::Wait(_) => {}
        }
    }
    bytes
}

/// A program as text, one line for each action, with the graph's names: `reload a at 64`,
/// `run conv: a@0 w@64 -> b@128`.
///
/// A place in the scratchpad is printed as its offset, any other with the name of the memory before it. An issued copy
/// has the suffix `async`, and a slice `slice 0..64` before that.
pub fn program_text(problem: &Problem, actions: &[Action]) -> Vec<String> {
    let mut kinds = Kinds::new(problem);
    let line = |action: &Action| match action {
        Action::Start(slot) => format!("start {}", slot.display(problem)),
        Action::Copy(copy) => copy_text(problem, copy, kinds.of(copy), ""),
        Action::Issue(copy) => copy_text(problem, copy, kinds.of(copy), " async"),
        Action::IssueSlice(copy, slice) => {
            let kind = kinds.of_slice(copy, *slice);
            copy_text(problem, copy, kind, &format!(" slice {}..{} async", slice.low, slice.high))
        }
        Action::Wait(slot) => format!("wait {}", slot.display(problem)),
        Action::Run { op, reads, writes, workspace } => {
            reads.iter().filter(|it| it.place.memory == MemoryId::HOME).for_each(|it| {
                kinds.from_home(it.tensor);
            });
            let op = problem.graph.op(*op);
            let slots = |slots: &[Slot]| slots.iter().map(|it| format!(" {}", it.display(problem))).collect::<String>();
            let workspace = if op.workspace == Bytes::ZERO { String::new() } else { format!(" workspace@{workspace}") };
            format!("run {}:{} ->{}{workspace}", op.name, slots(reads), slots(writes))
        }
    };
    actions.iter().map(line).collect()
}

fn copy_text(problem: &Problem, copy: &Copy, kind: Kind, suffix: &str) -> String {
    let Copy { tensor, from, to } = *copy;
    let (name, to_place) = (&problem.graph.tensor(tensor).name, to.display(problem));
    let verb = kind.name();
    match kind {
        Kind::Load | Kind::Reload => format!("{verb} {name} at {to_place}{suffix}"),
        Kind::Store | Kind::Spill => format!("{verb} {}{suffix}", Slot { tensor, place: from }.display(problem)),
        Kind::Move => format!("{verb} {} at {to_place}{suffix}", Slot { tensor, place: from }.display(problem)),
    }
}

impl Place {
    /// As text: an offset in the scratchpad, `l2:64`, or `host`.
    pub fn display(&self, problem: &Problem) -> String {
        match problem.machine.memories().get(self.memory.index()) {
            _ if self.memory == MemoryId::SCRATCHPAD => self.offset.to_string(),
            Some(memory) if memory.size.is_none() => memory.name.clone(),
            Some(memory) => format!("{}:{}", memory.name, self.offset),
            None => format!("memory {}:{}", self.memory.0, self.offset),
        }
    }
}

impl Slot {
    /// As text: `x@64`, `x@l2:64`, `x@host`.
    pub fn display(&self, problem: &Problem) -> String {
        let place = self.place.display(problem);
        match problem.graph.tensors().get(self.tensor.index()) {
            Some(tensor) => format!("{}@{place}", tensor.name),
            None => format!("tensor {}@{place}", self.tensor.0),
        }
    }
}
