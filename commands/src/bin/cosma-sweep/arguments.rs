//! The command line.

use crate::sizes::{Sizes, Spacing};
use clap::{Parser, ValueEnum};
use cosma::time::Ratio;
use cosma::{MachineFile, ModelOptions, Seconds, Size, SolverName, WeightsName, read_machine};
use cosma_commands::model::ModelArguments;
use cosma_commands::planning::{SourceArguments, above_zero};
use cosma_passes::OrderName;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
A scratchpad is one of
  SIZE   a number of bytes, with or without a unit (B, KiB, MiB, GiB, TiB): 524288, 512KiB, 1.5MiB
  1.5x   a multiple of the network's minimum scratchpad
  min    the minimum, 1x
  peak   a size at which only compulsory traffic is left, from the order with the lowest peak found
  A..B   a range of --steps sizes between two of these
The minimum and the peak depend on weights and order.

A plan for one size is valid for each larger size, and a lower bound for one size holds for each
smaller size. So the ends of each curve are planned first, then the middle, and so on; sizes between
two with the same proven traffic are not planned. At the end, each size takes over the plan of a
smaller size or the bound of a larger size if that is better, and column `from` names that size. A
plan that moves less than a proven bound is an error.

With --tile, minimum and peak are those of whole operators, each size that fits whole operators is
also planned without tiles, and bounds hold for all tilings.

Several networks share one table and one plot, in which traffic is a multiple of each network's
compulsory traffic; JSON is then a list. Multiples, minimum and peak are those of each network.

The line below the table names, for each curve, the smallest size that saves nine tenths of all that
larger sizes save. The file `-` is standard output, in place of the table. Ctrl-C reports what is
planned so far.

Examples:
  From the minimum scratchpad to the lowest peak, as a table and a plot:
    cosma-sweep net.mlir --plot=net.svg
  A few sizes with resident and streamed weights, as CSV and JSON:
    cosma-sweep net.mlir --scratchpad=1x,1.1x,1.5x,2x --weights=resident,streamed \\
      --csv=net.csv --json=net.json
  Many sizes, in a sweep that can be resumed:
    cosma-sweep net.onnx --element-bytes=1 --scratchpad=4KiB..16KiB --steps=9 \\
      --time-limit=10 --state=net.jsonl
  The curve in tiles, 32 KiB to 4 MiB:
    cosma-sweep net.mlir --tile --plot=tiles.svg
  Several networks in one plot:
    cosma-sweep net.mlir net.onnx --element-bytes=1 --scratchpad=1x..2x --plot=networks.svg
  Compare a free order with source order:
    cosma-sweep net.mlir --order=free,source --plot=orders.svg
  Compare the benefit of more memory and of more bandwidth:
    cosma-sweep net.mlir --machine=ethos-u65-high-end --scratchpad=1x..2x --steps=5 \\
      --rate=2,4,8,16 --plot=time.svg

Exit status:
  0  success
  1  the network or the machine is invalid, every scratchpad is too small, or a plan is wrong (it
     fails verification or moves less than a proven bound); errors are on standard error
  2  usage error: flags, files

Environment:
  RAYON_NUM_THREADS  number of threads for all searches (default: one per core); results do not
                     depend on it
  NO_COLOR           if set, usage errors are printed without colour";

/// Plans networks for many scratchpad sizes and reports traffic against size as a table, JSON, CSV
/// and a plot. Every plan is verified.
#[derive(Debug, Parser)]
#[command(name = "cosma-sweep", version, after_long_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// Modules as MLIR text or bytecode, or ONNX models, each with one network; `-` is standard input
    #[arg(value_name = "IN", default_value = "-")]
    pub networks: Vec<String>,

    /// Function to plan; optional if the module has only one
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,

    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    source: SourceArguments,

    /// Split operators into the best tiles for each size, as `cosma-opt --tile` does
    #[arg(long, help_heading = "Sweep")]
    pub tile: bool,

    /// Scratchpad sizes, multiples of the minimum, and ranges (default: min..peak; with --tile, 32 KiB to 4 MiB in powers
    /// of two and the sizes halfway between)
    #[arg(
        long,
        value_name = "SIZE|N.Nx|A..B,…",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Sweep"
    )]
    pub scratchpad: Vec<Sizes>,

    /// Plan each size for each of these transfer rates, in bytes per cycle, as 2,4,7.5 or 15/4, and report cycles instead
    /// of traffic. The rest of the clock comes from --machine or `cosma.machine`, or is one cycle per multiply-accumulate
    #[arg(long, value_name = "RATIO,…", value_delimiter = ',', value_parser = above_zero,
          conflicts_with_all = ["tile", "state"], help_heading = "Sweep")]
    pub rate: Vec<Ratio>,

    /// Machine with the clock for --rate: a built-in name (`ethos-u65-high-end`), a file with its description, or a Vela
    /// configuration file as FILE.ini,SYSTEM,MEMORY,ACCELERATOR
    #[arg(long, value_name = "NAME|FILE", requires = "rate", value_parser = one_scratchpad, help_heading = "Sweep")]
    pub machine: Option<MachineFile>,

    /// Number of sizes in a range
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u32).range(2..=10_000),
          help_heading = "Sweep")]
    pub steps: u32,

    /// Spacing of the sizes in a range
    #[arg(
        long,
        value_name = "geometric|linear",
        value_enum,
        default_value = "geometric",
        hide_possible_values = true,
        help_heading = "Sweep"
    )]
    pub spacing: Spacing,

    /// How operators read weights: from the scratchpad (resident), streamed past it once per use (streamed), or for each
    /// use whichever moves less (auto) (default: that of `cosma.machine`, or resident)
    #[arg(long, value_name = "resident|streamed|auto,…", value_delimiter = ',', help_heading = "Sweep")]
    pub weights: Vec<WeightsName>,

    /// Whether the planner may reorder the operators (default: free; with --tile, source, the order for which tiles are
    /// chosen)
    #[arg(long, value_name = "free|source,…", value_delimiter = ',', help_heading = "Sweep")]
    pub order: Vec<OrderName>,

    /// Solver: auto combines all of them, greedy proves no lower bound
    #[arg(
        long,
        value_name = "auto|search|ilp|greedy,…",
        value_delimiter = ',',
        default_value = "auto",
        help_heading = "Sweep"
    )]
    pub solver: Vec<SolverName>,

    /// Alignment of all addresses (default: that of `cosma.machine`, or 64)
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Sweep")]
    pub alignment: Option<Size>,

    /// Stop planning a size after SECONDS and take the best plan found
    #[arg(long, value_name = "SECONDS", default_value = "60", allow_hyphen_values = true, help_heading = "Sweep")]
    pub time_limit: Seconds,

    /// Plans to compute in parallel (default: one per core); fewer give better plans where the time limit ends planning
    #[arg(long, value_name = "N", help_heading = "Sweep")]
    jobs: Option<NonZeroUsize>,

    /// Append each plan's traffic to this file as soon as it is known, and reuse the file's entries for the same network
    /// and options if they are proven or had at least as much time
    #[arg(long, value_name = "FILE.jsonl", help_heading = "Sweep")]
    pub state: Option<PathBuf>,

    /// Write all results as JSON
    #[arg(long, value_name = "FILE.json", help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Write the table as CSV
    #[arg(long, value_name = "FILE.csv", help_heading = "Output")]
    pub csv: Option<PathBuf>,

    /// Plot traffic against size
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub plot: Option<PathBuf>,

    /// Scale of the plot's size axis
    #[arg(
        long,
        value_name = "log|linear",
        value_enum,
        default_value = "log",
        hide_possible_values = true,
        requires = "plot",
        help_heading = "Output"
    )]
    pub plot_axis: Axis,

    /// Omit times, so that the outputs of two runs can be compared
    #[arg(long, help_heading = "Output")]
    pub no_times: bool,
}

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// Logarithmic: equal distances are equal factors.
    Log,
    /// Linear: equal distances are equal differences.
    Linear,
}

impl Arguments {
    /// How to read an input that is MLIR.
    pub fn model_options(&self) -> ModelOptions {
        self.source.options(self.model.element_bytes())
    }

    /// Whether one of the files is standard output, so that the table cannot go there.
    pub fn is_output_taken(&self) -> bool {
        [&self.json, &self.csv, &self.plot].into_iter().flatten().any(|it| it == Path::new("-"))
    }

    /// The number of plans to compute in parallel, at least 1.
    pub fn jobs(&self) -> usize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// A machine with one scratchpad.
fn one_scratchpad(text: &str) -> Result<MachineFile, String> {
    let file = read_machine(text)?;
    match file.memories {
        Some(_) => Err(format!("{text} has several memories, and a sweep is over the sizes of one scratchpad")),
        None => Ok(file),
    }
}
