//! Options as text, for the C interface: words are stable where a struct would not be.

use crate::read_machine;
use crate::{
    ArenaName, Bytes, KeepName, ObjectiveName, Options, Overlap, ReservedRange, Seconds, Size, SolverName,
    TransfersName, WeightsName,
};
use cosma_planner::time::{Clock, Ratio};
use std::ops::Range;

/// An option.
struct Word {
    /// The name of the flag of `cosma-opt`.
    name: &'static str,
    meaning: Meaning,
}

/// The effect of an option.
enum Meaning {
    /// Turns on a stage.
    Stage(fn(&mut Options) -> &mut bool),
    /// Turns on a flag.
    Switch(fn(&mut Options) -> &mut bool),
    /// Sets a value, or returns the error to print after the option's name.
    Value(fn(&mut Options, &str) -> Result<(), String>),
}

use Meaning::{Stage, Switch, Value};

/// All options, in the order of `include/cosma.h`.
const WORDS: [Word; 29] = [
    word("group", Stage(|it| &mut it.stages.group)),
    word("infer-access", Stage(|it| &mut it.stages.infer_access)),
    word("tile", Stage(|it| &mut it.stages.tile)),
    word("schedule", Stage(|it| &mut it.stages.schedule)),
    word("allocate", Stage(|it| &mut it.stages.allocate)),
    word("verify", Stage(|it| &mut it.stages.verify)),
    word("lower-addresses", Stage(|it| &mut it.stages.lower_addresses)),
    word("liveness", Stage(|it| &mut it.stages.liveness)),
    word("print-problem", Stage(|it| &mut it.stages.print_problem)),
    word("print-plan", Stage(|it| &mut it.stages.print_plan)),
    word("scratchpad", Value(|it, value| set(&mut it.machine.scratchpad, value.parse::<Size>().map(|it| Some(it.0))))),
    word("alignment", Value(|it, value| set(&mut it.machine.alignment, value.parse::<Size>().map(|it| Some(it.0))))),
    word("keep", Value(|it, value| set(&mut it.machine.keep, value.parse::<KeepName>().map(|it| Some(it.0))))),
    word("reserved", Value(|it, value| set(&mut it.machine.reserved, ranges(value)))),
    word("weights", Value(|it, value| set(&mut it.machine.weights, value.parse::<WeightsName>().map(|it| Some(it.0))))),
    word("machine", Value(set_machine)),
    word(
        "dma-bytes-per-cycle",
        Value(|it, value| {
            set_clock(it, value, |clock, ratio| {
                clock.timings.iter_mut().for_each(|timing| timing.rate = ratio);
            })
        }),
    ),
    word(
        "cycles-per-mac",
        Value(|it, value| set_clock(it, value, |clock, ratio| clock.compute.cycles_per_mac = ratio)),
    ),
    word("objective", Value(|it, value| set(&mut it.objective, value.parse::<ObjectiveName>().map(|it| it.0)))),
    word("overlap", Value(|it, value| set(&mut it.overlap, value.parse::<Overlap>()))),
    word("solver", Value(|it, value| set(&mut it.solver, value.parse::<SolverName>().map(|it| it.0)))),
    word("time-limit", Value(|it, value| set(&mut it.time_limit, value.parse::<Seconds>().map(|it| it.0)))),
    word("inputs", Value(|it, value| set(&mut it.model.inputs, indices(value).map(Some)))),
    word("element-bytes", Value(|it, value| set(&mut it.model.element_bytes, element_bytes(value).map(Some)))),
    word("arena", Value(|it, value| set(&mut it.lower.arena, value.parse::<ArenaName>()))),
    word("memory-space", Value(|it, value| set(&mut it.lower.memory_space, memory_space(value).map(Some)))),
    word("transfers", Value(|it, value| set(&mut it.lower.transfers, value.parse::<TransfersName>()))),
    word("run-weights", Switch(|it| &mut it.model.run_weights)),
    word("print-ir-after-all", Switch(|it| &mut it.print_ir_after_all)),
];

const fn word(name: &'static str, meaning: Meaning) -> Word {
    Word { name, meaning }
}

/// The names of all options. Tests compare them with `include/cosma.h` and the flags of `cosma-opt`.
#[doc(hidden)]
pub fn option_words() -> Vec<&'static str> {
    WORDS.iter().map(|it| it.name).collect()
}

/// Parses options separated by spaces, named as the flags of `cosma-opt`: `schedule allocate
/// scratchpad=512KiB`.
///
/// # Errors
/// A message about the first invalid option, or that there is no stage.
pub(crate) fn parse_words(text: &str) -> Result<Options, String> {
    let mut options = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut has_stage = false;
    // What a machine says, other options may say otherwise, wherever they stand.
    let is_machine = |it: &&str| it.starts_with("machine=");
    let (machine, others): (Vec<&str>, Vec<&str>) = text.split_ascii_whitespace().partition(is_machine);
    for option in others.into_iter().chain(machine) {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        if seen.contains(&name) {
            return Err(format!("option {name} is given twice"));
        }
        seen.push(name);
        let word = WORDS.iter().find(|it| it.name == name).ok_or_else(|| format!("there is no option '{name}'"))?;
        match (&word.meaning, value) {
            (Stage(flag), None) => {
                *flag(&mut options) = true;
                has_stage = true;
            }
            (Switch(flag), None) => *flag(&mut options) = true,
            (Stage(_) | Switch(_), Some(_)) => return Err(format!("option {name} takes no value")),
            (Value(read), Some(value)) => {
                read(&mut options, value).map_err(|error| format!("option {name}{error}"))?;
            }
            (Value(_), None) => return Err(format!("option {name} takes a value: {name}=VALUE")),
        }
    }
    let of_clock = ["dma-bytes-per-cycle", "cycles-per-mac"].map(|it| seen.contains(&it));
    if of_clock[0] != of_clock[1] {
        return Err("options dma-bytes-per-cycle and cycles-per-mac require each other".into());
    }
    let is_for_lowering = ["arena", "memory-space", "transfers"].into_iter().find(|it| seen.contains(it));
    if let Some(name) = is_for_lowering.filter(|_| !options.stages.lower_addresses) {
        return Err(format!("option {name} requires lower-addresses"));
    }
    if has_stage { Ok(options) } else { Err("the options name no stage, such as schedule allocate".into()) }
}

/// Sets an option to a value, or returns the error to print after the option's name.
fn set<T, E: ToString>(option: &mut T, value: Result<T, E>) -> Result<(), String> {
    *option = value.map_err(|error| format!(": {}", error.to_string()))?;
    Ok(())
}

/// Adds what a file says to what other options say.
fn set_machine(options: &mut Options, value: &str) -> Result<(), String> {
    let said = options.machine.clone();
    set(&mut options.machine, read_machine(value).map(|file| said.or(file)))
}

/// Sets a part of the clock to a ratio above zero.
fn set_clock(options: &mut Options, value: &str, set: impl FnOnce(&mut Clock, Ratio)) -> Result<(), String> {
    let ratio = value.parse::<Ratio>().map_err(|error| format!(": {error}"))?;
    if ratio.is_zero() {
        return Err(": it must be above zero".into());
    }
    set(options.machine.clock.get_or_insert_with(|| Clock::each_way(ratio, ratio)), ratio);
    Ok(())
}

fn ranges(value: &str) -> Result<Vec<Range<Bytes>>, String> {
    value.split(',').map(|it| it.parse::<ReservedRange>().map(|it| it.0)).collect()
}

fn indices(value: &str) -> Result<Vec<usize>, String> {
    let indices = value.split(',').map(|it| it.parse().ok()).collect::<Option<Vec<usize>>>();
    indices.ok_or_else(|| format!("'{value}' is not a list of indices such as 0,2"))
}

fn element_bytes(value: &str) -> Result<u64, String> {
    let bytes = value.parse().ok().filter(|it| matches!(it, 1 | 2 | 4 | 8));
    bytes.ok_or_else(|| format!("elements have 1, 2, 4 or 8 bytes, not '{value}'"))
}

fn memory_space(value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| format!("a memory space is a number, not '{value}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LowerOptions;

    #[test]
    fn words_are_options() {
        let text = " schedule  allocate scratchpad=512KiB weights=streamed solver=search time-limit=0.5\ninputs=0,2 ";
        let options = parse_words(text).expect("they are options");
        assert!(options.stages.schedule && options.stages.allocate && !options.stages.verify);
        assert_eq!(options.machine.scratchpad, Some(524_288.into()));
        assert_eq!(options.time_limit.as_millis(), 500);
        assert_eq!(options.model.inputs, Some(vec![0, 2]));
        let options = parse_words("allocate lower-addresses arena=argument memory-space=3").expect("they are options");
        assert_eq!(
            options.lower,
            LowerOptions { arena: ArenaName::Argument, memory_space: Some(3), ..LowerOptions::default() }
        );
    }

    /// The header lists options between parentheses and after them.
    #[test]
    fn the_header_has_all_words() {
        let header = include_str!("../include/cosma.h");
        let (_, list) = header.split_once("The options are words separated").expect("the header has a list");
        let (list, _) = list.split_once("For example").expect("the list ends");
        let listed = |name: &str| list.split(|it: char| !it.is_ascii_alphanumeric() && it != '-').any(|it| it == name);
        for name in option_words() {
            assert!(listed(name), "include/cosma.h does not list {name}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        let error = |text: &str| parse_words(text).expect_err(text);
        assert_eq!(error(""), "the options name no stage, such as schedule allocate");
        assert_eq!(error("scratchpad=1KiB"), "the options name no stage, such as schedule allocate");
        assert_eq!(error("allocate allocate"), "option allocate is given twice");
        assert_eq!(error("allocate=1"), "option allocate takes no value");
        assert_eq!(error("allocate scratchpad"), "option scratchpad takes a value: scratchpad=VALUE");
        assert_eq!(error("--allocate"), "there is no option '--allocate'");
        assert_eq!(error("allocate solver=best"), "option solver: a solver is auto, search, ilp or greedy, not 'best'");
        assert_eq!(error("allocate inputs=0,x"), "option inputs: '0,x' is not a list of indices such as 0,2");
        assert_eq!(
            error("allocate element-bytes=3"),
            "option element-bytes: elements have 1, 2, 4 or 8 bytes, not '3'"
        );
        assert_eq!(error("lower-addresses arena=here"), "option arena: 'here' is neither allocate nor argument");
        assert_eq!(error("lower-addresses memory-space=x"), "option memory-space: a memory space is a number, not 'x'");
        assert_eq!(error("allocate arena=argument"), "option arena requires lower-addresses");
        assert!(error("allocate scratchpad=-1").starts_with("option scratchpad: "));
    }
}
