//! The command line.

use crate::export::ExportArguments;
use crate::progress::Detail;
use crate::show::ShowArguments;
use clap::Parser;
use cosma::{ArenaName, LowerOptions, ModelOptions, ObjectiveName, Options, Overlap, Stages, TransfersName};
use cosma_commands::model::ModelArguments;
use cosma_commands::planning::{MachineArguments, PlanningArguments, SourceArguments};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Examples:
  Plan an ONNX model or a module and print a summary:
    cosma-opt --summary --scratchpad=512KiB net.mlir
  Plan order, residency and addresses together, for a scratchpad of 512 KiB:
    cosma-opt --schedule --allocate --scratchpad=512KiB net.mlir -o planned.mlir
  The same in source order, with streamed weights and a report:
    cosma-opt --allocate --scratchpad=512KiB --weights=streamed --report=plan.json \\
      net.mlir -o planned.mlir
  Plan and lower to views of one arena:
    cosma-opt --schedule --allocate --lower-addresses --scratchpad=1.5MiB net.mlir
  Verify a planned module:
    cosma-opt --verify planned.mlir -o /dev/null
  Draw the plan as a web page, and explain it in words:
    cosma-opt --schedule --allocate --scratchpad=512KiB --memory-map=map.html --explain \\
      net.mlir -o planned.mlir
  Mix COSMA's passes with MLIR's:
    cosma-opt --cse --cosma-allocate='scratchpad=1KiB order=free' --cosma-insert-transfers net.mlir
    cosma-opt --pass-pipeline='builtin.module(func.func(cse,cosma-allocate{scratchpad=1KiB}))' \\
      net.mlir

SIZE is a number of bytes, with or without a unit (B, KiB, MiB, GiB, TiB): 524288, 512KiB, 1.5MiB.

Ctrl-C stops planning and writes the best plan found so far; a second Ctrl-C ends the process.

Exit status:
  0  success
  1  the module or the machine is invalid; errors are on standard error, nothing is written
  2  usage error: flags, files, no scratchpad size given

Environment:
  RAYON_NUM_THREADS  number of planning threads (default: one per core); plans do not depend on it
  NO_COLOR           if set, usage errors are printed without colour";

/// Plans the order of a network's operators and the address of each tensor in the scratchpad over time,
/// so that traffic to host memory is minimal.
#[derive(Debug, Parser)]
#[command(name = "cosma-opt", version, after_long_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// Module as MLIR text or bytecode, or ONNX model; `-` is standard input
    #[arg(value_name = "IN", default_value = "-")]
    pub input: String,

    /// Output file; `-` is standard output, the default except with --summary. A file is replaced atomically, after
    /// everything has succeeded, and may be the input
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// Split the input at lines `// -----` and process each part as a module
    #[arg(long, hide_short_help = true)]
    pub split_input_file: bool,

    /// Accept operations of unregistered dialects; their order relative to other operations with possible side effects is
    /// fixed
    #[arg(long, hide_short_help = true)]
    pub allow_unregistered_dialect: bool,

    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    source: SourceArguments,

    #[command(flatten)]
    machine: MachineArguments,

    /// Plan order, residency and addresses (--schedule --allocate --stats) and print a summary instead of the module; with
    /// --output, also write the module
    #[arg(long, help_heading = "Stages")]
    pub summary: bool,

    /// Infer how each `cosma.op` without `access` may be split, from its kind and shapes; assumes the conventions of ONNX networks
    #[arg(long, help_heading = "Stages", hide_short_help = true)]
    infer_access: bool,

    /// Print the live ranges of all tensors in source order to standard error
    #[arg(long, help_heading = "Stages", hide_short_help = true)]
    liveness: bool,

    /// Split operators into tiles if they do not fit, or if tiles move less; without --allocate, only split
    #[arg(long, help_heading = "Stages")]
    tile: bool,

    /// Let the planner reorder the operators; without --allocate, only reorder
    #[arg(long, help_heading = "Stages")]
    schedule: bool,

    /// Decide when and at which address each tensor is in the scratchpad; without --schedule, in source order
    #[arg(long, help_heading = "Stages")]
    allocate: bool,

    /// Verify a planned module; plans made by --allocate are always verified
    #[arg(long, help_heading = "Stages")]
    verify: bool,

    /// Lower the tensors of a planned module to views of one arena, and transfers to copies
    #[arg(long, help_heading = "Stages")]
    lower_addresses: bool,

    /// Whether a lowered function allocates its arena or takes it as its last argument
    #[arg(
        long,
        value_name = "allocate|argument",
        default_value = "allocate",
        requires = "lower_addresses",
        help_heading = "Stages",
        hide_short_help = true
    )]
    arena: ArenaName,

    /// Memory space of the arena (default: that of host memory)
    #[arg(long, value_name = "N", requires = "lower_addresses", help_heading = "Stages", hide_short_help = true)]
    memory_space: Option<u32>,

    /// Lowered form of transfers: synchronous copies, MLIR's DMA operations, or calls of `cosma_dma_start` and
    /// `cosma_dma_wait`, which your runtime supplies
    #[arg(
        long,
        value_name = "copy|dma|call",
        default_value = "copy",
        requires = "lower_addresses",
        help_heading = "Stages",
        hide_short_help = true
    )]
    transfers: TransfersName,

    /// Run this pipeline of MLIR and COSMA passes instead of the stages
    #[arg(long, value_name = "PIPELINE", help_heading = "Stages",
          conflicts_with_all = ["summary", "infer_access", "liveness", "tile", "schedule", "allocate", "verify", "lower_addresses", "solver",
                                "time_limit", "dump_lp",
                                "print_problem", "print_plan"], hide_short_help = true)]
    pub pass_pipeline: Option<String>,

    #[command(flatten)]
    planning: PlanningArguments,

    /// What to minimise on a machine with a clock: traffic first and then latency, or latency at any cost in traffic
    #[arg(long, value_name = "traffic|latency", default_value = "traffic", help_heading = "Planning")]
    objective: ObjectiveName,

    /// Whether transfers overlap with operators, on a machine with a clock
    #[arg(long, value_name = "auto|none", default_value = "auto", help_heading = "Planning", hide_short_help = true)]
    overlap: Overlap,

    /// Write the planning problem as an integer program for other solvers, in LP format, or MPS if the
    /// name ends in .mps; several functions get a file each, with the function's name before the extension
    #[arg(long, value_name = "FILE.lp|FILE.mps", help_heading = "Output", hide_short_help = true)]
    pub dump_lp: Option<PathBuf>,

    /// Include addresses in the integer program, which is tractable only for small functions
    #[arg(long, requires = "dump_lp", help_heading = "Output", hide_short_help = true)]
    pub dump_lp_addresses: bool,

    /// Write the module as MLIR's bytecode instead of text
    #[arg(long, conflicts_with = "split_input_file", help_heading = "Output", hide_short_help = true)]
    pub emit_bytecode: bool,

    /// Write a report on the plans as JSON
    #[arg(long, value_name = "FILE.json", help_heading = "Output")]
    pub report: Option<PathBuf>,

    #[command(flatten)]
    pub show: ShowArguments,

    #[command(flatten)]
    pub export: ExportArguments,

    /// Print a summary of the plans to standard error
    #[arg(long, help_heading = "Output")]
    stats: bool,

    /// Print the planner's input as text to standard error
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    print_problem: bool,

    /// Print the planned programs as text to standard error
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    print_plan: bool,

    /// Print no progress and no warnings, only errors and requested output
    #[arg(long, short, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,

    /// Print each change of progress to standard error (phase, best cost, bound, gap, time left); by
    /// default a terminal shows progress after one second
    #[arg(long, short, help_heading = "Output")]
    verbose: bool,

    /// Print the module to standard error after every pass
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub print_ir_after_all: bool,
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Arguments {
    /// How to read an input that is MLIR.
    pub fn model_options(&self) -> ModelOptions {
        self.source.options(self.model.element_bytes())
    }

    /// Whether the run plans anything, which may take a long time.
    pub fn plans(&self) -> bool {
        self.summary || self.tile || self.schedule || self.allocate || self.pass_pipeline.is_some() || self.show.plans()
    }

    /// Whether plans are drawn, explained or written as data.
    pub fn shows(&self) -> bool {
        self.show.is_asked() || self.export.is_asked()
    }

    /// Where the module goes, if anywhere.
    pub fn output(&self) -> Option<PathBuf> {
        self.output.clone().or_else(|| (!self.summary).then(|| "-".into()))
    }

    /// Where a summary of the plans goes, if anywhere.
    pub fn summary_stream(&self) -> Option<Stream> {
        match self.summary && self.output.as_deref() != Some(Path::new("-")) {
            true => Some(Stream::Output),
            false => (self.summary || self.stats).then_some(Stream::Error),
        }
    }

    /// The first flag that requests numbers about plans.
    pub fn asked_of_plans(&self) -> Option<&'static str> {
        let asked = [(self.summary, "--summary"), (self.report.is_some(), "--report"), (self.stats, "--stats")];
        asked.into_iter().find_map(|(is_asked, flag)| is_asked.then_some(flag))
    }

    /// How much progress to print.
    pub fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Terminal,
        }
    }

    /// The options to process each module with; `model` is the default, see [`Arguments::model_options`].
    pub fn options(&self) -> Options {
        Options {
            machine: self.machine.options(),
            // Applied before the pipeline: the importer has already prepared an ONNX model.
            model: ModelOptions::default(),
            stages: Stages {
                group: self.model.groups_mlir(),
                infer_access: self.infer_access,
                liveness: self.liveness,
                print_problem: self.print_problem,
                tile: self.tile,
                schedule: self.summary || self.schedule,
                allocate: self.summary || self.allocate,
                print_plan: self.print_plan,
                verify: self.verify,
                lower_addresses: self.lower_addresses,
            },
            solver: self.planning.solver.0,
            time_limit: self.planning.time_limit.0,
            lower: LowerOptions { arena: self.arena, memory_space: self.memory_space, transfers: self.transfers },
            overlap: self.overlap,
            objective: self.objective.0,
            watcher: None,
            printer: None,
            print_ir_after_all: self.print_ir_after_all,
        }
    }
}
