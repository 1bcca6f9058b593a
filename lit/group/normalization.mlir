// A chain of operations that reduces a tensor and spreads the result over it again is one operator.
//
// RUN: cosma-opt --group %s | FileCheck %s

// A softmax needs whole rows, which a product does not have at hand.
// CHECK-LABEL: @softmax
// CHECK: tosa.matmul
// CHECK-NEXT: cosma.group "Softmax"
// CHECK: tosa.reduce_max
// CHECK-NEXT: tosa.sub
// CHECK-NEXT: tosa.exp
// CHECK-NEXT: tosa.reduce_sum
// CHECK-NEXT: tosa.reciprocal
// CHECK-NEXT: tosa.mul
// CHECK-NEXT: cosma.yield
func.func @softmax(%x: tensor<1x4x4xf32>, %y: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.matmul %x, %y, %zero, %zero : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4xf32>
  %1 = tosa.reduce_max %0 {axis = 2 : i32} : (tensor<1x4x4xf32>) -> tensor<1x4x1xf32>
  %2 = tosa.sub %0, %1 : (tensor<1x4x4xf32>, tensor<1x4x1xf32>) -> tensor<1x4x4xf32>
  %3 = tosa.exp %2 : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %4 = tosa.reduce_sum %3 {axis = 2 : i32} : (tensor<1x4x4xf32>) -> tensor<1x4x1xf32>
  %5 = tosa.reciprocal %4 : (tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
  %6 = tosa.mul %3, %5, %shift : (tensor<1x4x4xf32>, tensor<1x4x1xf32>, tensor<1xi8>) -> tensor<1x4x4xf32>
  return %6 : tensor<1x4x4xf32>
}

// CHECK-LABEL: @norm
// CHECK-NEXT: cosma.group "Normalization"(%{{.*}}, %{{.*}})
// CHECK: return
func.func @norm(%x: tensor<4x16xf32>, %scale: tensor<1x16xf32> {cosma.weight}) -> tensor<4x16xf32> {
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.mul %x, %x, %shift : (tensor<4x16xf32>, tensor<4x16xf32>, tensor<1xi8>) -> tensor<4x16xf32>
  %1 = tosa.reduce_sum %0 {axis = 1 : i32} : (tensor<4x16xf32>) -> tensor<4x1xf32>
  %2 = tosa.rsqrt %1 : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %3 = tosa.mul %x, %2, %shift : (tensor<4x16xf32>, tensor<4x1xf32>, tensor<1xi8>) -> tensor<4x16xf32>
  %4 = tosa.mul %3, %scale, %shift : (tensor<4x16xf32>, tensor<1x16xf32>, tensor<1xi8>) -> tensor<4x16xf32>
  return %4 : tensor<4x16xf32>
}
