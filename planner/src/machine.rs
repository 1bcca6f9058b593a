//! The memories of an accelerator, and the links over which copies go.

use crate::time::Clock;
use crate::{Bytes, Error};
use std::ops::Range;

/// A memory of a [`Machine`], by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(pub u32);

impl MemoryId {
    /// Where arguments lie from the start, and results at the end: host memory.
    pub const HOME: MemoryId = MemoryId(0);
    /// Where operators write, have their workspaces, and read unless a [`Use`](crate::Use) says otherwise.
    pub const SCRATCHPAD: MemoryId = MemoryId(1);

    /// As an index into a table with one entry per memory.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Some of the memories of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemorySet(u64);

impl MemorySet {
    /// Host memory alone: an operand that is read there passes by the scratchpad.
    pub const HOME: MemorySet = MemorySet(1 << MemoryId::HOME.0);
    /// The scratchpad alone.
    pub const SCRATCHPAD: MemorySet = MemorySet(1 << MemoryId::SCRATCHPAD.0);
    /// Host memory or the scratchpad.
    pub const EITHER: MemorySet = MemorySet(MemorySet::HOME.0 | MemorySet::SCRATCHPAD.0);

    /// The set of these memories, each of the first [`Machine::MAX_MEMORIES`].
    pub fn of(memories: impl IntoIterator<Item = MemoryId>) -> MemorySet {
        MemorySet(memories.into_iter().fold(0, |set, memory| set | 1 << memory.0))
    }

    /// Whether a memory is one of them.
    pub fn contains(self, memory: MemoryId) -> bool {
        memory.0 < Machine::MAX_MEMORIES && self.0 & 1 << memory.0 != 0
    }

    /// The memories, ascending.
    pub fn iter(self) -> impl Iterator<Item = MemoryId> {
        (0..Machine::MAX_MEMORIES).map(MemoryId).filter(move |it| self.contains(*it))
    }
}

/// One memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// For people; unique within its machine, without white space, `:`, `|` and `@`.
    pub name: String,
    /// In bytes; none for a memory that is as large as it needs to be. There each tensor lies apart,
    /// and no addresses are decided.
    pub size: Option<Bytes>,
    /// Every address is a multiple of it; at least 1.
    pub alignment: Bytes,
    /// Addresses that are not to be used, half-open: a stack, or what another program keeps there.
    pub reserved: Vec<Range<Bytes>>,
    /// Its banks, if it has some; only with a size.
    pub banks: Option<Banks>,
}

/// Equal parts of a memory, each of which can be accessed while the others are: no block lies across two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banks {
    /// Of each, in bytes; at least 1. If the memory's size is no multiple of it, the last bank is the smaller one.
    pub size: Bytes,
    /// Whether the operands of an operator lie in different ones, as where each bank has one port.
    pub apart: Apart,
}

/// What becomes of two tensors that one operator reads in one bank: a *bank conflict*. There is one for each such pair of
/// each operator; tensors without bytes are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Apart {
    /// It does not matter.
    #[default]
    No,
    /// It must not be.
    Must,
    /// Each costs as much as so many bytes of traffic; at least 1. Only where tensors move.
    Price(u64),
}

impl Memory {
    /// As many banks as a memory has at most.
    pub const MAX_BANKS: u64 = 1024;

    /// Gives the memory so many equal banks.
    ///
    /// # Errors
    /// [`Error::Machine`] where it has no size, or one that is no multiple of `count`, or where there are none of them or more
    /// than [`Memory::MAX_BANKS`].
    pub fn with_banks(self, count: u64, apart: Apart) -> Result<Memory, Error> {
        let refuse =
            |why: String| Err(Error::Machine(format!("memory {} cannot have {count} banks: {why}", self.name)));
        match self.size {
            None => refuse("it has no size".into()),
            Some(_) if count == 0 || Memory::MAX_BANKS < count => {
                refuse(format!("there are 1 to {} of them", Memory::MAX_BANKS))
            }
            Some(Bytes(size)) if size == 0 || !size.is_multiple_of(count) => {
                refuse(format!("{size} B are not that many equal parts"))
            }
            Some(Bytes(size)) => Ok(Memory { banks: Some(Banks { size: Bytes(size / count), apart }), ..self }),
        }
    }

    /// Where blocks may lie in each bank, without regard to what is reserved: ascending and half-open, none of them empty,
    /// from the first multiple of the alignment in it. All of a memory without banks; nothing of one without a size.
    pub fn bank_ranges(&self) -> Vec<Range<Bytes>> {
        let Bytes(size) = self.size.unwrap_or(Bytes::ZERO);
        let bank = self.banks.map_or(size, |it| it.size.0).max(1);
        let alignment = self.alignment.0.max(1);
        let mut ranges = Vec::new();
        let mut low = 0;
        while low < size {
            let high = low.saturating_add(bank).min(size);
            if let Some(start) = u64::checked_next_multiple_of(low, alignment).filter(|it| *it < high) {
                ranges.push(Bytes(start)..Bytes(high));
            }
            low = high;
        }
        ranges
    }

    /// The largest of its stretches, the first of several; an empty one if there is none.
    pub(crate) fn largest_stretch(&self) -> Range<Bytes> {
        let stretches = self.stretches().into_iter().rev();
        stretches.max_by_key(|it| it.end - it.start).unwrap_or(Bytes::ZERO..Bytes::ZERO)
    }

    /// Its stretches without reserved addresses, each in one bank, ascending and half-open, none of them empty. Each begins
    /// at a multiple of the alignment. One without a size has none: no addresses are decided there.
    pub fn stretches(&self) -> Vec<Range<Bytes>> {
        let mut reserved = self.reserved();
        reserved.sort_by_key(|it| it.start);
        let mut stretches = Vec::new();
        for bank in self.bank_ranges() {
            let mut start = bank.start;
            let inside = reserved.iter().filter(|it| bank.start < it.end && it.start < bank.end).cloned();
            for Range { start: low, end: high } in inside.chain([bank.end..bank.end]) {
                if start < low {
                    stretches.push(start..low);
                }
                match high.0.checked_next_multiple_of(self.alignment.0.max(1)) {
                    Some(after) => start = start.max(Bytes(after)),
                    None => break,
                }
            }
        }
        stretches
    }

    /// What is reserved of it, as far as it lies within it.
    fn reserved(&self) -> Vec<Range<Bytes>> {
        let size = self.size.unwrap_or(Bytes::ZERO);
        self.reserved.iter().map(|it| it.start..it.end.min(size)).filter(|it| it.start < it.end).collect()
    }
}

/// What brings tensors from one memory to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Moves {
    /// Copies over the machine's links. Operators write in the scratchpad.
    #[default]
    Links,
    /// Nothing: each tensor has one memory and one address for good, as runtimes without DMA need it, and operators
    /// read and write there ([`place`](crate::place())).
    ///
    /// Then a link is no way for copies, but says what operators reach. Over one to the scratchpad they read a
    /// memory, over one from the scratchpad they write to it, and its price is what each byte costs beyond one of the
    /// scratchpad, which costs nothing. A memory to which no link leads is read-only, and holds nothing but weights. In
    /// which memories uses let operators find what they read ([`Use::from`](crate::Use::from)) is of no meaning.
    None,
}

impl Moves {
    /// As options and problems as text have it.
    pub fn name(self) -> &'static str {
        match self {
            Moves::Links => "links",
            Moves::None => "none",
        }
    }
}

/// A way for copies from one memory to another; where [nothing moves](Moves::None), for accesses of operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where copies come from.
    pub from: MemoryId,
    /// Where they go.
    pub to: MemoryId,
    /// What a byte costs; the sum over all copies is [`Traffic::cost`](crate::Traffic::cost). Planning makes it least on
    /// the machines that it knows, where both ways cost the same: then that is the least traffic.
    pub price: u64,
}

/// What planning needs to know of an accelerator.
///
/// The first memory is home, the second one the scratchpad ([`MemoryId`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    memories: Vec<Memory>,
    links: Vec<Link>,
    clock: Option<Clock>,
    moves: Moves,
}

impl Machine {
    /// As many as a [`MemorySet`] can tell apart.
    pub const MAX_MEMORIES: u32 = 64;

    /// A machine of these memories, of which the first is home and the second the scratchpad.
    ///
    /// # Errors
    /// [`Error::Machine`] where there are fewer than two memories, or more than [`Machine::MAX_MEMORIES`]; where
    /// home has a size or the scratchpad has none; where a memory without a size has banks, or one has too many, or a bank
    /// conflict costs nothing; where two have one name, or one has a character that is not
    /// allowed; where a link leads from a memory to itself or to none; where two links lead the same way.
    pub fn new(memories: Vec<Memory>, links: Vec<Link>) -> Result<Machine, Error> {
        let refuse = |why: String| Err(Error::Machine(why));
        if memories.len() < 2 || Machine::MAX_MEMORIES < memories.len() as u32 {
            let (n_memories, most) = (memories.len(), Machine::MAX_MEMORIES);
            return refuse(format!("a machine has 2 to {most} memories, not {n_memories}"));
        }
        for (index, memory) in memories.iter().enumerate() {
            let name = &memory.name;
            if name.is_empty() || name.contains(|it: char| it.is_whitespace() || ":|@".contains(it)) {
                return refuse(format!("a memory cannot have the name '{name}'"));
            }
            if memories[..index].iter().any(|it| it.name == *name) {
                return refuse(format!("two memories have the name {name}"));
            }
        }
        if memories[0].size.is_some() {
            return refuse(format!("the first memory, {}, is home and cannot have a size", memories[0].name));
        }
        if memories[1].size.is_none() {
            return refuse(format!("the second memory, {}, is the scratchpad and needs a size", memories[1].name));
        }
        for memory in &memories {
            let Some(Banks { size: bank, apart }) = memory.banks else { continue };
            let name = &memory.name;
            match memory.size {
                None => return refuse(format!("{name} has banks, but no size")),
                Some(size) if bank == Bytes::ZERO || Memory::MAX_BANKS < size.0.div_ceil(bank.0) => {
                    return refuse(format!("{name} has 1 to {} banks", Memory::MAX_BANKS));
                }
                Some(_) if apart == Apart::Price(0) => {
                    return refuse(format!("operands in one bank of {name} cost at least 1 B"));
                }
                Some(_) => {}
            }
        }
        for (index, link) in links.iter().enumerate() {
            let is_known = |it: MemoryId| it.index() < memories.len();
            if !is_known(link.from) || !is_known(link.to) || link.from == link.to {
                return refuse("a link leads from one memory to another".into());
            }
            if links[..index].iter().any(|it| (it.from, it.to) == (link.from, link.to)) {
                let (from, to) = (&memories[link.from.index()].name, &memories[link.to.index()].name);
                return refuse(format!("two links lead from {from} to {to}"));
            }
        }
        Ok(Machine { memories, links, clock: None, moves: Moves::Links })
    }

    /// The links of [`Machine::with_host`], from where to where.
    pub const HOST_WAYS: [(MemoryId, MemoryId); 2] =
        [(MemoryId::HOME, MemoryId::SCRATCHPAD), (MemoryId::SCRATCHPAD, MemoryId::HOME)];

    /// A scratchpad of so many bytes, a host memory without end, and a link each way at one price.
    /// [`Problem::check`](crate::Problem::check) refuses alignments of which there is no multiple.
    pub fn with_host(scratchpad: Bytes, alignment: Bytes) -> Machine {
        let memory = |name: &str, size, alignment| Memory {
            name: name.into(),
            size,
            alignment,
            reserved: Vec::new(),
            banks: None,
        };
        let link = |(from, to)| Link { from, to, price: 1 };
        Machine {
            memories: vec![memory("host", None, Bytes(1)), memory("scratchpad", Some(scratchpad), alignment)],
            links: Machine::HOST_WAYS.map(link).to_vec(),
            clock: None,
            moves: Moves::Links,
        }
    }

    /// The same machine, where nothing moves.
    ///
    /// # Errors
    /// [`Error::Machine`] where it has a clock, which is that of its transfers.
    pub fn without_moves(self) -> Result<Machine, Error> {
        match self.clock {
            Some(_) => Err(Error::Machine("a machine on which nothing moves has no rates of links".into())),
            None => Ok(Machine { moves: Moves::None, ..self }),
        }
    }

    /// What brings tensors from one memory to another.
    pub fn moves(&self) -> Moves {
        self.moves
    }

    /// Whether its memories and links are those of [`Machine::with_host`], whatever their sizes.
    pub fn is_with_host(&self) -> bool {
        let usual = Machine::with_host(self.scratchpad(), self.alignment());
        let (host, scratchpad) = (&self.memories[0], &self.memories[1]);
        let [usual_host, usual_scratchpad] = [&usual.memories[0], &usual.memories[1]];
        self.memories.len() == 2
            && host == usual_host
            && scratchpad.name == usual_scratchpad.name
            && scratchpad.banks.is_none()
            && self.links == usual.links
            && self.moves == usual.moves
    }

    /// The same machine with a clock: how long transfers over each of its links take, and operators.
    ///
    /// # Errors
    /// [`Error::Machine`] where there is not one timing for each link, or one of rate 0 or on no channel; where two
    /// channels have one name, or one a name that is not allowed; where operators are said to move no bytes per cycle;
    /// where nothing moves.
    pub fn with_clock(self, clock: Clock) -> Result<Machine, Error> {
        if self.moves == Moves::None {
            return Err(Error::Machine("a machine on which nothing moves has no rates of links".into()));
        }
        clock.check(&self.links, |it| self.memories[it.index()].name.clone())?;
        Ok(Machine { clock: Some(clock), ..self })
    }

    /// The same machine without a clock.
    pub fn without_clock(&self) -> Machine {
        Machine { clock: None, ..self.clone() }
    }

    /// How fast it is, if that is known. Planning the least traffic takes no clock.
    pub fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// All memories, in the order of their ids.
    pub fn memories(&self) -> &[Memory] {
        &self.memories
    }

    /// All links.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The link from one memory to another.
    pub fn link(&self, from: MemoryId, to: MemoryId) -> Option<&Link> {
        self.links.iter().find(|it| (it.from, it.to) == (from, to))
    }

    /// Whether links lead from one memory to another, over others or not.
    pub fn has_way(&self, from: MemoryId, to: MemoryId) -> bool {
        let all: Vec<MemoryId> = (0..self.memories.len() as u32).map(MemoryId).collect();
        self.price_over(from, to, &all).is_some()
    }

    /// Whether there are memories besides home and the scratchpad. Then [`plan_in_tiers`](crate::tiers::plan_in_tiers)
    /// plans, not [`plan()`](crate::plan()).
    pub fn has_tiers(&self) -> bool {
        2 < self.memories.len()
    }

    /// Home and the scratchpad alone, with a link each way at price 1.
    pub fn without_tiers(&self) -> Machine {
        self.with_memory(self.memories[MemoryId::SCRATCHPAD.index()].clone())
    }

    /// Home and this memory alone, which has a size and is the scratchpad, with a link each way at price 1.
    pub(crate) fn with_memory(&self, scratchpad: Memory) -> Machine {
        let links = Machine::HOST_WAYS.map(|(from, to)| Link { from, to, price: 1 }).to_vec();
        Machine { memories: vec![self.memories[0].clone(), scratchpad], links, clock: None, moves: Moves::Links }
    }

    /// What it costs to bring so many bytes from one memory to another; nothing where no link leads there.
    pub(crate) fn price(&self, from: MemoryId, to: MemoryId, Bytes(bytes): Bytes) -> u128 {
        u128::from(bytes) * self.link(from, to).map_or(0, |it| u128::from(it.price))
    }

    /// What a byte costs on the cheapest way from one memory to another, each part of it between two of them or any of the
    /// memories between; none where there is no way.
    pub(crate) fn price_over(&self, from: MemoryId, to: MemoryId, between: &[MemoryId]) -> Option<u64> {
        // Few memories: by one more link each time (Bellman and Ford).
        let mut prices: Vec<Option<u64>> = vec![None; self.memories.len()];
        prices[from.index()] = Some(0);
        for _ in 0..=between.len() {
            for link in &self.links {
                let Some(so_far) = prices[link.from.index()] else { continue };
                if (link.from != from && !between.contains(&link.from))
                    || (link.to != to && !between.contains(&link.to))
                {
                    continue;
                }
                let price = so_far.saturating_add(link.price);
                let known = &mut prices[link.to.index()];
                *known = Some(known.map_or(price, |it| it.min(price)));
            }
        }
        prices[to.index()]
    }

    /// The stretches of the scratchpad without reserved addresses, ascending and half-open, none of them empty. Each
    /// begins at a multiple of the alignment.
    pub fn stretches(&self) -> Vec<Range<Bytes>> {
        self.memories[MemoryId::SCRATCHPAD.index()].stretches()
    }

    /// No more than this can the rooms of what lies in a memory at once add up to, since only the highest block of each
    /// stretch can do without its padding. None where the memory has no size.
    pub(crate) fn capacity_of(&self, memory: MemoryId) -> Option<Bytes> {
        let memory = &self.memories[memory.index()];
        memory.size?;
        let alignment = memory.alignment.0;
        let room = |it: Range<Bytes>| (it.end - it.start).0.checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        Some(Bytes(memory.stretches().into_iter().map(room).fold(0, u64::saturating_add)))
    }

    /// The largest of the scratchpad's stretches: [`Memory::largest_stretch`].
    pub(crate) fn largest_stretch(&self) -> Range<Bytes> {
        self.memories[MemoryId::SCRATCHPAD.index()].largest_stretch()
    }

    /// What is reserved of the scratchpad, as far as it lies within it.
    pub(crate) fn reserved(&self) -> Vec<Range<Bytes>> {
        self.memories[MemoryId::SCRATCHPAD.index()].reserved()
    }

    /// Whether operators may read in a memory: where nothing moves, over a link to the scratchpad.
    pub(crate) fn is_readable(&self, memory: MemoryId) -> bool {
        memory == MemoryId::SCRATCHPAD || self.link(memory, MemoryId::SCRATCHPAD).is_some()
    }

    /// Whether operators may write in a memory: where nothing moves, over a link from the scratchpad.
    pub(crate) fn is_writable(&self, memory: MemoryId) -> bool {
        memory == MemoryId::SCRATCHPAD || self.link(MemoryId::SCRATCHPAD, memory).is_some()
    }

    /// The same machine, whose scratchpad is as large as a stretch of it, and all free.
    pub(crate) fn with_stretch(&self, stretch: &Range<Bytes>) -> Machine {
        let mut machine = self.with_scratchpad(stretch.end - stretch.start);
        let scratchpad = &mut machine.memories[MemoryId::SCRATCHPAD.index()];
        scratchpad.reserved.clear();
        scratchpad.banks = None;
        machine
    }

    /// The same machine, where these addresses of the scratchpad are reserved as well.
    pub fn with_reserved(&self, more: impl IntoIterator<Item = Range<Bytes>>) -> Machine {
        let mut machine = self.clone();
        machine.memories[MemoryId::SCRATCHPAD.index()].reserved.extend(more);
        machine
    }

    /// Size of the scratchpad. Every residency there ends within it.
    pub fn scratchpad(&self) -> Bytes {
        self.memories[MemoryId::SCRATCHPAD.index()].size.expect("a scratchpad has a size")
    }

    /// Every address in the scratchpad is a multiple of it; at least 1.
    pub fn alignment(&self) -> Bytes {
        self.memories[MemoryId::SCRATCHPAD.index()].alignment
    }

    /// Gives the scratchpad another size. Banks keep theirs.
    pub fn set_scratchpad(&mut self, size: Bytes) {
        self.memories[MemoryId::SCRATCHPAD.index()].size = Some(size);
    }

    /// The same machine, whose scratchpad has another size.
    pub fn with_scratchpad(&self, size: Bytes) -> Machine {
        let mut machine = self.clone();
        machine.set_scratchpad(size);
        machine
    }

    /// The same machine, where each memory that has addresses has this alignment.
    pub fn with_alignment(&self, alignment: Bytes) -> Machine {
        let mut machine = self.clone();
        machine.memories.iter_mut().filter(|it| it.size.is_some()).for_each(|it| it.alignment = alignment);
        machine
    }

    /// Gives the scratchpad another alignment.
    pub fn set_alignment(&mut self, alignment: Bytes) {
        self.memories[MemoryId::SCRATCHPAD.index()].alignment = alignment;
    }
}
