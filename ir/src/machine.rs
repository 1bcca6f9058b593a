//! `cosma.machine`: what a module or a function says about the accelerator that it is for.

use crate::edit::as_mut;
use crate::fact::{Maker, read_integer, read_string};
use crate::operation::maker;
use melior::ir::attribute::DictionaryAttribute;
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{Attribute, OperationRef};

pub(crate) const MACHINE: &str = "cosma.machine";

/// How weights reach their operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Through the scratchpad, where they need room.
    Resident,
    /// Past it.
    Streamed,
}

/// What an attribute says; what it leaves out is for others to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Bytes.
    pub scratchpad: Option<u64>,
    /// Bytes, at least 1.
    pub alignment: Option<u64>,
    /// How weights reach their operators.
    pub weights: Option<Weights>,
    /// Bytes that an element of a float tensor takes, whatever its type says: as after quantisation.
    pub element_bytes: Option<u64>,
    /// What becomes of operators that compute from weights alone.
    pub weight_computation: Option<WeightComputation>,
}

/// What becomes of operators that compute from weights alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightComputation {
    /// They are done before the run; what they compute is a weight.
    Folded,
    /// They run like others.
    Run,
}

/// The machine of an operation: its own or the nearest around it.
pub fn machine(operation: OperationRef) -> Option<Machine> {
    let mut next = Some(operation);
    while let Some(operation) = next {
        if let Ok(attribute) = operation.attribute(MACHINE) {
            // One that does not read has its error elsewhere.
            return read(attribute).ok();
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

/// Forgets the machine of a module or a function.
pub fn clear_machine(operation: OperationRef) {
    // Absent already is as good.
    let _ = as_mut(operation).remove_attribute(MACHINE);
}

/// Reads the attribute, or says what is wrong with it.
pub(crate) fn read(attribute: Attribute) -> Result<Machine, String> {
    let dictionary = DictionaryAttribute::try_from(attribute).map_err(|_| "must be a dictionary".to_owned())?;
    let mut machine = Machine::default();
    for index in 0..dictionary.len() {
        let Ok((key, value)) = dictionary.element(index) else { break };
        match key.as_string_ref().as_str().unwrap_or_default() {
            "scratchpad" => machine.scratchpad = Some(bytes("scratchpad", value, 0)?),
            "alignment" => machine.alignment = Some(bytes("alignment", value, 1)?),
            "weights" => machine.weights = Some(weights(value)?),
            "element_bytes" => machine.element_bytes = Some(bytes("element_bytes", value, 1)?),
            "weight_computation" => machine.weight_computation = Some(weight_computation(value)?),
            key => {
                return Err(format!(
                    "has an unknown key '{key}'; there are scratchpad, alignment, weights, element_bytes, \
                     weight_computation"
                ));
            }
        }
    }
    Ok(machine)
}

fn bytes(key: &str, value: Attribute, least: u64) -> Result<u64, String> {
    let integer = read_integer(value).ok_or_else(|| format!("needs a 64-bit integer as {key}, not {value}"))?;
    let bytes = u64::try_from(integer).ok().filter(|it| least <= *it);
    bytes.ok_or_else(|| format!("needs at least {least} B as {key}, not {integer}"))
}

fn weights(value: Attribute) -> Result<Weights, String> {
    match read_string(value).as_deref() {
        Some("resident") => Ok(Weights::Resident),
        Some("streamed") => Ok(Weights::Streamed),
        _ => Err(format!("needs \"resident\" or \"streamed\" as weights, not {value}")),
    }
}

fn weight_computation(value: Attribute) -> Result<WeightComputation, String> {
    match read_string(value).as_deref() {
        Some("folded") => Ok(WeightComputation::Folded),
        Some("run") => Ok(WeightComputation::Run),
        _ => Err(format!("needs \"folded\" or \"run\" as weight_computation, not {value}")),
    }
}

fn write<'c>(maker: Maker, machine: &Machine) -> Attribute<'c> {
    let weights = machine.weights.map(|it| match it {
        Weights::Resident => "resident",
        Weights::Streamed => "streamed",
    });
    let computation = machine.weight_computation.map(|it| match it {
        WeightComputation::Folded => "folded",
        WeightComputation::Run => "run",
    });
    let entries = [
        ("alignment", machine.alignment.map(|it| maker.integer(it))),
        ("element_bytes", machine.element_bytes.map(|it| maker.integer(it))),
        ("scratchpad", machine.scratchpad.map(|it| maker.integer(it))),
        ("weight_computation", computation.map(|it| maker.string(it))),
        ("weights", weights.map(|it| maker.string(it))),
    ];
    maker.dictionary(entries.into_iter().filter_map(|(name, value)| Some((name, value?))))
}
