// Residencies that were written by hand become transfers: where a stay begins and ends decides which.
//
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-insert-transfers,cosma-verify))' %s | FileCheck %s

module attributes {cosma.machine = {scratchpad = 192 : i64}} {

  // One stay each: %x in step 0, "A" in 0 and 1, "B" in 1.
  // CHECK-LABEL: @stays
  // CHECK-NEXT: [[X:%.*]] = cosma.load %arg0 at 0
  // CHECK-NEXT: [[A:%.*]] = cosma.op "A"([[X]]) at [64]
  // CHECK-NEXT: [[B:%.*]] = cosma.op "B"([[A]]) at [0]
  // CHECK-NEXT: [[R:%.*]] = cosma.store [[B]]
  // CHECK-NEXT: return [[R]]
  func.func @stays(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<64xi8> {
    %0 = cosma.op "A"(%x) residencies [[0 to 2 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.op "B"(%0) residencies [[1 to 2 at 0]] : (tensor<64xi8>) -> tensor<64xi8>
    return %1 : tensor<64xi8>
  }

  // An argument stays twice: the second time it is reloaded, and to another address. Its copy in host
  // memory is there already, so nothing is spilled.
  // CHECK-LABEL: @argument_comes_again
  // CHECK-NEXT: [[X:%.*]] = cosma.load %arg0 at 0
  // CHECK-NEXT: [[A:%.*]] = cosma.op "A"([[X]]) at [64]
  // CHECK-NEXT: [[B:%.*]] = cosma.op "B"([[A]]) at [0]
  // CHECK-NEXT: [[AGAIN:%.*]] = cosma.reload %arg0 at 64
  // CHECK-NEXT: [[C:%.*]] = cosma.op "C"([[B]], [[AGAIN]]) at [128]
  // CHECK-NEXT: [[R:%.*]] = cosma.store [[C]]
  // CHECK-NEXT: return [[R]]
  func.func @argument_comes_again(
      %x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>, #cosma.residency<2 to 3 at 64>]}) -> tensor<64xi8> {
    %0 = cosma.op "A"(%x) residencies [[0 to 2 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.op "B"(%0) residencies [[1 to 3 at 0]] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.op "C"(%1, %x) residencies [[2 to 3 at 128]] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %2 : tensor<64xi8>
  }

  // "A" leaves after step 0 and has no copy in host memory: it is spilled as it leaves, and reloaded.
  // CHECK-LABEL: @product_comes_again
  // CHECK-NEXT: [[X:%.*]] = cosma.load %arg0 at 0
  // CHECK-NEXT: [[A:%.*]] = cosma.op "A"([[X]]) at [64]
  // CHECK-NEXT: [[COPY:%.*]] = cosma.spill [[A]]
  // CHECK-NEXT: [[B:%.*]] = cosma.op "B"([[X]]) at [64]
  // CHECK-NEXT: [[AGAIN:%.*]] = cosma.reload [[COPY]] at 0
  // CHECK-NEXT: [[C:%.*]] = cosma.op "C"([[AGAIN]], [[B]]) at [128]
  // CHECK-NEXT: [[R:%.*]] = cosma.store [[C]]
  // CHECK-NEXT: return [[R]]
  func.func @product_comes_again(%x: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 2 at 0>]}) -> tensor<64xi8> {
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 64, 2 to 3 at 0]] : (tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.op "B"(%x) residencies [[1 to 3 at 64]] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.op "C"(%0, %1) residencies [[2 to 3 at 128]] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}
