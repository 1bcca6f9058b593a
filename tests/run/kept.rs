//! Weights that stay in the scratchpad from one run to the next: three runs in a row are right, and move what the plan
//! says.

use super::build::{Build, Flavour};
use super::case::{Case, run};
use super::networks::{self, Network};
use super::{QUICK, between, case, overlap};
use cosma::{Solver, Weights};

const fn kept(case: Case) -> Case {
    Case { keep: true, ..case }
}

const CASES: [Case; 5] = [
    kept(case(130, false, false, Weights::Resident, Solver::Auto)),
    kept(overlap(case(160, true, false, Weights::Resident, Solver::Ilp))),
    kept(between(case(200, true, true, Weights::Resident, Solver::Auto))),
    kept(overlap(between(case(200, false, true, Weights::Resident, Solver::Auto)))),
    kept(case(300, true, false, Weights::Resident, Solver::Greedy)),
];

fn check(network: Network, flavour: Flavour) {
    let text = (network.write)(Build::new(flavour).in_place());
    let runs = run(network.name, &text, &CASES, &QUICK).unwrap_or_else(|error| panic!("{error}"));
    let kept = runs.iter().filter(|it| it.prologue.is_some_and(|bytes| 0 < bytes)).count();
    println!("{}: {kept} of {} programs keep weights", network.name, runs.len());
    assert!(0 < kept, "{}: no weight is kept", network.name);
    // With most of them, less is loaded in each run than the weights have.
    let least = runs.iter().map(|it| it.moved.load).min();
    let most = runs.iter().map(|it| it.moved.load).max();
    assert!(least < most, "{}: {least:?} to {most:?} B are loaded", network.name);
}

#[test]
fn residual_networks_keep_weights() {
    check(networks::residual(), Flavour::Tosa);
}

#[test]
fn transformers_keep_weights() {
    check(networks::transformer(), Flavour::Linalg);
}

#[test]
fn networks_with_skips_keep_weights() {
    check(networks::unet(), Flavour::Mixed);
}

#[test]
fn quantised_networks_keep_weights() {
    check(networks::quantised(), Flavour::Tosa);
}

#[test]
fn networks_with_state_keep_weights() {
    check(networks::recurrent(), Flavour::Tosa);
}
