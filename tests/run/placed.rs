//! Machines on which nothing moves: programs compute what their source does, with each tensor in one place for good.

use super::QUICK;
use crate::build::{Build, Flavour};
use crate::case::BETWEEN;
use crate::networks::{self, Network};
use cosma::execute::Original;
use cosma::{MachineOptions, Options, Solver, Stages, optimize, run_pipeline};
use cosma_planner::{Banks, Bytes, Link, Machine, Memory, MemoryId};
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
    let banks = (1 < n_banks).then_some(Banks { size: Bytes(sram / n_banks), apart: false });
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
    let (mut n_slow, mut peak, mut n_prologues) = (0, 1 << 22, 0);
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
            n_prologues += usize::from(comparison.prologue.is_some());
        }
    }
    // Constants in an arena are put there before the first run.
    println!("{}: {n_slow} use the slow memory, {n_prologues} have a prologue", network.name);
    n_slow
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
