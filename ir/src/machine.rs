//! `cosma.machine`: the description of the accelerator on a module or a function.

use crate::clock::{compute_attribute, links_attribute, read_clock};
use crate::edit::as_mut;
use crate::fact::{Maker, capped, read_array, read_integer};
use crate::ffi::{CosmaMachine, NO_ATTRIBUTE, Text, cosmaReadMachine, guard};
use crate::memories::{Said, home_attribute, memories_attribute, memory_links_attribute, read_memories};
use crate::operation::maker;
use cosma_planner::time::Clock;
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{Attribute, AttributeLike, OperationRef};
use mlir_sys::{MlirAttribute, MlirStringCallback};
use std::ffi::c_void;
use std::ops::Range;

const MACHINE: &str = "cosma.machine";

/// How operators read weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// In the scratchpad, where they need room.
    Resident,
    /// Streamed past the scratchpad.
    Streamed,
    /// For each use, whichever moves less.
    Auto,
}

/// Which weights stay in the scratchpad from one run of a function to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only those whose arguments are marked.
    None,
    /// Those that save the most traffic.
    Auto,
}

/// The fields of the attribute; `None` for absent ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The size in bytes; with several memories, that of the scratchpad.
    pub scratchpad: Option<u64>,
    /// The alignment in bytes, at least 1, of all memories that do not specify one.
    pub alignment: Option<u64>,
    /// How operators read weights.
    pub weights: Option<Weights>,
    /// Which weights stay from run to run.
    pub keep: Option<Keep>,
    /// The bytes per element of a float tensor, whatever its type, as after quantisation.
    pub element_bytes: Option<u64>,
    /// The treatment of operators that compute from weights alone.
    pub weight_computation: Option<WeightComputation>,
    /// Addresses of the scratchpad that plans must not use, half-open. Empty with several memories, which have their own.
    pub reserved: Vec<Range<u64>>,
    /// The timing of transfers between host memory and scratchpad, in both directions. `None` with several memories, which
    /// have their own.
    pub clock: Option<Clock>,
    /// Those that it has, if it says so; else there is a scratchpad, and host memory.
    pub memories: Option<cosma_planner::Machine>,
}

impl Machine {
    /// The alignment of a memory that does not say its own, in bytes.
    pub const DEFAULT_ALIGNMENT: u64 = 64;
}

/// The treatment of operators that compute from weights alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightComputation {
    /// They run before the program; their results are weights.
    Folded,
    /// They run like other operators.
    Run,
}

/// The machine of an operation: its own or that of the nearest enclosing operation.
pub fn machine(operation: OperationRef) -> Option<Machine> {
    let mut next = Some(operation);
    while let Some(operation) = next {
        if let Ok(attribute) = operation.attribute(MACHINE) {
            // One that does not read has its error elsewhere.
            return read(attribute);
        }
        next = operation.parent_operation();
    }
    None
}

/// Writes the machine to a module or a function.
pub fn set_machine(operation: OperationRef, machine: &Machine) {
    let attribute = write(maker(operation), machine);
    as_mut(operation).set_attribute(MACHINE, attribute);
}

/// Removes the machine of a module or a function.
pub fn clear_machine(operation: OperationRef) {
    // Absent already is as good.
    let _ = as_mut(operation).remove_attribute(MACHINE);
}

/// Reads the attribute in either spelling; `None` if it is not a machine.
fn read(attribute: Attribute) -> Option<Machine> {
    let mut machine = CosmaMachine::unsaid();
    // SAFETY: the attribute is alive.
    if !unsafe { cosmaReadMachine(attribute.to_raw(), &mut machine) } {
        return None;
    }
    let bytes = |value: i64| u64::try_from(value).ok();
    // The attribute's verifier has read all this.
    let memories = read_memories(&said_of(&machine)).ok().flatten();
    let (has_memories, size) = (memories.is_some(), memories.as_ref().map(|it| it.scratchpad().0));
    Some(Machine {
        scratchpad: size.or(bytes(machine.scratchpad)),
        alignment: bytes(machine.alignment),
        weights: bytes(machine.weights).map(|case| match case {
            0 => Weights::Resident,
            1 => Weights::Streamed,
            _ => Weights::Auto,
        }),
        keep: bytes(machine.keep).map(|case| if case == 0 { Keep::None } else { Keep::Auto }),
        element_bytes: bytes(machine.element_bytes),
        weight_computation: bytes(machine.weight_computation)
            .map(|case| if case == 0 { WeightComputation::Folded } else { WeightComputation::Run }),
        reserved: said(machine.reserved).and_then(|it| read_reserved(it).ok()).unwrap_or_default(),
        clock: match has_memories {
            true => None,
            false => read_clock(said(machine.links), said(machine.compute)).ok().flatten(),
        },
        memories,
    })
}

/// What an attribute says of several memories.
fn said_of<'c>(machine: &CosmaMachine) -> Said<'c> {
    Said {
        memories: said(machine.memories),
        home: said(machine.home),
        scratchpad: said(machine.scratchpad_name),
        alignment: u64::try_from(machine.alignment).ok(),
        links: said(machine.links),
        compute: said(machine.compute),
    }
}

/// Everything that the attribute's own types do not say.
///
/// # Errors
/// What is wrong with it, to be said after the attribute's name.
fn verify(machine: &CosmaMachine) -> Result<(), String> {
    let reserved = said(machine.reserved).map_or(Ok(Vec::new()), read_reserved)?;
    if 0 <= machine.scratchpad && said(machine.memories).is_some() {
        let size = machine.scratchpad;
        return Err(format!("needs the name of one of its memories as scratchpad, not {size}"));
    }
    let Some(memories) = read_memories(&said_of(machine))? else {
        if said(machine.home).is_some() {
            return Err("has 'home', but no 'memories'".into());
        }
        return read_clock(said(machine.links), said(machine.compute)).map(|_| ());
    };
    if !reserved.is_empty() {
        let scratchpad = &memories.memories()[1].name;
        return Err(format!(
            "has 'reserved' beside 'memories': set it for one of them, as in {scratchpad} = {{reserved = …}}"
        ));
    }
    Ok(())
}

fn said<'c>(attribute: MlirAttribute) -> Option<Attribute<'c>> {
    // SAFETY: one that is not null lives in its context.
    (!attribute.ptr.is_null()).then(|| unsafe { Attribute::from_raw(attribute) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaVerifyMachine(
    machine: *const CosmaMachine,
    append: MlirStringCallback,
    user: *mut c_void,
) -> bool {
    // SAFETY: MLIR verifies what is alive.
    let read = guard(|| verify(unsafe { &*machine }));
    let Err(wrong) = read.unwrap_or_else(|panic| Err(format!("internal error: {panic}"))) else { return true };
    if let Some(append) = append {
        // SAFETY: what the caller gave, for the text that lives until it returns.
        unsafe { append(Text::new(&wrong).raw(), user) };
    }
    false
}

/// Ranges of addresses.
///
/// # Errors
/// A message that follows the attribute's name.
pub(crate) fn read_reserved(attribute: Attribute) -> Result<Vec<Range<u64>>, String> {
    let read = |range: Attribute| {
        let ends: Option<Vec<i64>> = read_array(range).and_then(|it| it.into_iter().map(read_integer).collect());
        match ends.as_deref() {
            Some(&[first, end]) if 0 <= first && first < end => Ok(first.unsigned_abs()..end.unsigned_abs()),
            _ => Err(format!("needs [first, end] for each range of reserved addresses, 0 <= first < end, not {range}")),
        }
    };
    read_array(attribute).unwrap_or_default().into_iter().map(read).collect()
}

pub(crate) fn write_reserved<'c>(maker: Maker, reserved: &[Range<u64>]) -> Attribute<'c> {
    let range = |it: &Range<u64>| maker.array([it.start, it.end].map(|it| maker.integer(it)));
    maker.array(reserved.iter().map(range))
}

fn write<'c>(maker: Maker, machine: &Machine) -> Attribute<'c> {
    let bytes = |value: Option<u64>| value.map_or(-1, capped);
    let mut said = CosmaMachine {
        scratchpad: bytes(machine.scratchpad),
        alignment: bytes(machine.alignment),
        element_bytes: bytes(machine.element_bytes),
        weights: machine.weights.map_or(-1, |it| it as i64),
        keep: machine.keep.map_or(-1, |it| it as i64),
        weight_computation: machine.weight_computation.map_or(-1, |it| it as i64),
        ..CosmaMachine::unsaid()
    };
    let clock = match &machine.memories {
        Some(memories) => {
            let alignment = machine.alignment.unwrap_or(Machine::DEFAULT_ALIGNMENT);
            said.scratchpad = -1;
            said.scratchpad_name = maker.string(&memories.memories()[1].name).to_raw();
            said.home = home_attribute(maker, memories).map_or(NO_ATTRIBUTE, |it| it.to_raw());
            said.memories = memories_attribute(maker, memories, alignment).to_raw();
            said.links = memory_links_attribute(maker, memories).to_raw();
            memories.clock()
        }
        None => {
            if !machine.reserved.is_empty() {
                said.reserved = write_reserved(maker, &machine.reserved).to_raw();
            }
            said.links = machine.clock.as_ref().map_or(NO_ATTRIBUTE, |it| links_attribute(maker, it).to_raw());
            machine.clock.as_ref()
        }
    };
    said.compute = clock.map_or(NO_ATTRIBUTE, |it| compute_attribute(maker, &it.compute).to_raw());
    maker.machine(&said)
}
