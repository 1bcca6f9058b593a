//! Machines on which nothing moves: programs compute what their source does, with each tensor in one place for good.

use super::QUICK;
use crate::build::{Build, Flavour};
use crate::case::BETWEEN;
use crate::networks::{self, Network};
use cosma::execute::Original;
use cosma::{MachineOptions, Options, Solver, Stages, optimize, run_pipeline};
use cosma_planner::{Apart, Banks, Bytes, Link, Machine, Memory, MemoryId};
use std::time::Duration;

/// A microcontroller: weights in flash, which operators only read, and the rest in a small memory or in a larger one that
/// costs more. If flash has a size, home is a memory that operators do not reach, and constants have to be put there.
fn microcontroller(sram: u64, has_flash_size: bool, n_banks: u64) -> Machine {
    let memory = |name: &str, size: Option<u64>, alignment| Memory {
        name: name.into(),
        size: size.map(Bytes),
        alignment: Bytes(alignment),
        reserved: Vec::new(),
        banks: None,
    };
    let sram = (sram + 64).next_multiple_of(64 * n_banks);
    let banks = (1 < n_banks).then_some(Banks { size: Bytes(sram / n_banks), apart: Apart::No });
    // Something else is at its start.
    let sram = Memory { banks, ..memory("sram", Some(sram), 64) };
    let sram = Memory { reserved: vec![Bytes(0)..Bytes(64)], ..sram };
    let psram = Memory { reserved: vec![Bytes(96)..Bytes(128)], ..memory("psram", Some(1 << 22), 16) };
    let link = |from: u32, to: u32, price| Link { from: MemoryId(from), to: MemoryId(to), price };
    let (home, flash) = match has_flash_size {
        true => ("nowhere", vec![memory("flash", Some(1 << 22), 32)]),
        false => ("flash", Vec::new()),
    };
    let first = vec![memory(home, None, 1), sram, psram];
    let memories = first.into_iter().chain(flash).collect();
    let read_only = if has_flash_size { 3 } else { 0 };
    let links = vec![link(read_only, 1, 2), link(2, 1, 3), link(1, 2, 4)];
    Machine::new(memories, links).and_then(Machine::without_moves).expect("it is a machine")
}

fn options(machine: Machine, stages: Stages, solver: Solver) -> Options {
    let machine = MachineOptions { memories: Some(machine), ..MachineOptions::default() };
    Options { machine, stages, solver, time_limit: Duration::from_millis(500), ..Options::default() }
}

/// Runs a network with less and less room in the fast memory; in how many of the programs something lies in the slow one.
fn check(network: Network, flavour: Flavour) -> usize {
    let text = (network.write)(Build::new(flavour).in_place());
    let context = cosma::new_context();
    let module = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
    let original = Original::new(&context, &module, &QUICK).expect("it runs");
    let source = Stages { allocate: true, ..Stages::default() };
    let (mut n_slow, mut peak) = (0, 1 << 22);
    for (index, (percent, has_flash_size, n_banks, solver, stages)) in [
        (100, false, 1, Solver::Auto, Stages { schedule: true, ..source }),
        (100, true, 1, Solver::Auto, source),
        (60, false, 2, Solver::Ilp, Stages { group: true, ..source }),
        (60, true, 4, Solver::Auto, Stages { schedule: true, group: true, ..source }),
        (40, true, 1, Solver::Greedy, source),
    ]
    .into_iter()
    .enumerate()
    {
        let sram = peak * percent / 100;
        let options = options(microcontroller(sram, has_flash_size, n_banks), stages, solver);
        let mut planned = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
        let report =
            optimize(&mut planned, &options).unwrap_or_else(|error| panic!("{}: {error}\n{text}", network.name));
        if index % 2 == 0 {
            run_pipeline(&mut planned, BETWEEN, &Options::default()).expect("passes of MLIR take it");
        }
        // What lies in the fast memory at once if there is room for all.
        peak = peak.min(report.functions[0].peak);
        let shown = planned.as_operation().to_string();
        assert!(shown.contains("cosma.place"), "{shown}");
        n_slow += usize::from(shown.contains("in [\"psram\"]"));
        let cost = report.functions[0].cost.as_ref().expect("several memories have a cost");
        let by_link: u64 = cost.links.iter().map(|it| it.cost).sum();
        assert_eq!(cost.total, by_link, "{}", network.name);
        assert!(cost.lower_bound <= cost.total);
        for comparison in original.compare_planned(&planned).unwrap_or_else(|error| panic!("{error}\n{shown}")) {
            let faults = comparison.faults();
            assert!(faults.is_empty(), "{} {index}: {faults:?}\n{shown}", network.name);
            assert_eq!(comparison.moved.total(), 0);
        }
    }
    n_slow
}

/// Constants, slices of an argument, an insertion, a view, and an argument that is returned.
const CONSTRUCTS: &str = r#"func.func @f(%x: tensor<4x16xf32>, %w: tensor<4x8xf32> {cosma.weight})
    -> (tensor<4x8xf32>, tensor<4x16xf32>, tensor<32xf32>, tensor<4x8xf32>) {
  %c = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
    [3.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [4.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<4x8xf32>
  %left = tensor.extract_slice %x[0, 0] [4, 8] [1, 1] : tensor<4x16xf32> to tensor<4x8xf32>
  %right = tensor.extract_slice %x[0, 8] [4, 8] [1, 1] : tensor<4x16xf32> to tensor<4x8xf32>
  %0 = tosa.add %left, %c : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tosa.sub %0, %right : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = tosa.add %1, %w : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = tosa.sub %2, %c : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %empty = tensor.empty() : tensor<4x16xf32>
  %4 = tensor.insert_slice %3 into %empty[0, 0] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x16xf32>
  %5 = tensor.insert_slice %1 into %4[0, 8] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x16xf32>
  %flat = tensor.collapse_shape %2 [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  return %3, %5, %flat, %w : tensor<4x8xf32>, tensor<4x16xf32>, tensor<32xf32>, tensor<4x8xf32>
}"#;

#[test]
fn constants_are_put_into_their_arena_once() {
    let context = cosma::new_context();
    let module = cosma::parse(&context, CONSTRUCTS.as_bytes(), "constructs").expect("it is well-formed");
    let original = Original::new(&context, &module, &QUICK).expect("it runs");
    for (sram, has_flash_size) in [(1 << 16, true), (1 << 16, false), (512, true), (192, true), (192, false)] {
        for schedule in [false, true] {
            let stages = Stages { schedule, ..Stages::default() };
            let options = options(microcontroller(sram, has_flash_size, 1), stages, Solver::Auto);
            let comparison = original.compare(&options).unwrap_or_else(|error| panic!("{error}")).remove(0);
            let faults = comparison.faults();
            assert!(faults.is_empty(), "{sram}: {faults:?}");
            // In a flash without a size, constants stay where they are; else in its arena, or in a faster one.
            let is_put = has_flash_size || sram == 1 << 16;
            assert_eq!(comparison.prologue, is_put.then_some(0), "{sram}");
        }
    }
}

#[test]
fn networks_whose_tensors_stay_where_they_are() {
    let n_slow = [
        check(networks::residual(), Flavour::Tosa),
        check(networks::inception(), Flavour::Linalg),
        check(networks::transformer(), Flavour::Mixed),
        check(networks::unet(), Flavour::Tosa),
        check(networks::quantised(), Flavour::Tosa),
        check(networks::recurrent(), Flavour::Linalg),
    ];
    assert!(n_slow.iter().all(|it| 0 < *it), "some network never uses the slow memory: {n_slow:?}");
}
