//! The report against a recount of the transfers in what was written.

mod common;

use cosma::melior::ir::operation::OperationLike;
use cosma::melior::ir::{BlockLike, OperationRef, RegionLike, ValueLike};
use cosma::{MachineOptions, Options, Stages, Weights, optimize};

/// Bytes of transfers by name, compulsory and not.
fn recount(module: OperationRef) -> (u64, u64) {
    let (mut compulsory, mut other) = (0, 0);
    let mut waiting = vec![module];
    while let Some(operation) = waiting.pop() {
        for region in operation.regions() {
            let mut block = region.first_block();
            while let Some(current) = block {
                let mut next = current.first_operation();
                while let Some(inner) = next {
                    waiting.push(inner);
                    next = inner.next_in_block();
                }
                block = current.next_in_region();
            }
        }
        if let Some(transfer) = cosma_ir::transfer(operation) {
            let r#type = operation.result(0).expect("a transfer has a result").r#type();
            let bytes = cosma_ir::size_in_bytes(r#type).expect("tensors have sizes");
            *(if transfer.is_compulsory() { &mut compulsory } else { &mut other }) += bytes;
        }
    }
    (compulsory, other)
}

/// Plans a module at a factor of its least scratchpad and compares; gives whether anything moved
/// that need not have.
fn check(text: &[u8], name: &str, weights: Weights, percent: u64) -> bool {
    let plan = |scratchpad: u64| {
        let context = cosma::new_context();
        let mut module = cosma::parse(&context, text, name).expect("it is well-formed");
        let machine =
            MachineOptions { scratchpad: Some(scratchpad.into()), weights: Some(weights), ..MachineOptions::default() };
        let stages = Stages { schedule: true, allocate: true, verify: true, ..Stages::default() };
        let options = Options { machine, stages, time_limit: std::time::Duration::from_secs(5), ..Options::default() };
        let report = optimize(&mut module, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        (report.functions[0].clone(), recount(module.as_operation()))
    };
    let (unlimited, _) = plan(1 << 40);
    let (report, (compulsory, non_compulsory)) = plan(unlimited.min_scratchpad * percent / 100);
    assert_eq!(report.traffic.compulsory, compulsory, "{name}");
    assert_eq!(report.traffic.non_compulsory, non_compulsory, "{name}");
    assert_eq!(report.traffic.total, compulsory + non_compulsory, "{name}");
    assert!(report.traffic.lower_bound <= non_compulsory, "{name}");
    assert_eq!(report.status == "optimal", report.traffic.lower_bound == non_compulsory, "{name}");
    assert!(report.peak <= report.scratchpad, "{name}");
    0 < non_compulsory
}

/// Each argument twice, with wide tensors between: at the least scratchpad something comes again.
const TWICE: &str = r#"
func.func @twice(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> (tensor<64xi8>, tensor<64xi8>) {
  %0 = cosma.op "Expand"(%x, %w) : (tensor<64xi8>, tensor<32xi8>) -> tensor<256xi8>
  %1 = cosma.op "Conv"(%0) : (tensor<256xi8>) -> tensor<256xi8>
  %2 = cosma.op "Reduce"(%1) : (tensor<256xi8>) -> tensor<64xi8>
  %3 = cosma.op "Add"(%2, %x, %w) : (tensor<64xi8>, tensor<64xi8>, tensor<32xi8>) -> tensor<64xi8>
  return %2, %3 : tensor<64xi8>, tensor<64xi8>
}
"#;

#[test]
fn reports_of_small_functions_count_what_is_there() {
    // At 512 B, "Conv" has room for nothing else: %x, and %w unless it is streamed anyway, come again.
    assert!(check(TWICE.as_bytes(), "resident", Weights::Resident, 100));
    assert!(check(TWICE.as_bytes(), "streamed", Weights::Streamed, 100));
    // With ten times as much, what is streamed still passes by once for each use; nothing else moves.
    assert!(!check(TWICE.as_bytes(), "resident", Weights::Resident, 1000));
    assert!(check(TWICE.as_bytes(), "streamed", Weights::Streamed, 1000));
}

fn shared(path: &str) -> Option<Vec<u8>> {
    let shared = common::shared(&[path])?;
    Some(std::fs::read(shared.join(path)).expect("it can be read"))
}

#[test]
fn reports_of_networks_count_what_is_there() {
    let (mut n_checked, mut n_moving) = (0, 0);
    for network in ["resnet50", "mobilenet_v2", "squeezenet1_1", "vit_b_16", "train_lenet_b64"] {
        let Some(text) = shared(&format!("networks/{network}.mlir")) else { continue };
        for weights in [Weights::Resident, Weights::Streamed] {
            n_checked += 1;
            n_moving += u32::from(check(&text, network, weights, 100));
        }
    }
    assert!(n_checked == 0 || 4 <= n_moving, "only {n_moving} plans move anything that need not be moved");
}

#[test]
fn upstream_modules_plan_operation_by_operation() {
    for network in ["resnet18.tosa", "resnet18.linalg"] {
        let Some(text) = shared(&format!("upstream/{network}.mlir")) else { continue };
        check(&text, network, Weights::Resident, 100);
        check(&text, network, Weights::Resident, 150);
    }
}
