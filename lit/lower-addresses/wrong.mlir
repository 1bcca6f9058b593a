// A program that is wrong is not lowered, whatever has made it so.
//
// RUN: not cosma-opt --pass-pipeline='builtin.module(cosma-lower-addresses)' --split-input-file %s 2>&1 \
// RUN:   | FileCheck %s --implicit-check-not=memref

// The second operator reads the first one's result, which the third has overwritten. The functions beside
// it are not lowered either.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @right(%x: tensor<16xf32>) -> tensor<16xf32> {
    %0 = cosma.load %x at 0 : tensor<16xf32>
    %1 = cosma.op "A"(%0) at [64] : (tensor<16xf32>) -> tensor<16xf32>
    %2 = cosma.store %1 : tensor<16xf32>
    return %2 : tensor<16xf32>
  }
  // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-lower-addresses refuses this function, since its program is invalid
  func.func @overwritten(%x: tensor<16xf32>) -> tensor<16xf32> {
    %0 = cosma.load %x at 0 : tensor<16xf32>
    %1 = cosma.op "A"(%0) at [64] : (tensor<16xf32>) -> tensor<16xf32>
    %2 = cosma.op "B"(%0) at [64] : (tensor<16xf32>) -> tensor<16xf32>
    // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: note: A_0 is needed at 64, but does not lie there intact
    %3 = cosma.op "C"(%1, %2) at [128] : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    %4 = cosma.store %3 : tensor<16xf32>
    return %4 : tensor<16xf32>
  }
}

// -----

// An operation that is in no group.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-lower-addresses refuses this function, since its program is invalid
  func.func @bare(%x: tensor<16xf32>) -> tensor<16xf32> {
    %0 = cosma.load %x at 0 : tensor<16xf32>
    // CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: note: tosa.exp runs on the scratchpad, so in planned form it must be in a cosma.group
    %1 = tosa.exp %0 : (tensor<16xf32>) -> tensor<16xf32>
    %2 = cosma.store %1 : tensor<16xf32>
    return %2 : tensor<16xf32>
  }
}

// -----

// CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: the size of the scratchpad is not known
func.func @of_no_size(%x: tensor<16xf32>) -> tensor<16xf32> {
  %0 = cosma.load %x at 0 : tensor<16xf32>
  %1 = cosma.op "A"(%0) at [64] : (tensor<16xf32>) -> tensor<16xf32>
  %2 = cosma.store %1 : tensor<16xf32>
  return %2 : tensor<16xf32>
}
