//! Programs that `cosma-tile` cuts compute what their source does, bit for bit, in scratchpads far below what a whole
//! operator needs.

use crate::build::{Build, Flavour, Tensor};
use crate::case::{Case, clock};
use crate::{QUICK, networks, random};
use cosma::execute::{Comparison, Original};
use cosma::{Keep, MachineOptions, Options, Solver, Stages, Weights, optimize};
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
                // Each second one with weights that stay from run to run.
                keep: (self.alignment < 64).then_some(Keep::Auto),
                reserved: Vec::new(),
                // Each second one with transfers that go on beside operators.
                clock: self.group.then(|| clock(1)),
                memories: None,
            },
            stages: Stages { tile: true, group: self.group, allocate: true, ..Stages::default() },
            solver: Solver::Auto,
            // A plan is asked for, not a proof.
            time_limit: Duration::from_millis(300),
            ..Options::default()
        }
    }
}

/// Programs of more tiles take LLVM long to compile.
const MOST_TILES: usize = 250;

/// A program in tiles.
struct Tiled {
    /// Tiles that are a part of an operator.
    n_tiles: usize,
    /// Whether some elements are computed more than once.
    recomputes: bool,
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
        overlap: false,
        keep: false,
    };
    case.least(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// Cuts, plans, lowers and runs a program beside its source; none if it has too many tiles to be run.
fn run(name: &str, text: &str, way: Way) -> Result<Option<Tiled>, String> {
    let context = cosma::new_context();
    let explain = |error: &dyn std::fmt::Display| format!("{name} {way:?}: {error}\n{text}");
    let module = cosma::parse(&context, text.as_bytes(), name).ok_or_else(|| explain(&"malformed"))?;
    let original = Original::new(&context, &module, &QUICK).map_err(|it| explain(&it))?;
    let mut planned = cosma::parse(&context, text.as_bytes(), name).expect("it was parsed before");
    let reports = cosma::Reports::attach(&context);
    let optimized = optimize(&mut planned, &way.options());
    let said: Vec<String> = reports.take().iter().map(ToString::to_string).collect();
    drop(reports);
    let report = optimized.map_err(|it| explain(&format!("{it} {said:?}")))?;
    let recomputes = report.functions[0].tiling.as_ref().is_some_and(|it| it.recomputes);
    let tiled = planned.as_operation().to_string();
    let n_tiles = tiled.matches(" tile <").count();
    if MOST_TILES < n_tiles {
        return Ok(None);
    }
    let compared = original.compare_planned(&planned).map_err(|it| explain(&format!("{it}\n{tiled}")))?;
    let comparison = compared.into_iter().next().ok_or_else(|| explain(&"no function"))?;
    let faults = comparison.faults();
    if !faults.is_empty() || 0 < comparison.nans {
        return Err(explain(&format!("{} NaN, {}\n{tiled}", comparison.nans, faults.join("\n"))));
    }
    Ok(Some(Tiled { n_tiles, recomputes, comparison }))
}

/// Cuts a program for a scratchpad of so many percent of its least, and runs it. There must be at least so many tiles.
#[track_caller]
fn check(name: &str, text: &str, group: bool, percent: u64, at_least: usize) {
    let scratchpad = least(text, group) * percent / 100;
    let way = Way { group, scratchpad, alignment: if group { 16 } else { 1 } };
    let tiled = run(name, text, way).unwrap_or_else(|error| panic!("{error}"));
    let tiled = tiled.unwrap_or_else(|| panic!("{name} {way:?}: more than {MOST_TILES} tiles"));
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
    check_all("halos", 65, 4, |b| {
        let x = b.input(&[1, 14, 11, 3], "f32");
        let x = b.conv(&x, 6, 3, 1);
        let x = b.unary("relu", &x);
        let x = b.conv(&x, 5, 5, 1);
        vec![b.unary("tanh", &x)]
    });
}

#[test]
fn lanes_of_columns_with_halos() {
    let ways = [(Flavour::Tosa, false), (Flavour::Tosa, true), (Flavour::Linalg, false), (Flavour::Mixed, true)];
    for (flavour, group) in ways {
        let mut b = Build::new(flavour);
        let x = b.input(&[1, 7, 42, 2], "f32");
        let y = b.conv(&x, 4, 3, 1);
        let y = b.unary("relu", &y);
        let y = b.conv(&y, 2, 3, 1);
        let y = b.binary("add", &x, &y);
        let y = b.pool(&y, true, 3, 2);
        let text = b.finish(&[&y]);
        let least = least(&text, group);
        let tiled = [40, 35, 30, 26, 22, 18, 14].into_iter().find_map(|percent| {
            let way = Way { group, scratchpad: least * percent / 100, alignment: 1 };
            let tiled = run("lanes", &text, way).unwrap_or_else(|error| panic!("{error}"));
            println!("{flavour:?} {way:?}: {:?} tiles", tiled.as_ref().map(|it| (it.n_tiles, it.recomputes)));
            tiled.filter(|it| it.recomputes)
        });
        let tiled = tiled.unwrap_or_else(|| panic!("{flavour:?} {group}: lanes with halos move less in no scratchpad"));
        println!("{flavour:?} {group}: {} tiles, {} B moved", tiled.n_tiles, tiled.comparison.moved.total());
    }
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
        let x = b.input(&[1, 16, 7, 2], "f32");
        let x = b.depthwise(&x, 3, 1);
        let x = b.unary("relu", &x);
        vec![b.pool(&x, true, 3, 1)]
    });
}

/// Sums of 32 bits from images of 8, padded unevenly, with gaps in the filter; channels of which only every
/// second one is read; and an operation that asks for its indices.
#[test]
fn integers_with_dilation_and_uneven_padding() {
    let text = r#"
    func.func @main(%x: tensor<1x23x16x3xi8>, %w: tensor<6x3x3x3xi8> {cosma.weight}, %b: tensor<6xi32> {cosma.weight},
                    %v: tensor<2x3x6x1xi8> {cosma.weight}, %c: tensor<6xi32> {cosma.weight}) -> tensor<1x12x7x3xi32> {
      %zi = "tosa.const"() <{values = dense<3> : tensor<1xi8>}> : () -> tensor<1xi8>
      %zw = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
      %0 = tosa.conv2d %x, %w, %b, %zi, %zw {acc_type = i32, dilation = array<i64: 3, 2>, pad = array<i64: 2, 5, 1, 0>, stride = array<i64: 1, 1>}
        : (tensor<1x23x16x3xi8>, tensor<6x3x3x3xi8>, tensor<6xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x24x13x6xi32>
      %1 = tosa.cast %0 : (tensor<1x24x13x6xi32>) -> tensor<1x24x13x6xi8>
      %2 = tosa.max_pool2d %1 {kernel = array<i64: 2, 2>, pad = array<i64: 1, 0, 0, 1>, stride = array<i64: 1, 1>}
        : (tensor<1x24x13x6xi8>) -> tensor<1x24x13x6xi8>
      %3 = tosa.depthwise_conv2d %2, %v, %c, %zw, %zw {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 1, 1>, stride = array<i64: 2, 2>}
        : (tensor<1x24x13x6xi8>, tensor<2x3x6x1xi8>, tensor<6xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x12x7x6xi32>
      %empty = tensor.empty() : tensor<1x12x7x3xi32>
      %4 = linalg.generic {indexing_maps = [affine_map<(n, y, x, c) -> (n, y, x, c * 2)>, affine_map<(n, y, x, c) -> (n, y, x, c)>],
                           iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%3 : tensor<1x12x7x6xi32>) outs(%empty : tensor<1x12x7x3xi32>) {
      ^bb0(%in: i32, %out: i32):
        %row = linalg.index 1 : index
        %n = arith.index_cast %row : index to i32
        %sum = arith.addi %in, %n : i32
        linalg.yield %sum : i32
      } -> tensor<1x12x7x3xi32>
      return %4 : tensor<1x12x7x3xi32>
    }"#;
    check("integers", text, false, 45, 6);
    check("integers", text, true, 45, 6);
}

/// Rows of padding alone, resizing, and a filter that is turned before the run.
#[test]
fn padding_alone_resizing_and_turned_weights() {
    let text = r#"
    func.func @main(%x: tensor<1x6x7x4xf32>, %w: tensor<1x1x4x9xf32> {cosma.weight}, %b: tensor<9xf32> {cosma.weight}) -> tensor<1x26x14x9xf32> {
      %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
      %p = "tosa.const"() <{values = dense<0.25> : tensor<1xf32>}> : () -> tensor<1xf32>
      %scale = tosa.const_shape {values = dense<[2, 1, 2, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
      %offset = tosa.const_shape {values = dense<[0, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
      %border = tosa.const_shape {values = dense<[1, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>
      %pads = tosa.const_shape {values = dense<[0, 0, 8, 6, 0, 0, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
      %wt = tosa.transpose %w {perms = array<i32: 3, 0, 1, 2>} : (tensor<1x1x4x9xf32>) -> tensor<9x1x1x4xf32>
      %0 = tosa.resize %x, %scale, %offset, %border {mode = NEAREST_NEIGHBOR}
        : (tensor<1x6x7x4xf32>, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<1x12x14x4xf32>
      %1 = tosa.pad %0, %pads, %p : (tensor<1x12x14x4xf32>, !tosa.shape<8>, tensor<1xf32>) -> tensor<1x26x14x4xf32>
      %2 = tosa.conv2d %1, %wt, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}
        : (tensor<1x26x14x4xf32>, tensor<9x1x1x4xf32>, tensor<9xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x26x14x9xf32>
      return %2 : tensor<1x26x14x9xf32>
    }"#;
    check("padding", text, false, 20, 8);
    check("padding", text, true, 20, 8);
}

#[test]
fn small_versions_of_networks() {
    type Network = fn() -> networks::Network;
    let all: [(Network, Flavour, bool); 5] = [
        (networks::residual, Flavour::Linalg, true),
        (networks::inception, Flavour::Tosa, false),
        (networks::mobile, Flavour::Tosa, true),
        (networks::transformer, Flavour::Linalg, false),
        (networks::quantised, Flavour::Tosa, true),
    ];
    for (network, flavour, group) in all {
        let network = network();
        let text = (network.write)(Build::new(flavour));
        check(&format!("{} {flavour:?}", network.name), &text, group, 70, 1);
    }
}

#[test]
fn random_programs_in_tiles() {
    let more: Option<u32> = std::env::var("COSMA_RUN_CASES").ok().and_then(|it| it.parse().ok());
    let config =
        Config { cases: more.unwrap_or(20), failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let flavour = prop_oneof![Just(Flavour::Tosa), Just(Flavour::Linalg), Just(Flavour::Mixed)];
    let programs = (proptest::collection::vec(any::<u16>(), 8..120), flavour, any::<bool>(), any::<bool>(), 50..100u64);
    let (tiles, cut) = (Cell::new(0), Cell::new(0));
    let result = runner.run(&programs, |(choices, flavour, in_place, group, percent)| {
        let text = random::program(&choices, flavour, in_place);
        let way = Way { group, scratchpad: (least(&text, group) * percent / 100).max(1), alignment: 1 };
        match run("random", &text, way) {
            Ok(None) => Ok(()),
            Ok(Some(tiled)) => {
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
