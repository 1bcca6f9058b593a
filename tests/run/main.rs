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

const fn case(percent: u64, schedule: bool, group: bool, weights: Weights, solver: Solver) -> Case {
    Case { percent, schedule, group, weights, solver, alignment: 64 }
}

const CASES: [Case; 8] = [
    case(100, true, false, Weights::Resident, Solver::Search),
    case(100, false, false, Weights::Resident, Solver::Ilp),
    case(110, false, false, Weights::Resident, Solver::Greedy),
    case(100, true, true, Weights::Resident, Solver::Auto),
    case(100, true, false, Weights::Streamed, Solver::Auto),
    case(110, false, true, Weights::Streamed, Solver::Ilp),
    case(110, true, true, Weights::Resident, Solver::Greedy),
    case(100, false, true, Weights::Streamed, Solver::Search),
];

#[test]
fn all() {
    let options = RunOptions { effort: 0, ..RunOptions::default() };
    for (name, network) in NETWORKS {
        for flavour in [Flavour::Tosa, Flavour::Linalg, Flavour::Mixed] {
            for in_place in [false, true] {
                let text = network(if in_place { Build::new(flavour).in_place() } else { Build::new(flavour) });
                for case in CASES {
                    let start = std::time::Instant::now();
                    let label = format!("{name} {flavour:?} {in_place} {case:?}");
                    match run(name, &text, &[case], &options) {
                        Ok(it) => {
                            println!("ok {label} {:?} spilled {} {:?}", it[0].moved, it[0].moved.spill, start.elapsed())
                        }
                        Err(error) => println!("BAD {label} {}", error),
                    }
                }
            }
        }
    }
}
