//! Statistics of real networks, so that a worse plan shows in review.

mod common;

use common::shared;
use cosma::{MachineOptions, Options, Stages, Weights, optimize};
use std::fmt::Write;

/// Each at the least scratchpad and a quarter above it: what must move, what a plan moves beyond
/// that, and what is proven that it must move at least.
const NETWORKS: [&str; 10] = [
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "googlenet",
    "densenet121",
    "inception_v3",
    "vit_b_16",
    "unet_256",
    "darts_v2_imagenet",
    "nasnet_a_mobile",
];

#[test]
fn statistics_of_real_networks() {
    let Some(shared) = shared(&["networks"]) else { return };
    let mut table = String::new();
    for network in NETWORKS {
        let text = std::fs::read(shared.join(format!("networks/{network}.mlir"))).expect("the network is there");
        for weights in [Weights::Resident, Weights::Streamed] {
            // Without bound on memory, to learn how little would do.
            let least = plan(&text, weights, 1 << 40).min_scratchpad;
            for percent in [100, 125] {
                let report = plan(&text, weights, least * percent / 100);
                let cosma::FunctionReport { scratchpad, peak, status, traffic, .. } = report;
                let cosma::TrafficReport { compulsory, non_compulsory, lower_bound, .. } = traffic;
                writeln!(
                    table,
                    "{network:18} {weights:9} {percent:3} %: scratchpad {scratchpad:9}, peak {peak:9}, \
                     compulsory {compulsory:9}, non-compulsory {non_compulsory:8}, bound {lower_bound:8}, {status}",
                    weights = format!("{weights:?}").to_lowercase(),
                )
                .expect("text takes any line");
            }
        }
    }
    insta::assert_snapshot!(table);
}

/// The small networks of the project, at the least scratchpad and a quarter above it: the least
/// scratchpad, what must move, and what moves beyond that, which is proven to be the least.
#[test]
fn small_networks_are_planned_with_least_traffic() {
    let expected = [
        ("resnet18", 2_409_984, 11_836_240, [100_352, 0]),
        ("train_mlp_b64", 2_007_040, 2_193_961, [0, 0]),
        ("unet_256", 16_777_216, 31_359_490, [3_145_728, 0]),
    ];
    for (network, least, compulsory, non_compulsory) in expected {
        let path = format!("{}/tests/small/{network}.mlir", common::project().display());
        let text = std::fs::read(path).expect("the network is there");
        for (percent, non_compulsory) in [100, 125].into_iter().zip(non_compulsory) {
            let report = plan(&text, Weights::Resident, least * percent / 100);
            let found = (report.min_scratchpad, report.traffic.compulsory, report.traffic.non_compulsory);
            assert_eq!(found, (least, compulsory, non_compulsory), "{network} at {percent} %");
            assert_eq!(report.traffic.lower_bound, non_compulsory, "{network} at {percent} %");
            assert!(report.peak <= report.scratchpad, "{network} at {percent} %");
        }
    }
}

fn plan(text: &[u8], weights: Weights, scratchpad: u64) -> cosma::FunctionReport {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, text, "network.mlir").expect("it is well-formed");
    let options = Options {
        machine: MachineOptions {
            scratchpad: Some(scratchpad.into()),
            weights: Some(weights),
            ..MachineOptions::default()
        },
        stages: Stages { schedule: true, allocate: true, ..Stages::default() },
        ..Options::default()
    };
    let mut report = optimize(&mut module, &options).expect("there is a plan");
    report.functions.remove(0)
}
