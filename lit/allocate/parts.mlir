// What is concatenated lies where the result has it, what a split gives lies where it was: nothing is
// copied, so two tensors of 64 bytes need 128, though the operator that joins them and the one that
// parts them read and write 256.
//
// RUN: cosma-opt --allocate --scratchpad=128 %s | FileCheck %s
// RUN: cosma-opt --allocate --scratchpad=128 %s | cosma-opt --verify
// RUN: cosma-opt --print-problem --scratchpad=128 %s -o /dev/null 2>&1 | FileCheck --check-prefix=PROBLEM %s
// RUN: cosma-opt --liveness --scratchpad=128 %s -o /dev/null 2>&1 | FileCheck --check-prefix=LIVE %s
// RUN: not cosma-opt --allocate --scratchpad=127 %s 2>&1 | FileCheck --check-prefix=SMALL %s

// CHECK: status = optimal
// CHECK-DAG: cosma.op "Relu"(%{{.*}}) at [0]
// CHECK-DAG: cosma.op "Neg"(%{{.*}}) at [64]
// CHECK: cosma.op "Concat"(%{{.*}}) at [0] in_place {{\[\[}}0, 0], [0, 1, 64]]
// CHECK: cosma.op "Split"(%{{.*}}) at [0, 64] in_place {{\[\[}}0, 0], [1, 0, 64]]
// PROBLEM: op Concat_2: Relu_0 Neg_1 -> Concat_2 128 over Relu_0 Neg_1 at 64
// PROBLEM: op Split_3: Concat_2 -> Split_3.0 64 over Concat_2, Split_3.1 64 over Concat_2 at 64
// LIVE: peak 128 B, min_scratchpad 128 B
// SMALL: parts.mlir:[[@LINE+5]]:{{[0-9]+}}: error: operator needs 128 B at once
func.func @f(%x: tensor<64xi8>, %y: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
  %0 = cosma.op "Relu"(%x) in_place [[0, 0]] : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Neg"(%y) in_place [[0, 0]] : (tensor<64xi8>) -> tensor<64xi8>
  // Here it ends.
  %2 = cosma.op "Concat"(%0, %1) in_place [[0, 0], [0, 1, 64]] : (tensor<64xi8>, tensor<64xi8>) -> tensor<128xi8>
  %3:2 = cosma.op "Split"(%2) in_place [[0, 0], [1, 0, 64]] : (tensor<128xi8>) -> (tensor<64xi8>, tensor<64xi8>)
  return %3#0, %3#1 : tensor<64xi8>, tensor<64xi8>
}
