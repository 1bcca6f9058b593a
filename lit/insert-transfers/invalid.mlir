// Residencies that make no program are refused, and nothing is written.
//
// RUN: not cosma-opt --pass-pipeline='builtin.module(func.func(cosma-insert-transfers))' --split-input-file %s 2>&1 \
// RUN:   | FileCheck %s --implicit-check-not='module {'

module attributes {cosma.machine = {scratchpad = 192 : i64}} {
  func.func @same_place(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<64xi8> {
    // CHECK: invalid.mlir:[[@LINE-1]]:{{[0-9]+}}: error: the residencies of this function do not make a valid program
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 0]] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: invalid.mlir:[[@LINE-1]]:{{[0-9]+}}: note: {{.*}}arg0@0 and A_0@0 overlap while A_0 runs
    return %0 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 192 : i64}} {
  func.func @too_long(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<64xi8> {
    // CHECK: invalid.mlir:[[@LINE+1]]:{{[0-9]+}}: error: a residency lasts until step 9, but the function has 1 steps
    %0 = cosma.op "A"(%x) residencies [[0 to 9 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 192 : i64}} {
  func.func @workspace(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<64xi8> {
    // CHECK: invalid.mlir:[[@LINE+1]]:{{[0-9]+}}: error: the workspace of this operator has no offset
    %0 = cosma.op "A"(%x) workspace 4 residencies [[0 to 1 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}
