//! The lines of a planned program, and what each of them moves.

use crate::{Apart, Bytes, MemoryId, OpId, Origin, Problem, TensorId};

/// A place in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which memory.
    pub memory: MemoryId,
    /// In bytes from its start; zero where each tensor lies apart ([`Memory::size`](crate::Memory::size)).
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
    /// Of its first byte.
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

    /// Of its first byte, in its memory.
    pub fn offset(&self) -> Bytes {
        self.place.offset
    }
}

/// A tensor that is copied from one memory to another. It stays where it was, until something else is put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Copy {
    /// What is copied.
    pub tensor: TensorId,
    /// Where it lies.
    pub from: Place,
    /// Where it is put.
    pub to: Place,
}

/// Bytes of a tensor, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first one, counted from the start of the tensor.
    pub low: Bytes,
    /// The one behind the last.
    pub high: Bytes,
}

impl Slice {
    /// How many bytes; none where they end before they begin, which the judge refuses.
    pub fn size(self) -> Bytes {
        self.high.saturating_sub(self.low)
    }
}

/// A line of a planned program.
///
/// There is none for leaving a memory: a tensor that is not needed there any more is simply overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Says where a tensor lies that starts in the scratchpad, or, where [nothing moves](crate::Moves::None), any
    /// argument or weight: before all other lines.
    Start(Slot),
    /// Copies a tensor; the next line begins when it is there.
    Copy(Copy),
    /// Begins to copy a tensor. Until it is waited for, it is at neither place for certain: nothing may read it where
    /// it goes, and nothing may be put where it comes from.
    Issue(Copy),
    /// Begins to copy some bytes of a tensor, likewise. The slices of one copy are disjoint and make up the whole tensor,
    /// in any order, and one wait is for all of them. Other lines may stand between them, and the place of each slice is
    /// needed only from its own line on.
    IssueSlice(Copy, Slice),
    /// Waits for the tensor that is being copied to this place.
    Wait(Slot),
    /// Runs an operator.
    Run {
        /// The operator.
        op: OpId,
        /// What it reads, in the order of [`Op::reads`](crate::Op::reads), each in a memory of its use.
        reads: Vec<Slot>,
        /// What it writes, in the order of [`Op::writes`](crate::Op::writes), in the scratchpad; where nothing moves, in
        /// any memory that operators write to.
        writes: Vec<Slot>,
        /// Offset of its workspace in the scratchpad; of no meaning if it has none.
        workspace: Bytes,
    },
}

/// What a copy is for those who count traffic. It follows from what came before: see [`Kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// From host memory, an argument's first time. Compulsory.
    Load,
    /// From host memory, each time after that, and whatever an operator wrote, staged tensors included.
    Reload,
    /// To host memory, a result of the function for the first time. Compulsory.
    Store,
    /// To host memory, anything else: it has to come back, by itself or in a staged tensor.
    Spill,
    /// Between two memories that are not host memory.
    Move,
}

impl Kind {
    /// As a word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Load => "load",
            Kind::Reload => "reload",
            Kind::Store => "store",
            Kind::Spill => "spill",
            Kind::Move => "move",
        }
    }

    /// Whether no plan can do without.
    pub fn is_compulsory(self) -> bool {
        matches!(self, Kind::Load | Kind::Store)
    }
}

/// Tells the kind of each copy of a program, in the order of its lines.
pub struct Kinds<'a> {
    problem: &'a Problem,
    /// By tensor: whether it came from host memory before, or never has to.
    came_in: Vec<bool>,
    /// By tensor: whether it went to host memory before, or never has to.
    went_out: Vec<bool>,
    /// By tensor: of the copy of which some slices are still to come, with the bytes that came.
    sliced: Vec<Option<(Kind, Bytes)>>,
}

impl Kinds<'_> {
    /// Before the first line.
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

    /// The kind of the copy of which this is the next slice: it is decided at the first one.
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

    /// The kind of the way from host memory of what an operator reads there.
    pub fn from_home(&mut self, tensor: TensorId) -> Kind {
        let is_first = !std::mem::replace(&mut self.came_in[tensor.index()], true);
        if is_first { Kind::Load } else { Kind::Reload }
    }

    /// The kind of the way to host memory of what an operator writes there.
    fn goes_home(&mut self, tensor: TensorId) -> Kind {
        let is_first = !std::mem::replace(&mut self.went_out[tensor.index()], true);
        if is_first { Kind::Store } else { Kind::Spill }
    }

    /// What is wrong with calling the copy of a tensor `said` that is `found`: as a sentence.
    pub fn complain(&self, tensor: TensorId, said: Kind, found: Kind) -> Option<String> {
        let graph = &self.problem.graph;
        let why = match (said, found) {
            _ if said == found => return None,
            (Kind::Load, Kind::Reload) if !is_loaded(self.problem, tensor) => "is loaded, but is no argument",
            (Kind::Load, Kind::Reload) => "is loaded a second time, which is a reload",
            (Kind::Reload, Kind::Load) => "is reloaded, but was not loaded before",
            (Kind::Store, Kind::Spill) if graph.is_stored(tensor) => "is stored a second time",
            (Kind::Store, Kind::Spill) => "is stored, but is no result that an operator writes",
            (Kind::Spill, Kind::Store) => "is spilled, but is a result and to be stored",
            _ => return Some(format!("a {} is no {}", found.name(), said.name())),
        };
        Some(format!("{} {why}", graph.tensor(tensor).name))
    }
}

/// Whether a tensor's first way from host memory is compulsory: it lies there from the start, and not in parts.
fn is_loaded(problem: &Problem, tensor: TensorId) -> bool {
    problem.graph.tensor(tensor).origin != Origin::Staged && problem.graph.starts_at_home(tensor)
}

/// Bytes moved between host memory and the rest, and what all copies cost; where nothing moves, the bytes that
/// operators read and write in host memory, and what all of their accesses cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Loads and stores, those of weights left out that may be kept from one run to the next.
    pub compulsory: Bytes,
    /// Spills and reloads, and loads of weights that may be kept.
    pub non_compulsory: Bytes,
    /// What all copies cost, those between other memories included: each byte as much as the link over which it goes
    /// ([`Link::price`](crate::Link::price)).
    pub cost: u128,
    /// How often an operator reads two tensors in one bank, where that has a price
    /// ([`Apart::Price`](crate::Apart::Price)).
    pub bank_conflicts: u64,
}

impl Traffic {
    /// What a program moves.
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

    /// All of it.
    pub fn total(self) -> Bytes {
        self.compulsory + self.non_compulsory
    }
}

/// How many pairs of operands lie in one bank where that has a price.
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

/// The bytes that a program moves over each link, in the order of the machine's links: those of copies, and of what operators
/// read in other memories than the scratchpad. [`Traffic::cost`] is their sum by the prices of links.
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
            Action::Run { reads, .. } => {
                reads.iter().for_each(|it| count(it.place.memory, MemoryId::SCRATCHPAD, size(it.tensor)));
            }
            Action::Start(_) | Action::Wait(_) => {}
        }
    }
    bytes
}

/// A program as text, a line for each action, with the graph's names: `reload a at 64`, `run conv: a@0 w@64 -> b@128`.
///
/// A place in the scratchpad is its offset; any other begins with the memory's name. What begins and is waited
/// for later says `async`, and `slice 0..64` before that if it is only some bytes.
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
