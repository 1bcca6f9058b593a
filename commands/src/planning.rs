//! Flags shared by the commands that plan MLIR modules: the machine, how to read a module, and the solver.

use crate::size::size;
use clap::Args;
use cosma::time::{Clock, Ratio};
use cosma::{
    KeepName, MachineFile, MachineOptions, ModelOptions, ReservedRange, Seconds, Size, SolverName, WeightsName,
    read_machine,
};

/// The machine to plan for.
#[allow(dead_code)] // cosma-sweep has its own flags, for several machines.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Machine")]
pub struct MachineArguments {
    /// Machine: a built-in name (`ethos-u65-high-end`), a file with its description, or a Vela configuration file as
    /// FILE.ini,SYSTEM,MEMORY,ACCELERATOR; other flags override it
    #[arg(long, value_name = "NAME|FILE", value_parser = read_machine)]
    machine: Option<MachineFile>,

    /// Size of the scratchpad (default: that of the attribute `cosma.machine`)
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    scratchpad: Option<Size>,

    /// Alignment of all addresses (default: that of `cosma.machine`, or 64)
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, hide_short_help = true)]
    alignment: Option<Size>,

    /// Scratchpad addresses that plans must not use, as 0..1024,60KiB..64KiB (default: those of `cosma.machine`)
    #[arg(long, value_name = "FROM..TO,…", value_delimiter = ',', hide_short_help = true)]
    reserved: Vec<ReservedRange>,

    /// How operators read weights: from the scratchpad (resident), streamed past it once per use (streamed), or for each
    /// use whichever moves less (auto) (default: that of `cosma.machine`, or resident)
    #[arg(long, value_name = "resident|streamed|auto")]
    weights: Option<WeightsName>,

    /// Whether weights may stay in the scratchpad from one run to the next if that saves traffic; weights marked
    /// `cosma.keep` always stay (default: that of `cosma.machine`, or none)
    #[arg(long, value_name = "auto|none")]
    keep: Option<KeepName>,

    /// Transfer rate in bytes per cycle, as 16, 3.75 or 15/4, for one channel in each direction that runs in parallel
    /// with operators; gives the machine a clock (default: that of `cosma.machine`, if it has one)
    #[arg(long, value_name = "RATIO", requires = "cycles_per_mac", value_parser = above_zero, hide_short_help = true)]
    dma_bytes_per_cycle: Option<Ratio>,

    /// Cycles per multiply-accumulate, as 1/512, for operators without `cycles`
    #[arg(long, value_name = "RATIO", requires = "dma_bytes_per_cycle", value_parser = above_zero, hide_short_help = true)]
    cycles_per_mac: Option<Ratio>,
}

/// A ratio that is not zero.
pub fn above_zero(text: &str) -> Result<Ratio, String> {
    match text.parse::<Ratio>() {
        Ok(ratio) if ratio.is_zero() => Err("it must be above zero".into()),
        Ok(ratio) => Ok(ratio),
        Err(error) => Err(error.to_string()),
    }
}

#[allow(dead_code)] // Not used by cosma-sweep.
impl MachineArguments {
    /// The machine options; `None` for flags that are absent.
    pub fn options(&self) -> MachineOptions {
        let clock = self.dma_bytes_per_cycle.zip(self.cycles_per_mac);
        let flags = MachineOptions {
            scratchpad: self.scratchpad.map(|it| it.0),
            alignment: self.alignment.map(|it| it.0),
            weights: self.weights.map(|it| it.0),
            keep: self.keep.map(|it| it.0),
            reserved: self.reserved.iter().map(|it| it.0.clone()).collect(),
            clock: clock.map(|(rate, cycles_per_mac)| Clock::each_way(rate, cycles_per_mac)),
            memories: None,
        };
        flags.or(self.machine.clone().unwrap_or_default())
    }
}

/// What a module does not declare about its functions.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub struct SourceArguments {
    /// Indices of the function arguments that are inputs of the network, as 0,2; all others are weights
    /// (default: arguments marked `cosma.weight` are weights)
    #[arg(long, value_name = "INDEX,…", value_delimiter = ',', hide_short_help = true)]
    inputs: Option<Vec<usize>>,

    /// Plan operators that compute only from weights, instead of taking their results as weights
    #[arg(long, hide_short_help = true)]
    run_weights: bool,
}

impl SourceArguments {
    /// The model options. A float takes `element_bytes` bytes; `None` means the size of its type.
    pub fn options(&self, element_bytes: Option<u64>) -> ModelOptions {
        ModelOptions { inputs: self.inputs.clone(), element_bytes, run_weights: self.run_weights }
    }
}

/// The solver and its time limit.
#[allow(dead_code)] // cosma-sweep has its own flags, for several solvers.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Planning")]
pub struct PlanningArguments {
    /// Solver: auto combines all of them, greedy proves no lower bound
    #[arg(long, value_name = "auto|search|ilp|greedy", default_value = "auto")]
    pub solver: SolverName,

    /// Stop planning a function after SECONDS and take the best plan found
    #[arg(long, value_name = "SECONDS", default_value = "60", allow_hyphen_values = true)]
    pub time_limit: Seconds,
}
