//! Options as one line of text, for callers whose language has no other way to say them that lasts.

use crate::{Options, Seconds, Size, SolverName, WeightsName};
use std::str::FromStr;

/// Reads words with spaces between them, named as the flags of `cosma-opt`: `schedule allocate
/// scratchpad=512KiB`.
///
/// # Errors
/// A sentence about the first word that is none, or that nothing is to be done.
pub(crate) fn parse_words(text: &str) -> Result<Options, String> {
    let mut options = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut does_something = false;
    for word in text.split_ascii_whitespace() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        if seen.contains(&name) {
            return Err(format!("option {name} is said twice"));
        }
        seen.push(name);
        let stages = &mut options.stages;
        let flag = match name {
            "group" => Some(&mut stages.group),
            "liveness" => Some(&mut stages.liveness),
            "print-problem" => Some(&mut stages.print_problem),
            "schedule" => Some(&mut stages.schedule),
            "allocate" => Some(&mut stages.allocate),
            "print-plan" => Some(&mut stages.print_plan),
            "verify" => Some(&mut stages.verify),
            "lower-addresses" => Some(&mut stages.lower_addresses),
            "run-weights" => Some(&mut options.model.run_weights),
            "print-ir-after-all" => Some(&mut options.print_ir_after_all),
            _ => None,
        };
        if let Some(flag) = flag {
            if value.is_some() {
                return Err(format!("option {name} takes no value"));
            }
            *flag = true;
            does_something |= !["run-weights", "print-ir-after-all"].contains(&name);
            continue;
        }
        let value = || value.ok_or_else(|| format!("option {name} takes a value: {name}=VALUE"));
        match name {
            "scratchpad" => options.machine.scratchpad = Some(read::<Size>(name, value()?)?.0),
            "alignment" => options.machine.alignment = Some(read::<Size>(name, value()?)?.0),
            "weights" => options.machine.weights = Some(read::<WeightsName>(name, value()?)?.0),
            "solver" => options.solver = read::<SolverName>(name, value()?)?.0,
            "time-limit" => options.time_limit = read::<Seconds>(name, value()?)?.0,
            "inputs" => {
                let indices = value()?.split(',').map(|it| it.parse().ok()).collect::<Option<Vec<usize>>>();
                options.model.inputs = Some(indices.ok_or("option inputs is a list of indices, as 0,2")?);
            }
            "element-bytes" => match value()?.parse() {
                Ok(bytes @ (1 | 2 | 4 | 8)) => options.model.element_bytes = Some(bytes),
                _ => return Err("option element-bytes is 1, 2, 4 or 8".into()),
            },
            _ => return Err(format!("there is no option '{name}'")),
        }
    }
    if does_something { Ok(options) } else { Err("the options say nothing to do, such as schedule allocate".into()) }
}

fn read<T: FromStr<Err: ToString>>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| format!("option {name}: {}", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_options() {
        let text = " schedule  allocate scratchpad=512KiB weights=streamed solver=search time-limit=0.5\ninputs=0,2 ";
        let options = parse_words(text).expect("they are options");
        assert!(options.stages.schedule && options.stages.allocate && !options.stages.verify);
        assert_eq!(options.machine.scratchpad, Some(524_288.into()));
        assert_eq!(options.time_limit.as_millis(), 500);
        assert_eq!(options.model.inputs, Some(vec![0, 2]));
    }

    #[test]
    fn other_words_are_refused() {
        let error = |text: &str| parse_words(text).expect_err(text);
        assert_eq!(error(""), "the options say nothing to do, such as schedule allocate");
        assert_eq!(error("scratchpad=1KiB"), "the options say nothing to do, such as schedule allocate");
        assert_eq!(error("allocate allocate"), "option allocate is said twice");
        assert_eq!(error("allocate=1"), "option allocate takes no value");
        assert_eq!(error("allocate scratchpad"), "option scratchpad takes a value: scratchpad=VALUE");
        assert_eq!(error("--allocate"), "there is no option '--allocate'");
        assert_eq!(error("allocate solver=best"), "option solver: a solver is auto, search, ilp or greedy, not 'best'");
        assert_eq!(error("allocate inputs=0,x"), "option inputs is a list of indices, as 0,2");
        assert_eq!(error("allocate element-bytes=3"), "option element-bytes is 1, 2, 4 or 8");
        assert!(error("allocate scratchpad=-1").starts_with("option scratchpad: "));
    }
}
