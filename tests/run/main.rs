//! Planned programs compute what their source does, bit for bit, and move what the plan says.
//!
//! Small versions of networks, in TOSA, in linalg and in both, and random programs. With
//! `COSMA_RUN_CASES=N`, N random programs that have not been seen before.

mod between;
mod build;
mod case;
mod command;
#[path = "../common/mod.rs"]
mod common;
mod constructs;
mod damage;
mod kept;
mod networks;
mod overlap;
mod pieces;
mod pins;
mod placed;
mod quantised;
mod random;
mod tiers;
mod tiles;
mod upstream;

use build::{Build, Flavour};
use case::{Case, run};
use cosma::execute::RunOptions;
use cosma::{Solver, Weights};
use networks::Network;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;

/// LLVM does not try: programs are small, and there are many.
const QUICK: RunOptions = RunOptions { seed: 1, effort: 0, function: None };

const fn case(percent: u64, schedule: bool, group: bool, weights: Weights, solver: Solver) -> Case {
    Case { percent, schedule, group, weights, solver, alignment: 64, between: false, overlap: false, keep: false }
}

/// With passes of MLIR between planning and lowering.
const fn between(case: Case) -> Case {
    Case { between: true, ..case }
}

/// With transfers that go on beside operators.
const fn overlap(case: Case) -> Case {
    Case { overlap: true, ..case }
}

/// Ways to plan, of which each network meets six.
const CASES: [Case; 9] = [
    overlap(between(case(100, true, false, Weights::Resident, Solver::Search))),
    case(100, false, false, Weights::Resident, Solver::Ilp),
    overlap(case(110, false, false, Weights::Streamed, Solver::Greedy)),
    between(case(100, true, true, Weights::Resident, Solver::Auto)),
    overlap(case(100, true, false, Weights::Streamed, Solver::Ilp)),
    overlap(between(case(110, false, true, Weights::Streamed, Solver::Search))),
    overlap(case(110, true, true, Weights::Resident, Solver::Greedy)),
    case(100, false, true, Weights::Streamed, Solver::Auto),
    overlap(between(case(100, false, false, Weights::Resident, Solver::Search))),
];

/// Each dialect, with and without results in place of operands, in two cases of three.
fn check(network: Network) {
    let parts = CASES.chunks(3).zip([(Flavour::Tosa, true), (Flavour::Linalg, true), (Flavour::Mixed, false)]);
    let (mut spills, mut programs) = (0, 0);
    for (cases, (flavour, in_place)) in parts {
        let build = Build::new(flavour);
        let text = (network.write)(if in_place { build.in_place() } else { build });
        let name = format!("{}, {flavour:?}", network.name);
        let left_out = network.name.len() % cases.len();
        let cases: Vec<Case> = cases.iter().enumerate().filter(|it| it.0 != left_out).map(|it| *it.1).collect();
        let comparisons = run(&name, &text, &cases, &QUICK).unwrap_or_else(|error| panic!("{error}"));
        programs += comparisons.len();
        spills += comparisons.iter().filter(|it| 0 < it.moved.spill).count();
    }
    println!("{}: {programs} programs, {spills} of them spill", network.name);
    assert!(0 < spills, "{}: no program spills", network.name);
}

macro_rules! networks {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(networks::$name());
        })*
    };
}

networks! {
    residual inception dense mobile squeeze_excite transformer nasnet darts randwire unet training recurrent
    mixer quantised
}

/// A way to plan, drawn by lot.
fn any_case() -> impl Strategy<Value = Case> {
    let percent = prop_oneof![Just(100), Just(105), Just(110), Just(150), Just(250)];
    let weights = prop_oneof![Just(Weights::Resident), Just(Weights::Streamed)];
    let solver = prop_oneof![Just(Solver::Auto), Just(Solver::Search), Just(Solver::Ilp), Just(Solver::Greedy)];
    let alignment = prop_oneof![Just(4), Just(16), Just(64)];
    (percent, any::<bool>(), any::<bool>(), weights, solver, alignment, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(percent, schedule, group, weights, solver, alignment, between, overlap, keep)| Case {
            percent,
            schedule,
            group,
            weights,
            solver,
            alignment,
            between,
            overlap,
            keep,
        })
}

#[test]
fn random_programs() {
    let more: Option<u32> = std::env::var("COSMA_RUN_CASES").ok().and_then(|it| it.parse().ok());
    let config =
        Config { cases: more.unwrap_or(24), failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let flavour = prop_oneof![Just(Flavour::Tosa), Just(Flavour::Linalg), Just(Flavour::Mixed)];
    let programs = (proptest::collection::vec(any::<u16>(), 8..160), flavour, any::<bool>(), any_case());
    let (spills, reloads, operators) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let result = runner.run(&programs, |(choices, flavour, in_place, case)| {
        let text = random::program(&choices, flavour, in_place);
        let comparisons = run("random", &text, &[case], &QUICK).map_err(TestCaseError::fail)?;
        for comparison in comparisons {
            spills.set(spills.get() + u64::from(0 < comparison.moved.spill));
            reloads.set(reloads.get() + u64::from(0 < comparison.moved.reload));
            operators.set(operators.get() + comparison.report.map_or(0, |it| it.operators));
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{} operators; {} programs spill, {} reload", operators.get(), spills.get(), reloads.get());
    assert!(0 < spills.get(), "a property that meets no spill proves little");
}
