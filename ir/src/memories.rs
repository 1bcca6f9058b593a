//! Several memories in `cosma.machine`: `memories`, `home`, and the links between them.

use crate::clock::{SaidLink, entries, list, natural, positive, read_compute, read_link, text, timing_entries};
use crate::fact::{Maker, read_array};
use crate::machine::{Machine, read_reserved, write_reserved};
use cosma_planner::time::{Clock, Compute, Timing};
use cosma_planner::{Apart, Bytes, Link, Memory, MemoryId, Moves};
use melior::ir::{Attribute, AttributeLike};

/// What an attribute says of several memories, and of the links and the clock.
pub(crate) struct Said<'c> {
    pub memories: Option<Attribute<'c>>,
    pub home: Option<Attribute<'c>>,
    pub scratchpad: Option<Attribute<'c>>,
    pub alignment: Option<u64>,
    pub links: Option<Attribute<'c>>,
    pub compute: Option<Attribute<'c>>,
    pub moves: Moves,
}

/// Reads the memories: home, then the scratchpad, then the others by name; with a clock, if links have rates. None where
/// it is not said that there are several.
///
/// # Errors
/// What is wrong with them, to be said after the attribute's name.
pub(crate) fn read_memories(said: &Said) -> Result<Option<cosma_planner::Machine>, String> {
    let Some(memories) = said.memories else { return Ok(None) };
    let alignment = said.alignment.unwrap_or(Machine::DEFAULT_ALIGNMENT);
    let read = |(name, value): (String, Attribute)| read_memory(name, value, alignment);
    let all: Vec<Memory> = entries(memories).unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
    let sizes: u128 = all.iter().filter_map(|it| it.size).map(|it| u128::from(it.0)).sum();
    if i64::MAX as u128 <= sizes {
        return Err(format!("has memories of {sizes} B in all, which is too many"));
    }
    let home = find_home(&all, said.home)?;
    let scratchpad = find_scratchpad(&all, said.scratchpad)?;
    let first = [all[home].clone(), all[scratchpad].clone()];
    let others = all.into_iter().enumerate().filter(|it| it.0 != home && it.0 != scratchpad).map(|it| it.1);
    let memories: Vec<Memory> = first.into_iter().chain(others).collect();

    let (links, clock) = read_links(&memories, said)?;
    let wrong = |error: cosma_planner::Error| format!("is wrong: {error}");
    let machine = cosma_planner::Machine::new(memories, links).map_err(wrong)?;
    if said.moves == Moves::None {
        return match clock {
            Some(_) => Err("has rates of links, but nothing moves over them".into()),
            None => machine.without_moves().map(Some).map_err(wrong),
        };
    }
    for (from, to) in cosma_planner::Machine::HOST_WAYS {
        if !machine.has_way(from, to) {
            let [from, to] = [from, to].map(|it| &machine.memories()[it.index()].name);
            return Err(format!("has no way from {from} to {to}, neither directly nor through other memories"));
        }
    }
    let machine = match clock {
        Some(clock) => machine.with_clock(clock).map_err(wrong)?,
        None => machine,
    };
    Ok(Some(machine))
}

fn read_memory(name: String, value: Attribute, default: u64) -> Result<Memory, String> {
    if name.is_empty() || name.contains(|it: char| it.is_whitespace() || ":|@".contains(it)) {
        return Err(format!("has a memory with the invalid name '{name}'"));
    }
    let of = |what: &str| format!("{what} of '{name}'");
    let entries = entries(value).ok_or_else(|| format!("needs a dictionary for the memory '{name}', not {value}"))?;
    let (mut size, mut alignment, mut reserved) = (None, None, Vec::new());
    let (mut banks, mut apart) = (None, Apart::No);
    for (key, value) in entries {
        match &key[..] {
            "size" => size = Some(natural(&of(&key), value)?),
            "alignment" => alignment = Some(positive(&of(&key), value)?),
            "reserved" if read_array(value).is_some() => reserved = read_reserved(value)?,
            "reserved" => return Err(format!("needs a list of [first, end] as {}, not {value}", of(&key))),
            "banks" => banks = Some(positive(&of(&key), value)?),
            "apart" if value.is_unit() => apart = Apart::Must,
            "apart" => match positive(&of(&key), value) {
                Ok(price) => apart = Apart::Price(price),
                Err(_) => return Err(format!("needs no value or a positive number for {}, not {value}", of(&key))),
            },
            _ => {
                return Err(format!(
                    "has an unknown key '{key}' in the memory '{name}'; the keys are size, alignment, reserved, banks, apart"
                ));
            }
        }
    }
    match size {
        None if !reserved.is_empty() => return Err(format!("reserves addresses of '{name}', which has no size")),
        None if alignment.is_some() => return Err(format!("has an alignment of '{name}', which has no size")),
        _ => {}
    }
    if let Some((size, outside)) = size.and_then(|size| Some((size, reserved.iter().find(|it| size < it.end)?))) {
        return Err(format!("reserves {} to {} of '{name}', which ends at {size}", outside.start, outside.end));
    }
    let alignment = if size.is_some() { alignment.unwrap_or(default) } else { 1 };
    let reserved = reserved.into_iter().map(|it| Bytes(it.start)..Bytes(it.end)).collect();
    let memory = Memory { name, size: size.map(Bytes), alignment: Bytes(alignment), reserved, banks: None };
    match banks {
        Some(banks) => memory.with_banks(banks, apart).map_err(|error| format!("is wrong: {error}")),
        None if apart != Apart::No => Err(format!("keeps operands of '{}' apart, which has no banks", memory.name)),
        None => Ok(memory),
    }
}

fn names(memories: &[Memory]) -> Vec<&str> {
    memories.iter().map(|it| it.name.as_str()).collect()
}

fn find(memories: &[Memory], what: &str, said: Attribute) -> Result<usize, String> {
    let name = text(what, said)?;
    let found = memories.iter().position(|it| it.name == name);
    found.ok_or_else(|| format!("has the {what} '{name}'; the memories are {}", list(&names(memories))))
}

/// The memory without a size in which arguments lie.
fn find_home(memories: &[Memory], said: Option<Attribute>) -> Result<usize, String> {
    let without: Vec<usize> = (0..memories.len()).filter(|it| memories[*it].size.is_none()).collect();
    let home = match (said, &without[..]) {
        (Some(said), _) => find(memories, "home", said)?,
        (None, [one]) => *one,
        (None, []) => return Err("has no memory without a size, which would be home".into()),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|it| memories[*it].name.as_str()).collect();
            let (n, first) = (names.len(), names[0]);
            return Err(format!(
                "has {n} memories without a size, {}: name the one that is home, as home = \"{first}\"",
                list(&names)
            ));
        }
    };
    let Memory { name, size, .. } = &memories[home];
    match size {
        Some(size) => Err(format!("has '{name}' as home, which has a size, {size} B")),
        None => Ok(home),
    }
}

/// The memory with a size in which operators run.
fn find_scratchpad(memories: &[Memory], said: Option<Attribute>) -> Result<usize, String> {
    let said = said.ok_or_else(|| {
        let sized = memories.iter().find(|it| it.size.is_some());
        let example = sized.map(|it| format!(", as scratchpad = \"{}\"", it.name)).unwrap_or_default();
        format!("has memories, but does not name the one that is the scratchpad{example}")
    })?;
    let scratchpad = find(memories, "scratchpad", said)?;
    match &memories[scratchpad] {
        Memory { name, size: None, .. } => Err(format!("has '{name}' as scratchpad, which has no size")),
        _ => Ok(scratchpad),
    }
}

fn read_links(memories: &[Memory], said: &Said) -> Result<(Vec<Link>, Option<Clock>), String> {
    let names = names(memories);
    let said_links = said.links.and_then(read_array).unwrap_or_default();
    let (mut channels, mut links, mut timings) = (Vec::new(), Vec::<Link>::new(), Vec::<Timing>::new());
    for link in said_links {
        let SaidLink { from, to, price, timing } = read_link(link, &names, true, &mut channels)?;
        let [from_name, to_name] = [from, to].map(|it| names[it.index()]);
        if from == to {
            return Err(format!("has a link from {from_name} to itself"));
        }
        if links.iter().any(|it| (it.from, it.to) == (from, to)) {
            return Err(format!("has two links from {from_name} to {to_name}"));
        }
        links.push(Link { from, to, price: price.unwrap_or_else(|| default_price(memories.len(), timing.as_ref())) });
        timings.extend(timing);
    }
    let compute = said.compute.map(read_compute).transpose()?;
    if timings.is_empty() {
        return match compute {
            Some(_) => Err("has 'compute', but no link has a rate".into()),
            None => Ok((links, None)),
        };
    }
    let compute = compute.unwrap_or_else(Compute::default);
    Ok((links, Some(Clock { channels, timings, compute })))
}

/// The price of a byte over a link that does not specify one: with several memories and a rate, by that.
fn default_price(n_memories: usize, timing: Option<&Timing>) -> u64 {
    timing.filter(|_| 2 < n_memories).map_or(1, Timing::price)
}

/// The memories as a dictionary; one of this alignment does not say so.
pub(crate) fn memories_attribute<'c>(maker: Maker, machine: &cosma_planner::Machine, alignment: u64) -> Attribute<'c> {
    let memory = |memory: &Memory| {
        let mut entries: Vec<(&str, Attribute)> = Vec::new();
        if let Some(size) = memory.size {
            entries.push(("size", maker.integer(size.0)));
            if memory.alignment.0 != alignment {
                entries.push(("alignment", maker.integer(memory.alignment.0)));
            }
        }
        if !memory.reserved.is_empty() {
            let ranges: Vec<_> = memory.reserved.iter().map(|it| it.start.0..it.end.0).collect();
            entries.push(("reserved", write_reserved(maker, &ranges)));
        }
        if let (Some(banks), Some(size)) = (memory.banks, memory.size) {
            entries.push(("banks", maker.integer(size.0.div_ceil(banks.size.0))));
            match banks.apart {
                Apart::No => {}
                Apart::Must => entries.push(("apart", maker.unit())),
                Apart::Price(price) => entries.push(("apart", maker.integer(price))),
            }
        }
        maker.dictionary(&entries)
    };
    let entries: Vec<(&str, Attribute)> = machine.memories().iter().map(|it| (it.name.as_str(), memory(it))).collect();
    maker.dictionary(&entries)
}

/// The name of home, where it is not the only memory without a size.
pub(crate) fn home_attribute<'c>(maker: Maker, machine: &cosma_planner::Machine) -> Option<Attribute<'c>> {
    let all = machine.memories();
    let n_without = all.iter().filter(|it| it.size.is_none()).count();
    (1 < n_without).then(|| maker.string(&all[0].name))
}

/// The links between the memories, with prices other than 1 and their speed.
pub(crate) fn memory_links_attribute<'c>(maker: Maker, machine: &cosma_planner::Machine) -> Attribute<'c> {
    let name = |it: MemoryId| maker.string(&machine.memories()[it.index()].name);
    let link = |(index, link): (usize, &Link)| {
        let mut entries = vec![("from", name(link.from)), ("to", name(link.to))];
        let timing = machine.clock().map(|clock| &clock.timings[index]);
        if link.price != default_price(machine.memories().len(), timing) {
            entries.push(("price", maker.integer(link.price)));
        }
        if let Some(clock) = machine.clock() {
            entries.extend(timing_entries(maker, clock, &clock.timings[index]));
        }
        maker.dictionary(&entries)
    };
    maker.array(machine.links().iter().enumerate().map(link))
}
