// What the judge says, word for word, to programs that were damaged by hand.
//
// RUN: not cosma-opt --verify --split-input-file %s 2>&1 | FileCheck %s

// %y lands on %x, which nobody read yet: the load of %x was for nothing, and "Add" misses it.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @clobbered(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0 is copied to the scratchpad, but nothing reads it there
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.load %y at 0 : tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0 is needed at 0, but does not lie there intact
    %2 = cosma.op "Add"(%0, %1) at [128] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %2 : tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}

// -----

// 64 + 64 = 128: the result begins where %x still is.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @in_place(%x: tensor<128xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<128xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0@0 and Relu_0@64 overlap while Relu_0 runs
    %1 = cosma.op "Relu"(%0) at [64] : (tensor<128xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @unstored(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: result 0 is not a result of cosma.store, but cosma.op
    return %1 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @stored_twice(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: Relu_0 is stored a second time
    %3 = cosma.store %1 : tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}

// -----

// A reload reads host memory; %1 never went there.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @reload_without_copy(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: loads a value that is not in host memory
    %2 = cosma.reload %1 at 128 : tensor<64xi8>
    %3 = cosma.op "B"(%2) at [0] : (tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %3 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

// The first time is a load, whatever it is called.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @reload_first(%x: tensor<64xi8>) -> tensor<64xi8> {
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0 is reloaded, but was not loaded before
    %0 = cosma.reload %x at 0 : tensor<64xi8>
    %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @load_again(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0 is loaded a second time, which is a reload
    %2 = cosma.load %x at 128 : tensor<64xi8>
    %3 = cosma.op "B"(%1, %2) at [0] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %3 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @host_operand(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: operand 1 is in host memory
    %1 = cosma.op "Add"(%0, %y) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @no_offsets(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: has no offsets for its results
    %1 = cosma.op "A"(%0) : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @spilled_for_nothing(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: A_0 is spilled, but not reloaded afterwards
    %2 = cosma.spill %1 : tensor<64xi8>
    %3 = cosma.op "B"(%1) at [0] : (tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %3 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

// A streamed weight is gone once another operator has run.
module attributes {cosma.machine = {scratchpad = 256 : i64, weights = "streamed"}} {
  func.func @passed_too_early(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.load %w streamed : tensor<64xi8>
    %2 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: operand 1 was not streamed just before this operator
    %3 = cosma.op "B"(%2, %1) at [0] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.store %3 : tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256 : i64, weights = "streamed"}} {
  func.func @weight_with_address(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.load %w at 64 : tensor<64xi8>
    // CHECK: messages.mlir:[[@LINE+1]]:{{[0-9]+}}: error: A_0 is given arg1 in the scratchpad, where it cannot use it
    %2 = cosma.op "A"(%0, %1) at [128] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %2 : tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}
