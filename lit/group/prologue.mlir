// What comes before an operator joins it, where it is the only reader.
//
// RUN: cosma-opt --group %s | FileCheck %s

// A convolution reads channels in whatever order they are, a pool of windows crops, and a sum along two
// axes is one.
// CHECK-LABEL: @layout
// CHECK: %[[C:.*]] = cosma.group "tosa.conv2d"(%arg0, %arg1, %arg2)
// CHECK: tosa.transpose
// CHECK-NEXT: tosa.conv2d
// CHECK: cosma.yield
// CHECK: %[[P:.*]] = cosma.group "tosa.max_pool2d"(%[[C]])
// CHECK: tosa.slice
// CHECK-NEXT: tosa.max_pool2d
// CHECK: cosma.yield
// CHECK: cosma.group "tosa.reduce_sum"(%[[P]])
// CHECK: tosa.reduce_sum
// CHECK-NEXT: tosa.reduce_sum
// CHECK: return
func.func @layout(%x: tensor<1x8x5x5xf32>, %w: tensor<8x1x1x8xf32> {cosma.weight},
                  %b: tensor<8xf32> {cosma.weight}) -> tensor<1x1x1x8xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %start = tosa.const_shape {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
  %size = tosa.const_shape {values = dense<[1, 4, 4, 8]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %last = tosa.transpose %x {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x8x5x5xf32>) -> tensor<1x5x5x8xf32>
  %0 = tosa.conv2d %last, %w, %b, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x5x5x8xf32>, tensor<8x1x1x8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x5x5x8xf32>
  %1 = tosa.slice %0, %start, %size : (tensor<1x5x5x8xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x4x4x8xf32>
  %2 = tosa.max_pool2d %1 {kernel = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32>
  %3 = tosa.reduce_sum %2 {axis = 1 : i32} : (tensor<1x2x2x8xf32>) -> tensor<1x1x2x8xf32>
  %4 = tosa.reduce_sum %3 {axis = 2 : i32} : (tensor<1x1x2x8xf32>) -> tensor<1x1x1x8xf32>
  return %4 : tensor<1x1x1x8xf32>
}

// A product reads a matrix the other way round; what others read too stays.
// CHECK-LABEL: @turn
// CHECK: %[[E:.*]] = tosa.exp
// CHECK-NEXT: cosma.group "linalg.matmul"(%[[E]], %arg1)
// CHECK: linalg.transpose
// CHECK: linalg.matmul
// CHECK: cosma.yield
func.func @turn(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %0 = tosa.exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) permutation = [1, 0]
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = linalg.matmul ins(%1, %y : tensor<4x4xf32>, tensor<4x4xf32>) outs(%start : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %2 : tensor<4x4xf32>, tensor<4x4xf32>
}

// What nobody knows runs alone, and nothing joins it.
// CHECK-LABEL: @opaque
// CHECK-NOT: cosma.group
// CHECK: return
func.func @opaque(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = tosa.exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = cosma.op "Secret"(%0) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = tosa.exp %1 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}
