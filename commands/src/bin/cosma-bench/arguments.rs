//! The command line.

use clap::Parser;
use cosma::{Seconds, Size, SolverName, WeightsName};
use cosma_commands::size::size;
use cosma_planner::Objective;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

const AFTER_HELP: &str = "\
A method is named ORDER/REPLACEMENT/ALLOCATION:
  ORDER        source | depth-first | breadth-first | least-peak
  REPLACEMENT  lru (least recently used) | farthest (farthest next use)
  ALLOCATION   first-fit | best-fit | greedy-by-size
The method ORDER/optimal is the best replacement with addresses in that order that is found within
the time limit.
A `*` matches any part of a name: --methods='source/*', --methods='*/farthest/*'.

A case is one network, one treatment of weights and one scratchpad size: the network's minimum times
a factor. The reduction against a method is 1 - COSMA's non-compulsory bytes / the method's; its mean
is over the cases in which the method moves more than COSMA. The name decides a network's group:
`train_…` is training; amoebanet, darts, enas, nasnet, pnas, randwire and swiftnet, whose wiring was
searched for or drawn at random, are searched; all others, including chains of searched blocks, are
hand-designed.

With --tiles, networks run in COSMA's tiles (as by `cosma-opt --tile --allocate`), at one byte per
float element, and in tiles by two rules:
  layers    each operator by itself, in the fewest tiles among those that move least
  cascades  chains of operators in which each tensor has one reader, depth first in stripes of rows,
            as in Vela and MCUNet: weights stay, a residual ends a chain, and a chain grows while it
            fits
Each rule's program is planned with optimal replacement in its order, and with greedy replacement.
Numbers are non-compulsory bytes. The bound holds for all tilings, or for those without
recomputation if COSMA's recomputes nothing. Each line is printed as soon as it is known. A CNN is a
network with convolutions and without softmax; training graphs are omitted.

With --objective=traffic-then-latency, COSMA's programs on machines with a clock are compared with
programs of the same plan whose transfers begin by rule:
  synchronous          right before their operator: no overlap
  one-ahead            together with the previous operator
  greedy               largest first, each so early that the operators in between take longer than
                       the transfer, as in XLA
  as-soon-as-possible  in the order of use
Cycles are given as multiples of a proven lower bound. With --objective=latency, COSMA minimises
time.

Examples:
  All networks in a folder, by all methods:
    cosma-bench --time-limit=10 --markdown=bench.md --json=bench.json ../shared/networks
  One network at its minimum scratchpad, by some methods:
    cosma-bench net.mlir --scratchpad-factors=1 --weights=streamed --methods='source/*'
  Tiles against tilings by rule:
    cosma-bench --tiles --scratchpad=256KiB,1MiB --time-limit=60 ../shared/networks
  Cycles on three machines, with resident weights:
    cosma-bench --objective=traffic-then-latency --weights=resident ../shared/networks

Exit status:
  0  success
  1  a network is invalid, or a plan is wrong: it fails verification or moves less than a proven
     lower bound
  2  usage error

Environment:
  RAYON_NUM_THREADS  number of planning threads (default: one per core); plans do not depend on it
  NO_COLOR           if set, usage errors are printed without colour";

/// Plans networks for several scratchpad sizes and compares the non-compulsory traffic with that of
/// other planning methods. Every plan is verified.
#[derive(Debug, Parser)]
#[command(name = "cosma-bench", version, after_long_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// Networks as MLIR files, or folders of `*.mlir`
    #[arg(value_name = "NETWORKS", default_value = "../shared/networks")]
    pub networks: Vec<PathBuf>,

    /// Plan only networks whose name contains one of these
    #[arg(long, visible_alias = "filter", value_name = "PART,…", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Compare COSMA's tiles with tilings by rule: layer by layer, and depth first in cascades
    #[arg(long, conflicts_with_all = ["scratchpad_factors", "weights", "methods"])]
    pub tiles: bool,

    /// What to compare: traffic; or, on machines with a clock, the cycles of programs with minimal traffic, or of
    /// programs that minimise time
    #[arg(long, value_name = "traffic|traffic-then-latency|latency", default_value = "traffic",
          conflicts_with_all = ["tiles", "methods"])]
    pub objective: Compared,

    /// Machines with a clock, by name or file
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        requires = "objective",
        default_value = "ethos-u65-high-end,ethos-u65-client-server,soma-edge"
    )]
    pub machines: Vec<String>,

    /// Scratchpad sizes to tile for
    #[arg(long, value_name = "SIZE,…", value_parser = size, value_delimiter = ',', default_value = "256KiB", requires = "tiles")]
    pub scratchpad: Vec<Size>,

    /// Scratchpad sizes, as multiples of the network's minimum
    #[arg(long, value_name = "FACTOR,…", value_delimiter = ',', default_value = "1,1.1,1.25,1.5", value_parser = factor)]
    pub scratchpad_factors: Vec<f64>,

    /// How operators read weights: from the scratchpad, or streamed past it
    #[arg(long, value_name = "resident,streamed", value_delimiter = ',', default_value = "resident,streamed")]
    pub weights: Vec<WeightsName>,

    /// Methods to compare COSMA with
    #[arg(long, value_name = "METHOD,…", value_delimiter = ',', default_value = "*")]
    pub methods: Vec<String>,

    /// Solver that COSMA uses
    #[arg(long, value_name = "auto|search|ilp|greedy", default_value = "auto")]
    pub solver: SolverName,

    /// Stop planning after SECONDS and take the best plan found; applies to COSMA and to ORDER/optimal
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub time_limit: Seconds,

    /// Cases to run in parallel; with more than one, times are unreliable
    #[arg(long, value_name = "N", default_value = "1")]
    pub jobs: NonZeroUsize,

    /// Omit times and memory use, so that the outputs of two runs can be compared
    #[arg(long)]
    pub no_times: bool,

    /// Write the tables as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Write all results of every case as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Bytes.
    Traffic,
    /// Cycles of programs with minimal traffic.
    TrafficThenLatency,
    /// Cycles of the fastest programs.
    Latency,
}

impl Compared {
    /// The objective of planning.
    pub fn planned(self) -> Objective {
        match self {
            Compared::Traffic | Compared::TrafficThenLatency => Objective::Traffic,
            Compared::Latency => Objective::Latency,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Compared::Traffic => "traffic",
            Compared::TrafficThenLatency => "traffic-then-latency",
            Compared::Latency => "latency",
        }
    }
}

impl FromStr for Compared {
    type Err = String;

    fn from_str(text: &str) -> Result<Compared, String> {
        let all = [Compared::Traffic, Compared::TrafficThenLatency, Compared::Latency];
        all.into_iter().find(|it| it.name() == text).ok_or_else(|| format!("'{text}' is not an objective"))
    }
}

impl Arguments {
    /// The command line that reproduces the results, without flags that do not affect them.
    pub fn shown(&self) -> String {
        let factors: Vec<String> = self.scratchpad_factors.iter().map(f64::to_string).collect();
        let weights: Vec<&str> = self.weights.iter().map(|it| cosma_passes::weights_name(it.0)).collect();
        let only = if self.only.is_empty() { String::new() } else { format!(" --only={}", self.only.join(",")) };
        format!(
            "cosma-bench --scratchpad-factors={} --weights={} --methods='{}' --solver={} --time-limit={} --jobs={}{only} {}",
            factors.join(","),
            weights.join(","),
            self.methods.join(","),
            cosma_passes::solver_name(self.solver.0),
            self.time_limit.0.as_secs_f64(),
            self.jobs,
            self.shown_networks(),
        )
    }

    /// The command line that reproduces the results on machines with a clock.
    pub fn shown_latency(&self) -> String {
        let factors: Vec<String> = self.scratchpad_factors.iter().map(f64::to_string).collect();
        let weights: Vec<&str> = self.weights.iter().map(|it| cosma_passes::weights_name(it.0)).collect();
        let only = if self.only.is_empty() { String::new() } else { format!(" --only={}", self.only.join(",")) };
        format!(
            "cosma-bench --objective={} --machines={} --scratchpad-factors={} --weights={} --solver={} --time-limit={} \
             --jobs={}{only} {}",
            self.objective.name(),
            self.machines.join(","),
            factors.join(","),
            weights.join(","),
            cosma_passes::solver_name(self.solver.0),
            self.time_limit.0.as_secs_f64(),
            self.jobs,
            self.shown_networks(),
        )
    }

    /// The command line that reproduces the results of `--tiles`.
    pub fn shown_tiles(&self) -> String {
        let sizes: Vec<String> = self.scratchpad.iter().map(|it| it.0.to_string()).collect();
        let only = if self.only.is_empty() { String::new() } else { format!(" --only={}", self.only.join(",")) };
        format!(
            "cosma-bench --tiles --scratchpad={} --solver={} --time-limit={} --jobs={}{only} {}",
            sizes.join(","),
            cosma_passes::solver_name(self.solver.0),
            self.time_limit.0.as_secs_f64(),
            self.jobs,
            self.shown_networks(),
        )
    }

    /// The paths of the networks, separated by spaces.
    pub fn shown_networks(&self) -> String {
        self.networks.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(" ")
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (1.0..=1e6).contains(&factor) => Ok(factor),
        _ => Err(format!("a factor is a number from 1 on, not '{text}'")),
    }
}
