// What is not said is inferred from kinds and shapes; what is said stays, and what cannot be told stays unsaid.
// RUN: cosma-opt --infer-access %s | FileCheck %s
// Doing it again changes nothing.
// RUN: cosma-opt --infer-access %s -o %t && cosma-opt --infer-access %t | diff %t -

// CHECK-LABEL: @convolution
// Loops of the result, of the input channels, and of the window: stride 2, padding 1.
// CHECK: cosma.op "Conv"(%{{.*}}) access <[1, 32, 112, 112, sum 3, sum 3, sum 3],
// CHECK-SAME: (0, d4, d2 * 2 + d5 - 1, d3 * 2 + d6 - 1), (d1, d4, d5, d6), (d1) -> (d0, d1, d2, d3), sums = i32> macs 9
func.func @convolution(%x: tensor<1x3x224x224xi8>, %w: tensor<32x3x3x3xi8>, %b: tensor<32xi8>) -> tensor<1x32x112x112xi8> {
  %0 = cosma.op "Conv"(%x, %w, %b) macs 9
    : (tensor<1x3x224x224xi8>, tensor<32x3x3x3xi8>, tensor<32xi8>) -> tensor<1x32x112x112xi8>
  return %0 : tensor<1x32x112x112xi8>
}

// CHECK-LABEL: @others
// CHECK: cosma.op "Softmax"({{.*}}) access <[4, 8, whole 8], (d0, d1, d2) -> (d0, d1, d2)>
// CHECK: cosma.op "Split"({{.*}}) access <[4, 8, 8], (d0, d1, d2) -> (d0, d1, d2), (d0, d1 - 3, d2)>
// CHECK: cosma.op "Softmax"({{.*}}) access <[4, 3, 8], (d0, d1, d2) -> (d0, d1, d2)>
// CHECK: cosma.op "Sort"({{.*}}) :
func.func @others(%x: tensor<4x8x8xi8>) -> (tensor<4x3x8xi8>, tensor<4x5x8xi8>) {
  %0 = cosma.op "Softmax"(%x) : (tensor<4x8x8xi8>) -> tensor<4x8x8xi8>
  %1:2 = cosma.op "Split"(%0) : (tensor<4x8x8xi8>) -> (tensor<4x3x8xi8>, tensor<4x5x8xi8>)
  %2 = cosma.op "Softmax"(%1#0) access <[4, 3, 8], (d0, d1, d2) -> (d0, d1, d2)> : (tensor<4x3x8xi8>) -> tensor<4x3x8xi8>
  %3 = cosma.op "Sort"(%1#1) : (tensor<4x5x8xi8>) -> tensor<4x5x8xi8>
  return %2, %3 : tensor<4x3x8xi8>, tensor<4x5x8xi8>
}

// Floats add up in floats of at least 32 bits, integers in integers; a depthwise filter of one element adds up nothing.
// CHECK-LABEL: @sums
// CHECK: cosma.op "MatMul"({{.*}}) access <[4, 6, sum 8], (d0, d2), (d2, d1) -> (d0, d1), sums = f32>
// CHECK: cosma.op "MatMul"({{.*}}) access <[4, 6, sum 8], (d0, d2), (d2, d1) -> (d0, d1), sums = f64>
// CHECK: cosma.op "MatMul"({{.*}}) access <[4, 6, sum 8], (d0, d2), (d2, d1) -> (d0, d1), sums = i64>
// CHECK: cosma.op "ReduceSum"({{.*}}) access <[4, sum 8], (d0, d1) -> (d0), sums = f32>
// CHECK: cosma.op "Conv"({{.*}}) access <[1, 8, 5, 5], (0, d1, d2, d3), (d1, 0, 0, 0) -> (d0, d1, d2, d3)>
func.func @sums(%x: tensor<4x8xbf16>, %w: tensor<8x6xi8>, %y: tensor<4x8xf64>, %z: tensor<4x8xi64>,
    %image: tensor<1x8x5x5xi8>, %filter: tensor<8x1x1x1xi8>) {
  %0 = cosma.op "MatMul"(%x, %w) : (tensor<4x8xbf16>, tensor<8x6xi8>) -> tensor<4x6xbf16>
  %1 = cosma.op "MatMul"(%y, %w) : (tensor<4x8xf64>, tensor<8x6xi8>) -> tensor<4x6xf64>
  %2 = cosma.op "MatMul"(%z, %w) : (tensor<4x8xi64>, tensor<8x6xi8>) -> tensor<4x6xi64>
  %3 = cosma.op "ReduceSum"(%x) : (tensor<4x8xbf16>) -> tensor<4xbf16>
  %4 = cosma.op "Conv"(%image, %filter) : (tensor<1x8x5x5xi8>, tensor<8x1x1x1xi8>) -> tensor<1x8x5x5xi8>
  return
}

// What is only declared is left alone.
func.func private @declared(tensor<4xi8>)
