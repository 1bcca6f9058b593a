// Weights that stay in the scratchpad from one run to the next: loaded once, before all else.
//
// RUN: cosma-opt --schedule --allocate --keep=auto --scratchpad=320 %s -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: cosma-opt --verify %t.mlir | FileCheck %s
// RUN: cosma-opt --pass-pipeline='builtin.module(canonicalize,cse,func.func(cosma-verify))' %t.mlir | FileCheck %s
// RUN: cosma-opt --schedule --allocate --keep=auto --scratchpad=256 %s | FileCheck --check-prefix=PARTLY %s
// RUN: cosma-opt --schedule --allocate --keep=none --scratchpad=320 %s | FileCheck --check-prefix=NONE %s
// RUN: cosma-opt --lower-addresses --arena=argument %t.mlir | FileCheck --check-prefix=LOWERED %s
// RUN: not cosma-opt --lower-addresses %t.mlir 2>&1 | FileCheck --check-prefix=ARENA %s
// RUN: sed 's/ kept//' %t.mlir > %t.lost.mlir
// RUN: cosma-opt --verify %t.lost.mlir | FileCheck --check-prefix=LOADED %s
// RUN: sed 's/at \[256\]/at [0]/' %t.mlir > %t.over.mlir
// RUN: not cosma-opt --verify %t.over.mlir 2>&1 | FileCheck --check-prefix=OVER %s

// CHECK: keep = auto
// CHECK-SAME: total = 128, compulsory = 128, non_compulsory = 0, lower_bound = 0, prologue = 192
// CHECK: cosma.load %arg1 at {{[0-9]+}} kept
// CHECK-NEXT: cosma.load %arg2 at {{[0-9]+}} kept
// CHECK-NEXT: cosma.load %arg0 at {{[0-9]+}} :
// CHECK-NOT: cosma.load
// CHECK-NOT: cosma.reload

// It stays over the end of the run, and leaves within it.
// PARTLY: total = 320
// PARTLY-SAME: prologue = 64
// PARTLY: cosma.load %arg1 at [[AT:[0-9]+]] kept
// PARTLY: cosma.load %arg2
// PARTLY: cosma.load %arg1 at [[AT]] :
// PARTLY: cosma.op "Third"

// NONE-NOT: kept
// NONE: total = 320, compulsory = 320

// LOWERED: func.func @net(
// LOWERED-NOT: memref.copy %arg1
// LOWERED: return
// LOWERED: func.func @net_prologue(%arg0: memref<64xi8>, %arg1: memref<64xi8>, %arg2: memref<128xi8>, %arg3: memref<320xi8>)
// LOWERED: memref.copy %arg1
// LOWERED: memref.copy %arg2
// LOWERED-NEXT: return

// ARENA: error: cosma-lower-addresses cannot allocate the arena in this function

// What is loaded in each run is no less right.
// LOADED: cosma.load %arg1 at {{[0-9]+}} :

// OVER: is kept from run to run, but is not there for the next one
func.func @net(%x: tensor<64xi8>, %a: tensor<64xi8> {cosma.weight}, %b: tensor<128xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "First"(%x, %a) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Second"(%0, %b) : (tensor<64xi8>, tensor<128xi8>) -> tensor<64xi8>
  %2 = cosma.op "Third"(%1, %a) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}
