// What nobody reads takes in nothing, and neither does what has several results.
//
// RUN: cosma-opt --group %s | FileCheck %s

// CHECK-LABEL: func.func @unread
// CHECK-NOT: cosma.group
func.func @unread(%x: tensor<1x4x4x2xf32>, %w: tensor<3x3x2xf32> {cosma.weight}) -> tensor<1x4x4x2xf32> {
  %zero = arith.constant 0.0 : f32
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero : f32
  } : tensor<1x4x4x2xf32> to tensor<1x6x6x2xf32>
  %empty = tensor.empty() : tensor<1x4x4x2xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %0 = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
      ins(%padded, %w : tensor<1x6x6x2xf32>, tensor<3x3x2xf32>) outs(%start : tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %1 = linalg.abs ins(%x : tensor<1x4x4x2xf32>) outs(%empty : tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  return %1 : tensor<1x4x4x2xf32>
}

// CHECK-LABEL: func.func @several
// CHECK-NOT: cosma.group
#map = affine_map<(d0) -> (d0)>
func.func @several(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %empty = tensor.empty() : tensor<8xf32>
  %0 = linalg.exp ins(%x : tensor<8xf32>) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %1:2 = linalg.generic {indexing_maps = [#map, #map, #map, #map], iterator_types = ["parallel"]}
      ins(%0, %y : tensor<8xf32>, tensor<8xf32>) outs(%empty, %empty : tensor<8xf32>, tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %sum = arith.addf %a, %b : f32
    %difference = arith.subf %a, %b : f32
    linalg.yield %sum, %difference : f32, f32
  } -> (tensor<8xf32>, tensor<8xf32>)
  return %1#0, %1#1 : tensor<8xf32>, tensor<8xf32>
}
