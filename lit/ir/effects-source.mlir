// In source form an operator is a function of its operands, and stock MLIR treats it as one.

// RUN: mlir-opt %cosma_plugin %s --cse --canonicalize | FileCheck %s --check-prefixes=CHECK,CSE
// RUN: mlir-opt %cosma_plugin %s --canonicalize | FileCheck %s --check-prefixes=CHECK,CANONICAL
// RUN: mlir-opt %cosma_plugin %s --loop-invariant-code-motion | FileCheck %s --check-prefix=LOOP

// CHECK-LABEL: @equal
func.func @equal(%x: tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>) {
  // CHECK-NEXT: [[ONE:%.*]] = cosma.op "Relu"
  // CANONICAL-NEXT: [[OTHER:%.*]] = cosma.op "Relu"
  // CSE-NEXT: return [[ONE]], [[ONE]]
  // CANONICAL-NEXT: return [[ONE]], [[OTHER]]
  %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  %1 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0, %1 : tensor<8xi8>, tensor<8xi8>
}

// CHECK-LABEL: @different
func.func @different(%x: tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>) {
  // CHECK-NEXT: [[ONE:%.*]] = cosma.op "Relu"
  // CHECK-NEXT: [[OTHER:%.*]] = cosma.op "Tanh"
  // CHECK-NEXT: return [[ONE]], [[OTHER]]
  %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  %1 = cosma.op "Tanh"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0, %1 : tensor<8xi8>, tensor<8xi8>
}

// An operator whose result nobody reads goes, and with it what only it read.
// CHECK-LABEL: @unused
func.func @unused(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK-NEXT: return
  %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  %1 = cosma.op "Tanh"(%0) : (tensor<8xi8>) -> tensor<8xi8>
  return %x : tensor<8xi8>
}

// An operator without results is there for something that only it knows.
// CHECK-LABEL: @without_result
func.func @without_result(%x: tensor<8xi8>) {
  // CHECK-NEXT: cosma.op "Send"
  // CHECK-NEXT: cosma.op "Send"
  // CHECK-NEXT: return
  cosma.op "Send"(%x) : (tensor<8xi8>) -> ()
  cosma.op "Send"(%x) : (tensor<8xi8>) -> ()
  return
}

// What nothing is known of is not moved out of a loop.
// LOOP-LABEL: @loop
func.func @loop(%x: tensor<8xi8>, %from: index, %to: index, %by: index) {
  // LOOP: scf.for
  // LOOP-NEXT: cosma.op "Send"
  scf.for %i = %from to %to step %by {
    cosma.op "Send"(%x) : (tensor<8xi8>) -> ()
  }
  return
}
