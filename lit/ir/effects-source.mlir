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

// A group does what is in it: a store stays, though nothing reads the group's result, and so does a call.
// CHECK-LABEL: @store_in_group
func.func @store_in_group(%x: tensor<8xf32>, %m: memref<f32>, %v: f32) -> tensor<8xf32> {
  // CHECK-NEXT: cosma.group "Store"
  // CHECK: memref.store
  // CHECK: cosma.group "Call"
  // CHECK: func.call @send
  // CHECK-NOT: cosma.group "Pure"
  // CHECK: return
  %0 = cosma.group "Store"(%x, %m, %v) : (tensor<8xf32>, memref<f32>, f32) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>, %b: memref<f32>, %c: f32):
    memref.store %c, %b[] : memref<f32>
    cosma.yield %a : tensor<8xf32>
  }
  cosma.group "Call"(%v) : (f32) -> () {
  ^bb0(%c: f32):
    func.call @send(%c) : (f32) -> ()
  }
  %2 = cosma.group "Pure"(%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %3 = tosa.abs %a : (tensor<8xf32>) -> tensor<8xf32>
    cosma.yield %3 : tensor<8xf32>
  }
  return %x : tensor<8xf32>
}
func.func private @send(f32)

// A group of pure operations may leave a loop; one with a store may not.
// LOOP-LABEL: @loop_over_groups
func.func @loop_over_groups(%x: tensor<8xf32>, %m: memref<f32>, %v: f32, %from: index, %to: index, %by: index) {
  // LOOP: cosma.group "Pure"
  // LOOP: scf.for
  // LOOP: cosma.group "Store"
  scf.for %i = %from to %to step %by {
    %0 = cosma.group "Pure"(%x) : (tensor<8xf32>) -> tensor<8xf32> {
    ^bb0(%a: tensor<8xf32>):
      %3 = tosa.abs %a : (tensor<8xf32>) -> tensor<8xf32>
      cosma.yield %3 : tensor<8xf32>
    }
    %1 = cosma.group "Store"(%0, %m, %v) : (tensor<8xf32>, memref<f32>, f32) -> tensor<8xf32> {
    ^bb0(%a: tensor<8xf32>, %b: memref<f32>, %c: f32):
      memref.store %c, %b[] : memref<f32>
      cosma.yield %a : tensor<8xf32>
    }
  }
  return
}
