//! The machine to plan for, from pass options and the attribute `cosma.machine`.

use cosma_ir::melior::ir::OperationRef;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::{Diagnostic, OptionInfo, PassOptions};
use cosma_planner::preset::MachineFile;
use cosma_planner::time::Clock;
use cosma_planner::{Bytes, Error, Keep, Machine, MemoryId, Size, Weights};
use std::ops::Range;
use std::str::FromStr;

/// The alignment of all addresses if none is given.
pub const DEFAULT_ALIGNMENT: Bytes = Bytes(cosma_ir::Machine::DEFAULT_ALIGNMENT);

pub(crate) const SCRATCHPAD: OptionInfo = OptionInfo {
    name: "scratchpad",
    description: "size of the scratchpad, such as 524288, 512KiB or 1.5MiB (default: that of cosma.machine)",
    default: "",
};
pub(crate) const ALIGNMENT: OptionInfo = OptionInfo {
    name: "alignment",
    description: "alignment of all addresses in bytes (default: that of cosma.machine, or 64)",
    default: "",
};
pub(crate) const WEIGHTS: OptionInfo = OptionInfo {
    name: "weights",
    description: "resident in the scratchpad, streamed past it, or auto: whichever moves less, for each use (default: that of cosma.machine, or resident)",
    default: "",
};

pub(crate) const KEEP: OptionInfo = OptionInfo {
    name: "keep",
    description: "auto: weights stay in the scratchpad from one run to the next where that saves traffic; none: only \
                  arguments with cosma.keep (default: that of cosma.machine, or none)",
    default: "",
};

/// The machine and treatment of weights that a function is planned for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Memories and links.
    pub machine: Machine,
    /// Whether operators read weights in the scratchpad or in host memory.
    pub weights: Weights,
    /// Whether weights without their own setting may stay in the scratchpad from one run to the next.
    pub keep: Keep,
}

impl Target {
    /// An arbitrary target, for computations that do not depend on it.
    pub(crate) fn any() -> Target {
        Target { machine: Machine::with_host(Bytes::ZERO, Bytes(1)), weights: Weights::Resident, keep: Keep::Never }
    }
}

/// The machine as given by a caller. The default of a `None` is that of `cosma.machine`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineOptions {
    /// The size of the scratchpad.
    pub scratchpad: Option<Bytes>,
    /// The alignment of all addresses, at least 1.
    pub alignment: Option<Bytes>,
    /// Whether weights are resident, streamed, or either way.
    pub weights: Option<Weights>,
    /// Whether weights without their own setting stay in the scratchpad from one run to the next: [`Keep::Never`] or
    /// [`Keep::Auto`].
    pub keep: Option<Keep>,
    /// Addresses of the scratchpad that must not be used, half-open; if empty, those of `cosma.machine`.
    pub reserved: Vec<Range<Bytes>>,
    /// The timing of the links of [`Machine::with_host`], and of operators.
    pub clock: Option<Clock>,
    /// Several memories with links between them, clock included.
    pub memories: Option<Machine>,
}

impl MachineOptions {
    /// Parses the options of a pass.
    ///
    /// # Errors
    /// A message about the first option that does not parse.
    pub(crate) fn parse(options: &PassOptions) -> Result<MachineOptions, String> {
        let size = |option: OptionInfo| match options.get(option.name) {
            "" => Ok(None),
            text => match text.parse::<Size>() {
                Ok(size) => Ok(Some(size.0)),
                Err(error) => Err(format!("option {}: {error}", option.name)),
            },
        };
        let weights = match options.get(WEIGHTS.name) {
            "" => None,
            text => Some(text.parse::<WeightsName>().map_err(|error| format!("option {}: {error}", WEIGHTS.name))?.0),
        };
        let keep = match options.get(KEEP.name) {
            "" => None,
            text => Some(text.parse::<KeepName>().map_err(|error| format!("option {}: {error}", KEEP.name))?.0),
        };
        Ok(MachineOptions {
            scratchpad: size(SCRATCHPAD)?,
            alignment: size(ALIGNMENT)?,
            weights,
            keep,
            reserved: Vec::new(),
            clock: None,
            memories: None,
        })
    }

    /// These options, with those of a file as defaults.
    pub fn or(self, file: MachineFile) -> MachineOptions {
        MachineOptions {
            scratchpad: self.scratchpad.or(file.scratchpad),
            alignment: self.alignment.or(file.alignment),
            weights: self.weights.or(file.weights),
            keep: self.keep,
            reserved: self.reserved,
            clock: self.clock.or(file.clock),
            memories: self.memories.or(file.memories),
        }
    }

    /// The machine that a function is planned for.
    ///
    /// # Errors
    /// At the function, if the size of the scratchpad is neither given nor declared, or the clock is not one of a
    /// machine with one scratchpad.
    pub fn resolve<'c>(&self, function: OperationRef<'c, '_>) -> Result<Target, Diagnostic<'c>> {
        let target = self.target(function).map_err(|error| Diagnostic::at(function, error.to_string()))?;
        target.ok_or_else(|| {
            let message = "the size of the scratchpad is not known: say scratchpad=SIZE, or write \
                           cosma.machine = {scratchpad = SIZE} on the module";
            Diagnostic::at(function, message)
        })
    }

    /// Writes the given values to the `cosma.machine` of a module or a function, and keeps its others.
    pub fn write(&self, operation: OperationRef) {
        if *self == MachineOptions::default() {
            return;
        }
        let weights = self.weights.map(|it| match it {
            Weights::Resident => cosma_ir::Weights::Resident,
            Weights::Streamed => cosma_ir::Weights::Streamed,
            Weights::Auto => cosma_ir::Weights::Auto,
        });
        let keep = self.keep.map(|it| match it {
            Keep::Never => cosma_ir::Keep::None,
            Keep::Auto | Keep::Always => cosma_ir::Keep::Auto,
        });
        let before = cosma_ir::machine(operation).unwrap_or_default();
        if let Some(memories) = self.memories_with(before.memories.as_ref()) {
            let alignment = self.alignment.map(|it| it.0).or(before.alignment);
            let (weights, keep) = (weights.or(before.weights), keep.or(before.keep));
            let (memories, reserved) = (Some(memories), Vec::new());
            let machine = cosma_ir::Machine { alignment, weights, keep, memories, reserved, clock: None, ..before };
            return cosma_ir::set_machine(operation, &machine);
        }
        let machine = cosma_ir::Machine {
            scratchpad: self.scratchpad.map(|it| it.0).or(before.scratchpad),
            alignment: self.alignment.map(|it| it.0).or(before.alignment),
            weights: weights.or(before.weights),
            keep: keep.or(before.keep),
            reserved: match self.reserved.is_empty() {
                true => before.reserved,
                false => self.reserved.iter().map(|it| it.start.0..it.end.0).collect(),
            },
            clock: self.clock.clone().or(before.clock),
            ..before
        };
        cosma_ir::set_machine(operation, &machine);
    }

    /// The machine with several memories, if given or declared, with the other given options applied.
    fn memories_with(&self, declared: Option<&Machine>) -> Option<Machine> {
        let mut machine = self.memories.as_ref().or(declared)?.clone();
        if let Some(scratchpad) = self.scratchpad {
            machine.set_scratchpad(scratchpad);
        }
        if let Some(alignment) = self.alignment {
            machine = machine.with_alignment(alignment);
        }
        let said = &machine.memories()[MemoryId::SCRATCHPAD.index()].reserved;
        let more: Vec<Range<Bytes>> = self.reserved.iter().filter(|it| !said.contains(it)).cloned().collect();
        Some(machine.with_reserved(more))
    }

    /// Whether the size of the scratchpad is given or declared.
    pub fn says_scratchpad(&self, function: OperationRef) -> bool {
        self.scratchpad.is_some()
            || self.memories.is_some()
            || cosma_ir::machine(function).is_some_and(|it| it.scratchpad.is_some())
    }

    /// The machine that a function is planned for; `None` if the size of the scratchpad is neither given nor
    /// declared.
    pub fn resolve_if_said(&self, function: OperationRef) -> Option<Target> {
        self.target(function).ok().flatten()
    }

    fn target(&self, function: OperationRef) -> Result<Option<Target>, Error> {
        let attribute = cosma_ir::machine(function).unwrap_or_default();
        let weights = attribute.weights.map(|it| match it {
            cosma_ir::Weights::Resident => Weights::Resident,
            cosma_ir::Weights::Streamed => Weights::Streamed,
            cosma_ir::Weights::Auto => Weights::Auto,
        });
        let several = self.memories_with(attribute.memories.as_ref());
        let scratchpad = several.as_ref().map(Machine::scratchpad).or(self.scratchpad);
        let Some(scratchpad) = scratchpad.or(attribute.scratchpad.map(Bytes)) else { return Ok(None) };
        let alignment = self.alignment.or(attribute.alignment.map(Bytes)).unwrap_or(DEFAULT_ALIGNMENT);
        let weights = self.weights.or(weights).unwrap_or_default();
        let keep = attribute.keep.map(|it| match it {
            cosma_ir::Keep::None => Keep::Never,
            cosma_ir::Keep::Auto => Keep::Auto,
        });
        let keep = self.keep.or(keep).unwrap_or_default();
        let said = attribute.reserved.iter().map(|it| Bytes(it.start)..Bytes(it.end));
        let reserved = match &several {
            Some(machine) => machine.memories()[MemoryId::SCRATCHPAD.index()].reserved.clone(),
            None if self.reserved.is_empty() => said.collect(),
            None => self.reserved.clone(),
        };
        if let Some(outside) = reserved.iter().find(|it| scratchpad < it.end) {
            let (first, end) = (outside.start, outside.end);
            return Err(Error::Machine(format!(
                "{first} to {end} are reserved, but the scratchpad ends at {scratchpad}"
            )));
        }
        let machine = match several {
            Some(machine) => machine,
            None => Machine::with_host(scratchpad, alignment).with_reserved(reserved),
        };
        let machine = match self.clock.clone().or(attribute.clock) {
            Some(clock) => machine.with_clock(clock)?,
            None => machine,
        };
        Ok(Some(Target { machine, weights, keep }))
    }
}

/// Writes the target to a function.
pub(crate) fn note_target(function: OperationRef, target: &Target) {
    let (scratchpad, alignment) = (target.machine.scratchpad(), target.machine.alignment());
    let weights = Some(target.weights);
    // Defaults are not written.
    let keep = Some(target.keep).filter(|it| *it != Keep::Never);
    if !target.machine.is_with_host() {
        let memories = Some(target.machine.clone());
        return MachineOptions { weights, keep, memories, ..MachineOptions::default() }.write(function);
    }
    let clock = target.machine.clock().cloned();
    let reserved = target.machine.memories()[MemoryId::SCRATCHPAD.index()].reserved.clone();
    let (scratchpad, alignment) = (Some(scratchpad), Some(alignment));
    MachineOptions { scratchpad, alignment, weights, keep, reserved, clock, memories: None }.write(function);
}

/// Whether an operation has its own `cosma.machine`.
pub fn states_machine(operation: OperationRef) -> bool {
    operation.has_attribute("cosma.machine")
}

/// Whether weights are resident, streamed, or either way, parsed from the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightsName(pub Weights);

impl FromStr for WeightsName {
    type Err = String;

    fn from_str(text: &str) -> Result<WeightsName, String> {
        match text {
            "resident" => Ok(WeightsName(Weights::Resident)),
            "streamed" => Ok(WeightsName(Weights::Streamed)),
            "auto" => Ok(WeightsName(Weights::Auto)),
            _ => Err(format!("weights are resident, streamed or auto, not '{text}'")),
        }
    }
}

/// Whether weights stay from run to run, parsed from the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepName(pub Keep);

impl FromStr for KeepName {
    type Err = String;

    fn from_str(text: &str) -> Result<KeepName, String> {
        match text {
            "auto" => Ok(KeepName(Keep::Auto)),
            "none" => Ok(KeepName(Keep::Never)),
            _ => Err(format!("weights are kept by 'auto' or 'none', not '{text}'")),
        }
    }
}

/// Reserved addresses, half-open, parsed from `0..1024` or `0..1KiB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedRange(pub Range<Bytes>);

impl FromStr for ReservedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<ReservedRange, String> {
        let refuse = || format!("'{text}' is not a range of addresses such as 0..1024 or 4KiB..8KiB");
        let (first, end) = text.split_once("..").ok_or_else(refuse)?;
        // A size is at least 1 B, an address may be 0.
        let address = |text: &str| match text {
            "0" => Ok(Bytes::ZERO),
            _ => text.parse::<Size>().map(|it| it.0).map_err(|error| error.to_string()),
        };
        let range = address(first)?..address(end)?;
        if range.is_empty() { Err(refuse()) } else { Ok(ReservedRange(range)) }
    }
}

/// Its name in options.
pub fn keep_name(keep: Keep) -> &'static str {
    match keep {
        Keep::Never => "none",
        Keep::Auto | Keep::Always => "auto",
    }
}

/// Its name in options and reports.
pub fn weights_name(weights: Weights) -> &'static str {
    weights.name()
}
