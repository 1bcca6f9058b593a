//! The command line.

use crate::model::ModelArguments;
use crate::planning::SourceArguments;
use crate::sizes::{Sizes, Spacing};
use clap::{Parser, ValueEnum};
use cosma::{ModelOptions, Seconds, Size, SolverName, WeightsName};
use cosma_passes::OrderName;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
A scratchpad is a SIZE, which is a number of bytes or one with a unit B, KiB, MiB, GiB or TiB (524288,
512KiB, 1.5MiB); a multiple of the network's least scratchpad (1x, 1.5x); min, the least itself; peak,
where no more than the compulsory has to move in the order with the least peak that is found; or a
range of two of these, A..B, which --steps sizes divide. What is least, and where the peak is, depends
on weights and order.

A plan for one scratchpad is one for each that is larger, and what is proven of one holds for each that
is smaller. So of each curve the ends are planned first, then what is halfway, and so on: what lies
between two sizes with the same proven traffic is not planned. In the end each size takes over the plan
of a smaller one, or the proof of a larger one, if that is better; `from` says so. A plan that moves less
than was proven to be possible is an error.

Examples:
  From the least scratchpad to the least peak, as a table, and as a picture:
    cosma-sweep net.mlir --plot=net.svg
  Some sizes, and both ways of weights, for spreadsheets and programs:
    cosma-sweep net.mlir --scratchpad=1x,1.1x,1.5x,2x --weights=resident,streamed --csv=net.csv --json=net.json
  Many sizes, which another run can go on with:
    cosma-sweep net.onnx --element-bytes=1 --scratchpad=4KiB..16KiB --steps=9 --time-limit=10 --state=net.jsonl
  What a free order is worth:
    cosma-sweep net.mlir --order=free,source --plot=orders.svg

Exit status:
  0  done
  1  the network or the machine is at fault, or no scratchpad is large enough, or the judge refuses a
     plan, or it moves less than was proven possible; the reasons are on the standard error
  2  the call is wrong: flags, files

Environment:
  RAYON_NUM_THREADS  how many threads searches may share; unless set, as many as there are cores. Results do not depend on it
  NO_COLOR           if set, there are no colours in what is said of wrong flags";

/// Plans one network for many scratchpads, and shows how its traffic falls with their size: as a
/// table, JSON, CSV, and a plot. Every plan is judged.
#[derive(Debug, Parser)]
#[command(name = "cosma-sweep", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// A module as MLIR text or bytecode, or a model as ONNX; `-` is the standard input
    #[arg(value_name = "IN", default_value = "-")]
    pub input: String,

    /// Which function, by name. Not needed where there is one
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,

    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    source: SourceArguments,

    /// Sizes of the scratchpad: sizes, multiples of the least, and ranges
    #[arg(
        long,
        value_name = "SIZE|N.Nx|A..B,…",
        value_delimiter = ',',
        default_value = "min..peak",
        allow_hyphen_values = true,
        help_heading = "Sweep"
    )]
    pub scratchpad: Vec<Sizes>,

    /// Sizes in a range
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u32).range(2..=10_000),
          help_heading = "Sweep")]
    pub steps: u32,

    /// How the sizes of a range lie
    #[arg(
        long,
        value_name = "geometric|linear",
        value_enum,
        default_value = "geometric",
        hide_possible_values = true,
        help_heading = "Sweep"
    )]
    pub spacing: Spacing,

    /// `resident` weights need room in the scratchpad, `streamed` ones pass by, once per use; otherwise
    /// `cosma.machine` says, or they are resident
    #[arg(long, value_name = "resident|streamed,…", value_delimiter = ',', help_heading = "Sweep")]
    pub weights: Vec<WeightsName>,

    /// Whether the order of the operators is free, or that of the source
    #[arg(long, value_name = "free|source,…", value_delimiter = ',', default_value = "free", help_heading = "Sweep")]
    pub order: Vec<OrderName>,

    /// Who decides: auto is the first of the others with a proof, greedy proves nothing
    #[arg(
        long,
        value_name = "auto|search|ilp|greedy,…",
        value_delimiter = ',',
        default_value = "auto",
        help_heading = "Sweep"
    )]
    pub solver: Vec<SolverName>,

    /// Addresses are multiples of so many bytes; otherwise `cosma.machine` says, or it is 64
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Sweep")]
    pub alignment: Option<Size>,

    /// After so long the best plan so far has to do, for each size
    #[arg(long, value_name = "SECONDS", default_value = "60", allow_hyphen_values = true, help_heading = "Sweep")]
    pub time_limit: Seconds,

    /// Plans at once; unless said, as many as there are cores. They share the machine, so what the time
    /// limit cuts off comes out better with fewer
    #[arg(long, value_name = "N", help_heading = "Sweep")]
    jobs: Option<NonZeroUsize>,

    /// Append each plan's traffic to this file as soon as it is known, and do not plan again what is
    /// there: of the same network and options, and proven or with as much time
    #[arg(long, value_name = "FILE.jsonl", help_heading = "Sweep")]
    pub state: Option<PathBuf>,

    /// Write everything as JSON
    #[arg(long, value_name = "FILE.json", help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Write the table as CSV
    #[arg(long, value_name = "FILE.csv", help_heading = "Output")]
    pub csv: Option<PathBuf>,

    /// Draw traffic over size
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub plot: Option<PathBuf>,

    /// How sizes lie along the plot's axis
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

    /// Leave out times, so that the outputs of two runs can be compared
    #[arg(long, help_heading = "Output")]
    pub no_times: bool,
}

/// How numbers lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// Each step is a factor.
    Log,
    /// Each step is a sum.
    Linear,
}

impl Arguments {
    /// What is to be known of modules that are MLIR.
    pub fn model_options(&self) -> ModelOptions {
        self.source.options(self.model.element_bytes())
    }

    /// Plans at once.
    pub fn jobs(&self) -> usize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}
