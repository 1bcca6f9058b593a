//! What front ends write beside tosa and linalg on tensors, each construct on its own.

use crate::{CASES, QUICK, run};

/// Runs a program in every way to plan; gives the bytes of traffic that all of them have in common at
/// least.
#[track_caller]
fn check(name: &str, text: &str) -> u64 {
    let comparisons = run(name, text, &CASES, &QUICK).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(comparisons.len(), CASES.len(), "each way to plan gives one program");
    comparisons.iter().map(|it| it.moved.total()).min().expect("there is one")
}

#[test]
fn elementwise_operations_of_math_and_arith() {
    let text = "func.func @main(%x: tensor<1024xf32>) -> tensor<1024xf32> {
        %0 = math.exp %x : tensor<1024xf32>
        %1 = arith.negf %0 : tensor<1024xf32>
        %2 = arith.fptosi %1 : tensor<1024xf32> to tensor<1024xi32>
        %3 = arith.sitofp %2 : tensor<1024xi32> to tensor<1024xf32>
        return %3 : tensor<1024xf32>
    }";
    assert_eq!(check("elementwise", text), 8192);
}

#[test]
fn sums_that_start_from_a_constant() {
    let text = "func.func @main(%x: tensor<16x16xf32>, %w: tensor<16x16xf32> {cosma.weight}) -> tensor<16x16xf32> {
        %zero = arith.constant dense<5.000000e-01> : tensor<16x16xf32>
        %0 = linalg.matmul ins(%x, %w : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>)
            -> tensor<16x16xf32>
        %1 = linalg.matmul ins(%0, %w : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>)
            -> tensor<16x16xf32>
        return %1 : tensor<16x16xf32>
    }";
    assert_eq!(check("splat", text), 3 * 1024);
}

#[test]
fn functions_that_call_others() {
    let text = "func.func private @layer(%x: tensor<64xf32>, %w: tensor<64xf32>) -> tensor<64xf32> {
        %0 = tosa.add %x, %w : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        %1 = tosa.tanh %0 : (tensor<64xf32>) -> tensor<64xf32>
        return %1 : tensor<64xf32>
    }
    func.func @main(%x: tensor<64xf32>, %w: tensor<64xf32> {cosma.weight}) -> tensor<64xf32> {
        %0 = func.call @layer(%x, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        %1 = func.call @layer(%0, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        return %1 : tensor<64xf32>
    }";
    assert_eq!(check("calls", text), 3 * 256);
}

#[test]
fn variables() {
    let text = "ml_program.global private mutable @state(dense<0.5> : tensor<64xf32>) : tensor<64xf32>
    ml_program.global private @w(dense<2.0> : tensor<64xf32>) : tensor<64xf32>
    tosa.variable @cell = dense<1.0> : tensor<64xf32>
    func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
        %s = ml_program.global_load @state : tensor<64xf32>
        %c = tosa.variable_read @cell : tensor<64xf32>
        %w = ml_program.global_load @w : tensor<64xf32>
        %n = tosa.add %s, %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        ml_program.global_store @state = %n : tensor<64xf32>
        %m = tosa.add %n, %w : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        %o = tosa.add %m, %c : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        tosa.variable_write @cell, %o : tensor<64xf32>
        %r = tosa.sub %o, %s : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
        return %r : tensor<64xf32>
    }";
    // %x, @w, the result, and each variable in and out; @state comes in twice, as there is room for two tensors.
    assert_eq!(check("variables", text), 8 * 256);
}

#[test]
fn variables_that_cannot_be_run_beside_their_source() {
    let text = "ml_program.global private mutable @state(dense<0.5> : tensor<64xf32>) : tensor<64xf32>
    func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
        %s = ml_program.global_load @state : tensor<64xf32>
        ml_program.global_store @state = %x : tensor<64xf32>
        return %s : tensor<64xf32>
    }";
    let error = run("state", text, &CASES[..1], &QUICK).unwrap_err();
    assert!(error.contains("state:3:14: error: MLIR's passes do not run this as a program"), "{error}");
}
