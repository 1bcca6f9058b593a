// Parts of a file are modules of their own: planned each, written together, and none if one fails.
//
// RUN: cosma-opt --split-input-file --allocate --scratchpad=256 %s | FileCheck %s
// RUN: not cosma-opt --split-input-file --allocate --scratchpad=128 %s 2>&1 | FileCheck --check-prefix=ONE %s
// RUN: not cosma-opt --allocate --scratchpad=256 %s 2>&1 | FileCheck --check-prefix=WHOLE %s

// CHECK-LABEL: @f
// CHECK: cosma.store
// CHECK: // -----
// CHECK-LABEL: @f
// CHECK: cosma.store
// ONE-NOT: func.func
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// 128 + 128 = 256. In one module two functions cannot share a name.
// WHOLE: split.mlir:[[@LINE+1]]:{{[0-9]+}}: error: redefinition of symbol named 'f'
func.func @f(%x: tensor<128xi8>) -> tensor<128xi8> {
  // ONE: split.mlir:[[@LINE+1]]:8: error: operator needs 256 B at once, but the scratchpad has 128 B: 128 B too few
  %0 = cosma.op "A"(%x) : (tensor<128xi8>) -> tensor<128xi8>
  return %0 : tensor<128xi8>
}
// ONE-NOT: func.func
