// What is wrong with operations alone, before a judge can run the program: each fault at its operation.
//
// RUN: not cosma-opt --verify --split-input-file %s 2>&1 | FileCheck %s

// A spilled copy is returned. It has the right bytes, but a result is stored.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.spill %1 : tensor<64xi8>
    %3 = cosma.store %1 : tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: result 0 is not a result of cosma.store, but cosma.spill
    return %2 : tensor<64xi8>
  }
}

// -----

// The weight that passes by is not the one that the operator reads, which passed by before.
module attributes {cosma.machine = {scratchpad = 256 : i64, weights = "streamed"}} {
  func.func @a(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %w1 = cosma.load %w streamed : tensor<64xi8>
    %1 = cosma.op "A"(%0, %w1) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %w2 = cosma.reload %w streamed : tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: operand 1 was not streamed just before this operator
    %2 = cosma.op "A"(%1, %w1) at [0] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %2 : tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}

// -----

// An operator reads the host copy of what was stored.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %1 : tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: operand 0 is in host memory
    %2 = cosma.op "A"(%3) at [0] : (tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %2 : tensor<64xi8>
    return %3, %4 : tensor<64xi8>, tensor<64xi8>
  }
}

// -----

// An operation of another dialect is in no group, where passes may merge, move or drop it.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = cosma.load %x at 0 : tensor<64xf32>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: tosa.abs runs on the scratchpad, so in planned form it must be in a cosma.group
    %1 = tosa.abs %0 : (tensor<64xf32>) -> tensor<64xf32>
    %3 = cosma.store %1 : tensor<64xf32>
    return %3 : tensor<64xf32>
  }
}

// -----

// Neither offsets nor a place for the workspace.
module attributes {cosma.machine = {scratchpad = 512 : i64}} {
  func.func @a(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = cosma.load %x at 0 : tensor<64xf32>
    // CHECK: structure.mlir:[[@LINE+2]]:{{[0-9]+}}: error: has no offsets for its results
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: has no offset for its workspace
    %1 = cosma.op "A"(%0) workspace 8 : (tensor<64xf32>) -> tensor<64xf32>
    %3 = cosma.store %1 : tensor<64xf32>
    return %3 : tensor<64xf32>
  }
}

// -----

// What gives a scalar alone reads the scratchpad as well, at its step and no other.
module attributes {cosma.machine = {scratchpad = 512 : i64}} {
  func.func @a(%x: tensor<64xf32>) -> f32 {
    %0 = cosma.load %x at 0 : tensor<64xf32>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: has no offsets for its results
    %1 = cosma.op "Sum"(%0) : (tensor<64xf32>) -> f32
    return %1 : f32
  }
}

// -----

// Stored is what no operation of COSMA has put into the scratchpad.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = cosma.load %x at 0 : tensor<64xf32>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: tosa.exp runs on the scratchpad, so in planned form it must be in a cosma.group
    %1 = tosa.exp %0 : (tensor<64xf32>) -> tensor<64xf32>
    %3 = cosma.store %1 : tensor<64xf32>
    return %3 : tensor<64xf32>
  }
}

// -----

// Transfers that go the wrong way, and one tensor at two places in one operator.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.spill %1 : tensor<64xi8>
    %3 = cosma.load %2 at 128 : tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads a value that is not in host memory
    %4 = cosma.reload %1 at 192 : tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: reads one tensor at two offsets, 128 and 192
    %5 = cosma.op "A"(%3, %4) at [0] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: moves a value to host memory that is not in the scratchpad
    %6 = cosma.store %2 : tensor<64xi8>
    return %6 : tensor<64xi8>
  }
}

// -----

// No machine. The scratchpad is as large as somebody says.
// CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: the size of the scratchpad is not known: say scratchpad=SIZE, or write cosma.machine = {scratchpad = SIZE} on the module
func.func @a(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
}

// -----

// `tensor.empty` has a shape, but no bytes to move.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xi8>) -> tensor<64xi8> {
    %e = tensor.empty() : tensor<64xi8>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: moves a value that is not a tensor of the program
    %0 = cosma.load %e at 0 : tensor<64xi8>
    %1 = cosma.load %x at 64 : tensor<64xi8>
    %2 = cosma.op "A"(%1) at [128] : (tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %2 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

// A load that nobody needs.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @a(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg1 is copied to the scratchpad, but nothing reads it there
    %0 = cosma.load %y at 0 : tensor<64xi8>
    %1 = cosma.load %x at 64 : tensor<64xi8>
    %2 = cosma.op "A"(%1) at [128] : (tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %2 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

// A constant lies in host memory, as an argument does.
module attributes {cosma.machine = {scratchpad = 1024 : i64}} {
  func.func @a(%x: tensor<4xf32>) -> tensor<4xf32> {
    %c = "tosa.const"() <{values = dense<0.000000e+00> : tensor<4xf32>}> : () -> tensor<4xf32>
    %1 = cosma.load %x at 64 : tensor<4xf32>
    // CHECK: structure.mlir:[[@LINE+1]]:{{[0-9]+}}: error: operand 1 is in host memory
    %2 = cosma.group "tosa.add"(%1, %c) at [128] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      %3 = tosa.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      cosma.yield %3 : tensor<4xf32>
    }
    %4 = cosma.store %2 : tensor<4xf32>
    return %4 : tensor<4xf32>
  }
}
