// The pretty form of a group and the generic one are the same, and stock tools read both.
//
// RUN: cosma-opt %s | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s -mlir-print-op-generic | mlir-opt %cosma_plugin | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s -emit-bytecode | cosma-opt | FileCheck %s

// CHECK-LABEL: @group
// CHECK: %[[Y:.*]] = cosma.group "Norm"(%arg0) at [64] macs 16 workspace 8 workspace_at 128 : (tensor<8xi8>) -> tensor<8xi8> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<8xi8>):
// CHECK-NEXT: %[[B:.*]] = tosa.abs %[[A]] : (tensor<8xi8>) -> tensor<8xi8>
// CHECK-NEXT: cosma.yield %[[B]] : tensor<8xi8>
// CHECK-NEXT: }
// CHECK: return %[[Y]]
func.func @group(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.group "Norm"(%x) at [64] macs 16 workspace 8 workspace_at 128 : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    %1 = tosa.abs %a : (tensor<8xi8>) -> tensor<8xi8>
    cosma.yield %1 : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// A group that nobody reads is dropped before it is planned, and equal ones are one.
// RUN: mlir-opt %cosma_plugin -cse %s | FileCheck %s --check-prefix=CSE
// CSE-LABEL: @unused
// CSE-NEXT: return
func.func @unused(%x: tensor<8xi8>) {
  %0 = cosma.group "Norm"(%x) : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    cosma.yield %a : tensor<8xi8>
  }
  return
}
