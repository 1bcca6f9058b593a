// Programs that were damaged by hand, each judged at the operation that shows it.
//
// RUN: not cosma-opt --verify --split-input-file %s 2>&1 | FileCheck %s

// The second load covers what the first one brought.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @clobbered(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.load %y at 0 : tensor<64xi8>
    // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error:
    %2 = cosma.op "Add"(%0, %1) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %2 : tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}

// -----

// An operator reads what lies in host memory.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @host(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error:
    %1 = cosma.op "Add"(%0, %y) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

// What is returned never went out.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @unstored(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error:
    return %1 : tensor<64xi8>
  }
}

// -----

// An argument comes in a second time as if it were the first.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @twice(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error:
    %2 = cosma.load %x at 128 : tensor<64xi8>
    %3 = cosma.op "B"(%1, %2) at [0] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %3 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

// Source form is no program yet.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-verify takes a function in planned form, but this one is still in source form
  func.func @source(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}

// -----

// A result lies where an operand lies that is read after.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @still_read(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "Relu"(%0) at [0] in_place [[0, 0]] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0 is needed at 0, but does not lie there intact
    %2 = cosma.op "Add"(%1, %0) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %2 : tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}

// -----

// A result lies where an operand lies, but nobody said that it may.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @not_in_place(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    // CHECK: violations.mlir:[[@LINE+1]]:{{[0-9]+}}: error: {{.*}}overlap
    %1 = cosma.op "Relu"(%0) at [0] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}
