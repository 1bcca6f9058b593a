//! Tensors with fixed addresses, and what is handed over in the scratchpad: programs are right, and move only the rest.

use super::build::{Build, Flavour};
use super::case::{Case, run};
use super::networks::{self, Network};
use super::{QUICK, any_case, between, case, overlap, random};
use cosma::execute::{Buffer, Comparison, Element};
use cosma::{ArenaName, Options, Solver, Stages, Weights, optimize};
use cosma_ir::execute::{Mood, Program, count_transfers};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;

const CASES: [Case; 6] = [
    case(400, false, false, Weights::Resident, Solver::Auto),
    overlap(case(130, true, false, Weights::Resident, Solver::Ilp)),
    between(case(150, true, true, Weights::Streamed, Solver::Auto)),
    overlap(between(case(150, false, true, Weights::Resident, Solver::Search))),
    case(200, true, true, Weights::Resident, Solver::Greedy),
    between(case(200, true, false, Weights::Streamed, Solver::Greedy)),
];

/// What is said of the first argument, of the first result and of all others.
pub const ON_CHIP: [&str; 3] = ["cosma.on_chip"; 3];
/// The first argument and the first result in one place.
const AT_THE_START: [&str; 3] =
    ["cosma.on_chip, cosma.at = 0 : i64", "cosma.on_chip, cosma.at = 0 : i64", "cosma.on_chip"];
/// In host memory before and after, but in one place in between.
pub const PINNED: [&str; 3] = ["cosma.at = 0 : i64", "cosma.at = 0 : i64", ""];

/// The text of a function with attributes of its first argument and its results.
pub fn annotated(text: &str, [argument, result, others]: [&str; 3]) -> String {
    let (before, rest) = text.split_once("%x0: ").expect("there is an argument");
    let (first, rest) = rest.split_once('>').expect("it is a tensor");
    let (arguments, rest) = rest.split_once(") -> (").expect("there are results");
    let (results, body) = rest.split_once(") {").expect("there is a body");
    let results = results.replacen('>', &format!("@ {{{result}}}"), 1);
    let results = results.replace('>', &format!("> {{{others}}}")).replacen('@', ">", 1);
    format!("{before}%x0: {first}> {{{argument}}}{arguments}) -> ({results}) {{{body}")
}

fn runs(name: &str, text: &str, cases: &[Case]) -> Vec<Comparison> {
    run(name, text, cases, &QUICK).unwrap_or_else(|error| panic!("{error}"))
}

fn check(network: Network, flavour: Flavour) {
    let text = (network.write)(Build::new(flavour).in_place());
    let plain = &runs(network.name, &text, &CASES[..1])[0];
    for said in [ON_CHIP, AT_THE_START] {
        let handed = runs(network.name, &annotated(&text, said), &CASES);
        // In four times the least scratchpad, only the compulsory is moved.
        assert!(handed[0].moved.load < plain.moved.load, "{}: {said:?}", network.name);
        for it in &handed {
            assert_eq!(it.moved.store, 0, "{}: {said:?}", network.name);
        }
    }
    let pinned = runs(network.name, &annotated(&text, PINNED), &CASES);
    assert_eq!(pinned[0].moved, plain.moved, "{}", network.name);
}

#[test]
fn residual_networks_take_and_leave_tensors() {
    check(networks::residual(), Flavour::Tosa);
}

#[test]
fn transformers_take_and_leave_tensors() {
    check(networks::transformer(), Flavour::Linalg);
}

#[test]
fn networks_with_skips_take_and_leave_tensors() {
    check(networks::unet(), Flavour::Mixed);
}

#[test]
fn quantised_networks_take_and_leave_tensors() {
    check(networks::quantised(), Flavour::Tosa);
}

/// Everything at once: an argument that is spilled since another tensor lies in its place, is read again, and is a result
/// in host memory; a result that is a view; one that is read after it was stored; and an argument that nobody reads.
const ALL: &str = "
func.func @main(%x: tensor<4x8xf32> {cosma.at = 128 : i64, cosma.on_chip}, %y: tensor<4x8xf32> {cosma.at = 0 : i64},
                %z: tensor<8xf32> {cosma.on_chip})
    -> (tensor<4x8xf32> {cosma.on_chip}, tensor<4x8xf32> {cosma.at = 256 : i64}, tensor<4x8xf32>,
        tensor<32xf32> {cosma.on_chip, cosma.at = 0 : i64}) {
  %0 = tosa.add %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tosa.abs %0 {cosma.at = 128 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = tosa.sub %1, %y {cosma.at = 256 : i64} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = tosa.maximum %2, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = tosa.minimum %3, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = tensor.collapse_shape %4 [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  return %3, %2, %x, %5 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<32xf32>
}";

#[test]
fn all_at_once() {
    // In a group, operators would need at once what takes turns here.
    let cases: Vec<Case> = CASES.into_iter().filter(|it| !it.group).collect();
    for it in runs("all at once", ALL, &cases) {
        // %2; %x is spilled, once, and that is what is returned.
        assert_eq!((it.moved.store, it.moved.spill), (256, 0), "{:?}", it.moved);
        // %y, and %x again.
        assert_eq!((it.moved.load, it.moved.reload), (128, 128), "{:?}", it.moved);
    }
}

/// Two stages, of which the second begins with what the first leaves in the scratchpad, and both in one function.
const STAGES: &str = "
module attributes {cosma.machine = {scratchpad = 320, reserved = [[0, 64]]}} {
  func.func @first(%x: tensor<16xf32>) -> (tensor<16xf32> {cosma.on_chip, cosma.at = 128 : i64}) {
    %0 = tosa.abs %x : (tensor<16xf32>) -> tensor<16xf32>
    %1 = tosa.add %0, %x : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    return %1 : tensor<16xf32>
  }
  func.func @second(%x: tensor<16xf32> {cosma.on_chip, cosma.at = 128 : i64}) -> tensor<16xf32> {
    %0 = tosa.exp %x : (tensor<16xf32>) -> tensor<16xf32>
    %1 = tosa.sub %0, %x : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    return %1 : tensor<16xf32>
  }
  func.func @both(%x: tensor<16xf32>) -> tensor<16xf32> {
    %0 = tosa.abs %x : (tensor<16xf32>) -> tensor<16xf32>
    %1 = tosa.add %0, %x : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    %2 = tosa.exp %1 : (tensor<16xf32>) -> tensor<16xf32>
    %3 = tosa.sub %2, %1 : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    return %3 : tensor<16xf32>
  }
}";

const F32: Element = Element::Float { exponent: 8, mantissa: 23 };

#[test]
fn one_stage_hands_over_to_the_next() {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, STAGES.as_bytes(), "stages").expect("it is well-formed");
    let stages = Stages { allocate: true, lower_addresses: true, ..Stages::default() };
    let mut options = Options { stages, ..Options::default() };
    options.lower.arena = ArenaName::Argument;
    optimize(&mut module, &options).expect("it is planned and lowered");
    count_transfers(&context, &mut module).expect("its transfers are known");
    let program = Program::compile(&context, module, 0).expect("it compiles");
    let call = |function: &str, arguments: &[Buffer]| {
        // SAFETY: it was lowered from operations on tensors, and the arena is as large as the scratchpad.
        unsafe { program.call(function, arguments, 0xa5a5_a5a5, Mood::AtWait) }.expect("it runs")
    };
    let x: Vec<u8> = (0_u8..16).flat_map(|index| (f32::from(index) - 7.5).to_le_bytes()).collect();
    let x = Buffer::new(F32, &[16], x).expect("16 numbers");
    let arena = Buffer::filled(Element::Integer { bits: 8 }, &[320], 0x7777_7777_7777_7777).expect("a scratchpad");
    let first = call("first", &[x.clone(), arena.clone()]);
    let second = call("second", &first.arguments[1..]);
    let both = call("both", &[x, arena]);
    assert!([&first, &second, &both].iter().all(|outcome| outcome.faults.is_empty()));
    assert_eq!((first.results.len(), first.moved.total(), second.moved.total()), (0, 64, 64));
    assert_eq!(second.results[0].bytes(), both.results[0].bytes());
    // The runtime's own bytes are as they were.
    assert_eq!(second.arguments[0].bytes()[..64], [0x77; 64]);
}

/// What a program may be refused for: a result without a place of its own, and nothing to run.
const REFUSALS: [&str; 2] = ["can have no place in the scratchpad", "has no operator that runs there"];

/// Random programs take their first argument from the scratchpad and leave their results there. Some are
/// refused.
#[test]
fn random_programs_take_and_leave_tensors() {
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let flavour = prop_oneof![Just(Flavour::Tosa), Just(Flavour::Linalg), Just(Flavour::Mixed)];
    let programs = (proptest::collection::vec(any::<u16>(), 8..120), flavour, any::<bool>(), any_case());
    let (n_runs, n_refused) = (Cell::new(0), Cell::new(0));
    let result = runner.run(&programs, |(choices, flavour, in_place, case)| {
        let text = annotated(&random::program(&choices, flavour, in_place), ON_CHIP);
        match run("random", &text, &[Case { keep: false, ..case }], &QUICK) {
            Ok(comparisons) => {
                n_runs.set(n_runs.get() + 1);
                let stored = comparisons.iter().map(|it| it.moved.store).sum::<u64>();
                prop_assert_eq!(stored, 0, "{}", text);
            }
            Err(error) if REFUSALS.iter().any(|it| error.contains(it)) => n_refused.set(n_refused.get() + 1),
            Err(error) => return Err(TestCaseError::fail(error)),
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{} programs run, {} are refused", n_runs.get(), n_refused.get());
    assert!(n_refused.get() < n_runs.get(), "most random programs can leave their results");
}
