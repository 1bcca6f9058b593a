// The same on linalg: padding, a bias that is spread, and a rectifier are one operator with the
// convolution between them.
//
// RUN: cosma-opt --group %s | FileCheck %s
// RUN: cosma-opt --group --schedule --allocate --scratchpad=4KiB %s -o /dev/null
// RUN: cosma-opt --group --schedule --allocate --scratchpad=4KiB %s | cosma-opt --verify -o /dev/null
// RUN: cosma-opt --group %s | cosma-opt --pass-pipeline='builtin.module(func.func(cosma-ungroup))' | FileCheck %s --check-prefix=APART
// RUN: cosma-opt --group %s | mlir-opt %cosma_plugin -canonicalize -cse | FileCheck %s --check-prefix=STOCK

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// Both convolutions pad for themselves; what they start from is theirs.
// CHECK-LABEL: @conv
// CHECK-NEXT: %[[A:.*]] = cosma.group "linalg.conv_2d_nchw_fchw"(%arg0, %arg2, %arg1)
// CHECK: tensor.pad
// CHECK: linalg.broadcast
// CHECK: linalg.conv_2d_nchw_fchw
// CHECK: linalg.generic
// CHECK: cosma.yield
// CHECK: %[[C:.*]] = cosma.group "linalg.conv_2d_nchw_fchw"(%arg0, %arg1)
// CHECK: tensor.pad
// CHECK: linalg.fill
// CHECK: linalg.conv_2d_nchw_fchw
// CHECK: cosma.yield
// CHECK: return %[[A]], %[[C]]
// APART-LABEL: @conv
// APART-NOT: cosma.group
// APART-COUNT-2: tensor.pad
// STOCK-COUNT-2: cosma.group
func.func @conv(%x: tensor<1x4x4x4xf32>, %w: tensor<4x4x3x3xf32> {cosma.weight}, %b: tensor<4xf32> {cosma.weight})
    -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %padded = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x4x4x4xf32> to tensor<1x4x6x6xf32>
  %empty = tensor.empty() : tensor<1x4x4x4xf32>
  %bias = linalg.broadcast ins(%b : tensor<4xf32>) outs(%empty : tensor<1x4x4x4xf32>) dimensions = [0, 2, 3]
  %0 = linalg.conv_2d_nchw_fchw ins(%padded, %w : tensor<1x4x6x6xf32>, tensor<4x4x3x3xf32>)
      outs(%bias : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0 : tensor<1x4x4x4xf32>) outs(%empty : tensor<1x4x4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = arith.maximumf %in, %zero : f32
    linalg.yield %2 : f32
  } -> tensor<1x4x4x4xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %3 = linalg.conv_2d_nchw_fchw ins(%padded, %w : tensor<1x4x6x6xf32>, tensor<4x4x3x3xf32>)
      outs(%start : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %1, %3 : tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>
}
