// What is wrong with transfers of staged tensors: each fault at its transfer.
//
// RUN: not cosma-opt --verify --split-input-file %s 2>&1 | FileCheck %s

// The first way in is a reload too.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<2x8xi8>) -> tensor<2x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x at 0 : tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.spill %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %2 = cosma.op "B"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h2 = cosma.spill %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: staged.mlir:[[@LINE+1]]:{{[0-9]+}}: error: staged0 is loaded, but is not an argument
    %3 = cosma.load %h2[1, 0] [2, 8] at 192 : tensor<4x8xi8> -> tensor<2x8xi8>
    %4 = cosma.op "C"(%3) at [0] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %5 = cosma.store %4 : tensor<2x8xi8>
    return %5 : tensor<2x8xi8>
  }
}

// -----

// A part is no result.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<2x8xi8>) -> tensor<2x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x at 0 : tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    // CHECK: staged.mlir:[[@LINE+1]]:{{[0-9]+}}: error: A_0 is stored, but is not a result that an operator writes
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %3 = cosma.reload %h1[1, 2] [1, 4] at 192 : tensor<4x8xi8> -> tensor<1x4xi8>
    %4 = cosma.op "C"(%3) at [0] : (tensor<1x4xi8>) -> tensor<2x8xi8>
    %5 = cosma.store %4 : tensor<2x8xi8>
    return %5 : tensor<2x8xi8>
  }
}

// -----

// What was brought back lies in host memory already.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<2x8xi8>) -> tensor<2x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x at 0 : tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.spill %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %3 = cosma.reload %h1[1, 2] [1, 4] at 192 : tensor<4x8xi8> -> tensor<1x4xi8>
    // CHECK: staged.mlir:[[@LINE+1]]:{{[0-9]+}}: error: staged0 is spilled, but host memory has a copy of it already
    %h = cosma.spill %3 : tensor<1x4xi8>
    %b = cosma.reload %h at 192 : tensor<1x4xi8>
    %4 = cosma.op "C"(%b) at [0] : (tensor<1x4xi8>) -> tensor<2x8xi8>
    %5 = cosma.store %4 : tensor<2x8xi8>
    return %5 : tensor<2x8xi8>
  }
}

// -----

// Something lies over it by now.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<2x8xi8>) -> tensor<2x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x at 0 : tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.spill %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %3 = cosma.reload %h1[1, 2] [1, 4] at 128 : tensor<4x8xi8> -> tensor<1x4xi8>
    %2 = cosma.op "B"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    // CHECK: staged.mlir:[[@LINE+1]]:{{[0-9]+}}: error: staged0 is needed at 128, but does not lie there intact
    %4 = cosma.op "C"(%3, %2) at [0] : (tensor<1x4xi8>, tensor<2x8xi8>) -> tensor<2x8xi8>
    %5 = cosma.store %4 : tensor<2x8xi8>
    return %5 : tensor<2x8xi8>
  }
}
