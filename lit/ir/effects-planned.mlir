// In planned form each operation moves bytes or overwrites some, and stock MLIR leaves all as it is.

// RUN: mlir-opt %cosma_plugin %s --cse | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --canonicalize | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --cse --canonicalize --sccp --control-flow-sink --remove-dead-values | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --loop-invariant-code-motion | FileCheck %s --check-prefix=LOOP

// Equal neighbours are not merged: each counts as traffic, and what lies at their offset in between
// is not to be seen from here.
// CHECK-LABEL: @equal
func.func @equal(%x: tensor<64xi8>, %w: tensor<64xi8>) -> tensor<64xi8> {
  // CHECK-NEXT: cosma.load
  // CHECK-NEXT: cosma.load
  %0 = cosma.load %x at 0 : tensor<64xi8>
  %1 = cosma.load %x at 0 : tensor<64xi8>
  // CHECK-NEXT: cosma.load
  // CHECK-NEXT: cosma.load
  %2 = cosma.load %w streamed : tensor<64xi8>
  %3 = cosma.load %w streamed : tensor<64xi8>
  // CHECK-NEXT: cosma.op "Add"
  // CHECK-NEXT: cosma.op "Add"
  %4 = cosma.op "Add"(%0, %2) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  %5 = cosma.op "Add"(%0, %2) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  // CHECK-NEXT: cosma.op "Add"
  %6 = cosma.op "Add"(%1, %3) at [64] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  // CHECK-NEXT: cosma.spill
  // CHECK-NEXT: cosma.spill
  %7 = cosma.spill %4 : tensor<64xi8>
  %8 = cosma.spill %4 : tensor<64xi8>
  // CHECK-NEXT: cosma.reload
  // CHECK-NEXT: cosma.reload
  %9 = cosma.reload %7 at 0 : tensor<64xi8>
  %10 = cosma.reload %7 at 0 : tensor<64xi8>
  // CHECK-NEXT: cosma.store
  // CHECK-NEXT: cosma.store
  // CHECK-NEXT: return
  %11 = cosma.store %9 : tensor<64xi8>
  %12 = cosma.store %9 : tensor<64xi8>
  return %11 : tensor<64xi8>
}

// Nothing goes because nobody reads it.
// CHECK-LABEL: @unused
func.func @unused(%x: tensor<64xi8>) {
  // CHECK-NEXT: cosma.load
  // CHECK-NEXT: cosma.reload
  // CHECK-NEXT: cosma.op "Relu"
  // CHECK-NEXT: cosma.spill
  // CHECK-NEXT: cosma.store
  // CHECK-NEXT: return
  %0 = cosma.load %x at 0 : tensor<64xi8>
  %1 = cosma.reload %x streamed : tensor<64xi8>
  %2 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
  %3 = cosma.spill %0 : tensor<64xi8>
  %4 = cosma.store %0 : tensor<64xi8>
  return
}

// Nothing moves, though no operand keeps it where it is.
// CHECK-LABEL: @order
func.func @order(%x: tensor<64xi8>, %y: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
  // CHECK-NEXT: cosma.load {{.*}} at 0
  // CHECK-NEXT: cosma.op "Relu"
  // CHECK-NEXT: cosma.store
  // CHECK-NEXT: cosma.load {{.*}} at 64
  // CHECK-NEXT: cosma.op "Tanh"
  // CHECK-NEXT: cosma.store
  // CHECK-NEXT: return
  %0 = cosma.load %x at 0 : tensor<64xi8>
  %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
  %2 = cosma.store %1 : tensor<64xi8>
  %3 = cosma.load %y at 64 : tensor<64xi8>
  %4 = cosma.op "Tanh"(%3) at [0] : (tensor<64xi8>) -> tensor<64xi8>
  %5 = cosma.store %4 : tensor<64xi8>
  return %5, %2 : tensor<64xi8>, tensor<64xi8>
}

// LOOP-LABEL: @loop
func.func @loop(%x: tensor<64xi8>, %from: index, %to: index, %by: index) {
  // LOOP: scf.for
  // LOOP-NEXT: cosma.load
  // LOOP-NEXT: cosma.op "Relu"
  // LOOP-NEXT: cosma.store
  scf.for %i = %from to %to step %by {
    %0 = cosma.load %x at 0 : tensor<64xi8>
    %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
    %2 = cosma.store %1 : tensor<64xi8>
  }
  return
}

// An operation of another dialect is in a group, which keeps it: equal ones are two, though nothing but
// their offsets could tell MLIR what lies in between, and one that nobody reads stays.
// CHECK-LABEL: @other_dialects
func.func @other_dialects(%x: tensor<64xi8>) -> tensor<64xi8> {
  // CHECK-NEXT: cosma.load
  %0 = cosma.load %x at 0 : tensor<64xi8>
  // CHECK: cosma.group "tosa.abs"(%{{.*}}) at [64]
  %1 = cosma.group "tosa.abs"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8> {
  ^bb0(%a: tensor<64xi8>):
    %5 = tosa.abs %a : (tensor<64xi8>) -> tensor<64xi8>
    cosma.yield %5 : tensor<64xi8>
  }
  // CHECK: cosma.group "tosa.abs"(%{{.*}}) at [64]
  %2 = cosma.group "tosa.abs"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8> {
  ^bb0(%a: tensor<64xi8>):
    %5 = tosa.abs %a : (tensor<64xi8>) -> tensor<64xi8>
    cosma.yield %5 : tensor<64xi8>
  }
  // CHECK: cosma.store
  // CHECK-NEXT: return
  %3 = cosma.store %1 : tensor<64xi8>
  return %3 : tensor<64xi8>
}

// One that gives a scalar reads its operand in its place in the order.
// CHECK-LABEL: @scalar
func.func @scalar(%x: tensor<64xi8>, %c: i1) {
  %i = arith.constant 3 : index
  // CHECK: cosma.load
  // CHECK-NEXT: cosma.group "tensor.extract"(%{{.*}}) at [0]
  // CHECK: scf.if
  %0 = cosma.load %x at 0 : tensor<64xi8>
  %1 = cosma.group "tensor.extract"(%0, %i) at [0] : (tensor<64xi8>, index) -> i8 {
  ^bb0(%a: tensor<64xi8>, %b: index):
    %3 = tensor.extract %a[%b] : tensor<64xi8>
    cosma.yield %3 : i8
  }
  scf.if %c {
    func.call @send(%1) : (i8) -> ()
  }
  return
}
func.func private @send(i8)

// LOOP-LABEL: @loop_over_group
func.func @loop_over_group(%x: tensor<64xi8>, %from: index, %to: index, %by: index) {
  // LOOP: cosma.load
  // LOOP-NEXT: scf.for
  // LOOP-NEXT: cosma.group
  %0 = cosma.load %x at 0 : tensor<64xi8>
  scf.for %i = %from to %to step %by {
    %1 = cosma.group "tosa.abs"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8> {
    ^bb0(%a: tensor<64xi8>):
      %5 = tosa.abs %a : (tensor<64xi8>) -> tensor<64xi8>
      cosma.yield %5 : tensor<64xi8>
    }
  }
  return
}
