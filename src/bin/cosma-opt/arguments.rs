//! The command line.

use crate::model::ModelArguments;
use crate::planning::{MachineArguments, PlanningArguments, SourceArguments};
use crate::progress::Detail;
use crate::show::ShowArguments;
use clap::Parser;
use cosma::{ArenaName, LowerOptions, ModelOptions, Options, Stages};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  Plan order, residency and addresses together, for a scratchpad of 512 KiB:
    cosma-opt --schedule --allocate --scratchpad=512KiB net.mlir -o planned.mlir
  The same in the order of the source, with a report and weights that pass by:
    cosma-opt --allocate --scratchpad=512KiB --weights=streamed --report=plan.json net.mlir -o planned.mlir
  Down to views of an arena:
    cosma-opt --schedule --allocate --lower-addresses --scratchpad=1.5MiB net.mlir
  Judge a program that was planned before:
    cosma-opt --verify planned.mlir -o /dev/null
  Look at the plan, in a browser, and in words:
    cosma-opt --schedule --allocate --scratchpad=512KiB --memory-map=map.html --explain net.mlir -o planned.mlir
  Passes of COSMA among those of MLIR:
    cosma-opt --pass-pipeline='builtin.module(func.func(cse,cosma-allocate{scratchpad=1KiB},cosma-insert-transfers))' net.mlir

SIZE is a number of bytes, or one with a unit B, KiB, MiB, GiB or TiB: 524288, 512KiB, 1.5MiB.

Ctrl-C ends planning: the best plan so far is written. Once more ends the process.

Exit status:
  0  done
  1  the module or the machine is at fault; the reasons are on the standard error, nothing is written
  2  the call is wrong: flags, files, a scratchpad that nobody gave

Environment:
  RAYON_NUM_THREADS  how many threads may plan; unless set, as many as there are cores. Plans do not depend on it
  NO_COLOR           if set, there are no colours in what is said of wrong flags";

/// Plans in which order a network's operators run, and which tensors lie where in the scratchpad and
/// when, so that the traffic to host memory is least.
#[derive(Debug, Parser)]
#[command(name = "cosma-opt", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// A module as MLIR text or bytecode, or a model as ONNX; `-` is the standard input
    #[arg(value_name = "IN", default_value = "-")]
    pub input: String,

    /// Where the module goes; `-` is the standard output. A file is replaced at once, when all is done
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    pub output: PathBuf,

    /// Treat what stands between lines `// -----` as modules of their own
    #[arg(long)]
    pub split_input_file: bool,

    /// Take operations of dialects that are not registered. They keep their order among what may have effects
    #[arg(long)]
    pub allow_unregistered_dialect: bool,

    #[command(flatten)]
    pub model: ModelArguments,

    #[command(flatten)]
    source: SourceArguments,

    #[command(flatten)]
    machine: MachineArguments,

    /// Print to the standard error what lives when, in the order of the source
    #[arg(long, help_heading = "Stages")]
    liveness: bool,

    /// Cut operators into tiles where that makes them fit, or moves less. Without --allocate the tiles are
    /// operators in source form
    #[arg(long, help_heading = "Stages")]
    tile: bool,

    /// Free the order of the operators. Without --allocate only the order is changed
    #[arg(long, help_heading = "Stages")]
    schedule: bool,

    /// Decide when and where tensors lie in the scratchpad. Without --schedule the order of the source
    /// stays
    #[arg(long, help_heading = "Stages")]
    allocate: bool,

    /// Judge a planned module. What --allocate plans is judged in any case
    #[arg(long, help_heading = "Stages")]
    verify: bool,

    /// Turn the tensors of a planned module into views of an arena, and transfers into copies
    #[arg(long, help_heading = "Stages")]
    lower_addresses: bool,

    /// Where the arena of a lowered function comes from: it allocates it, or it is its last argument
    #[arg(
        long,
        value_name = "allocate|argument",
        default_value = "allocate",
        requires = "lower_addresses",
        help_heading = "Stages"
    )]
    arena: ArenaName,

    /// Memory space of the arena; unless said, that of host memory
    #[arg(long, value_name = "N", requires = "lower_addresses", help_heading = "Stages")]
    memory_space: Option<u32>,

    /// Run this pipeline of MLIR's and COSMA's passes instead of stages
    #[arg(long, value_name = "PIPELINE", help_heading = "Stages",
          conflicts_with_all = ["liveness", "tile", "schedule", "allocate", "verify", "lower_addresses", "solver",
                                "time_limit", "dump_lp",
                                "print_problem", "print_plan"])]
    pub pass_pipeline: Option<String>,

    #[command(flatten)]
    planning: PlanningArguments,

    /// Write what is to be decided as an integer program for other solvers, in LP format, or in MPS if
    /// the name ends in .mps. Of several functions, each gets a file with its name before the ending
    #[arg(long, value_name = "FILE.lp|FILE.mps", help_heading = "To look at")]
    pub dump_lp: Option<PathBuf>,

    /// Let the integer program decide addresses as well, which solvers do only for small functions
    #[arg(long, requires = "dump_lp", help_heading = "To look at")]
    pub dump_lp_addresses: bool,

    /// Write a report on the plans, as JSON
    #[arg(long, value_name = "FILE.json", help_heading = "To look at")]
    pub report: Option<PathBuf>,

    #[command(flatten)]
    pub show: ShowArguments,

    /// Print a summary of the plans to the standard error
    #[arg(long, help_heading = "To look at")]
    pub stats: bool,

    /// Print to the standard error the problems that the planner is given
    #[arg(long, help_heading = "To look at")]
    print_problem: bool,

    /// Print to the standard error what the planned programs do
    #[arg(long, help_heading = "To look at")]
    print_plan: bool,

    /// Say nothing but errors and what was asked for: no progress, no warnings
    #[arg(long, short, conflicts_with = "verbose", help_heading = "To look at")]
    quiet: bool,

    /// Say at each change what planning is at, even where the standard error is no terminal. Without it
    /// a terminal shows that after a second
    #[arg(long, short, help_heading = "To look at")]
    verbose: bool,

    /// Print the module to the standard error after every pass
    #[arg(long, help_heading = "To look at")]
    pub print_ir_after_all: bool,
}

impl Arguments {
    /// What is to be known of modules that are MLIR.
    pub fn model_options(&self) -> ModelOptions {
        self.source.options(self.model.element_bytes())
    }

    /// Whether anything is to be planned, which may take long.
    pub fn plans(&self) -> bool {
        self.tile || self.schedule || self.allocate || self.pass_pipeline.is_some() || self.show.plans()
    }

    /// How much is said about planning.
    pub fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Terminal,
        }
    }

    /// What is to be done with each module.
    pub fn options(&self) -> Options {
        Options {
            machine: self.machine.options(),
            // Said before: of a model, the import has made what it is.
            model: ModelOptions::default(),
            stages: Stages {
                group: self.model.groups_mlir(),
                liveness: self.liveness,
                print_problem: self.print_problem,
                tile: self.tile,
                schedule: self.schedule,
                allocate: self.allocate,
                print_plan: self.print_plan,
                verify: self.verify,
                lower_addresses: self.lower_addresses,
            },
            solver: self.planning.solver.0,
            time_limit: self.planning.time_limit.0,
            lower: LowerOptions { arena: self.arena, memory_space: self.memory_space },
            watcher: None,
            printer: None,
            print_ir_after_all: self.print_ir_after_all,
        }
    }
}
