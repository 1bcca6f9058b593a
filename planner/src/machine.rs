//! The memories of an accelerator, and the links between them.

use crate::time::Clock;
use crate::{Bytes, Error};
use std::ops::Range;

/// A memory of a [`Machine`], as an index into its list of memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(pub u32);

impl MemoryId {
    /// Host memory, which holds arguments from the start and results at the end.
    pub const HOME: MemoryId = MemoryId(0);
    /// The memory that operators write, have their workspaces in, and read unless a [`Use`](crate::Use) says otherwise.
    pub const SCRATCHPAD: MemoryId = MemoryId(1);

    /// The index into a table with one entry per memory.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of memories of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemorySet(u64);

impl MemorySet {
    /// Host memory alone: an operand that is read there is streamed past the scratchpad.
    pub const HOME: MemorySet = MemorySet(1 << MemoryId::HOME.0);
    /// The scratchpad alone.
    pub const SCRATCHPAD: MemorySet = MemorySet(1 << MemoryId::SCRATCHPAD.0);
    /// Host memory or the scratchpad.
    pub const EITHER: MemorySet = MemorySet(MemorySet::HOME.0 | MemorySet::SCRATCHPAD.0);

    /// The set of these memories, whose ids are less than [`Machine::MAX_MEMORIES`].
    pub fn of(memories: impl IntoIterator<Item = MemoryId>) -> MemorySet {
        MemorySet(memories.into_iter().fold(0, |set, memory| set | 1 << memory.0))
    }

    /// Whether a memory is in the set.
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
    /// For messages; unique within its machine, without white space, `:`, `|` and `@`.
    pub name: String,
    /// In bytes; `None` for a memory that is as large as it needs to be. Tensors have no addresses there.
    pub size: Option<Bytes>,
    /// Every address is a multiple of it; at least 1.
    pub alignment: Bytes,
    /// Addresses that must not be used, half-open: for example a stack, or the memory of another program.
    pub reserved: Vec<Range<Bytes>>,
    /// Its banks, if any; only a memory with a size has banks.
    pub banks: Option<Banks>,
}

/// Equal parts of a memory that can be accessed in parallel: no block lies across two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banks {
    /// The size of each bank in bytes; at least 1. If the memory's size is not a multiple of it, the last bank is
    /// smaller.
    pub size: Bytes,
    /// Whether the operands of one operator must lie in different banks, for example because each bank has one port.
    pub apart: Apart,
}

/// The consequence of a *bank conflict*: two operands of one operator in one bank. Each pair of operands of each operator
/// counts once; tensors without bytes have no conflicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Apart {
    /// None.
    #[default]
    No,
    /// Conflicts are not allowed.
    Must,
    /// Each conflict costs as much as this many bytes of traffic; at least 1. Only on machines where tensors move.
    Price(u64),
}

impl Memory {
    /// The maximum number of banks of a memory.
    pub const MAX_BANKS: u64 = 1024;

    /// Gives the memory this many equal banks.
    ///
    /// # Errors
    /// [`Error::Machine`] if the memory has no size or a size that is not a multiple of `count`, or if `count` is zero
    /// or more than [`Memory::MAX_BANKS`].
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

    /// The ranges of addresses for blocks in each bank, ignoring reserved addresses: ascending, half-open and not
    /// empty, each from the first multiple of the alignment in the bank. One range without banks; none without a size.
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

    /// The largest of its stretches, the first of several; an empty range if there is none.
    pub(crate) fn largest_stretch(&self) -> Range<Bytes> {
        let stretches = self.stretches().into_iter().rev();
        stretches.max_by_key(|it| it.end - it.start).unwrap_or(Bytes::ZERO..Bytes::ZERO)
    }

    /// Its ranges without reserved addresses, each within one bank; ascending, half-open and not empty. Each begins at
    /// a multiple of the alignment. A memory without a size has none, since it has no addresses.
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

    /// Its reserved addresses, clipped to its size.
    fn reserved(&self) -> Vec<Range<Bytes>> {
        let size = self.size.unwrap_or(Bytes::ZERO);
        self.reserved.iter().map(|it| it.start..it.end.min(size)).filter(|it| it.start < it.end).collect()
    }
}

/// The way tensors move between memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Moves {
    /// Copies over the machine's links. Operators write in the scratchpad.
    #[default]
    Links,
    /// Nothing moves: each tensor has one memory and one address for the whole run, for runtimes without DMA, and
    /// operators read and write it there ([`place`](crate::place())).
    ///
    /// A link is then not for copies, but says which memories operators access: they read a memory with a link to the
    /// scratchpad, and write one with a link from the scratchpad. Its price is the cost of each accessed byte; bytes of
    /// the scratchpad cost nothing. A memory that no link leads to is read-only and holds only weights. The memories of
    /// uses ([`Use::from`](crate::Use::from)) are ignored.
    None,
}

impl Moves {
    /// The name in options and problems as text.
    pub fn name(self) -> &'static str {
        match self {
            Moves::Links => "links",
            Moves::None => "none",
        }
    }
}

/// A link for copies from one memory to another; where [nothing moves](Moves::None), for accesses of operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The source of its copies.
    pub from: MemoryId,
    /// The destination of its copies.
    pub to: MemoryId,
    /// The cost of a byte; the sum over all copies is [`Traffic::cost`](crate::Traffic::cost).
    /// [`plan()`](crate::plan()) minimises the traffic, which also minimises the cost, since both links of its machines
    /// have one price.
    pub price: u64,
}

/// The description of an accelerator for planning.
///
/// The first memory is home, the second is the scratchpad ([`MemoryId`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    memories: Vec<Memory>,
    links: Vec<Link>,
    clock: Option<Clock>,
    moves: Moves,
}

impl Machine {
    /// The maximum number of memories: the size of a [`MemorySet`].
    pub const MAX_MEMORIES: u32 = 64;

    /// A machine with these memories, of which the first is home and the second is the scratchpad.
    ///
    /// # Errors
    /// [`Error::Machine`] if there are fewer than two memories, or more than [`Machine::MAX_MEMORIES`]; if home has a
    /// size or the scratchpad has none; if a memory without a size has banks, or one has too many, or a bank
    /// conflict costs 0; if two memories have
    /// one name, or a name has a character that is not allowed; if a link leads from a memory to itself or to an
    /// unknown memory; if two links have the same source and destination.
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
                return refuse("a link must lead from one memory to another".into());
            }
            if links[..index].iter().any(|it| (it.from, it.to) == (link.from, link.to)) {
                let (from, to) = (&memories[link.from.index()].name, &memories[link.to.index()].name);
                return refuse(format!("two links lead from {from} to {to}"));
            }
        }
        Ok(Machine { memories, links, clock: None, moves: Moves::Links })
    }

    /// The links of [`Machine::with_host`], as pairs of source and destination.
    pub const HOST_WAYS: [(MemoryId, MemoryId); 2] =
        [(MemoryId::HOME, MemoryId::SCRATCHPAD), (MemoryId::SCRATCHPAD, MemoryId::HOME)];

    /// A machine with a scratchpad of this many bytes, an unlimited host memory, and a link in each direction at price
    /// 1. [`Problem::check`](crate::Problem::check) refuses invalid alignments.
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

    /// The same machine on which nothing moves.
    ///
    /// # Errors
    /// [`Error::Machine`] if it has a clock, which is that of its transfers.
    pub fn without_moves(self) -> Result<Machine, Error> {
        match self.clock {
            Some(_) => Err(Error::Machine("a machine on which nothing moves has no rates of links".into())),
            None => Ok(Machine { moves: Moves::None, ..self }),
        }
    }

    /// The way tensors move between memories.
    pub fn moves(&self) -> Moves {
        self.moves
    }

    /// Whether its memories and links are those of [`Machine::with_host`], with any sizes.
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

    /// The same machine with a clock: the timing of transfers over each of its links, and of operators.
    ///
    /// # Errors
    /// [`Error::Machine`] if there is not exactly one timing for each link, or one has rate 0 or an unknown channel; if
    /// two channels have one name, or a name is not allowed; if operators move 0 bytes per cycle; if nothing moves.
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

    /// Its clock, if it has one. Planning for minimal traffic ignores it.
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

    /// Whether there is a path of links from one memory to another.
    pub fn has_way(&self, from: MemoryId, to: MemoryId) -> bool {
        let all: Vec<MemoryId> = (0..self.memories.len() as u32).map(MemoryId).collect();
        self.price_over(from, to, &all).is_some()
    }

    /// Whether there are memories besides home and the scratchpad. Then [`plan_in_tiers`](crate::tiers::plan_in_tiers)
    /// plans instead of [`plan()`](crate::plan()).
    pub fn has_tiers(&self) -> bool {
        2 < self.memories.len()
    }

    /// Home and the scratchpad alone, with a link in each direction at price 1.
    pub fn without_tiers(&self) -> Machine {
        self.with_memory(self.memories[MemoryId::SCRATCHPAD.index()].clone())
    }

    /// Home and this memory as the scratchpad, with a link in each direction at price 1. The memory must have a size.
    pub(crate) fn with_memory(&self, scratchpad: Memory) -> Machine {
        let links = Machine::HOST_WAYS.map(|(from, to)| Link { from, to, price: 1 }).to_vec();
        Machine { memories: vec![self.memories[0].clone(), scratchpad], links, clock: None, moves: Moves::Links }
    }

    /// The cost of moving bytes directly from one memory to another; zero without a link.
    pub(crate) fn price(&self, from: MemoryId, to: MemoryId, Bytes(bytes): Bytes) -> u128 {
        u128::from(bytes) * self.link(from, to).map_or(0, |it| u128::from(it.price))
    }

    /// The cost of a byte on the cheapest path from one memory to another by way of the memories in `between`; `None`
    /// without a path.
    pub(crate) fn price_over(&self, from: MemoryId, to: MemoryId, between: &[MemoryId]) -> Option<u64> {
        // There are few memories, so Bellman–Ford: paths with one more link each time.
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

    /// The ranges of the scratchpad without reserved addresses: ascending, half-open and not empty. Each begins at a
    /// multiple of the alignment.
    pub fn stretches(&self) -> Vec<Range<Bytes>> {
        self.memories[MemoryId::SCRATCHPAD.index()].stretches()
    }

    /// The maximum sum of the padded sizes of blocks that a memory can hold at once: only the highest block of each
    /// stretch can do without its padding. `None` without a size.
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

    /// The reserved addresses of the scratchpad, clipped to its size.
    pub(crate) fn reserved(&self) -> Vec<Range<Bytes>> {
        self.memories[MemoryId::SCRATCHPAD.index()].reserved()
    }

    /// Whether operators may read a memory, on a machine where nothing moves: it has a link to the scratchpad.
    pub(crate) fn is_readable(&self, memory: MemoryId) -> bool {
        memory == MemoryId::SCRATCHPAD || self.link(memory, MemoryId::SCRATCHPAD).is_some()
    }

    /// Whether operators may write a memory, on a machine where nothing moves: it has a link from the scratchpad.
    pub(crate) fn is_writable(&self, memory: MemoryId) -> bool {
        memory == MemoryId::SCRATCHPAD || self.link(MemoryId::SCRATCHPAD, memory).is_some()
    }

    /// The same machine with a scratchpad of the size of this stretch, all of it free.
    pub(crate) fn with_stretch(&self, stretch: &Range<Bytes>) -> Machine {
        let mut machine = self.with_scratchpad(stretch.end - stretch.start);
        let scratchpad = &mut machine.memories[MemoryId::SCRATCHPAD.index()];
        scratchpad.reserved.clear();
        scratchpad.banks = None;
        machine
    }

    /// The same machine with more reserved addresses in the scratchpad.
    pub fn with_reserved(&self, more: impl IntoIterator<Item = Range<Bytes>>) -> Machine {
        let mut machine = self.clone();
        machine.memories[MemoryId::SCRATCHPAD.index()].reserved.extend(more);
        machine
    }

    /// The size of the scratchpad. Every residency ends within it.
    pub fn scratchpad(&self) -> Bytes {
        self.memories[MemoryId::SCRATCHPAD.index()].size.expect("a scratchpad has a size")
    }

    /// The alignment of every address in the scratchpad; at least 1.
    pub fn alignment(&self) -> Bytes {
        self.memories[MemoryId::SCRATCHPAD.index()].alignment
    }

    /// Sets the size of the scratchpad. Banks keep their size.
    pub fn set_scratchpad(&mut self, size: Bytes) {
        self.memories[MemoryId::SCRATCHPAD.index()].size = Some(size);
    }

    /// The same machine with another size of the scratchpad.
    pub fn with_scratchpad(&self, size: Bytes) -> Machine {
        let mut machine = self.clone();
        machine.set_scratchpad(size);
        machine
    }

    /// The same machine with another alignment of every memory that has addresses.
    pub fn with_alignment(&self, alignment: Bytes) -> Machine {
        let mut machine = self.clone();
        machine.memories.iter_mut().filter(|it| it.size.is_some()).for_each(|it| it.alignment = alignment);
        machine
    }

    /// Sets the alignment of the scratchpad.
    pub fn set_alignment(&mut self, alignment: Bytes) {
        self.memories[MemoryId::SCRATCHPAD.index()].alignment = alignment;
    }
}
