//! Several memories: programs on the machines that come with COSMA, scaled down, compute what their source does, and move over
//! each link what the plan says.

use super::QUICK;
use crate::build::{Build, Flavour};
use crate::networks::{self, Network};
use crate::pins::{ON_CHIP, PINNED, annotated};
use cosma::execute::Original;
use cosma::{
    ArenaName, MachineOptions, Objective, Options, Reports, Solver, Stages, TransfersName, Weights, optimize, preset,
};
use cosma_planner::{Bytes, Machine, Memory, MemoryId};
use std::time::Duration;

/// A machine by name, with scratchpads and other memories of these sizes. One of one scratchpad has that size.
fn scaled(name: &str, scratchpad: u64, others: u64) -> MachineOptions {
    let machine = preset::named(name).expect("it is built in").memories.expect("it has several memories");
    let size = |(index, memory): (usize, &Memory)| Memory {
        size: memory
            .size
            .map(|_| Bytes(if MemoryId(index as u32) == MemoryId::SCRATCHPAD { scratchpad } else { others })),
        ..memory.clone()
    };
    let memories = machine.memories().iter().enumerate().map(size).collect();
    let scaled = Machine::new(memories, machine.links().to_vec()).expect("the same machine with other sizes");
    let scaled = match machine.clock() {
        Some(clock) => scaled.with_clock(clock.clone()).expect("the links are the same"),
        None => scaled,
    };
    MachineOptions { memories: Some(scaled), weights: Some(Weights::Resident), ..MachineOptions::default() }
}

fn options(machine: MachineOptions, stages: Stages) -> Options {
    Options { machine, stages, solver: Solver::Auto, time_limit: Duration::from_millis(500), ..Options::default() }
}

/// Runs a network on a machine with little room; how many bytes went between memories that are not home.
fn check(network: Network, flavour: Flavour, machine: &str) -> u64 {
    check_text(network.name, &(network.write)(Build::new(flavour).in_place()), machine)
}

fn check_text(name: &str, text: &str, machine: &str) -> u64 {
    let context = cosma::new_context();
    let module = cosma::parse(&context, text.as_bytes(), name).expect("it is well-formed");
    let original = Original::new(&context, &module, &QUICK).expect("it runs");
    let mut copied = 0;
    for (percent, stages) in [
        (100, Stages { schedule: true, ..Stages::default() }),
        (110, Stages { group: true, ..Stages::default() }),
        (140, Stages { schedule: true, group: true, ..Stages::default() }),
    ] {
        let mut all = cosma::parse(&context, text.as_bytes(), name).expect("it is well-formed");
        let unlimited = options(scaled(machine, 1 << 40, 1 << 40), Stages { allocate: true, ..stages });
        let unlimited = Options { solver: Solver::Greedy, ..unlimited };
        let report = optimize(&mut all, &unlimited).expect("it is planned");
        let least = report.functions[0].min_scratchpad;
        let scratchpad = (least * percent / 100).next_multiple_of(64);
        let mut options = options(scaled(machine, scratchpad, 2 * scratchpad), stages);
        let has_clock = options.machine.memories.as_ref().is_some_and(|memories| memories.clock().is_some());
        if has_clock && stages.group {
            options.objective = Objective::Latency;
        }
        for comparison in original.compare(&options).unwrap_or_else(|error| panic!("{}: {error}", name)) {
            let faults = comparison.faults();
            assert!(faults.is_empty(), "{} on {machine}: {faults:?}\n{text}", name);
            let links = &comparison.links;
            assert!(!links.is_empty() && links.iter().all(|it| it.planned == Some(it.moved)), "{links:?}");
            copied += comparison.moved.copy;
        }
    }
    copied
}

#[test]
fn a_microcontroller_with_two_memories_on_the_chip() {
    let copied = [
        check(networks::residual(), Flavour::Tosa, "imx-rt1170"),
        check(networks::transformer(), Flavour::Linalg, "imx-rt1170"),
        check(networks::unet(), Flavour::Tosa, "imx-rt1170"),
    ];
    assert!(0 < copied.iter().sum::<u64>(), "nothing went to the memory behind the scratchpad: {copied:?}");
}

#[test]
fn a_cluster_behind_whose_memory_lies_another() {
    for copied in [
        check(networks::residual(), Flavour::Linalg, "siracusa-like"),
        check(networks::transformer(), Flavour::Tosa, "siracusa-like"),
    ] {
        // All comes over it.
        assert!(0 < copied);
    }
}

#[test]
fn an_accelerator_with_sram_of_its_own() {
    assert_eq!(check(networks::residual(), Flavour::Tosa, "ethos-u65-dedicated-sram"), 0);
}

/// Fixed addresses, and tensors that start or end in the scratchpad, beside a memory halfway.
#[test]
fn tensors_with_fixed_addresses() {
    for said in [ON_CHIP, PINNED] {
        let text = annotated(&(networks::residual().write)(Build::new(Flavour::Tosa)), said);
        check_text("residual", &text, "imx-rt1170");
        check_text("residual", &text, "siracusa-like");
    }
}

/// Arenas are arguments, and copies are calls or operations of MLIR: the module is still one.
#[test]
fn every_way_to_lower_is_valid() {
    let network = networks::residual();
    let text = (network.write)(Build::new(Flavour::Tosa));
    for transfers in [TransfersName::Copy, TransfersName::Dma, TransfersName::Call] {
        let context = cosma::new_context();
        let reports = Reports::attach(&context);
        let mut module = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
        let stages = Stages { allocate: true, lower_addresses: true, ..Stages::default() };
        let mut options = options(scaled("siracusa-like", 1 << 16, 1 << 18), stages);
        (options.lower.arena, options.lower.transfers) = (ArenaName::Argument, transfers);
        optimize(&mut module, &options).unwrap_or_else(|error| panic!("{error}: {:?}", reports.take()));
        let lowered = module.as_operation().to_string();
        assert!(lowered.contains("cosma.arenas = [\"l1\", \"l2\"]"), "{lowered}");
    }
}
