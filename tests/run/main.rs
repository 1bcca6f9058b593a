//! Planned programs compute what their source does, bit for bit, and move what the plan says.

mod build;
mod case;
#[path = "../common/mod.rs"]
mod common;
mod networks;
mod random;

use build::{Build, Flavour};
use case::{Case, run};
use cosma::execute::RunOptions;
use cosma::{Solver, Weights};
use networks::NETWORKS;
use proptest::test_runner::{Config, TestRunner};

const CASES: [Case; 8] = {
    use Solver::{Auto, Greedy, Ilp, Search};
    use Weights::{Resident, Streamed};
    let case = |percent, schedule, group, weights, solver| Case { percent, schedule, group, weights, solver, alignment: 64 };
    []
};
