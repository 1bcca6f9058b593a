// A result that may take the place of an operand lies where the operand lay, in every form.
//
// RUN: cosma-opt --allocate --scratchpad=128 %s | FileCheck %s
// RUN: cosma-opt --allocate --scratchpad=128 %s | cosma-opt --verify
// RUN: cosma-opt --allocate --scratchpad=128 --lower-addresses %s | FileCheck --check-prefix=LOWERED %s
// RUN: cosma-opt --print-problem --scratchpad=128 %s -o /dev/null 2>&1 | FileCheck --check-prefix=PROBLEM %s
// RUN: cosma-opt --liveness --scratchpad=128 %s -o /dev/null 2>&1 | FileCheck --check-prefix=LIVE %s
// RUN: not cosma-opt --allocate --scratchpad=127 %s 2>&1 | FileCheck --check-prefix=SMALL %s

// With places of its own for each tensor, the sum would need three.
// CHECK: status = optimal
// CHECK: %[[X:.*]] = cosma.load %arg0 at [[PLACE:[0-9]+]]
// CHECK: %[[R:.*]] = cosma.op "Relu"(%[[X]]) at {{\[}}[[PLACE]]] in_place {{\[\[}}0, 0]]
// CHECK: %[[Y:.*]] = cosma.load %arg1 at [[OTHER:[0-9]+]]
// CHECK: %[[S:.*]] = cosma.op "Add"(%[[R]], %[[Y]]) at {{\[}}{{[0-9]+}}] in_place {{\[\[}}0, 0], [0, 1]]
// LOWERED: %[[ARENA:.*]] = memref.alloc() {{.*}}: memref<128xi8>
// LOWERED-NOT: memref.copy %[[ARENA]]
// LOWERED: call @Relu
// LOWERED: call @Add
// PROBLEM: op Relu_0: arg0 -> Relu_0 64 over arg0
// PROBLEM: op Add_1: Relu_0 arg1 -> Add_1 64 over Relu_0 arg1
// LIVE: peak 128 B, min_scratchpad 128 B
// SMALL: in-place.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 128 B at once
func.func @f(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Relu"(%x) in_place [[0, 0]] : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Add"(%0, %y) in_place [[0, 0], [0, 1]] : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %1 : tensor<64xi8>
}
