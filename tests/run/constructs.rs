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
    assert!(error.contains("state:3:14: error: MLIR's passes cannot compile this program"), "{error}");
}

#[test]
fn branches_and_loops() {
    let branch = "func.func @main(%x: tensor<64xf32>, %p: tensor<i1>) -> tensor<64xf32> {
        %a = tosa.exp %x : (tensor<64xf32>) -> tensor<64xf32>
        %b = tosa.tanh %x : (tensor<64xf32>) -> tensor<64xf32>
        %r = tosa.cond_if %p(%t = %a, %u = %b) : tensor<i1> (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32> {
        ^bb0(%t: tensor<64xf32>, %u: tensor<64xf32>):
            %q = tosa.add %t, %u : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
            tosa.yield %q : tensor<64xf32>
        } else {
        ^bb0(%t: tensor<64xf32>, %u: tensor<64xf32>):
            tosa.yield %t : tensor<64xf32>
        }
        return %r : tensor<64xf32>
    }";
    assert_eq!(check("branch", branch), 513);
    let invariant = "func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c3 = arith.constant 3 : index
        %inv = tosa.exp %x : (tensor<64xf32>) -> tensor<64xf32>
        %i = tosa.tanh %x : (tensor<64xf32>) -> tensor<64xf32>
        %r = scf.for %k = %c0 to %c3 step %c1 iter_args(%acc = %i) -> tensor<64xf32> {
            %t = tosa.sigmoid %acc : (tensor<64xf32>) -> tensor<64xf32>
            %u = tosa.add %t, %inv : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
            scf.yield %u : tensor<64xf32>
        }
        return %r : tensor<64xf32>
    }";
    assert_eq!(check("invariant", invariant), 512);
    let counted = "func.func @main(%i: tensor<i32>, %x: tensor<64xf32>) -> tensor<64xf32> {
        %zero = \"tosa.const\"() <{values = dense<0> : tensor<i32>}> : () -> tensor<i32>
        %from = tosa.minimum %i, %zero : (tensor<i32>, tensor<i32>) -> tensor<i32>
        %low = \"tosa.const\"() <{values = dense<-3> : tensor<i32>}> : () -> tensor<i32>
        %start = tosa.maximum %from, %low : (tensor<i32>, tensor<i32>) -> tensor<i32>
        %r:2 = tosa.while_loop (%a = %start, %b = %x) : (tensor<i32>, tensor<64xf32>) -> (tensor<i32>, tensor<64xf32>) {
            %n = \"tosa.const\"() <{values = dense<3> : tensor<i32>}> : () -> tensor<i32>
            %c = tosa.greater %n, %a : (tensor<i32>, tensor<i32>) -> tensor<i1>
            tosa.yield %c : tensor<i1>
        } do {
        ^bb0(%a: tensor<i32>, %b: tensor<64xf32>):
            %one = \"tosa.const\"() <{values = dense<1> : tensor<i32>}> : () -> tensor<i32>
            %n = tosa.add %a, %one : (tensor<i32>, tensor<i32>) -> tensor<i32>
            %e = tosa.tanh %b : (tensor<64xf32>) -> tensor<64xf32>
            tosa.yield %n, %e : tensor<i32>, tensor<64xf32>
        }
        return %r#1 : tensor<64xf32>
    }";
    assert_eq!(check("counted", counted), 516);
}

#[test]
fn packs() {
    let text = "func.func @main(%x: tensor<30x32xf32>) -> tensor<30x32xf32> {
        %z = arith.constant 0.0 : f32
        %d = tensor.empty() : tensor<4x4x8x8xf32>
        %p = linalg.pack %x padding_value(%z : f32) inner_dims_pos = [0, 1] inner_tiles = [8, 8] into %d
            : tensor<30x32xf32> -> tensor<4x4x8x8xf32>
        %e = tosa.exp %p : (tensor<4x4x8x8xf32>) -> tensor<4x4x8x8xf32>
        %d2 = tensor.empty() : tensor<30x32xf32>
        %u = linalg.unpack %e inner_dims_pos = [0, 1] inner_tiles = [8, 8] into %d2
            : tensor<4x4x8x8xf32> -> tensor<30x32xf32>
        return %u : tensor<30x32xf32>
    }";
    assert_eq!(check("packs", text), 2 * 30 * 32 * 4);
}
