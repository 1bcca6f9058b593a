// Fixed offsets, and what starts and ends in the scratchpad: planned, read back, and lowered.
//
// RUN: cosma-opt --schedule --allocate --scratchpad=320 %s -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: cosma-opt --verify %t.mlir | FileCheck %s
// RUN: mlir-opt %cosma_plugin --canonicalize --cse %t.mlir | cosma-opt --verify | FileCheck %s
// RUN: cosma-opt --lower-addresses --arena=argument %t.mlir | FileCheck --check-prefix=LOWERED %s
// RUN: not cosma-opt --lower-addresses %t.mlir 2>&1 | FileCheck --check-prefix=ALLOCATES %s
// RUN: cosma-opt --print-problem --scratchpad=320 %s -o %t.same.mlir 2>&1 | FileCheck --check-prefix=PROBLEM %s

// The argument that starts there is not loaded, and the results that end there are not stored: what is left is one load.
// CHECK: func.func @f(%arg0: tensor<64xi8> {cosma.at = 64 : i64, cosma.offset = 64 : i64, cosma.on_chip}, %arg1: tensor<64xi8>)
// CHECK-SAME: -> (tensor<64xi8> {cosma.at = 0 : i64, cosma.offset = 0 : i64, cosma.on_chip}, tensor<64xi8> {cosma.offset = [[AT:[0-9]+]] : i64, cosma.on_chip})
// CHECK-SAME: total = 64, compulsory = 64, non_compulsory = 0
// CHECK: %[[E:.*]] = cosma.op "Expand"(%arg0) at [128] {cosma.at = 128 : i64}
// CHECK-NEXT: %[[Y:.*]] = cosma.load %arg1 at
// CHECK-NEXT: %[[R:.*]] = cosma.op "Reduce"(%[[E]], %[[Y]]) at {{\[}}[[AT]]]
// CHECK-NEXT: %[[A:.*]] = cosma.op "Add"(%[[R]], %arg0) at [0]
// CHECK-NEXT: return %[[A]], %[[R]]

// The lowered function takes what is left and the arena.
// LOWERED: func.func @f(%[[Y:.*]]: memref<64xi8>, %[[ARENA:.*]]: memref<320xi8>) attributes
// LOWERED-SAME: {cosma.on_chip = {arguments = {{\[\[}}0, 64]], results = {{\[\[}}0, 0], [1, {{[0-9]+}}]]}}
// LOWERED: %[[AT:.*]] = arith.constant 64 : index
// LOWERED: %[[X:.*]] = memref.view %[[ARENA]][%[[AT]]]
// LOWERED: call @Expand(%[[X]], %
// LOWERED: memref.copy %[[Y]], %{{.*}} {cosma.transfer = "load"}
// LOWERED-NOT: memref.copy
// LOWERED: {{return$}}

// ALLOCATES: plan.mlir.tmp.mlir:2:3: error: cosma-lower-addresses cannot allocate the arena in this function, since arguments lie in it before the call, or results after it: pass it as an argument (arena=argument)

// PROBLEM: pin arg0 at 64
// PROBLEM: pin Expand_0 at 128
// PROBLEM: pin Add_2 at 0
// PROBLEM: starts on-chip arg0
// PROBLEM: ends on-chip Reduce_1 Add_2
func.func @f(%x: tensor<64xi8> {cosma.at = 64 : i64, cosma.on_chip}, %y: tensor<64xi8>)
    -> (tensor<64xi8> {cosma.on_chip, cosma.at = 0 : i64}, tensor<64xi8> {cosma.on_chip}) {
  %0 = cosma.op "Expand"(%x) {cosma.at = 128 : i64} : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Reduce"(%0, %y) : (tensor<128xi8>, tensor<64xi8>) -> tensor<64xi8>
  %2 = cosma.op "Add"(%1, %x) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %2, %1 : tensor<64xi8>, tensor<64xi8>
}
