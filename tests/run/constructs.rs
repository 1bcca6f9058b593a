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
