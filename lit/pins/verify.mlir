// Programs with places that were damaged by hand, each judged at the line that shows it.
//
// RUN: not cosma-opt --verify --split-input-file %s 2>&1 | FileCheck %s

// The operator is not where it has to be.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @moved(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:10: error: {{.*}}128
    %1 = cosma.op "A"(%0) at [64] {cosma.at = 128 : i64} : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

// Nothing says where the argument lies.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  // CHECK: verify.mlir:[[@LINE+1]]:22: error: argument 0 starts in the scratchpad, but has no offset there (cosma.offset)
  func.func @nowhere(%x: tensor<64xi8> {cosma.on_chip}) -> tensor<64xi8> {
    %1 = cosma.op "A"(%x) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

// The argument was overwritten.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @overwritten(%x: tensor<64xi8> {cosma.on_chip, cosma.offset = 0 : i64}, %y: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %y at 0 : tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:10: error: {{.*}}arg0
    %1 = cosma.op "A"(%x, %0) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

// It is in the scratchpad, and in no host memory that it could be loaded from.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @loaded(%x: tensor<64xi8> {cosma.on_chip, cosma.offset = 0 : i64}) -> tensor<64xi8> {
    // CHECK: verify.mlir:[[@LINE+1]]:10: error:
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}

// -----

// The function says another place than where the result is.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @elsewhere(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.on_chip, cosma.offset = 128 : i64}) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:5: error: result 0 is declared at 128, but lies at 64
    return %1 : tensor<64xi8>
  }
}

// -----

// Nothing says where the result lies.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @unsaid(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.on_chip}) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:5: error: result 0 ends in the scratchpad, but has no offset there (cosma.offset)
    return %1 : tensor<64xi8>
  }
}

// -----

// The result was stored, and is not what is left.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @stored(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.on_chip, cosma.offset = 64 : i64}) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:5: error: result 0 ends in the scratchpad, but the returned value is not there
    return %2 : tensor<64xi8>
  }
}

// -----

// Something was put over the result before the end.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @lost(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.on_chip, cosma.offset = 64 : i64}, tensor<64xi8>) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.op "B"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.store %2 : tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:5: error: A_0 must be in the scratchpad at the end, but is not
    return %1, %3 : tensor<64xi8>, tensor<64xi8>
  }
}

// -----

// What is in the scratchpad is returned as if it were in host memory.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @returned(%x: tensor<64xi8> {cosma.on_chip, cosma.offset = 0 : i64}) -> (tensor<64xi8>, tensor<64xi8>) {
    %0 = cosma.op "A"(%x) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.store %0 : tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:5: error: result 1 is not a result of cosma.store, but an argument in the scratchpad
    return %1, %x : tensor<64xi8>, tensor<64xi8>
  }
}

// -----

// It is in the scratchpad, but no longer where the function returns it.
module attributes {cosma.machine = {scratchpad = 256 : i64}} {
  func.func @came_back(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.on_chip, cosma.offset = 64 : i64}, tensor<64xi8>) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.spill %1 : tensor<64xi8>
    %3 = cosma.reload %2 at 128 : tensor<64xi8>
    %4 = cosma.op "B"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %5 = cosma.store %4 : tensor<64xi8>
    // CHECK: verify.mlir:[[@LINE+1]]:5: error: A_0 is declared to end at 64, but does not lie there intact
    return %1, %5 : tensor<64xi8>, tensor<64xi8>
  }
}
