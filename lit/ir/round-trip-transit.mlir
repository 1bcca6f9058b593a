// Transfers that are waited for print as they read: pretty, generic, and as bytecode.

// RUN: cosma-opt %s | FileCheck %s
// RUN: cosma-opt %s | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC
// RUN: mlir-opt %cosma_plugin %s --mlir-print-op-generic | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --emit-bytecode | cosma-opt | FileCheck %s

// CHECK-LABEL: @transits
// GENERIC-LABEL: sym_name = "transits"
func.func @transits(%x: tensor<8xi8>, %w: tensor<16xi8> {cosma.weight}, %y: tensor<4x8xi8>) -> (tensor<8xi8>, tensor<4x8xi8>) {
  // CHECK: %[[X:.*]] = cosma.load async %{{.*}} at 64 : tensor<8xi8>
  // GENERIC: "cosma.load"(%{{.*}}) <{async, offset = 64 : i64}> : (tensor<8xi8>) -> !cosma.transit<tensor<8xi8>>
  %0 = cosma.load async %x at 64 : tensor<8xi8>
  // CHECK: %[[W0:.*]] = cosma.load async %{{.*}} slice [0, 12] at 128 : tensor<16xi8>
  // CHECK: %[[W1:.*]] = cosma.load async %{{.*}} slice [12, 16] at 128 : tensor<16xi8>
  // GENERIC: slice = array<i64: 12, 16>
  %1 = cosma.load async %w slice [0, 12] at 128 : tensor<16xi8>
  %2 = cosma.load async %w slice [12, 16] at 128 : tensor<16xi8>
  // CHECK: %[[Y:.*]] = cosma.load async %{{.*}}[1, 0] [2, 8] at 192 : tensor<4x8xi8> -> tensor<2x8xi8>
  %3 = cosma.load async %y[1, 0] [2, 8] at 192 : tensor<4x8xi8> -> tensor<2x8xi8>
  // CHECK: cosma.wait %[[X]] : tensor<8xi8>
  // GENERIC: "cosma.wait"(%{{.*}}) : (!cosma.transit<tensor<8xi8>>) -> tensor<8xi8>
  %4 = cosma.wait %0 : tensor<8xi8>
  // CHECK: cosma.wait %[[W0]], %[[W1]] : tensor<16xi8>
  %5 = cosma.wait %1, %2 : tensor<16xi8>
  %6 = cosma.wait %3 : tensor<2x8xi8>
  %7 = cosma.op "Mul"(%4, %5, %6) at [0] cycles 12 : (tensor<8xi8>, tensor<16xi8>, tensor<2x8xi8>) -> tensor<8xi8>
  // What is on its way out comes back behind it.
  // CHECK: %[[OUT:.*]] = cosma.spill async %{{.*}} : tensor<8xi8>
  // CHECK: cosma.reload async %[[OUT]] at 256 : !cosma.transit<tensor<8xi8>>
  %8 = cosma.spill async %7 : tensor<8xi8>
  %9 = cosma.reload async %8 at 256 : !cosma.transit<tensor<8xi8>>
  %10 = cosma.wait %8 : tensor<8xi8>
  %11 = cosma.wait %9 : tensor<8xi8>
  // What is put together is written into while it is on its way.
  // CHECK: %[[A:.*]] = cosma.store async %{{.*}} into %{{.*}}[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
  // CHECK: cosma.store async %{{.*}} into %[[A]][2, 0] [2, 8] : tensor<2x8xi8> into !cosma.transit<tensor<4x8xi8>>
  %empty = tensor.empty() : tensor<4x8xi8>
  %12 = cosma.store async %6 into %empty[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
  %13 = cosma.store async %6 into %12[2, 0] [2, 8] : tensor<2x8xi8> into !cosma.transit<tensor<4x8xi8>>
  %14 = cosma.wait %12 : tensor<4x8xi8>
  %15 = cosma.wait %13 : tensor<4x8xi8>
  return %10, %15 : tensor<8xi8>, tensor<4x8xi8>
}
