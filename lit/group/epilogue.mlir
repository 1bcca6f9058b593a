// What follows a convolution for nobody else joins it; a sum of two tensors stays, and takes in what follows.
//
// RUN: cosma-opt --group %s | FileCheck %s

// A zero point is the group's own, weights come in.
// CHECK-LABEL: @bias_and_activation
// CHECK-SAME: (%[[X:.*]]: tensor<1x4x4x8xf32>, %[[W:.*]]: tensor<8x1x1x8xf32> {cosma.weight}, %[[B:.*]]: tensor<8xf32> {cosma.weight})
// CHECK-NEXT: %[[Y:.*]] = cosma.group "tosa.conv2d"(%[[X]], %[[W]], %[[B]])
// CHECK-NEXT: ^bb0(%[[A0:.*]]: tensor<1x4x4x8xf32>, %[[A1:.*]]: tensor<8x1x1x8xf32>, %[[A2:.*]]: tensor<8xf32>):
// CHECK-NEXT: %[[ZERO:.*]] = "tosa.const"
// CHECK-NEXT: %[[C:.*]] = tosa.conv2d %[[A0]], %[[A1]], %[[A2]], %[[ZERO]], %[[ZERO]]
// CHECK-NEXT: %[[D:.*]] = tosa.clamp %[[C]]
// CHECK-NEXT: cosma.yield %[[D]] : tensor<1x4x4x8xf32>
// CHECK: return %[[Y]]
func.func @bias_and_activation(%x: tensor<1x4x4x8xf32>, %w: tensor<8x1x1x8xf32> {cosma.weight},
                               %b: tensor<8xf32> {cosma.weight}) -> tensor<1x4x4x8xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %zero, %zero {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x8xf32>, tensor<8x1x1x8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x8xf32>
  %1 = tosa.clamp %0 {max_val = 6.0 : f32, min_val = 0.0 : f32} : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  return %1 : tensor<1x4x4x8xf32>
}

// The sum reads what the product does not.
// CHECK-LABEL: @residual
// CHECK: %[[P:.*]] = tosa.matmul
// CHECK-NEXT: %[[S:.*]] = cosma.group "tosa.add"(%[[P]], %{{.*}})
// CHECK: tosa.add
// CHECK-NEXT: tosa.clamp
// CHECK: return %[[S]]
func.func @residual(%x: tensor<1x4x4xf32>, %w: tensor<1x4x4xf32> {cosma.weight}) -> tensor<1x4x4xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %0 = tosa.matmul %x, %w, %zero, %zero : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4xf32>
  %1 = tosa.add %0, %x : (tensor<1x4x4xf32>, tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %2 = tosa.clamp %1 {max_val = 6.0 : f32, min_val = 0.0 : f32} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %2 : tensor<1x4x4xf32>
}

// Two branches that come together again are one, with the reshapes between; quantisation follows.
// CHECK-LABEL: @swish
// CHECK: cosma.group "tosa.matmul"
// CHECK: tosa.matmul
// CHECK-NEXT: tosa.reshape
// CHECK-NEXT: tosa.sigmoid
// CHECK-NEXT: tosa.mul
// CHECK-NEXT: tosa.cast
// CHECK-NEXT: cosma.yield %{{.*}} : tensor<4x4xi8>
// CHECK-NOT: cosma.group
// CHECK: return
func.func @swish(%x: tensor<1x4x4xf32>, %w: tensor<1x4x4xf32> {cosma.weight}) -> tensor<4x4xi8> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %shape = tosa.const_shape {values = dense<[4, 4]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.matmul %x, %w, %zero, %zero : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4xf32>
  %1 = tosa.reshape %0, %shape : (tensor<1x4x4xf32>, !tosa.shape<2>) -> tensor<4x4xf32>
  %2 = tosa.sigmoid %1 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = tosa.mul %1, %2, %shift : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<1xi8>) -> tensor<4x4xf32>
  %4 = tosa.cast %3 : (tensor<4x4xf32>) -> tensor<4x4xi8>
  return %4 : tensor<4x4xi8>
}

// What others read as well, or the function returns, stays outside of groups.
// CHECK-LABEL: @returned
// CHECK-NOT: cosma.group
// CHECK: return
func.func @returned(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = tosa.exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = tosa.tanh %0 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
}
