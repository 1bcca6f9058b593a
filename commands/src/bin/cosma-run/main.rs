//! `cosma-run`: plans a module, runs the source and the planned program, and compares their results.

mod arguments;

use arguments::Arguments;
use cosma::execute::{Comparison, Original, RunError, table};
use cosma::{Error, FunctionReport, new_context, read_module};
use cosma_commands::command::{print, say};
use serde::Serialize;
use std::process::ExitCode;

/// Why the command failed, which decides the exit code.
enum Failure {
    /// The module is invalid, or a program is wrong: exit code 1.
    Run(String),
    /// Usage error: exit code 2.
    Call(String),
}

fn main() -> ExitCode {
    // On wrong flags, clap prints an error and exits with 2.
    let arguments = cosma_commands::command::parse::<Arguments>();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Run(message)) => {
            say(&message);
            ExitCode::from(1)
        }
        Err(Failure::Call(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = &arguments.input;
    let text =
        cosma_commands::input::read(input).map_err(|error| Failure::Call(format!("cannot read {input}: {error}")))?;
    let name = if input == "-" { "<stdin>" } else { input };
    let context = new_context();
    let module = read_module(&context, &text, name).map_err(|error| Failure::Run(error.to_string()))?;
    arguments.model_options().write(module.as_operation());
    let original = Original::new(&context, &module, &arguments.run_options()).map_err(failure)?;
    let comparisons = original.compare(&arguments.options()).map_err(failure)?;
    let shown = if arguments.json { json(&comparisons) } else { comparisons.iter().map(table).collect() };
    print(shown.as_bytes()).map_err(|error| Failure::Call(format!("cannot write: {error}")))?;
    let faults: Vec<String> = comparisons.iter().flat_map(faults).collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::Run(faults.join("\n"))) }
}

fn faults(comparison: &Comparison) -> Vec<String> {
    comparison.faults().iter().map(|it| format!("error: @{}: {it}", comparison.function)).collect()
}

fn failure(error: RunError) -> Failure {
    match error {
        RunError::Plan(Error::Module(_)) | RunError::Module(_) => Failure::Run(error.to_string()),
        RunError::Plan(_) => Failure::Call(error.to_string()),
        RunError::Execute { .. } | RunError::Undefined { .. } => Failure::Run(format!("error: {error}")),
    }
}

/// The output of `--json`.
#[derive(Serialize)]
struct Functions<'a> {
    functions: Vec<Function<'a>>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(flatten)]
    comparison: &'a Comparison,
    faults: Vec<String>,
    report: Option<&'a FunctionReport>,
}

fn json(comparisons: &[Comparison]) -> String {
    let function = |it| Function { comparison: it, faults: it.faults(), report: it.report.as_ref() };
    let functions = Functions { functions: comparisons.iter().map(function).collect() };
    let text = serde_json::to_string_pretty(&functions).expect("strings and finite numbers are JSON");
    text + "\n"
}
