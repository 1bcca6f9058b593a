//! The machine in a problem's text.

use super::bytes;
use crate::time::{Channel, ChannelId, Clock, Compute, Ratio, Timing};
use crate::{Apart, Banks, Bytes, Cycles, Error, Link, Machine, Memory, MemoryId, Moves, Weights};
use std::fmt;
use std::ops::Range;

/// Whether one line describes the machine, except for its clock and whether anything moves.
pub(super) fn has_usual_form(machine: &Machine) -> bool {
    let usual = Machine::with_host(machine.scratchpad(), machine.alignment());
    (machine.memories(), machine.links()) == (usual.memories(), usual.links())
}

pub(super) fn write_machine(f: &mut fmt::Formatter<'_>, machine: &Machine, weights: Weights) -> fmt::Result {
    let (scratchpad, alignment) = (machine.scratchpad(), machine.alignment());
    let is_usual = has_usual_form(machine);
    if is_usual {
        let weights = weights.name();
        writeln!(f, "machine scratchpad {scratchpad} alignment {alignment} weights {weights}")?;
    } else {
        for Memory { name, size, alignment, reserved, banks } in machine.memories() {
            write!(f, "memory {name}")?;
            if let Some(size) = size {
                write!(f, " {size}")?;
            }
            write!(f, " alignment {alignment}")?;
            for (index, range) in reserved.iter().enumerate() {
                write!(f, "{} {}..{}", if index == 0 { " reserved" } else { "" }, range.start, range.end)?;
            }
            if let (Some(Banks { size: bank, apart }), Some(size)) = (banks, size) {
                match size.0.is_multiple_of(bank.0) && *size != Bytes::ZERO {
                    true => write!(f, " banks {}", size.0 / bank.0)?,
                    false => write!(f, " banks of {bank}")?,
                }
                match apart {
                    Apart::No => {}
                    Apart::Must => write!(f, " apart")?,
                    Apart::Price(price) => write!(f, " apart price {price}")?,
                }
            }
            writeln!(f)?;
        }
    }
    let clock = machine.clock();
    for Channel { name } in clock.iter().flat_map(|it| &it.channels) {
        writeln!(f, "channel {name}")?;
    }
    let name = |it: MemoryId| &machine.memories()[it.index()].name;
    for (index, link) in machine.links().iter().enumerate() {
        let way = format!("link {} {}", name(link.from), name(link.to));
        match clock {
            None if is_usual => {}
            None => writeln!(f, "{way} price {}", link.price)?,
            Some(clock) => {
                let Timing { channel, rate, setup, latency, burst } = clock.timings[index];
                let price = if is_usual { String::new() } else { format!(" price {}", link.price) };
                let channel = &clock.channels[channel.index()].name;
                writeln!(f, "{way}{price} rate {rate} setup {setup} latency {latency} burst {burst} on {channel}")?;
            }
        }
    }
    if let Some(Clock { compute: Compute { cycles_per_mac, bytes_per_cycle, least_cycles }, .. }) = clock {
        write!(f, "compute cycles_per_mac {cycles_per_mac}")?;
        if let Some(bytes_per_cycle) = bytes_per_cycle {
            write!(f, " bytes_per_cycle {bytes_per_cycle}")?;
        }
        writeln!(f, " least_cycles {least_cycles}")?;
    }
    match machine.moves() {
        Moves::Links => Ok(()),
        Moves::None => writeln!(f, "moves {}", Moves::None.name()),
    }
}

/// Parses the statements about the machine.
#[derive(Default)]
pub(crate) struct MachineParser {
    /// The machine with a host, from the one-line form.
    pub usual: Option<Machine>,
    /// The way operators read weights, if the line has it.
    pub weights: Option<Weights>,
    pub memories: Vec<Memory>,
    pub channels: Vec<Channel>,
    pub links: Vec<(Link, Option<Timing>)>,
    pub compute: Option<Compute>,
    pub moves: Moves,
}

impl MachineParser {
    /// Parses a statement about the machine; false for any other statement.
    pub fn statement(&mut self, statement: &str) -> Result<bool, String> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["machine", "scratchpad", scratchpad, "alignment", alignment, weights @ ..] => {
                self.weights = match weights {
                    [] => None,
                    ["weights", "resident"] => Some(Weights::Resident),
                    ["weights", "streamed"] => Some(Weights::Streamed),
                    ["weights", "auto"] => Some(Weights::Auto),
                    other => {
                        let found = other.last().unwrap_or(&"");
                        return Err(format!("weights are resident, streamed or auto, not {found}"));
                    }
                };
                self.usual = Some(Machine::with_host(bytes(scratchpad)?, bytes(alignment)?));
            }
            ["memory", name, rest @ ..] => {
                let memory = parse_memory(name, rest)?;
                self.memories.push(memory);
            }
            ["channel", name] => {
                if self.channels.iter().any(|it| it.name == *name) {
                    return Err(format!("channel {name} is defined twice"));
                }
                self.channels.push(Channel { name: (*name).into() });
            }
            ["link", from, to, words @ ..] => {
                let link = self.link(from, to, words)?;
                self.links.push(link);
            }
            ["moves", moves @ ..] => {
                let all = [Moves::Links, Moves::None];
                let found = all.into_iter().find(|it| [it.name()] == moves);
                self.moves = found.ok_or_else(|| format!("moves are links or none, not {}", moves.join(" ")))?;
            }
            ["compute", words @ ..] => self.compute = Some(parse_compute(words)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `link FROM TO [price NUMBER] [rate RATIO [setup CYCLES] [latency CYCLES] [burst BYTES] on CHANNEL]`, after TO.
    fn link(&self, from: &str, to: &str, words: &[&str]) -> Result<(Link, Option<Timing>), String> {
        let memories = self.usual.as_ref().map_or(&self.memories[..], Machine::memories);
        let find = |name: &str| {
            let found = memories.iter().position(|it| it.name == name);
            found.map(|it| MemoryId(it as u32)).ok_or_else(|| format!("no memory {name} so far"))
        };
        let mut link = Link { from: find(from)?, to: find(to)?, price: 1 };
        let mut price = None;
        if link.from == link.to {
            return Err("a link leads from one memory to another".into());
        }
        if self.links.iter().any(|it| (it.0.from, it.0.to) == (link.from, link.to)) {
            return Err(format!("two links lead from {from} to {to}"));
        }
        let (mut rate, mut channel) = (None, None);
        let (mut setup, mut latency, mut burst) = (Cycles::ZERO, Cycles::ZERO, Bytes::ZERO);
        let mut first_of_time = None;
        for pair in pairs(words)? {
            match pair {
                ("price", said) => price = Some(said.parse().map_err(|_| format!("expected a price, not {said}"))?),
                ("rate", ratio) => rate = Some(positive(ratio)?),
                ("setup", count) => setup = cycles(count)?,
                ("latency", count) => latency = cycles(count)?,
                ("burst", count) => burst = bytes(count)?,
                ("on", name) => {
                    let found = self.channels.iter().position(|it| it.name == name);
                    channel = Some(ChannelId(found.ok_or_else(|| format!("no channel {name} so far"))? as u32));
                }
                (other, _) => {
                    return Err(format!(
                        "expected `price`, `rate`, `setup`, `latency`, `burst` or `on`, not `{other}`"
                    ));
                }
            }
            if pair.0 != "price" {
                first_of_time = first_of_time.or(Some(pair.0));
            }
        }
        let timing = match (rate, channel, first_of_time) {
            (Some(rate), Some(channel), _) => Some(Timing { channel, rate, setup, latency, burst }),
            (None, _, Some(word)) => return Err(format!("`{word}` needs a link with a rate")),
            (Some(_), None, _) => return Err("a link with a rate needs `on CHANNEL`".into()),
            (None, _, None) => None,
        };
        // With several memories, the default price is the time of bytes.
        let by_rate = timing.filter(|_| 2 < memories.len()).map(|timing: Timing| timing.price());
        link.price = price.or(by_rate).unwrap_or(1);
        Ok((link, timing))
    }

    /// The machine, if there was any statement about it.
    pub fn finish(self) -> Result<Option<Machine>, Error> {
        match self.moves {
            Moves::Links => self.finish_with_moves(),
            Moves::None => self.finish_with_moves()?.map(Machine::without_moves).transpose(),
        }
    }

    fn finish_with_moves(self) -> Result<Option<Machine>, Error> {
        let (links, timings): (Vec<Link>, Vec<Option<Timing>>) = self.links.into_iter().unzip();
        let machine = match self.usual {
            Some(_) if !self.memories.is_empty() => {
                return Err(Error::Machine(
                    "describe a machine in one line or in a line for each memory, not both".into(),
                ));
            }
            None if !self.memories.is_empty() => Machine::new(self.memories, links)?,
            // Links that are given as well, in each direction, replace those of the line.
            Some(usual) if !links.is_empty() => Machine::new(usual.memories().to_vec(), links)?,
            Some(usual) => usual,
            None => return Ok(None),
        };
        if timings.iter().any(Option::is_some) {
            let timings = timings.into_iter().flatten().collect();
            let compute = self.compute.unwrap_or_default();
            return machine.with_clock(Clock { channels: self.channels, timings, compute }).map(Some);
        }
        match (self.channels.first(), self.compute) {
            (None, None) => Ok(Some(machine)),
            (Some(channel), _) => {
                Err(Error::Machine(format!("there is channel {}, but no link has a rate", channel.name)))
            }
            (None, Some(_)) => Err(Error::Machine("there is a speed of computing, but no link has a rate".into())),
        }
    }
}

/// `cycles_per_mac RATIO`, `bytes_per_cycle RATIO` and `least_cycles NUMBER`, all optional.
fn parse_compute(words: &[&str]) -> Result<Compute, String> {
    let mut compute = Compute::default();
    for pair in pairs(words)? {
        match pair {
            ("cycles_per_mac", ratio) => {
                compute.cycles_per_mac = ratio.parse().map_err(|error| format!("cycles_per_mac: {error}"))?;
            }
            ("bytes_per_cycle", ratio) => compute.bytes_per_cycle = Some(positive(ratio)?),
            ("least_cycles", count) => compute.least_cycles = cycles(count)?,
            (other, _) => {
                return Err(format!("expected `cycles_per_mac`, `bytes_per_cycle` or `least_cycles`, not `{other}`"));
            }
        }
    }
    Ok(compute)
}

/// Words in pairs, with distinct first words.
fn pairs<'a>(words: &[&'a str]) -> Result<Vec<(&'a str, &'a str)>, String> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for pair in words.chunks(2) {
        let &[word, value] = pair else { return Err(format!("nothing after `{}`", pair[0])) };
        if pairs.iter().any(|it| it.0 == word) {
            return Err(format!("`{word}` is given twice"));
        }
        pairs.push((word, value));
    }
    Ok(pairs)
}

fn positive(word: &str) -> Result<Ratio, String> {
    let ratio: Ratio = word.parse().map_err(|error| format!("{error}"))?;
    if ratio.is_zero() { Err(format!("expected more than 0 bytes per cycle, not {word}")) } else { Ok(ratio) }
}

pub(super) fn cycles(word: &str) -> Result<Cycles, String> {
    word.parse().map(Cycles).map_err(|_| format!("expected a number of cycles, not {word}"))
}

/// `memory NAME [SIZE] [alignment BYTES] [reserved FROM..TO …] [banks NUMBER | banks of BYTES [apart [price BYTES]]]`,
/// after the name.
fn parse_memory(name: &str, words: &[&str]) -> Result<Memory, String> {
    let (size, words) = match words {
        [size, rest @ ..] if size.parse::<u64>().is_ok() => (Some(bytes(size)?), rest),
        words => (None, words),
    };
    let (alignment, words) = match words {
        ["alignment", alignment, rest @ ..] => (bytes(alignment)?, rest),
        words => (Bytes(1), words),
    };
    let at = words.iter().position(|it| *it == "banks").unwrap_or(words.len());
    let (words, banks) = words.split_at(at);
    let ranges = match words {
        ["reserved", ranges @ ..] => ranges,
        [] => &[],
        other => {
            let found = other.join(" ");
            return Err(format!("expected `alignment BYTES`, `reserved FROM..TO` or `banks NUMBER`, not `{found}`"));
        }
    };
    let range = |word: &&str| {
        let (start, end) = word.split_once("..").ok_or_else(|| format!("expected FROM..TO, not {word}"))?;
        Ok::<Range<Bytes>, String>(bytes(start)?..bytes(end)?)
    };
    let reserved = ranges.iter().map(range).collect::<Result<_, _>>()?;
    let memory = Memory { name: name.into(), size, alignment, reserved, banks: None };
    let (banks, apart) = match banks {
        [banks @ .., "apart"] => (banks, Apart::Must),
        [banks @ .., "apart", "price", price] => (banks, Apart::Price(bytes(price)?.0)),
        banks => (banks, Apart::No),
    };
    match banks {
        [] => Ok(memory),
        [_, "of", size] => {
            let size = bytes(size)?;
            Ok(Memory { banks: Some(Banks { size, apart }), ..memory })
        }
        [_, count] => {
            let count = count.parse().map_err(|_| format!("expected a number of banks, not {count}"))?;
            memory.with_banks(count, apart).map_err(|error| match error {
                Error::Machine(why) => why,
                other => other.to_string(),
            })
        }
        other => Err(format!(
            "expected `banks NUMBER`, `banks of BYTES`, `apart` and `price BYTES`, not `{}`",
            other.join(" ")
        )),
    }
}
