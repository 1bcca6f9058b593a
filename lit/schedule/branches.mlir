// The order changes, and nothing else: one branch ends before the other begins.
//
// RUN: cosma-opt --schedule --scratchpad=256 %s | FileCheck %s
// RUN: cosma-opt --schedule --allocate --scratchpad=256 %s | not cosma-opt --schedule --scratchpad=256 - 2>&1 | FileCheck --check-prefix=PLANNED %s

// Both wide tensors at once, and what they come from, would be 64 + 128 + 128 = 320.
// CHECK-LABEL: func.func @branches
// CHECK-SAME: non_compulsory = 0
// CHECK-NEXT: [[A:%.*]] = cosma.op "Wide"(%arg0)
// CHECK-NEXT: [[B:%.*]] = cosma.op "Narrow"([[A]])
// CHECK-NEXT: [[C:%.*]] = cosma.op "Wide"(%arg0)
// CHECK-NEXT: [[D:%.*]] = cosma.op "Narrow"([[C]])
// CHECK-NEXT: cosma.op "Add"([[B]], [[D]])
// PLANNED: <stdin>:{{[0-9]+}}:{{[0-9]+}}: error: cosma-schedule takes a function in source form, but this one is already planned: it has cosma.load
func.func @branches(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Wide"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Wide"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Narrow"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Narrow"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %4 = cosma.op "Add"(%2, %3) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
