//! Machines of configuration files for Vela, the compiler for Arm's Ethos-U.
//!
//! Such a file has sections for systems and for memory modes: `[System_Config.NAME]` says which memory is behind each of
//! two AXI ports and how fast it is, `[Memory_Mode.NAME]` which port constants, the arena and the cache are behind, and
//! how large the cache or arena is. Both may `inherit` from another section, whose options they replace. The number
//! of multiply-accumulates per cycle and the width of a port follow from the accelerator.
//!
//! - The *scratchpad* is the SRAM with the cache, or with the arena if they are the same memory. Its size is
//!   `arena_cache_size` if that is given. The alignment and the way operators read weights are left open.
//! - *Host memory* is the memory behind the other port. One channel carries transfers in both directions. Its rate is
//!   the memory's `clock_scale` times the width of the port. Incoming transfers have its `read_latency`, outgoing ones
//!   its `write_latency`, and both its `burst_length`.
//! - An operator takes as long as its multiply-accumulates, or as its bytes at the rate of the SRAM if that is longer.
//!
//! Missing options have Vela's defaults: a clock scale of 1, bursts of 1 byte, no latency. The ports of a system are
//! required. `core_clock` is ignored, since all times are in cycles.
//!
//! If host memory is flash, a device may be unable to write it. Then plans with spills or results cannot run; this is
//! not checked here.

use super::MachineFile;
use crate::time::{Channel, ChannelId, Clock, Compute, Ratio, Timing};
use crate::{Bytes, Cycles, Error};
use configparser::ini::Ini;
use std::collections::{BTreeMap, BTreeSet};

/// The accelerators: name, multiply-accumulates per cycle of all cores, bytes per cycle of an AXI port.
const ACCELERATORS: [(&str, u64, u64); 6] = [
    ("ethos-u55-32", 32, 8),
    ("ethos-u55-64", 64, 8),
    ("ethos-u55-128", 128, 8),
    ("ethos-u55-256", 256, 8),
    ("ethos-u65-256", 256, 16),
    ("ethos-u65-512", 512, 16),
];

/// Reads a machine from the text of a configuration file: a system and a memory mode by name, without `System_Config.`
/// and `Memory_Mode.`, and an accelerator such as `ethos-u65-512`.
///
/// # Errors
/// [`Error::Machine`], which names the section and the option, or lists the sections or accelerators that exist.
pub fn read(
    text: &str,
    system_config: &str,
    memory_mode: &str,
    accelerator_config: &str,
) -> Result<MachineFile, Error> {
    let (macs, width) = accelerator(accelerator_config)?;
    let file = File::parse(text)?;
    let system = file.section("System_Config", system_config)?;
    let mode = file.section("Memory_Mode", memory_mode)?;
    let ports = Ports::of(&mode)?;
    let (sram, host) = (system.memory(ports.cache)?, system.memory(ports.other)?);
    if sram != "Sram" {
        return mode.refuse("cache_mem_area", &format!("is behind {sram}, but must be behind Sram"));
    }
    if host == "Sram" {
        return Err(in_one_memory(&mode.name));
    }
    let channel = ChannelId(0);
    let rate = system.rate(&host, width)?;
    let burst = Bytes(system.number(&format!("{host}_burst_length"), 1)?);
    let timing = |latency| Timing { channel, rate, setup: Cycles::ZERO, latency: Cycles(latency), burst };
    let timings = vec![
        timing(system.number(&format!("{host}_read_latency"), 0)?),
        timing(system.number(&format!("{host}_write_latency"), 0)?),
    ];
    let compute = Compute {
        cycles_per_mac: Ratio::new(1, macs).unwrap_or(Ratio::ZERO),
        bytes_per_cycle: Some(system.rate(&sram, width)?),
        least_cycles: Cycles(1),
    };
    let channels = vec![Channel { name: "dma".into() }];
    let scratchpad = mode.optional_number("arena_cache_size")?.map(Bytes);
    Ok(MachineFile { scratchpad, clock: Some(Clock { channels, timings, compute }), ..MachineFile::default() })
}

/// The names of the systems and of the memory modes of a configuration file, each in alphabetical order.
///
/// # Errors
/// [`Error::Machine`] if the text is not such a file.
pub fn sections(text: &str) -> Result<(Vec<String>, Vec<String>), Error> {
    let file = File::parse(text)?;
    Ok((file.names("System_Config"), file.names("Memory_Mode")))
}

/// The accelerators that [`read`] knows.
pub fn accelerators() -> impl Iterator<Item = &'static str> {
    ACCELERATORS.iter().map(|it| it.0)
}

/// Multiply-accumulates per cycle, and bytes per cycle of a port.
fn accelerator(name: &str) -> Result<(u64, u64), Error> {
    let found = ACCELERATORS.iter().find(|it| it.0.eq_ignore_ascii_case(name));
    let all = || accelerators().collect::<Vec<_>>().join(", ");
    found
        .map(|it| (it.1, it.2))
        .ok_or_else(|| Error::Machine(format!("no accelerator {name}: the accelerators are {}", all())))
}

/// The contents of a file: options by section.
struct File(BTreeMap<String, BTreeMap<String, String>>);

impl File {
    fn parse(text: &str) -> Result<File, Error> {
        let sections = Ini::new_cs().read(text.into()).map_err(|why| Error::Machine(format!("no .ini file: {why}")))?;
        let option = |(name, value): (String, Option<String>)| (name.to_ascii_lowercase(), value.unwrap_or_default());
        let section = |(name, options): (String, _)| (name, BTreeMap::into_iter(options).map(option).collect());
        let sorted = sections.into_iter().map(|it| (it.0, it.1.into_iter().collect::<BTreeMap<_, _>>()));
        Ok(File(sorted.map(section).collect()))
    }

    /// The names of all sections of a kind, without the kind.
    fn names(&self, kind: &str) -> Vec<String> {
        let name = |it: &String| it.strip_prefix(kind)?.strip_prefix('.').map(str::to_owned);
        self.0.keys().filter_map(name).collect()
    }

    /// The options of a section, including inherited ones, which its own override.
    fn section(&self, kind: &str, name: &str) -> Result<Section, Error> {
        let name = format!("{kind}.{name}");
        if !self.0.contains_key(&name) {
            let names = self.names(kind);
            let there = if names.is_empty() {
                "there are none".to_owned()
            } else {
                format!("the sections are {}", names.join(", "))
            };
            return Err(Error::Machine(format!("no section [{name}]: {there}")));
        }
        let mut section = Section { name: name.clone(), options: BTreeMap::new() };
        let mut seen = BTreeSet::new();
        let mut next = Some(name);
        while let Some(name) = next {
            let Some(options) = self.0.get(&name) else {
                return section.refuse("inherit", &format!("names [{name}], which does not exist"));
            };
            if !seen.insert(name) {
                return section.refuse("inherit", "leads back to a section that inherits it");
            }
            for (option, value) in options {
                section.options.entry(option.clone()).or_insert_with(|| value.clone());
            }
            next = options.get("inherit").cloned();
        }
        Ok(section)
    }
}

/// A section with everything that it inherits; the names of options are in lower case.
struct Section {
    name: String,
    options: BTreeMap<String, String>,
}

impl Section {
    fn refuse<T>(&self, option: &str, why: &str) -> Result<T, Error> {
        Err(Error::Machine(format!("[{}]: {option} {why}", self.name)))
    }

    fn get(&self, option: &str) -> Option<&str> {
        self.options.get(&option.to_ascii_lowercase()).map(|it| it.trim())
    }

    fn optional_number(&self, option: &str) -> Result<Option<u64>, Error> {
        let Some(value) = self.get(option) else { return Ok(None) };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.refuse(option, &format!("is a whole number that is not negative, not `{value}`")),
        }
    }

    fn number(&self, option: &str, default: u64) -> Result<u64, Error> {
        Ok(self.optional_number(option)?.unwrap_or(default))
    }

    /// The memory behind a port.
    fn memory(&self, port: Port) -> Result<String, Error> {
        let option = match port {
            Port::Axi0 => "axi0_port",
            Port::Axi1 => "axi1_port",
        };
        let memories = ["Sram", "Dram", "OnChipFlash", "OffChipFlash"];
        match self.get(option) {
            Some(memory) if memories.contains(&memory) => Ok(memory.into()),
            Some(other) => self.refuse(option, &format!("is one of {}, not `{other}`", memories.join(", "))),
            None => self.refuse(option, "is missing"),
        }
    }

    /// Bytes per cycle of a memory behind a port of this width in bytes.
    fn rate(&self, memory: &str, width: u64) -> Result<Ratio, Error> {
        let option = format!("{memory}_clock_scale");
        let value = self.get(&option).unwrap_or("1");
        let scale: Ratio = match value.parse() {
            Ok(scale) => scale,
            Err(_) => return self.refuse(&option, &format!("is a number such as 0.75, not `{value}`")),
        };
        let rate = scale.numerator().checked_mul(width).and_then(|it| Ratio::new(it, scale.denominator()));
        match rate {
            Some(rate) if rate.is_zero() => self.refuse(&option, "is more than 0"),
            Some(rate) => Ok(rate),
            None => self.refuse(&option, "has too many digits"),
        }
    }
}

/// A port of the accelerator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Axi0,
    Axi1,
}

/// The port of the cache, and the other one.
struct Ports {
    cache: Port,
    other: Port,
}

impl Ports {
    fn of(mode: &Section) -> Result<Ports, Error> {
        let port = |option: &str| match mode.get(option) {
            None => Ok(Port::Axi0),
            Some(port) if port.eq_ignore_ascii_case("Axi0") => Ok(Port::Axi0),
            Some(port) if port.eq_ignore_ascii_case("Axi1") => Ok(Port::Axi1),
            Some(other) => mode.refuse(option, &format!("is Axi0 or Axi1, not `{other}`")),
        };
        let (constants, arena, cache) = (port("const_mem_area")?, port("arena_mem_area")?, port("cache_mem_area")?);
        if constants == cache && arena == cache {
            return Err(in_one_memory(&mode.name));
        }
        Ok(Ports { cache, other: if cache == Port::Axi0 { Port::Axi1 } else { Port::Axi0 } })
    }
}

fn in_one_memory(mode: &str) -> Error {
    Error::Machine(format!(
        "[{mode}] keeps everything in one memory, so nothing is moved: take a mode whose const_mem_area is behind another \
         memory than its cache_mem_area"
    ))
}
