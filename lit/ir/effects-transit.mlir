// MLIR's own passes leave transfers that are waited for, and their order, alone.

// RUN: mlir-opt %cosma_plugin %s --canonicalize --cse --sccp --loop-invariant-code-motion --control-flow-sink \
// RUN:   --symbol-dce --remove-dead-values --cse --canonicalize | FileCheck %s

// CHECK-LABEL: @kept
func.func @kept(%x: tensor<8xi8>) -> tensor<8xi8> {
  // Two equal ones, of which one is read.
  // CHECK-NEXT: %[[A:.*]] = cosma.load async %{{.*}} at 64 : tensor<8xi8>
  // CHECK-NEXT: %[[B:.*]] = cosma.load async %{{.*}} at 64 : tensor<8xi8>
  // CHECK-NEXT: %[[X:.*]] = cosma.wait %[[A]] : tensor<8xi8>
  // CHECK-NEXT: cosma.wait %[[B]] : tensor<8xi8>
  %a = cosma.load async %x at 64 : tensor<8xi8>
  %b = cosma.load async %x at 64 : tensor<8xi8>
  %0 = cosma.wait %a : tensor<8xi8>
  %1 = cosma.wait %b : tensor<8xi8>
  // CHECK-NEXT: %[[Y:.*]] = cosma.op "Relu"(%[[X]]) at [0]
  %2 = cosma.op "Relu"(%0) at [0] : (tensor<8xi8>) -> tensor<8xi8>
  // A spill that nobody reads, and a wait that stands after an operator.
  // CHECK-NEXT: %[[S:.*]] = cosma.spill async %[[Y]] : tensor<8xi8>
  // CHECK-NEXT: %[[T:.*]] = cosma.store async %[[Y]] : tensor<8xi8>
  // CHECK-NEXT: cosma.op "Relu"(%[[Y]]) at [128]
  // CHECK-NEXT: cosma.wait %[[S]] : tensor<8xi8>
  // CHECK-NEXT: %[[R:.*]] = cosma.wait %[[T]] : tensor<8xi8>
  // CHECK-NEXT: return %[[R]]
  %3 = cosma.spill async %2 : tensor<8xi8>
  %4 = cosma.store async %2 : tensor<8xi8>
  %5 = cosma.op "Relu"(%2) at [128] : (tensor<8xi8>) -> tensor<8xi8>
  %6 = cosma.wait %3 : tensor<8xi8>
  %7 = cosma.wait %4 : tensor<8xi8>
  return %7 : tensor<8xi8>
}
