// Use by use, a weight passes by or lies in the scratchpad, whichever moves less.
//
// RUN: cosma-opt --schedule --allocate --weights=auto --scratchpad=192 %s -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: cosma-opt --verify %t.mlir | FileCheck %s
// RUN: cosma-opt --allocate --weights=auto --scratchpad=128 %s | FileCheck --check-prefix=TIGHT %s
// RUN: cosma-opt --print-problem --weights=auto --scratchpad=192 %s -o %t 2>&1 | FileCheck --check-prefix=PROBLEM %s

// CHECK: weights = auto
// CHECK-SAME: total = 320, compulsory = 320
// CHECK: cosma.load %arg1 at [[AT:[0-9]+]] :
// CHECK: cosma.load %arg2 streamed
// CHECK: cosma.op "Second"
// CHECK-NOT: cosma.reload
// CHECK: cosma.op "Third"

// TIGHT: total = 384
// TIGHT: cosma.load %arg1 streamed
// TIGHT: cosma.load %arg2 streamed
// TIGHT: cosma.reload %arg1 streamed

// PROBLEM: weight arg1 64
func.func @net(%x: tensor<64xi8>, %a: tensor<64xi8> {cosma.weight}, %b: tensor<128xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "First"(%x, %a) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Second"(%0, %b) : (tensor<64xi8>, tensor<128xi8>) -> tensor<64xi8>
  %2 = cosma.op "Third"(%1, %a) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}
