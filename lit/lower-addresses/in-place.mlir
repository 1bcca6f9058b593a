// A result that lies where it starts from needs no copy. One that lies where another operand lies can
// start from nothing.
//
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=768 %s | mlir-opt | FileCheck %s
// RUN: sed 's/in_place = ..0, 2../in_place = [[0, 0]]/' %s > %t.mlir
// RUN: not cosma-opt --allocate --lower-addresses --scratchpad=832 %t.mlir 2>&1 | FileCheck --check-prefix=OTHER %s

// CHECK: func.func @mm(%[[A:.*]]: memref<8x8xf32>, %[[B:.*]]: memref<8x8xf32>, %[[C:.*]]: memref<8x8xf32>)
// CHECK: memref.copy %[[C]], %{{.*}}
// CHECK-NOT: memref.copy
// CHECK: linalg.matmul
// CHECK: memref.copy
// CHECK-NOT: memref.copy
// OTHER: error: a result in the place of an operand cannot start from another tensor
func.func @mm(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %c: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = linalg.matmul {cosma.in_place = [[0, 2]]} ins(%a, %b : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}
