// The order decides what fits. The concatenation can lie over both of its operands only if the other reader
// of one of them has run: then 64 + 64 are enough. In the order of the source it needs 64 + 128 beside that.
//
// RUN: cosma-opt --schedule --allocate --scratchpad=128 %s | FileCheck %s
// RUN: cosma-opt --schedule --allocate --verify --scratchpad=128 %s -o /dev/null
// RUN: not cosma-opt --allocate --scratchpad=128 %s 2>&1 | FileCheck --check-prefix=SOURCE %s
// RUN: not cosma-opt --schedule --allocate --scratchpad=127 %s 2>&1 | FileCheck --check-prefix=SMALL %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: non_compulsory = 0
// CHECK-SAME: min_scratchpad = 128
// CHECK-NOT: "Concat"
// CHECK: cosma.op "Relu"
// CHECK: cosma.op "Concat"

// SOURCE: operator needs 192 B at once, but the scratchpad has 128 B: 64 B too few (min_scratchpad = 192)
// SMALL: operator needs 128 B at once, but the scratchpad has 127 B: 1 B too few (min_scratchpad = 128)
func.func @main(%x: tensor<64xi8>, %y: tensor<64xi8>) -> (tensor<128xi8>, tensor<64xi8>) {
  %1 = cosma.op "Concat"(%x, %y) in_place [[0, 0], [0, 1, 64]] : (tensor<64xi8>, tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Relu"(%y) in_place [[0, 0]] : (tensor<64xi8>) -> tensor<64xi8>
  return %1, %2 : tensor<128xi8>, tensor<64xi8>
}
