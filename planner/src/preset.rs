//! Descriptions of machines: presets by name; files in the form of a problem's machine lines; and the configuration
//! files of Vela ([`vela`]).
//!
//! A machine file has only the lines of a problem's text that describe a machine with one scratchpad; `#` starts a
//! comment:
//!
//! ```text
//! machine scratchpad 393216 alignment 16
//! channel dma
//! link host scratchpad rate 15/4 latency 500 burst 128 on dma
//! link scratchpad host rate 15/4 latency 250 burst 128 on dma
//! compute cycles_per_mac 1/512 bytes_per_cycle 16
//! ```
//!
//! It may omit the first line, or all others: the caller sets what it does not state.
//!
//! A machine with several memories has one line for each instead of the first one, home first and then the scratchpad,
//! and all links, each with a price, by default 1:
//!
//! ```text
//! memory dram
//! memory l1 262144 alignment 16
//! memory l2 2097152 alignment 16
//! link dram l2 price 4
//! link l2 dram price 4
//! link l2 l1
//! link l1 l2
//! ```
//!
//! ```
//! use cosma_planner::{Bytes, Machine, preset};
//!
//! let file = preset::named("ethos-u65-high-end")?;
//! let machine = file.join(&Machine::with_host(Bytes(524_288), Bytes(64)))?;
//! assert_eq!(machine.scratchpad(), Bytes(393_216));
//! assert!(machine.clock().is_some());
//! # Ok::<(), cosma_planner::Error>(())
//! ```

mod read;
pub mod vela;

pub use read::read;

use crate::text::machine::MachineParser;
use crate::time::{Clock, Timing};
use crate::{Bytes, Error, Machine, Memory, MemoryId, Weights};
use std::str::FromStr;

/// The description of a machine with one scratchpad and a host memory, or of one with several memories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineFile {
    /// The size of the scratchpad.
    pub scratchpad: Option<Bytes>,
    /// The alignment of every address in the scratchpad; at least 1.
    pub alignment: Option<Bytes>,
    /// The way operators read weights.
    pub weights: Option<Weights>,
    /// For the two links of [`Machine::with_host`]: from the host memory into the scratchpad, then back.
    pub clock: Option<Clock>,
    /// The whole machine, if it has several memories, its clock included; then the other fields are `None`.
    pub memories: Option<Machine>,
}

/// The names and files of the presets, sorted by name.
const PRESETS: [(&str, &str); 9] = [
    ("ethos-u55-high-end", include_str!("../machines/ethos-u55-high-end.txt")),
    ("ethos-u65-client-server", include_str!("../machines/ethos-u65-client-server.txt")),
    ("ethos-u65-dedicated-sram", include_str!("../machines/ethos-u65-dedicated-sram.txt")),
    ("ethos-u65-embedded", include_str!("../machines/ethos-u65-embedded.txt")),
    ("ethos-u65-high-end", include_str!("../machines/ethos-u65-high-end.txt")),
    ("imx-rt1170", include_str!("../machines/imx-rt1170.txt")),
    ("mcu-psram", include_str!("../machines/mcu-psram.txt")),
    ("siracusa-like", include_str!("../machines/siracusa-like.txt")),
    ("soma-edge", include_str!("../machines/soma-edge.txt")),
];

/// The names of the presets, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|it| it.0)
}

/// The text of a preset, with comments on the sources of its numbers.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|it| it.0 == name).map(|it| it.1)
}

/// A preset by name.
///
/// # Errors
/// [`Error::Machine`] for an unknown name; the message lists the known ones.
pub fn named(name: &str) -> Result<MachineFile, Error> {
    let unknown =
        || Error::Machine(format!("no machine {name}: the machines are {}", names().collect::<Vec<_>>().join(", ")));
    text(name).ok_or_else(unknown)?.parse()
}

impl MachineFile {
    /// The machine with everything that the file states; the rest stays unchanged. Several memories replace the whole
    /// machine.
    ///
    /// # Errors
    /// [`Error::Machine`] if the file has a clock, and the machine has links other than the two of
    /// [`Machine::with_host`].
    pub fn join(&self, machine: &Machine) -> Result<Machine, Error> {
        if let Some(memories) = &self.memories {
            return Ok(memories.clone());
        }
        let mut machine = machine.clone();
        if let Some(scratchpad) = self.scratchpad {
            machine.set_scratchpad(scratchpad);
        }
        if let Some(alignment) = self.alignment {
            machine.set_alignment(alignment);
        }
        let Some(clock) = &self.clock else { return Ok(machine) };
        let links: Vec<_> = machine.links().iter().map(|it| (it.from, it.to)).collect();
        if links != Machine::HOST_WAYS {
            return Err(Error::Machine("the clock is for a machine with one scratchpad and a link each way".into()));
        }
        machine.with_clock(clock.clone())
    }
}

impl FromStr for MachineFile {
    type Err = Error;

    /// # Errors
    /// [`Error::Text`] for a line that does not parse, or that requires another line that is missing.
    fn from_str(text: &str) -> Result<MachineFile, Error> {
        let first_word =
            |line: &'_ str| line.split('#').next().and_then(|it| it.split_whitespace().next()).map(str::to_owned);
        let is_first = |word: Option<String>| word.is_some_and(|it| it == "memory" || it == "machine");
        let first = text.lines().map(first_word).find(|it| is_first(it.clone())).flatten();
        if first.is_some_and(|it| it == "memory") {
            let memories = Some(memories(text)?);
            return Ok(MachineFile { memories, ..MachineFile::default() });
        }
        let mut file = MachineFile::default();
        // Links name memories, whether or not the line of the memories is present.
        let nameless = || Some(Machine::with_host(Bytes::ZERO, Bytes(1)));
        let mut parser = MachineParser { usual: nameless(), ..MachineParser::default() };
        let mut ends = Ends::default();
        for (index, line) in text.lines().enumerate() {
            let refuse = |message: String| Error::Text { line: index + 1, message };
            let statement = line.split('#').next().unwrap_or_default();
            let Some(word) = statement.split_whitespace().next() else { continue };
            let is_known = parser.statement(statement).map_err(refuse)?;
            match word {
                _ if !is_known => {
                    return Err(refuse(format!("expected machine, channel, link or compute, not {word}")));
                }
                "machine" => file.state_memory(&mut parser, nameless()).map_err(refuse)?,
                "link" => ends.link = Some(index + 1),
                "channel" | "compute" => ends.other = Some(index + 1),
                _ => return Err(refuse("a machine file has one scratchpad, in a line `machine scratchpad`".into())),
            }
            if parser.links.last().is_some_and(|it| it.0.price != 1) {
                return Err(refuse("links of a machine file with one scratchpad cannot have prices".into()));
            }
        }
        file.clock = clock(parser, ends)?;
        Ok(file)
    }
}

impl MachineFile {
    /// Takes the contents of the `machine` line from the parser, which continues with a machine that has the same
    /// names.
    fn state_memory(&mut self, parser: &mut MachineParser, nameless: Option<Machine>) -> Result<(), String> {
        let Some(machine) = std::mem::replace(&mut parser.usual, nameless) else { return Ok(()) };
        if self.scratchpad.is_some() {
            return Err("the machine is stated twice".into());
        }
        if machine.alignment() == Bytes::ZERO {
            return Err("alignment must be at least 1 B".into());
        }
        self.scratchpad = Some(machine.scratchpad());
        self.alignment = Some(machine.alignment());
        self.weights = parser.weights;
        Ok(())
    }
}

/// A machine with several memories, one line for each.
fn memories(text: &str) -> Result<Machine, Error> {
    let mut parser = MachineParser::default();
    let mut last_line = 1;
    for (index, line) in text.lines().enumerate() {
        let refuse = |message: String| Err(Error::Text { line: index + 1, message });
        let statement = line.split('#').next().unwrap_or_default();
        let Some(word) = statement.split_whitespace().next() else { continue };
        last_line = index + 1;
        let is_known = match parser.statement(statement) {
            Ok(is_known) => is_known,
            Err(message) => return refuse(message),
        };
        let n_memories = parser.memories.len();
        let wrong = match word {
            "moves" => Some("a machine file cannot describe a machine on which nothing moves".into()),
            "machine" => Some("describe a machine in one line or in a line for each memory, not both".into()),
            "memory" if !is_known => Some("a memory needs a name: `memory NAME`".into()),
            "link" if !is_known => Some("a link needs two memories: `link FROM TO`".into()),
            "channel" if !is_known => Some("a channel has only a name: `channel NAME`".into()),
            "memory" => parser.memories.last().and_then(|it| wrong_memory(it, &parser.memories[..n_memories - 1])),
            "link" if parser.links.last().is_some_and(|it| it.0.price == 0) => {
                Some("expected a price of at least 1, not 0".into())
            }
            _ if !is_known => Some(format!("expected memory, channel, link or compute, not {word}")),
            _ => None,
        };
        if let Some(message) = wrong {
            return refuse(message);
        }
    }
    let at_end = |error: Error| match error {
        Error::Machine(message) => Error::Text { line: last_line, message },
        other => other,
    };
    let machine = parser.finish().map_err(at_end)?.expect("a memory was stated");
    for (from, to) in Machine::HOST_WAYS {
        if !machine.has_way(from, to) {
            let [from, to] = [from, to].map(|it| &machine.memories()[it.index()].name);
            let message =
                format!("there are no links from {from} to {to}, neither directly nor through other memories");
            return Err(Error::Text { line: last_line, message });
        }
    }
    Ok(machine)
}

/// The error of a memory, given those before it, if any.
fn wrong_memory(memory: &Memory, before: &[Memory]) -> Option<String> {
    let Memory { name, size, alignment, reserved, .. } = memory;
    if before.iter().any(|it| it.name == *name) {
        return Some(format!("two memories have the name {name}"));
    }
    if *alignment == Bytes::ZERO {
        return Some("alignment must be at least 1 B".into());
    }
    match (before.len(), size) {
        (0, Some(_)) => return Some(format!("the first memory, {name}, is home and cannot have a size")),
        (1, None) => return Some(format!("the second memory, {name}, is the scratchpad and needs a size")),
        _ => {}
    }
    let sizes = before.iter().chain([memory]).filter_map(|it| it.size).map(|it| u128::from(it.0)).sum::<u128>();
    if i64::MAX as u128 <= sizes {
        return Some(format!("{sizes} B of memory in all are too many"));
    }
    let size = size.unwrap_or(Bytes::ZERO);
    let outside = reserved.iter().find(|it| it.end <= it.start || size < it.end)?;
    Some(format!("{}..{} cannot be reserved in {name}, which has {size} B", outside.start, outside.end))
}

/// The last lines of a clock, counted from 1.
#[derive(Default)]
struct Ends {
    link: Option<usize>,
    other: Option<usize>,
}

/// The clock in the file, if any.
fn clock(parser: MachineParser, ends: Ends) -> Result<Option<Clock>, Error> {
    let refuse = |line: Option<usize>, message: String| Err(Error::Text { line: line.unwrap_or(1), message });
    let timing = |way: &(MemoryId, MemoryId)| -> Option<Timing> {
        parser.links.iter().find(|it| (it.0.from, it.0.to) == *way).and_then(|it| it.1)
    };
    let timings: Vec<Timing> = Machine::HOST_WAYS.iter().filter_map(timing).collect();
    match (ends.link, ends.other) {
        (None, None) => return Ok(None),
        (None, other) => return refuse(other, "there is a clock, but no link has a rate".into()),
        _ => {}
    }
    let Some(missing) = Machine::HOST_WAYS.iter().find(|it| timing(it).is_none()) else {
        let clock = Clock { channels: parser.channels, timings, compute: parser.compute.unwrap_or_default() };
        return Ok(Some(clock));
    };
    let name = |it: MemoryId| if it == MemoryId::HOME { "host" } else { "scratchpad" };
    refuse(ends.link, format!("the link from {} to {} has no rate", name(missing.0), name(missing.1)))
}
