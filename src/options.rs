//! The options of a run.

use cosma_passes::{LowerOptions, MachineOptions, ModelOptions, Overlap, Printer, Watcher};
use cosma_planner::{Objective, Solver};
use std::time::Duration;

/// How to process a module, and for which machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// The machine. The default of a `None` is that of the attribute `cosma.machine`.
    pub machine: MachineOptions,
    /// How to read a model: facts that its functions do not declare.
    pub model: ModelOptions,
    /// The stages to run.
    pub stages: Stages,
    /// The solver to plan with.
    pub solver: Solver,
    /// How long to plan each function; then the best plan found is taken.
    pub time_limit: Duration,
    /// Whether transfers overlap with operators, on a machine with a clock.
    pub overlap: Overlap,
    /// What to minimise, on a machine with a clock.
    pub objective: Objective,
    /// Options of the lowering.
    pub lower: LowerOptions,
    /// Receives progress and can stop planning.
    pub watcher: Option<Watcher>,
    /// Receives the output of the stages that print; without one it is discarded.
    pub printer: Option<Printer>,
    /// Whether MLIR prints the function to standard error after every pass.
    pub print_ir_after_all: bool,
}

impl Default for Options {
    fn default() -> Options {
        let cosma_planner::Options { solver, time_limit, .. } = cosma_planner::Options::default();
        Options {
            machine: MachineOptions::default(),
            model: ModelOptions::default(),
            stages: Stages::default(),
            solver,
            time_limit,
            overlap: Overlap::default(),
            objective: Objective::default(),
            lower: LowerOptions::default(),
            watcher: None,
            printer: None,
            print_ir_after_all: false,
        }
    }
}

/// The stages of a run. They run in a fixed order, see `src/pipeline.rs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Group operations that an accelerator runs as one operator.
    pub group: bool,
    /// Infer how each `cosma.op` without `access` may be split, from its kind and shapes.
    pub infer_access: bool,
    /// Print the live ranges of all tensors in source order.
    pub liveness: bool,
    /// Print the planner's input.
    pub print_problem: bool,
    /// Split operators into tiles if they do not fit, or if tiles move less.
    pub tile: bool,
    /// Let the planner reorder the operators.
    pub schedule: bool,
    /// Decide live intervals and addresses.
    pub allocate: bool,
    /// Print the planned program.
    pub print_plan: bool,
    /// Verify the planned program. Plans made by `allocate` are always verified.
    pub verify: bool,
    /// Lower tensors to views of an arena.
    pub lower_addresses: bool,
}
