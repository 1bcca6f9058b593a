//! `cosma-import`: reads an ONNX model and writes it in COSMA's source form.

use clap::Parser;
use cosma::{new_context, read_module};
use cosma_commands::model::ModelArguments;
use cosma_commands::output::Output;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  Import a model for an accelerator with 8-bit arithmetic, and plan it:
    cosma-import net.onnx --element-bytes=1 -o net.mlir
    cosma-opt --schedule --allocate --scratchpad=512KiB net.mlir -o planned.mlir
  A model with symbolic sizes:
    cosma-import text.onnx --dim batch=1 --dim sequence=128 -o text.mlir

Exit status:
  0  success
  1  the model is invalid; the error is on standard error, nothing is written
  2  usage error: flags, files

Environment:
  NO_COLOR  if set, usage errors are printed without colour";

/// Converts an ONNX model to MLIR that cosma-opt can plan: operators as an accelerator runs them, weights as
/// arguments. The data of the weights may be missing; their shapes are enough.
#[derive(Debug, Parser)]
#[command(name = "cosma-import", version, after_long_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    /// ONNX model
    #[arg(value_name = "MODEL.onnx")]
    input: PathBuf,

    /// Output file; `-` is standard output. A file is replaced atomically, after everything has succeeded
    #[arg(short, long, value_name = "OUT.mlir", default_value = "-")]
    output: PathBuf,

    #[command(flatten)]
    model: ModelArguments,
}

fn main() -> ExitCode {
    // On wrong flags, clap prints an error and exits with 2.
    match run(&cosma_commands::command::parse::<Arguments>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            cosma_commands::command::say(&message);
            ExitCode::from(code)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), (u8, String)> {
    let name = arguments.input.display().to_string();
    let model = std::fs::read(&arguments.input).map_err(|error| (2, format!("error: cannot read {name}: {error}")))?;
    let text = arguments.model.read(model, &name).map_err(|error| (1, error))?;
    // Parse the output before writing it: names in the model must not make it malformed.
    let context = new_context();
    read_module(&context, text.as_bytes(), &name).map_err(|error| (1, error.to_string()))?;
    let cannot_write = |error: io::Error| (2, format!("error: cannot write {}: {error}", arguments.output.display()));
    Output::prepare(&arguments.output, text.as_bytes()).and_then(Output::put).map_err(cannot_write)
}
