//! `cosma-opt`: reads a module, verifies it, and prints it.

use clap::Parser;
use cosma_ir::{Reports, new_context, parse};
use std::io::{self, Read};
use std::process::ExitCode;

/// Plans the scratchpad of a neural-network accelerator.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A module as MLIR text or bytecode; `-` is the standard input.
    #[arg(default_value = "-")]
    input: String,
}

fn main() -> ExitCode {
    // The call is wrong: clap says so, and exits with 2.
    let arguments = Arguments::parse();
    let (text, name) = match read(&arguments.input) {
        Ok(text) => (text, if arguments.input == "-" { "<stdin>" } else { &arguments.input }),
        Err(error) => {
            eprintln!("error: cannot read {}: {error}", arguments.input);
            return ExitCode::from(2);
        }
    };
    cosma_passes::register();
    let context = new_context();
    let reports = Reports::attach(&context);
    let module = parse(&context, &text, name);
    for report in reports.take() {
        eprintln!("{report}");
    }
    match module {
        Some(module) => {
            print!("{}", module.as_operation());
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

fn read(input: &str) -> io::Result<Vec<u8>> {
    if input != "-" {
        return std::fs::read(input);
    }
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}
