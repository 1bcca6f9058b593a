// What lives when, in the order of the source.
//
// RUN: cosma-opt --liveness --scratchpad=1KiB %s -o %t 2>&1 | FileCheck %s
// RUN: FileCheck --check-prefix=SAME %s < %t

// Step 1 has %0 (64), %w (32), %1 (128) and a workspace (64) at once: 288.
// CHECK: liveness of @f: 4 operators, peak 288 B, min_scratchpad 288 B
// CHECK: 0 128 A
// CHECK: 1 288 B
// CHECK: 2 256 C
// CHECK: 3 192 D
// The module stays as it is.
// SAME-NOT: cosma.load
func.func @f(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%0, %w) workspace 64 : (tensor<64xi8>, tensor<32xi8>) -> tensor<128xi8>
  %2 = cosma.op "C"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "D"(%2, %0) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %3 : tensor<64xi8>
}
