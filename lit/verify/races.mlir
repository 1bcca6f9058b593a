// What the judge of races finds: accesses to one place that nothing orders.

// RUN: not cosma-opt %s --verify --split-input-file 2>&1 | FileCheck %s

module attributes {cosma.machine = {scratchpad = 256, alignment = 64}} {
  func.func @comes_in_over_what_is_read(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.load async %y at 0 : tensor<64xi8>
    // CHECK: races.mlir:[[@LINE+1]]:{{[0-9]+}}: error: arg0 is needed at 0, but does not lie there intact
    %2 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %3 = cosma.wait %1 : tensor<64xi8>
    %4 = cosma.op "B"(%2, %3) at [128] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %5 = cosma.store %4 : tensor<64xi8>
    return %5 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 256, alignment = 64}} {
  func.func @is_overwritten_on_its_way_out(%x: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store async %1 : tensor<64xi8>
    // CHECK: races.mlir:[[@LINE+1]]:{{[0-9]+}}: error: B_1@64 is written where A_0 is still being copied from or to
    %3 = cosma.op "B"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %4 = cosma.wait %2 : tensor<64xi8>
    %5 = cosma.store %3 : tensor<64xi8>
    return %4, %5 : tensor<64xi8>, tensor<64xi8>
  }
}
