// Functions on tensors are planned together with those that they call.
//
// RUN: cosma-opt --pass-pipeline='builtin.module(cosma-inline)' %s | FileCheck %s
// RUN: cosma-opt --schedule --allocate --stats --scratchpad=512 %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATS
// RUN: cosma-opt --dump-lp=%t.lp --schedule --allocate --scratchpad=4KiB %s -o /dev/null

// A private function that is only called is gone; one that others may call is planned for itself as well.
// CHECK-NOT: @layer
// CHECK: func.func @twice
// CHECK-SAME: (%[[X:.*]]: tensor<64xf32>, %[[W:.*]]: tensor<64xf32>)
// CHECK-NEXT: %[[A:.*]] = tosa.add %[[X]], %[[W]]
// CHECK-NEXT: %[[B:.*]] = tosa.tanh %[[A]]
// CHECK-NEXT: %[[C:.*]] = tosa.add %[[B]], %[[W]]
// CHECK-NEXT: %[[D:.*]] = tosa.tanh %[[C]]
// CHECK-NEXT: return %[[D]]

// Both @twice and @main, which calls it, need two tensors at once: 512 B.
// STATS: @twice: 4 operators, optimal
// STATS: peak 512 B of 512 B (at least 512)
// STATS: @main: 5 operators, optimal
// STATS: peak 512 B of 512 B (at least 512)
func.func private @layer(%x: tensor<64xf32>, %w: tensor<64xf32>) -> tensor<64xf32> {
  %0 = tosa.add %x, %w : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %1 = tosa.tanh %0 : (tensor<64xf32>) -> tensor<64xf32>
  return %1 : tensor<64xf32>
}
func.func @twice(%x: tensor<64xf32>, %w: tensor<64xf32>) -> tensor<64xf32> {
  %0 = func.call @layer(%x, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %1 = func.call @layer(%0, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %1 : tensor<64xf32>
}

// Calls in regions, and what regions of callees read.
// CHECK: func.func @main
// CHECK: tosa.exp
// CHECK-COUNT-4: tosa.
// CHECK: scf.if
// CHECK-NEXT: tosa.tanh
// CHECK-NOT: call
func.func @main(%x: tensor<64xf32>, %w: tensor<64xf32> {cosma.weight}) -> tensor<64xf32> {
  %0 = tosa.exp %x : (tensor<64xf32>) -> tensor<64xf32>
  %1 = func.call @twice(%0, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %1 : tensor<64xf32>
}
func.func private @activate(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = tosa.tanh %x : (tensor<64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}
func.func private @maybe(%x: tensor<64xf32>, %c: i1) -> tensor<64xf32> {
  %0 = scf.if %c -> tensor<64xf32> {
    %1 = func.call @activate(%x) : (tensor<64xf32>) -> tensor<64xf32>
    scf.yield %1 : tensor<64xf32>
  } else {
    scf.yield %x : tensor<64xf32>
  }
  return %0 : tensor<64xf32>
}
func.func @region(%x: tensor<64xf32>, %c: i1) -> tensor<64xf32> {
  %0 = func.call @maybe(%x, %c) : (tensor<64xf32>, i1) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// What has no tensor is called as before.
// CHECK: func.func private @next
// CHECK: func.func @index
// CHECK: call @next
func.func private @next(%i: index) -> index {
  %0 = arith.addi %i, %i : index
  return %0 : index
}
func.func @index(%x: tensor<64xf32>, %i: index) -> (tensor<64xf32>, index) {
  %0 = func.call @next(%i) : (index) -> index
  return %x, %0 : tensor<64xf32>, index
}
