// What is streamed takes no room, and an alignment counts in the least scratchpad alone.
//
// RUN: cosma-opt --liveness %s -o /dev/null 2>&1 | FileCheck %s
// RUN: cosma-opt --liveness --weights=streamed %s -o /dev/null 2>&1 | FileCheck --check-prefix=STREAMED %s
// RUN: cosma-opt --liveness --alignment=1 %s -o /dev/null 2>&1 | FileCheck --check-prefix=PACKED %s
// RUN: not cosma-opt --liveness --alignment=9223372036854775807 %s 2>&1 | FileCheck --check-prefix=ABSURD %s

// Live: 10 + 20 + 30 = 60. Rooms at multiples of 64: 64 + 64 + 64 = 192, less the padding of the
// smallest block, which lies last: 192 - 54 = 138.
// CHECK: liveness of @f: 1 operators, peak 60 B, min_scratchpad 138 B
// Without %w: 10 + 30 = 40, and 64 + 64 - 54 = 74.
// STREAMED: liveness of @f: 1 operators, peak 40 B, min_scratchpad 74 B
// PACKED: liveness of @f: 1 operators, peak 60 B, min_scratchpad 60 B
// ABSURD: streamed.mlir:[[@LINE+1]]:1: error: alignment must be at most 2^32 B
func.func @f(%x: tensor<10xi8>, %w: tensor<20xi8> {cosma.weight}) -> tensor<30xi8> {
  %0 = cosma.op "A"(%x, %w) : (tensor<10xi8>, tensor<20xi8>) -> tensor<30xi8>
  return %0 : tensor<30xi8>
}
