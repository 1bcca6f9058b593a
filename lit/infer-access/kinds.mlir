// What is not said is inferred from kinds and shapes; what is said stays, and what cannot be told stays unsaid.
// RUN: cosma-opt --infer-access %s | FileCheck %s
// Doing it again changes nothing.
// RUN: cosma-opt --infer-access %s -o %t && cosma-opt --infer-access %t | diff %t -

// CHECK-LABEL: @convolution
// Loops of the result, of the input channels, and of the window: stride 2, padding 1.
// CHECK: cosma.op "Conv"(%{{.*}}) access <[1, 32, 112, 112, sum 3, sum 3, sum 3],
// CHECK-SAME: (0, d4, d2 * 2 + d5 - 1, d3 * 2 + d6 - 1), (d1, d4, d5, d6), (d1) -> (d0, d1, d2, d3)> macs 9
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

// What is only declared is left alone.
func.func private @declared(tensor<4xi8>)
