// What is no operator of the plan, lowered: reshapes, and what is computed from weights before the run.
//
// RUN: cosma-opt --schedule --allocate --lower-addresses --scratchpad=1KiB %s | mlir-opt | FileCheck %s
// RUN: not cosma-opt --allocate --lower-addresses --scratchpad=1KiB --element-bytes=1 %s 2>&1 | FileCheck %s --check-prefix=BYTES

// BYTES: error: cosma-lower-addresses does not support element_bytes, with which this function was planned

// CHECK-NOT: tensor<
// CHECK: func.func @mm(%[[X:.*]]: memref<4x8xf32>, %[[W:.*]]: memref<4x8xf32>) -> memref<16xf32>
// CHECK: %[[T:.*]] = memref.alloc() : memref<8x4xf32>
// CHECK: linalg.transpose ins(%[[W]] : memref<4x8xf32>) outs(%[[T]] : memref<8x4xf32>)
// CHECK: memref.copy %[[T]], %[[LOADED:.*]] {cosma.transfer = "load"} : memref<8x4xf32>
// CHECK: linalg.matmul ins(%{{.*}}, %[[LOADED]] : memref<4x8xf32>, memref<8x4xf32>) outs(%[[Y:.*]] : memref<4x4xf32>)
// CHECK: memref.copy %[[Y]], %[[HOST:.*]] {cosma.transfer = "store"} : memref<4x4xf32>
// CHECK: %[[FLAT:.*]] = memref.reinterpret_cast %[[HOST]] to offset: [0], sizes: [16], strides: [1]
// CHECK: memref.dealloc %[[T]]
// CHECK: return %[[FLAT]] : memref<16xf32>
func.func @mm(%x: tensor<4x8xf32>, %w: tensor<4x8xf32> {cosma.weight}) -> tensor<16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x4xf32>
  %turned = linalg.transpose ins(%w : tensor<4x8xf32>) outs(%empty : tensor<8x4xf32>) permutation = [1, 0]
  %there = tensor.empty() : tensor<4x4xf32>
  %start = linalg.fill ins(%zero : f32) outs(%there : tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = linalg.matmul ins(%x, %turned : tensor<4x8xf32>, tensor<8x4xf32>) outs(%start : tensor<4x4xf32>) -> tensor<4x4xf32>
  %flat = tensor.collapse_shape %0 [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  return %flat : tensor<16xf32>
}
