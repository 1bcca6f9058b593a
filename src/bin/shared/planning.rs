//! The flags of those that plan modules of MLIR: for which machine, what is to be known of a module, and
//! who decides.

use clap::Args;
use cosma::{MachineOptions, ModelOptions, Seconds, Size, SolverName, WeightsName};

/// The machine.
#[allow(dead_code)] // One of the programs plans for several.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Machine")]
pub struct MachineArguments {
    /// Size of the scratchpad; otherwise the attribute `cosma.machine` says
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    scratchpad: Option<Size>,

    /// Addresses are multiples of so many bytes; otherwise `cosma.machine` says, or it is 64
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    alignment: Option<Size>,

    /// `resident` weights need room in the scratchpad, `streamed` ones pass by, once per use; otherwise
    /// `cosma.machine` says, or they are resident
    #[arg(long, value_name = "resident|streamed")]
    weights: Option<WeightsName>,
}

#[allow(dead_code)] // As above.
impl MachineArguments {
    /// What they say.
    pub fn options(&self) -> MachineOptions {
        MachineOptions {
            scratchpad: self.scratchpad.map(|it| it.0),
            alignment: self.alignment.map(|it| it.0),
            weights: self.weights.map(|it| it.0),
        }
    }
}

/// What the functions of a module do not say themselves.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Models")]
pub struct SourceArguments {
    /// Which arguments of MLIR's functions are inputs of the network, as 0,2; all others are weights.
    /// Unless said, those marked `cosma.weight` are
    #[arg(long, value_name = "INDEX,…", value_delimiter = ',')]
    inputs: Option<Vec<usize>>,

    /// Let operators run that compute from weights alone, instead of computing them before
    #[arg(long)]
    run_weights: bool,
}

impl SourceArguments {
    /// What they say; floats take so many bytes each, or as many as their type.
    pub fn options(&self, element_bytes: Option<u64>) -> ModelOptions {
        ModelOptions { inputs: self.inputs.clone(), element_bytes, run_weights: self.run_weights }
    }
}

/// Who decides, and how long.
#[allow(dead_code)] // One of the programs has several decide.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Planning")]
pub struct PlanningArguments {
    /// Who decides: auto is the first of the others with a proof, greedy proves nothing
    #[arg(long, value_name = "auto|search|ilp|greedy", default_value = "auto")]
    pub solver: SolverName,

    /// After so long the best plan so far has to do, for each function
    #[arg(long, value_name = "SECONDS", default_value = "60", allow_hyphen_values = true)]
    pub time_limit: Seconds,
}
