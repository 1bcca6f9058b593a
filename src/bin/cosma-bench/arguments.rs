//! The command line.

use clap::Parser;
use cosma::{Seconds, SolverName, WeightsName};
use std::num::NonZeroUsize;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Methods are named by their rules, ORDER/REPLACEMENT/ALLOCATION:
  ORDER        source | depth-first | breadth-first | least-peak
  REPLACEMENT  lru (least recently used) | farthest (farthest next use)
  ALLOCATION   first-fit | best-fit | greedy-by-size
and there is source/optimal: the least traffic in the order of the source, by integer programming.
A `*` stands for any part of a name: --methods='source/*', --methods='*/farthest/*'.

A case is a network with one way of weights and one scratchpad: its least, times a factor. The
reduction against a method is 1 - COSMA's non-compulsory bytes / the method's; its mean is over the
cases in which the method moves more than COSMA. Networks are told apart by name: `train_…` are
training; amoebanet, darts, enas, nasnet, pnas, randwire and swiftnet, whose wiring was searched
for or drawn by lot, are searched; all others, chains of searched blocks included, hand-designed.

Examples:
  All networks in a folder, by all methods:
    cosma-bench --time-limit=10 --markdown=bench.md --json=bench.json ../shared/networks
  One network, at its least scratchpad, by some:
    cosma-bench net.mlir --scratchpad-factors=1 --weights=streamed --methods='source/*'

Exit status:
  0  done
  1  a network is at fault, or a plan: the judge refuses it, or it moves less than was proven possible
  2  the call is wrong

Environment:
  RAYON_NUM_THREADS  how many threads may plan; unless set, as many as there are cores. Plans do not depend on it
  NO_COLOR           if set, there are no colours in what is said of wrong flags";

/// Plans networks for several scratchpads, and compares the non-compulsory traffic with that of
/// other ways to plan. Every plan is judged.
#[derive(Debug, Parser)]
#[command(name = "cosma-bench", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Arguments {
    /// Networks as MLIR, and folders of `*.mlir`
    #[arg(value_name = "NETWORKS", default_value = "../shared/networks")]
    pub networks: Vec<PathBuf>,

    /// Only networks whose name contains one of these
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Scratchpads, times the least with which the network can run
    #[arg(long, value_name = "FACTOR,…", value_delimiter = ',', default_value = "1,1.1,1.25,1.5", value_parser = factor)]
    pub scratchpad_factors: Vec<f64>,

    /// Whether weights need room while their operator runs, or pass by
    #[arg(long, value_name = "resident,streamed", value_delimiter = ',', default_value = "resident,streamed")]
    pub weights: Vec<WeightsName>,

    /// What to compare COSMA with
    #[arg(long, value_name = "METHOD,…", value_delimiter = ',', default_value = "*")]
    pub methods: Vec<String>,

    /// Who decides for COSMA
    #[arg(long, value_name = "auto|search|ilp|greedy", default_value = "auto")]
    pub solver: SolverName,

    /// After so long the best plan so far has to do: COSMA's, and that of source/optimal
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub time_limit: Seconds,

    /// Cases at once. More than one blurs the times
    #[arg(long, value_name = "N", default_value = "1")]
    pub jobs: NonZeroUsize,

    /// Leave out times and memory, so that the outputs of two runs can be compared
    #[arg(long)]
    pub no_times: bool,

    /// Write the tables as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Write everything about every case as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Arguments {
    /// The call, as far as it changes what comes out.
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

    /// Where the networks are.
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
