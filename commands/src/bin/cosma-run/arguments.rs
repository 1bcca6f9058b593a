//! The command line.

use clap::Parser;
use cosma::execute::RunOptions;
use cosma::{ModelOptions, Options, Stages};
use cosma_commands::planning::{MachineArguments, PlanningArguments, SourceArguments};

const AFTER_HELP: &str = "\
Examples:
  Plan for a scratchpad of 64 KiB, run source and plan, and compare their results:
    cosma-run --schedule --scratchpad=64KiB net.tosa.mlir
  In tiles, on a scratchpad smaller than the largest operator:
    cosma-run --tile --scratchpad=16KiB net.tosa.mlir
  With grouped operators, streamed weights and another seed; print the results as JSON:
    cosma-run --schedule --group --weights=streamed --scratchpad=1MiB --inputs=0 --seed=7 \\
      --json net.tosa.mlir

The module is in source form and consists of TOSA, linalg and operations on tensors. It is compiled
once unplanned and once planned and lowered. Both programs run on the same random arguments:
  floats               ±1.m × 2^-e with e from 1 to 4 and a random mantissa m
  8 and 16 bits        any value
  other integers       0 to 3, since they may be indices; an i1 is 0 or 1
The planned program runs twice, each time in memory filled with different bytes that read as
signalling NaN, so that reading uninitialised memory changes a result. Its copies count the bytes
moved.

Exit status:
  0  all results agree bit for bit, the bytes moved are those planned, and no memory was misused
  1  something differs, or the module cannot be planned or run; errors are on standard error
  2  usage error: flags, files, no scratchpad size given

Environment:
  RAYON_NUM_THREADS  number of planning threads (default: one per core); plans do not depend on it
  NO_COLOR           if set, usage errors are printed without colour";

/// Plans a module, runs both the source and the planned program, and compares their results bit for bit.
#[derive(Debug, Parser)]
#[command(name = "cosma-run", version, after_long_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// Module in source form, as MLIR text or bytecode; `-` is standard input
    #[arg(value_name = "IN", default_value = "-")]
    pub input: String,

    #[command(flatten)]
    machine: MachineArguments,

    #[command(flatten)]
    source: SourceArguments,

    /// Group operations that an accelerator runs as one operator
    #[arg(long, help_heading = "Models")]
    group: bool,

    /// Split operators into tiles if they do not fit, or if tiles move less
    #[arg(long, help_heading = "Planning")]
    tile: bool,

    /// Let the planner reorder the operators (default: source order)
    #[arg(long, help_heading = "Planning")]
    schedule: bool,

    #[command(flatten)]
    planning: PlanningArguments,

    /// Seed of the random arguments
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Running")]
    seed: u64,

    /// LLVM optimisation level of both programs
    #[arg(long, value_name = "0|1|2|3", default_value = "2", value_parser = clap::value_parser!(u8).range(0..=3), help_heading = "Running")]
    effort: u8,

    /// Run only this function (default: all functions with a body)
    #[arg(long, value_name = "NAME", help_heading = "Running")]
    function: Option<String>,

    /// Print one JSON object instead of a table
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl Arguments {
    /// How to read the module.
    pub fn model_options(&self) -> ModelOptions {
        self.source.options(None)
    }

    /// How to plan it.
    pub fn options(&self) -> Options {
        Options {
            machine: self.machine.options(),
            stages: Stages { group: self.group, tile: self.tile, schedule: self.schedule, ..Stages::default() },
            solver: self.planning.solver.0,
            time_limit: self.planning.time_limit.0,
            ..Options::default()
        }
    }

    /// How to run it.
    pub fn run_options(&self) -> RunOptions {
        RunOptions { seed: self.seed, effort: self.effort, function: self.function.clone() }
    }
}
