// Operations of linalg become the same on memrefs, and constants globals.
//
// RUN: cosma-opt --schedule --allocate --lower-addresses --scratchpad=1KiB %s | mlir-opt | FileCheck %s

// CHECK-NOT: tensor<
// CHECK: memref.global "private" constant @constant : memref<8x8xf32> = dense<1.000000e+00>
// CHECK: func.func @mm(%[[A:.*]]: memref<8x8xf32>, %[[B:.*]]: memref<8x8xf32>, %[[C:.*]]: memref<8x8xf32>) -> (memref<8x8xf32>, memref<8x8xf32>)
// CHECK: %[[ONE:.*]] = memref.get_global @constant
// What the product starts from is written where it lies.
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%[[PRODUCT:.*]] : memref<8x8xf32>)
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : memref<8x8xf32>, memref<8x8xf32>) outs(%[[PRODUCT]] : memref<8x8xf32>)
// CHECK: memref.copy %[[ONE]], %[[LOADED:.*]] {cosma.transfer = "load"} : memref<8x8xf32> to memref<8x8xf32>
// CHECK: linalg.generic {{.*}} ins(%[[PRODUCT]], %[[LOADED]] : memref<8x8xf32>, memref<8x8xf32>) outs(%{{.*}} : memref<8x8xf32>)
// An argument that is returned is copied: the caller owns each result.
// CHECK: linalg.copy ins(%[[C]] : memref<8x8xf32>) outs(%[[COPY:.*]] : memref<8x8xf32>)
// CHECK: return %{{.*}}, %[[COPY]]
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @mm(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %c: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant dense<1.0> : tensor<8x8xf32>
  %empty = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.fill ins(%zero : f32) outs(%empty : tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = linalg.matmul ins(%a, %b : tensor<8x8xf32>, tensor<8x8xf32>) outs(%0 : tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%1, %one : tensor<8x8xf32>, tensor<8x8xf32>) outs(%empty : tensor<8x8xf32>) {
  ^bb0(%x: f32, %y: f32, %old: f32):
    %sum = arith.addf %x, %y : f32
    linalg.yield %sum : f32
  } -> tensor<8x8xf32>
  return %2, %c : tensor<8x8xf32>, tensor<8x8xf32>
}
