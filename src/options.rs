//! What is to be done with a module.

use cosma_passes::{LowerOptions, MachineOptions, ModelOptions, Printer, Watcher};
use cosma_planner::Solver;
use std::time::Duration;

/// What is to be done with a module, and for which machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// The machine. What is left out, the module's `cosma.machine` says.
    pub machine: MachineOptions,
    /// What is to be known of a model that its functions do not say.
    pub model: ModelOptions,
    /// What is done.
    pub stages: Stages,
    /// Who decides.
    pub solver: Solver,
    /// When to stop looking for something better, for each function.
    pub time_limit: Duration,
    /// What the lowered form looks like.
    pub lower: LowerOptions,
    /// Who is told how planning goes, and may stop it.
    pub watcher: Option<Watcher>,
    /// Who takes what the stages print; without one it is lost.
    pub printer: Option<Printer>,
    /// Whether MLIR prints the function after every pass, to the standard error.
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
            lower: LowerOptions::default(),
            watcher: None,
            printer: None,
            print_ir_after_all: false,
        }
    }
}

/// The stages of a run, each of which may be left out. Their order is not a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Join operators that an accelerator runs at once.
    pub group: bool,
    /// Print what lives when, in the order of the source.
    pub liveness: bool,
    /// Print the problem that the planner is given.
    pub print_problem: bool,
    /// Cut operators into tiles where that makes them fit, or moves less.
    pub tile: bool,
    /// Free the order of the operators.
    pub schedule: bool,
    /// Decide residencies and addresses.
    pub allocate: bool,
    /// Print what the planned program does.
    pub print_plan: bool,
    /// Judge the planned program. What is allocated here is judged in any case.
    pub verify: bool,
    /// Turn tensors into views of an arena.
    pub lower_addresses: bool,
}
