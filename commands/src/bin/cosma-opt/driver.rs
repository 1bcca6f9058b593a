//! Chooses the driver for a command line: COSMA's stages, or passes one by one, as `mlir-opt` runs them.
//!
//! A command line that names passes as flags, or uses a flag that only `mlir-opt` has, runs `mlir-opt` with COSMA's
//! dialect and passes. Flags that begin with `--mlir-` control printing and timing in both.

use super::Arguments;
use clap::CommandFactory;
use std::ffi::OsString;

/// The driver of a command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// `mlir-opt`.
    Mlir,
    /// COSMA's stages.
    Stages {
        /// The arguments without the flags.
        words: Vec<OsString>,
        /// The flags of MLIR, as `--mlir-print-op-generic`.
        flags: Vec<String>,
    },
}

/// Flags that only `mlir-opt` has, besides passes named as flags.
const OF_MLIR: [&str; 17] = [
    "dump-pass-pipeline",
    "emit-bytecode-producer",
    "emit-bytecode-version",
    "help-hidden",
    "help-list",
    "help-list-hidden",
    "irdl-file",
    "list-passes",
    "load-dialect-plugin",
    "load-pass-plugin",
    "no-implicit-module",
    "output-split-marker",
    "run-reproducer",
    "show-dialects",
    "verify-diagnostics",
    "verify-each",
    "verify-roundtrip",
];

/// Flags that both have.
const OF_BOTH: [&str; 4] = ["allow-unregistered-dialect", "emit-bytecode", "pass-pipeline", "split-input-file"];

/// Chooses the driver.
///
/// # Errors
/// If it has flags of `mlir-opt` and of the stages, as a message.
pub fn call(words: &[OsString], is_pass: impl Fn(&str) -> bool) -> Result<Call, String> {
    let command = Arguments::command();
    let is_ours = |name: &str| command.get_arguments().any(|it| it.get_long() == Some(name)) || name == "generate";
    let (mut mlir, mut ours) = (None, None);
    let (mut rest, mut flags) = (Vec::new(), Vec::new());
    for (index, word) in words.iter().enumerate() {
        let Some((text, name)) = word.to_str().and_then(|it| Some((it, name(it).filter(|_| 0 < index)?))) else {
            rest.push(word.clone());
            continue;
        };
        if name.starts_with("mlir-") {
            flags.push(text.to_owned());
            continue;
        }
        rest.push(word.clone());
        if OF_MLIR.contains(&name) {
            mlir = mlir.or(Some(text));
        } else if is_ours(name) && text.starts_with("--") {
            ours = ours.or(Some(text).filter(|_| !OF_BOTH.contains(&name)));
        } else if is_pass(name) {
            mlir = mlir.or(Some(text));
        }
    }
    match (mlir, ours) {
        (None, _) => Ok(Call::Stages { words: rest, flags }),
        (Some(_), None) => Ok(Call::Mlir),
        (Some(mlir), Some(ours)) => Err(format!(
            "{mlir} is for passes one by one, as mlir-opt runs them, and {ours} for COSMA's stages: leave out one of them, \
             and use passes, as --cosma-allocate='scratchpad=512KiB order=free' --cosma-insert-transfers, or \
             --pass-pipeline"
        )),
    }
}

/// The name of a flag: without dashes and value.
fn name(word: &str) -> Option<&str> {
    let name = word.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    let name = name.split('=').next().unwrap_or(name);
    Some(name).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Call, String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        call(&words, |it| ["canonicalize", "cosma-allocate"].contains(&it))
    }

    #[test]
    fn passes_and_flags_of_mlir_opt_are_for_it() {
        for line in ["o --canonicalize a.mlir", "o -canonicalize", "o a.mlir --cosma-allocate=scratchpad=64 -o -"] {
            assert_eq!(of(line), Ok(Call::Mlir));
        }
        assert_eq!(of("o --show-dialects"), Ok(Call::Mlir));
        assert_eq!(of("o --verify-diagnostics --split-input-file --mlir-timing a.mlir"), Ok(Call::Mlir));
    }

    #[test]
    fn all_else_is_for_the_stages() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect();
        for line in ["canonicalize --allocate -o canonicalize", "o -v --emit-bytecode", "o -", "o --unknown"] {
            assert_eq!(of(line), Ok(Call::Stages { words: words(line), flags: Vec::new() }));
        }
        let flags = vec!["--mlir-print-op-generic".to_owned()];
        assert_eq!(
            of("o --mlir-print-op-generic --schedule"),
            Ok(Call::Stages { words: words("o --schedule"), flags })
        );
    }

    #[test]
    fn both_at_once_is_an_error() {
        let error = of("o --canonicalize --allocate").expect_err("it is neither");
        assert!(error.contains("--canonicalize") && error.contains("--allocate"), "{error}");
    }

    #[test]
    fn no_flag_has_two_meanings() {
        let command = Arguments::command();
        let ours: Vec<&str> = command.get_arguments().filter_map(|it| it.get_long()).collect();
        assert!(OF_MLIR.iter().all(|it| !ours.contains(it)), "{ours:?}");
        assert!(OF_BOTH.iter().all(|it| ours.contains(it)), "{ours:?}");
        let passes: Vec<&&str> = ours.iter().filter(|it| cosma::tool::is_pass(it)).collect();
        assert!(passes.is_empty(), "{passes:?}");
    }
}
