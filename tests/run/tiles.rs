//! Programs that `cosma-tile` cuts compute what their source does, bit for bit, in scratchpads far below what a whole
//! operator needs.

use crate::build::{Build, Flavour, Tensor};
use crate::case::Case;
use crate::{QUICK, networks, random};
use cosma::execute::{Comparison, Original};
use cosma::{MachineOptions, Options, Solver, Stages, Weights, optimize};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::time::Duration;

/// How a program is cut: with or without groups, for so many bytes with addresses at multiples of so many.
#[derive(Clone, Copy, Debug)]
struct Way {
    group: bool,
    scratchpad: u64,
    alignment: u64,
}

impl Way {
    fn options(self) -> Options {
        Options {
            machine: MachineOptions {
                scratchpad: Some(self.scratchpad.into()),
                alignment: Some(self.alignment.into()),
                weights: Some(Weights::Resident),
            },
            stages: Stages { tile: true, group: self.group, ..Stages::default() },
            solver: Solver::Auto,
            // A plan is asked for, not a proof.
            time_limit: Duration::from_millis(300),
            ..Options::default()
        }
    }
}

/// A program in tiles.
struct Tiled {
    /// Tiles that are a part of an operator.
    n_tiles: usize,
    comparison: Comparison,
}

/// The least scratchpad of a program whose operators are whole.
fn least(text: &str, group: bool) -> u64 {
    let case = Case {
        percent: 100,
        schedule: false,
        group,
        weights: Weights::Resident,
        solver: Solver::Greedy,
        alignment: 1,
        between: false,
    };
    case.least(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// Cuts, plans, lowers and runs a program beside its source.
fn run(name: &str, text: &str, way: Way) -> Result<Tiled, String> {
    let context = cosma::new_context();
    let explain = |error: &dyn std::fmt::Display| format!("{name} {way:?}: {error}\n{text}");
    let module = cosma::parse(&context, text.as_bytes(), name).ok_or_else(|| explain(&"malformed"))?;
    let original = Original::new(&context, &module, &QUICK).map_err(|it| explain(&it))?;
    let mut tiled = cosma::parse(&context, text.as_bytes(), name).expect("it was parsed before");
    let reports = cosma::Reports::attach(&context);
    let optimized = optimize(&mut tiled, &way.options());
    let said: Vec<String> = reports.take().iter().map(ToString::to_string).collect();
    drop(reports);
    optimized.map_err(|it| explain(&format!("{it} {said:?}")))?;
    let tiled = tiled.as_operation().to_string();
    let compared = original.compare(&way.options()).map_err(|it| explain(&format!("{it}\n{tiled}")))?;
    let comparison = compared.into_iter().next().ok_or_else(|| explain(&"no function"))?;
    let faults = comparison.faults();
    if !faults.is_empty() || 0 < comparison.nans {
        return Err(explain(&format!("{} NaN, {}\n{tiled}", comparison.nans, faults.join("\n"))));
    }
    Ok(Tiled { n_tiles: tiled.matches(" tile <").count(), comparison })
}

/// Cuts a program for a scratchpad of so many percent of its least, and runs it. There must be at least so many tiles.
#[track_caller]
fn check(name: &str, text: &str, group: bool, percent: u64, at_least: usize) {
    let scratchpad = least(text, group) * percent / 100;
    let way = Way { group, scratchpad, alignment: if group { 16 } else { 1 } };
    let tiled = run(name, text, way).unwrap_or_else(|error| panic!("{error}"));
    println!("{name} {way:?}: {} tiles, {} B moved", tiled.n_tiles, tiled.comparison.moved.total());
    assert!(at_least <= tiled.n_tiles, "{name} {way:?}: {} tiles\n{text}", tiled.n_tiles);
}

/// A network in TOSA, in linalg and in both, with groups and without.
#[track_caller]
fn check_all(name: &str, percent: u64, at_least: usize, network: impl Fn(&mut Build) -> Vec<Tensor>) {
    let ways = [(Flavour::Tosa, false), (Flavour::Tosa, true), (Flavour::Linalg, false), (Flavour::Mixed, true)];
    for (flavour, group) in ways {
        let mut build = Build::new(flavour);
        let results = network(&mut build);
        let text = build.finish(&results.iter().collect::<Vec<_>>());
        check(&format!("{name} {flavour:?}"), &text, group, percent, at_least);
    }
}

#[test]
fn halos_and_padding_on_each_side() {
    check_all("halos", 50, 4, |b| {
        let x = b.input(&[1, 14, 11, 3], "f32");
        let x = b.conv(&x, 6, 3, 1);
        let x = b.unary("relu", &x);
        let x = b.conv(&x, 5, 5, 1);
        vec![b.unary("tanh", &x)]
    });
}

#[test]
fn strides_of_two_and_three() {
    check_all("strides", 50, 3, |b| {
        let x = b.input(&[1, 26, 23, 2], "f32");
        let x = b.conv(&x, 6, 3, 2);
        let x = b.conv(&x, 8, 5, 3);
        vec![b.unary("abs", &x)]
    });
}

#[test]
fn weights_in_blocks_of_output_channels() {
    check_all("blocks", 40, 3, |b| {
        let x = b.input(&[1, 4, 3, 8], "f32");
        let x = b.conv(&x, 20, 3, 1);
        vec![b.conv(&x, 12, 1, 1)]
    });
}

#[test]
fn depthwise_between_pointwise() {
    check_all("depthwise", 45, 4, |b| {
        let x = b.input(&[1, 13, 9, 4], "f32");
        let x = b.conv(&x, 12, 1, 1);
        let x = b.unary("relu", &x);
        let x = b.depthwise(&x, 3, 2);
        let x = b.depthwise(&x, 3, 1);
        vec![b.conv(&x, 4, 1, 1)]
    });
}

#[test]
fn pools_of_maxima_and_means() {
    check_all("pools", 45, 4, |b| {
        let x = b.input(&[1, 17, 12, 3], "f32");
        let x = b.unary("tanh", &x);
        let x = b.pool(&x, true, 3, 2);
        let x = b.pool(&x, false, 3, 1);
        vec![b.pool(&x, false, 2, 2)]
    });
}

#[test]
fn attention_by_rows_of_queries() {
    check_all("attention", 50, 4, |b| {
        let (q, k, v) = (b.input(&[2, 24, 4], "f32"), b.input(&[2, 24, 4], "f32"), b.input(&[2, 24, 4], "f32"));
        let k = b.transpose(&k, &[0, 2, 1]);
        let scores = b.matmul(&q, &k);
        let scores = b.scale(&scores, "0.5");
        let parts = b.softmax(&scores);
        vec![b.matmul(&parts, &v)]
    });
}

#[test]
fn a_residual_with_lag_and_a_concatenation() {
    check_all("residual", 45, 4, |b| {
        let x = b.input(&[1, 12, 8, 4], "f32");
        let y = b.conv(&x, 4, 3, 1);
        let y = b.unary("relu", &y);
        let y = b.conv(&y, 4, 3, 1);
        let sum = b.binary("add", &x, &y);
        let wide = b.concat(&[&sum, &x], 3);
        vec![b.conv(&wide, 3, 3, 1)]
    });
}

#[test]
fn layers_on_tokens_and_a_normalisation() {
    check_all("tokens", 50, 3, |b| {
        let x = b.input(&[1, 30, 6], "f32");
        let y = b.dense(&x, 12);
        let y = b.unary("tanh", &y);
        let y = b.dense(&y, 6);
        let y = b.binary("add", &x, &y);
        vec![b.normalise(&y)]
    });
}

#[test]
fn slices_transpositions_and_reshapes_between() {
    check_all("movement", 55, 2, |b| {
        let x = b.input(&[1, 10, 9, 4], "f32");
        let y = b.conv(&x, 8, 3, 1);
        let left = b.slice(&y, 3, 0, 3);
        let right = b.slice(&y, 3, 3, 3);
        let sum = b.binary("add", &left, &right);
        let turned = b.transpose(&sum, &[0, 2, 1, 3]);
        let tokens = b.reshape(&turned, &[1, 90, 3]);
        let tokens = b.dense(&tokens, 5);
        vec![b.unary("relu", &tokens)]
    });
}

#[test]
fn pieces_of_one_row() {
    // The tenth of what the largest operator needs.
    check_all("rows", 20, 10, |b| {
        let x = b.input(&[1, 24, 7, 2], "f32");
        let x = b.depthwise(&x, 3, 1);
        let x = b.unary("relu", &x);
        vec![b.pool(&x, true, 3, 1)]
    });
}

#[test]
fn small_versions_of_networks() {
    type Network = fn() -> networks::Network;
    let all: [Network; 6] = [
        networks::residual,
        networks::inception,
        networks::mobile,
        networks::transformer,
        networks::unet,
        networks::quantised,
    ];
    for network in all {
        let network = network();
        for (flavour, group) in [(Flavour::Tosa, true), (Flavour::Linalg, false)] {
            let text = (network.write)(Build::new(flavour));
            check(&format!("{} {flavour:?}", network.name), &text, group, 70, 1);
        }
    }
}

#[test]
fn random_programs_in_tiles() {
    let more: Option<u32> = std::env::var("COSMA_RUN_CASES").ok().and_then(|it| it.parse().ok());
    let config =
        Config { cases: more.unwrap_or(24), failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let flavour = prop_oneof![Just(Flavour::Tosa), Just(Flavour::Linalg), Just(Flavour::Mixed)];
    let programs = (proptest::collection::vec(any::<u16>(), 8..120), flavour, any::<bool>(), any::<bool>(), 40..100u64);
    let (tiles, cut) = (Cell::new(0), Cell::new(0));
    let result = runner.run(&programs, |(choices, flavour, in_place, group, percent)| {
        let text = random::program(&choices, flavour, in_place);
        let way = Way { group, scratchpad: (least(&text, group) * percent / 100).max(1), alignment: 1 };
        match run("random", &text, way) {
            Ok(tiled) => {
                tiles.set(tiles.get() + tiled.n_tiles);
                cut.set(cut.get() + u32::from(0 < tiled.n_tiles));
                Ok(())
            }
            // What may not be cut may not fit.
            Err(error) if error.contains("in its smallest tile") => Ok(()),
            Err(error) => Err(TestCaseError::fail(error)),
        }
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{} tiles in {} programs", tiles.get(), cut.get());
    assert!(more.is_some() || 8 <= cut.get(), "a property that meets few tiles proves little: {}", cut.get());
}
