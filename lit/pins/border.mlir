// What starts or ends in the scratchpad and lies there in no step: `cosma.offset` says where, in allocated form too.
//
// RUN: cosma-opt --split-input-file %s --pass-pipeline='builtin.module(func.func(cosma-allocate{scratchpad=128}))' | FileCheck --check-prefix=ALLOCATED %s
// RUN: cosma-opt --split-input-file %s --allocate --scratchpad=128 -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: cosma-opt --split-input-file --verify %t.mlir | FileCheck %s

// An argument that nobody reads in the scratchpad makes room before the first operator runs; it goes out first, as it is
// returned.
// ALLOCATED-LABEL: @out
// ALLOCATED-SAME: cosma.offset = 64 : i64
// CHECK-LABEL: @out
// CHECK-SAME: %arg1: tensor<64xi8> {cosma.at = 64 : i64, cosma.offset = 64 : i64, cosma.on_chip}
// CHECK: %[[OUT:.*]] = cosma.store %arg1
// CHECK: cosma.op "A"(%{{.*}}) at [64]
// CHECK: return %{{.*}}, %[[OUT]]
func.func @out(%x: tensor<64xi8>, %y: tensor<64xi8> {cosma.on_chip, cosma.at = 64 : i64}) -> (tensor<64xi8>, tensor<64xi8>) {
  %0 = cosma.op "A"(%x) {cosma.at = 64 : i64} : (tensor<64xi8>) -> tensor<64xi8>
  return %0, %y : tensor<64xi8>, tensor<64xi8>
}

// -----

// An argument that is left in the scratchpad comes in after the last operator.
// ALLOCATED-LABEL: @in
// ALLOCATED-SAME: cosma.offset = 64 : i64
// CHECK-LABEL: @in
// CHECK: cosma.op "A"(%{{.*}}) at [64]
// CHECK: cosma.store
// CHECK: %[[IN:.*]] = cosma.load %arg1 at 64
// CHECK-NEXT: return %{{.*}}, %[[IN]]
func.func @in(%x: tensor<64xi8>, %y: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8> {cosma.on_chip, cosma.at = 64 : i64}) {
  %0 = cosma.op "A"(%x) {cosma.at = 64 : i64} : (tensor<64xi8>) -> tensor<64xi8>
  return %0, %y : tensor<64xi8>, tensor<64xi8>
}

// -----

// Two tensors with one place take turns.
// CHECK-LABEL: @turns
// CHECK: %[[A:.*]] = cosma.op "A"(%{{.*}}) at [64]
// CHECK: %[[SPILLED:.*]] = cosma.spill %[[A]]
// CHECK: cosma.op "B"(%{{.*}}) at [64]
// CHECK: cosma.reload %[[SPILLED]] at 64
func.func @turns(%x: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
  %0 = cosma.op "A"(%x) {cosma.at = 64 : i64} : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%x) {cosma.at = 64 : i64} : (tensor<64xi8>) -> tensor<64xi8>
  %2 = cosma.op "C"(%0) : (tensor<64xi8>) -> tensor<64xi8>
  return %1, %2 : tensor<64xi8>, tensor<64xi8>
}

// -----

// Operators of several results have an offset for each, or none.
// CHECK-LABEL: @several
// CHECK: cosma.op "Split"(%{{.*}}) at [64, {{[0-9]+}}] {cosma.at = array<i64: 64, -1>}
func.func @several(%x: tensor<32xi8>) -> (tensor<16xi8>, tensor<16xi8> {cosma.on_chip})
    attributes {cosma.machine = {alignment = 16}} {
  %0:2 = cosma.op "Split"(%x) {cosma.at = array<i64: 64, -1>} : (tensor<32xi8>) -> (tensor<16xi8>, tensor<16xi8>)
  return %0#0, %0#1 : tensor<16xi8>, tensor<16xi8>
}

// -----

// A view of all of a tensor has the place of that, and is left as what it is.
// CHECK-LABEL: @view
// CHECK: %[[A:.*]] = cosma.op "A"(%{{.*}}) at [64]
// CHECK: %[[V:.*]] = tensor.collapse_shape %[[A]]
// CHECK: return %[[V]]
func.func @view(%x: tensor<8x8xi8>) -> (tensor<64xi8> {cosma.on_chip}) {
  %0 = cosma.op "A"(%x) : (tensor<8x8xi8>) -> tensor<8x8xi8>
  %1 = tensor.collapse_shape %0 [[0, 1]] {cosma.at = 64 : i64} : tensor<8x8xi8> into tensor<64xi8>
  return %1 : tensor<64xi8>
}
