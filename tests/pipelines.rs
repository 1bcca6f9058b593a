//! What whole pipelines make of small functions.

use cosma::{MachineOptions, Options, Solver, Stages, optimize};

/// A residual block: `x` is needed again by the addition, when the scratchpad has no room for it.
const RESIDUAL: &str = r#"
func.func @residual(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = "cosma.op"(%x) {kind = "Expand"} : (tensor<64xi8>) -> tensor<128xi8>
  %1 = "cosma.op"(%0, %w) {kind = "Conv"} : (tensor<128xi8>, tensor<32xi8>) -> tensor<128xi8>
  %2 = "cosma.op"(%1) {kind = "Reduce"} : (tensor<128xi8>) -> tensor<64xi8>
  %3 = "cosma.op"(%2, %x) {kind = "Add"} : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %3 : tensor<64xi8>
}
"#;

/// Two branches: finishing one before the other begins needs less room than taking turns.
const BRANCHES: &str = r#"
func.func @branches(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = "cosma.op"(%x) {kind = "Wide"} : (tensor<64xi8>) -> tensor<128xi8>
  %1 = "cosma.op"(%x) {kind = "Wide"} : (tensor<64xi8>) -> tensor<128xi8>
  %2 = "cosma.op"(%0) {kind = "Narrow"} : (tensor<128xi8>) -> tensor<64xi8>
  %3 = "cosma.op"(%1) {kind = "Narrow"} : (tensor<128xi8>) -> tensor<64xi8>
  %4 = "cosma.op"(%2, %3) {kind = "Add"} : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
"#;

fn run(text: &str, scratchpad: u64, stages: Stages) -> String {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, text.as_bytes(), "small.mlir").expect("it is well-formed");
    let machine = MachineOptions { scratchpad: Some(scratchpad.into()), ..MachineOptions::default() };
    // Named, since what is planned in the order of the source depends on which solvers are built in.
    let options = Options { machine, stages, solver: Solver::Search, ..Options::default() };
    optimize(&mut module, &options).expect("there is a plan");
    module.as_operation().to_string()
}

const ALLOCATE: Stages = Stages {
    tile: false,
    group: false,
    liveness: false,
    infer_access: false,
    print_problem: false,
    schedule: false,
    allocate: true,
    print_plan: false,
    verify: false,
    lower_addresses: false,
};
const PLAN: Stages = Stages { schedule: true, ..ALLOCATE };

#[test]
fn a_residual_block_that_fits() {
    insta::assert_snapshot!(run(RESIDUAL, 384, PLAN));
}

#[test]
fn a_residual_block_whose_argument_comes_again() {
    insta::assert_snapshot!(run(RESIDUAL, 320, PLAN));
}

#[test]
fn branches_in_source_order_spill() {
    insta::assert_snapshot!(run(BRANCHES, 256, ALLOCATE));
}

#[test]
fn branches_one_after_the_other_do_not() {
    insta::assert_snapshot!(run(BRANCHES, 256, PLAN));
}

#[test]
fn only_the_order_changes() {
    insta::assert_snapshot!(run(BRANCHES, 256, Stages { schedule: true, allocate: false, ..ALLOCATE }));
}

#[test]
fn down_to_views_of_an_arena() {
    insta::assert_snapshot!(run(RESIDUAL, 320, Stages { lower_addresses: true, ..PLAN }));
}

#[test]
fn the_longest_time_limit_is_one() {
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, RESIDUAL.as_bytes(), "small.mlir").expect("it is well-formed");
    let machine = MachineOptions { scratchpad: Some(384.into()), ..MachineOptions::default() };
    let options = Options { machine, stages: PLAN, time_limit: std::time::Duration::MAX, ..Options::default() };
    optimize(&mut module, &options).expect("there is a plan");
}
