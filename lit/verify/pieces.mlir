// What is wrong with transfers of pieces: each fault at its transfer.
//
// RUN: not cosma-opt --verify --split-input-file %s 2>&1 | FileCheck %s
// RUN: not cosma-opt --pass-pipeline="builtin.module(cosma-lower-addresses)" --split-input-file %s 2>&1 | FileCheck --check-prefix=LOWER %s
// LOWER-COUNT-14: cosma-lower-addresses refuses this function, since its program is invalid

// It was right until here: rows 2 and 3 are missing.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: result 0 is assembled from pieces that are not all of tensor<4x8xi8>
    return %h1 : tensor<4x8xi8>
  }
}

// -----

// A piece over another.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: writes [1, 0] [2, 8] over [0, 0] [2, 8], which was written before
    %h2 = cosma.store %2 into %h1[1, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// Two pieces into the same tensor, which has only one of them then.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: writes into a value that another transfer also writes into
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: writes into a value that another transfer also writes into
    %h3 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h3 : tensor<4x8xi8>
  }
}

// -----

// Into an argument, which is the caller's.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>, %y: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: writes into a value that does not begin with a tensor.empty
    %h1 = cosma.store %1 into %y[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: writes into a value that does not begin with a tensor.empty
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// Written into after it was returned, if the function did not return last.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %3 = cosma.op "A"(%0) at [192] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: writes [0, 0] [2, 8] over [0, 0] [2, 8], which was written before
    %h3 = cosma.spill %3 into %h2[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: result 0 is written into after it was assembled
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// Brings back what was not put out.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads [2, 0] [2, 8], not all of which was written before
    %b = cosma.reload %h1[2, 0] [2, 8] at 128 : tensor<4x8xi8> -> tensor<2x8xi8>
    %2 = cosma.op "A"(%b) at [192] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// Brings back parts of two pieces, but one of them was not put out before.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads [1, 0] [2, 8], not all of which was written before
    %b = cosma.reload %h1[1, 0] [2, 8] at 192 : tensor<4x8xi8> -> tensor<2x8xi8>
    cosma.op "B"(%b) at [] : (tensor<2x8xi8>) -> ()
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// Nothing was put out there.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads [0, 0] [2, 8] of a tensor that is also moved in other ways
    %b = cosma.reload %e[0, 0] [2, 8] at 192 : tensor<4x8xi8> -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// Pieces of an argument that share a row.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads [0, 0] [2, 8] of a tensor that is also moved in other ways: all transfers of a tensor must be of the same disjoint regions
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads [1, 0] [2, 8] of a tensor that is also moved in other ways
    %1 = cosma.load %x[1, 0] [2, 8] at 64 : tensor<4x8xi8> -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0, %1) at [128] : (tensor<2x8xi8>, tensor<2x8xi8>) -> tensor<4x8xi8>
    %3 = cosma.store %2 : tensor<4x8xi8>
    return %3 : tensor<4x8xi8>
  }
}

// -----

// A piece of an argument that also comes in as a whole.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x at 0 : tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads [1, 0] [2, 8] of a tensor that is also moved in other ways
    %1 = cosma.load %x[1, 0] [2, 8] at 64 : tensor<4x8xi8> -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0, %1) at [128] : (tensor<4x8xi8>, tensor<2x8xi8>) -> tensor<4x8xi8>
    %3 = cosma.store %2 : tensor<4x8xi8>
    return %3 : tensor<4x8xi8>
  }
}

// -----

// A second load of one piece.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0.0 is loaded a second time, which is a reload
    %again = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%again) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%again) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// What is a result is stored, not spilled.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: A_0 is spilled, but is a result, so this is a store
    %h1 = cosma.spill %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// What is no result is spilled, not stored.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: A_1 is stored, but is not a result that an operator writes
    %g = cosma.store %2 into %e[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %3 = cosma.op "A"(%0) at [192] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h2 = cosma.store %3 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %h2 : tensor<4x8xi8>
  }
}

// -----

// An operator reads what lies in host memory.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
    %e = tensor.empty() : tensor<4x8xi8>
    %0 = cosma.load %x[0, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %2 = cosma.op "A"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %h1 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %h2 = cosma.store %2 into %h1[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    // CHECK: pieces.mlir:[[@LINE+1]]:{{[0-9]+}}: error: reads a tensor that is assembled in host memory, which must be loaded by cosma.reload
    cosma.op "B"(%h2) at [] : (tensor<4x8xi8>) -> ()
    return %h2 : tensor<4x8xi8>
  }
}
