//! The command line.

use crate::planning::{MachineArguments, PlanningArguments, SourceArguments};
use clap::Parser;
use cosma::execute::RunOptions;
use cosma::{ModelOptions, Options, Stages};

const AFTER_HELP: &str = "\
Examples:
  Plan for a scratchpad of 64 KiB, run the program, and compare its results with those of the source:
    cosma-run --schedule --scratchpad=64KiB net.tosa.mlir
  Operators joined and weights passing by, other arguments, and what came out as JSON:
    cosma-run --schedule --group --weights=streamed --scratchpad=1MiB --inputs=0 --seed=7 --json net.tosa.mlir

The module is in source form, of TOSA, linalg and operations on tensors. It is compiled as it is, and
once more as it was planned and lowered; both run on the same arguments:
  floats               ±1.m × 2^-e with e from 1 to 4, every bit of the mantissa drawn
  8 and 16 bits        whatever there is
  other integers       0 to 3, since they may be indices; a bit is 0 or 1
The planned program runs twice, in a scratchpad and in buffers that hold different bytes which read as
signalling NaN: what was never written shows. Its copies count what they move.

Exit status:
  0  all results are the same bit for bit, what was moved is what the report says, and memory was used
     as it may be
  1  they are not; or the module cannot be planned or run. The reasons are on the standard error
  2  the call is wrong: flags, files, a scratchpad that nobody gave

Environment:
  RAYON_NUM_THREADS  how many threads may plan; unless set, as many as there are cores. Plans do not depend on it
  NO_COLOR           if set, there are no colours in what is said of wrong flags";

/// Plans a module, runs the planned program beside the source, and compares their results bit for bit.
#[derive(Debug, Parser)]
#[command(name = "cosma-run", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// A module in source form, as MLIR text or bytecode; `-` is the standard input
    #[arg(value_name = "IN", default_value = "-")]
    pub input: String,

    #[command(flatten)]
    machine: MachineArguments,

    #[command(flatten)]
    source: SourceArguments,

    /// Join operators that an accelerator runs at once
    #[arg(long, help_heading = "Models")]
    group: bool,

    /// Free the order of the operators; otherwise that of the source stays
    #[arg(long, help_heading = "Planning")]
    schedule: bool,

    #[command(flatten)]
    planning: PlanningArguments,

    /// What arguments are made from; the same seed makes the same ones
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Running")]
    seed: u64,

    /// How hard LLVM tries, with both programs
    #[arg(long, value_name = "0|1|2|3", default_value = "2", value_parser = clap::value_parser!(u8).range(0..=3), help_heading = "Running")]
    effort: u8,

    /// The only function to be run; otherwise all are that have a body
    #[arg(long, value_name = "NAME", help_heading = "Running")]
    function: Option<String>,

    /// Print one object of JSON instead of a table
    #[arg(long, help_heading = "To look at")]
    pub json: bool,
}

impl Arguments {
    /// What is to be known of the module.
    pub fn model_options(&self) -> ModelOptions {
        self.source.options(None)
    }

    /// How it is planned.
    pub fn options(&self) -> Options {
        Options {
            machine: self.machine.options(),
            stages: Stages { group: self.group, schedule: self.schedule, ..Stages::default() },
            solver: self.planning.solver.0,
            time_limit: self.planning.time_limit.0,
            ..Options::default()
        }
    }

    /// How it is run.
    pub fn run_options(&self) -> RunOptions {
        RunOptions { seed: self.seed, effort: self.effort, function: self.function.clone() }
    }
}
