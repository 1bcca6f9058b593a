// Residencies that somebody wrote by hand, and that make no program.
//
// RUN: not cosma-opt --split-input-file --pass-pipeline='builtin.module(func.func(cosma-insert-transfers))' %s 2>&1 | FileCheck %s

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: a residency lasts until step 9, but the function has 1 steps
  func.func @late(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 9 at 0>]}) -> tensor<64xi8> {
    %1 = cosma.op "A"(%x) residencies [[0 to 1 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    return %1 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: the residencies of this function do not make a valid program
  func.func @absent(%x: tensor<64xi8>) -> tensor<64xi8> {
    // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: note: line 1, step 0: arg0 is needed at 0, but does not lie there intact
    %1 = cosma.op "A"(%x) residencies [[0 to 1 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    return %1 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @workspace(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<64xi8> {
    // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: the workspace of this operator has no offset
    %1 = cosma.op "A"(%x) workspace 5 residencies [[0 to 1 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    return %1 : tensor<64xi8>
  }
}

// -----

// Planning goes on from here, it does not begin.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-insert-transfers takes a function in allocated form, but this one is already planned: it has cosma.load
  func.func @planned(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}
