//! The links and the clock in `cosma.machine`: `links` and `compute`.

use crate::fact::{Maker, read_array, read_integer, read_string};
use crate::ffi::string;
use cosma_planner::time::{Channel, ChannelId, Clock, Compute, Ratio, Timing};
use cosma_planner::{Bytes, Cycles, Machine, MemoryId};
use melior::ir::{Attribute, AttributeLike};
use mlir_sys::{
    mlirAttributeIsADictionary, mlirDictionaryAttrGetElement, mlirDictionaryAttrGetNumElements, mlirIdentifierStr,
};

/// The memories that links connect, in the order of their ids.
const MEMORIES: [&str; 2] = ["host", "scratchpad"];

/// The clock that `links` and `compute` describe; `None` if they are absent.
///
/// # Errors
/// A message that follows the attribute's name.
pub(crate) fn read_clock(links: Option<Attribute>, compute: Option<Attribute>) -> Result<Option<Clock>, String> {
    let Some(links) = links else {
        return match compute {
            Some(_) => Err("has 'compute', but no link has a rate".into()),
            None => Ok(None),
        };
    };
    let mut channels: Vec<Channel> = Vec::new();
    let mut timings: Vec<Option<Timing>> = vec![None; Machine::HOST_WAYS.len()];
    for link in read_array(links).unwrap_or_default() {
        let SaidLink { from, to, timing, .. } = read_link(link, &MEMORIES, false, &mut channels)?;
        let [from_name, to_name] = [from, to].map(|it| MEMORIES[it.index()]);
        let index = Machine::HOST_WAYS.iter().position(|it| *it == (from, to));
        let index = index.ok_or_else(|| format!("has a link from {from_name} to itself"))?;
        if timings[index].replace(timing.ok_or_else(|| without("rate"))?).is_some() {
            return Err(format!("has two links from {from_name} to {to_name}"));
        }
    }
    let missing = timings.iter().position(Option::is_none).map(|it| Machine::HOST_WAYS[it]);
    if let Some((from, to)) = missing {
        let [from, to] = [from, to].map(|it| MEMORIES[it.index()]);
        return Err(format!("has no link from {from} to {to}"));
    }
    let compute = compute.map_or(Ok(Compute::default()), read_compute)?;
    let clock = Clock { channels, timings: timings.into_iter().flatten().collect(), compute };
    clock.check_with_host().map_err(|error| format!("is wrong: {error}"))?;
    Ok(Some(clock))
}

/// The description of a link.
pub(crate) struct SaidLink {
    pub from: MemoryId,
    pub to: MemoryId,
    /// The price of a byte.
    pub price: Option<u64>,
    /// Its timing, if it has a rate.
    pub timing: Option<Timing>,
}

fn without(what: &str) -> String {
    format!("has a link without '{what}'")
}

/// Reads a link between memories with these names, in the order of their ids. It may have a price only if `has_prices`.
///
/// # Errors
/// A message that follows the attribute's name.
pub(crate) fn read_link(
    link: Attribute,
    memories: &[&str],
    has_prices: bool,
    channels: &mut Vec<Channel>,
) -> Result<SaidLink, String> {
    let entries = entries(link).ok_or_else(|| format!("needs a dictionary for each link, not {link}"))?;
    let (mut from, mut to, mut price, mut channel, mut rate) = (None, None, None, None, None);
    let (mut setup, mut latency, mut burst) = (0, 0, 0);
    let mut n_of_time = 0;
    for (name, value) in entries {
        n_of_time += usize::from(!matches!(&name[..], "from" | "to" | "price"));
        match &name[..] {
            "from" => from = Some(memory(&name, value, memories)?),
            "to" => to = Some(memory(&name, value, memories)?),
            "channel" => channel = Some(text(&name, value)?),
            "rate" => rate = Some(ratio(&name, value)?),
            "setup" => setup = natural(&name, value)?,
            "latency" => latency = natural(&name, value)?,
            "burst" => burst = natural(&name, value)?,
            "price" if has_prices => price = Some(positive(&name, value)?),
            _ => {
                let others = if has_prices { "price, channel" } else { "channel" };
                return Err(format!(
                    "has an unknown key '{name}' in a link; the keys are from, to, {others}, rate, setup, latency, burst"
                ));
            }
        }
    }
    let (from, to) = (from.ok_or_else(|| without("from"))?, to.ok_or_else(|| without("to"))?);
    if has_prices && n_of_time == 0 {
        return Ok(SaidLink { from, to, price, timing: None });
    }
    let rate = rate.ok_or_else(|| without("rate"))?;
    let channel = channel.ok_or_else(|| without("channel"))?;
    let known = channels.iter().position(|it| it.name == channel);
    let id = known.unwrap_or(channels.len());
    if known.is_none() {
        channels.push(Channel { name: channel });
    }
    let timing = Timing {
        channel: ChannelId(id as u32),
        rate,
        setup: Cycles(setup),
        latency: Cycles(latency),
        burst: Bytes(burst),
    };
    Ok(SaidLink { from, to, price, timing: Some(timing) })
}

pub(crate) fn read_compute(compute: Attribute) -> Result<Compute, String> {
    let mut read = Compute::default();
    for (name, value) in entries(compute).unwrap_or_default() {
        match &name[..] {
            "cycles_per_mac" => read.cycles_per_mac = ratio(&name, value)?,
            "bytes_per_cycle" => read.bytes_per_cycle = Some(ratio(&name, value)?),
            "least_cycles" => read.least_cycles = Cycles(natural(&name, value)?),
            _ => {
                return Err(format!(
                    "has an unknown key '{name}' in 'compute'; the keys are cycles_per_mac, bytes_per_cycle, least_cycles"
                ));
            }
        }
    }
    Ok(read)
}

/// The links of a clock as an attribute.
pub(crate) fn links_attribute<'c>(maker: Maker, clock: &Clock) -> Attribute<'c> {
    let link = |((from, to), timing): ((MemoryId, MemoryId), &Timing)| {
        let mut entries =
            vec![("from", maker.string(MEMORIES[from.index()])), ("to", maker.string(MEMORIES[to.index()]))];
        entries.extend(timing_entries(maker, clock, timing));
        maker.dictionary(&entries)
    };
    maker.array(Machine::HOST_WAYS.into_iter().zip(&clock.timings).map(link))
}

/// The timing entries of a link.
pub(crate) fn timing_entries<'c>(maker: Maker, clock: &Clock, timing: &Timing) -> Vec<(&'static str, Attribute<'c>)> {
    let channel = &clock.channels[timing.channel.index()].name;
    let mut entries = vec![("channel", maker.string(channel)), ("rate", write_ratio(maker, timing.rate))];
    let counts = [("setup", timing.setup.0), ("latency", timing.latency.0), ("burst", timing.burst.0)];
    entries.extend(counts.iter().filter(|it| it.1 != 0).map(|(name, count)| (*name, maker.integer(*count))));
    entries
}

/// The speed of computing as an attribute.
pub(crate) fn compute_attribute<'c>(maker: Maker, compute: &Compute) -> Attribute<'c> {
    let mut entries = vec![("cycles_per_mac", write_ratio(maker, compute.cycles_per_mac))];
    entries.extend(compute.bytes_per_cycle.map(|it| ("bytes_per_cycle", write_ratio(maker, it))));
    entries.push(("least_cycles", maker.integer(compute.least_cycles.0)));
    maker.dictionary(&entries)
}

pub(crate) fn write_ratio<'c>(maker: Maker, ratio: Ratio) -> Attribute<'c> {
    match ratio.denominator() {
        1 => maker.integer(ratio.numerator()),
        _ => maker.string(&ratio.to_string()),
    }
}

/// The entries of a dictionary; `None` for any other attribute.
pub(crate) fn entries<'c>(dictionary: Attribute<'c>) -> Option<Vec<(String, Attribute<'c>)>> {
    let raw = dictionary.to_raw();
    // SAFETY: the attribute is alive.
    if !unsafe { mlirAttributeIsADictionary(raw) } {
        return None;
    }
    let entry = |index| {
        // SAFETY: a dictionary, an index below its count, and what lives in its context.
        unsafe {
            let entry = mlirDictionaryAttrGetElement(raw, index);
            (string(mlirIdentifierStr(entry.name)), Attribute::from_raw(entry.attribute))
        }
    };
    // SAFETY: a dictionary that is alive.
    Some((0..unsafe { mlirDictionaryAttrGetNumElements(raw) }).map(entry).collect())
}

pub(crate) fn text(name: &str, value: Attribute) -> Result<String, String> {
    read_string(value).ok_or_else(|| format!("needs a string as {name}, not {value}"))
}

fn memory(name: &str, value: Attribute, memories: &[&str]) -> Result<MemoryId, String> {
    let said = text(name, value)?;
    let found = memories.iter().position(|it| *it == said).map(|it| MemoryId(it as u32));
    found.ok_or_else(|| format!("has a link {name} '{said}'; the memories are {}", list(memories)))
}

/// Names as an enumeration: `dram, l1 and l2`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => "none".into(),
        [one] => (*one).into(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

pub(crate) fn natural(name: &str, value: Attribute) -> Result<u64, String> {
    let number = read_integer(value).and_then(|it| u64::try_from(it).ok());
    number.ok_or_else(|| format!("needs a 64-bit integer that is not negative as {name}, not {value}"))
}

pub(crate) fn positive(name: &str, value: Attribute) -> Result<u64, String> {
    let number = read_integer(value).and_then(|it| u64::try_from(it).ok()).filter(|it| 0 < *it);
    number.ok_or_else(|| format!("needs a 64-bit integer of at least 1 as {name}, not {value}"))
}

pub(crate) fn ratio(name: &str, value: Attribute) -> Result<Ratio, String> {
    let number = read_integer(value).map(|it| it.to_string());
    let said = number.or_else(|| read_string(value));
    let ratio = said.and_then(|it| it.parse().ok());
    ratio.ok_or_else(|| format!("needs a ratio such as 16, \"3.75\" or \"15/4\" as {name}, not {value}"))
}
