// A group says which operands its result may lie over: those that each member reads where it writes, or
// reduces before anything is written.
//
// RUN: cosma-opt --group %s | FileCheck %s
// RUN: cosma-opt --group %s | cosma-opt | FileCheck %s

// x · sigmoid(x) and an addition.
// CHECK-LABEL: @elementwise
// CHECK: cosma.group "tosa.sigmoid"(%arg0) in_place {{\[\[}}0, 0]] :
func.func @elementwise(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.sigmoid %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = tosa.mul %x, %0, %shift : (tensor<2x8xf32>, tensor<2x8xf32>, tensor<1xi8>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// A product reads rows, which serve many tiles. What its members take to compute is what it takes.
// CHECK-LABEL: @product
// CHECK: cosma.group "tosa.matmul"(%arg0, %arg1) macs 576 :
// CHECK-NOT: in_place
// CHECK: return
func.func @product(%x: tensor<1x8x8xf32>, %y: tensor<1x8x8xf32>) -> tensor<1x8x8xf32> {
  %zero = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.matmul %x, %y, %zero, %zero {cosma.macs = 512 : i64} : (tensor<1x8x8xf32>, tensor<1x8x8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x8x8xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 6.0 : f32, cosma.macs = 64 : i64} : (tensor<1x8x8xf32>) -> tensor<1x8x8xf32>
  return %1 : tensor<1x8x8xf32>
}
