// Elements are widened by what reads them and narrowed by what writes them: between groups lie bytes.
//
// RUN: cosma-opt --group %s | FileCheck %s
// RUN: cosma-opt --group --schedule --allocate --scratchpad=4KiB %s | cosma-opt --verify -o /dev/null

#id = affine_map<(d0, d1) -> (d0, d1)>

// A residual addition as converters from TFLite write it: both operands become sums of 32 bits, each in the
// readers that want it so, and the result lies over any of them.
// CHECK-LABEL: @residual
// CHECK: %[[C:.*]] = cosma.group "tosa.conv2d"(%arg0, %{{.*}}) : {{.*}} -> tensor<1x4x4x4xi8>
// CHECK: tosa.conv2d
// CHECK-NEXT: tosa.rescale
// CHECK-NEXT: cosma.yield
// CHECK: %[[S:.*]] = cosma.group "tosa.add"(%arg0, %[[C]]) in_place {{\[}}[0, 0], [0, 1]] : (tensor<1x4x4x4xi8>, tensor<1x4x4x4xi8>) -> tensor<1x4x4x4xi8>
// CHECK: tosa.rescale
// CHECK: tosa.rescale
// CHECK: tosa.add
// CHECK-NEXT: tosa.rescale
// CHECK-NEXT: cosma.yield
// CHECK: return %[[S]]
func.func @residual(%x: tensor<1x4x4x4xi8>, %w: tensor<4x1x1x4xi8> {cosma.weight}, %b: tensor<4xi32> {cosma.weight})
    -> tensor<1x4x4x4xi8> {
  %zero = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zeros = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %factor = "tosa.const"() <{values = dense<1140768826> : tensor<1xi32>}> : () -> tensor<1xi32>
  %shift = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.conv2d %x, %w, %b, %zero, %zero {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x4xi8>, tensor<4x1x1x4xi8>, tensor<4xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x4xi32>
  %1 = tosa.rescale %0, %factor, %shift, %zeros, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = DOUBLE_ROUND, scale32 = true} : (tensor<1x4x4x4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x4x4x4xi8>
  %2 = tosa.rescale %x, %factor, %shift, %zero, %zeros {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = DOUBLE_ROUND, scale32 = true} : (tensor<1x4x4x4xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi32>) -> tensor<1x4x4x4xi32>
  %3 = tosa.rescale %1, %factor, %shift, %zero, %zeros {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = DOUBLE_ROUND, scale32 = true} : (tensor<1x4x4x4xi8>, tensor<1xi32>, tensor<1xi8>, tensor<1xi8>, tensor<1xi32>) -> tensor<1x4x4x4xi32>
  %4 = tosa.add %2, %3 : (tensor<1x4x4x4xi32>, tensor<1x4x4x4xi32>) -> tensor<1x4x4x4xi32>
  %5 = tosa.rescale %4, %factor, %shift, %zeros, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, rounding_mode = DOUBLE_ROUND, scale32 = true} : (tensor<1x4x4x4xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x4x4x4xi8>
  return %5 : tensor<1x4x4x4xi8>
}

// Two readers each dequantise for themselves, in front of a reshape; what is narrowed is one of them.
// CHECK-LABEL: @readers
// CHECK-NEXT: %[[A:.*]] = cosma.group "tosa.exp"(%arg0) : (tensor<2x8xi8>) -> tensor<4x4xf32>
// CHECK: tosa.cast
// CHECK: tosa.reshape
// CHECK: tosa.exp
// CHECK: cosma.group "tosa.tanh"(%arg0) in_place {{\[}}[0, 0]] : (tensor<2x8xi8>) -> tensor<4x4xi8>
// CHECK: tosa.cast
// CHECK: tosa.reshape
// CHECK: tosa.tanh
// CHECK: tosa.cast
func.func @readers(%x: tensor<2x8xi8>) -> (tensor<4x4xf32>, tensor<4x4xi8>) {
  %shape = tosa.const_shape {values = dense<4> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.cast %x : (tensor<2x8xi8>) -> tensor<2x8xf32>
  %1 = tosa.reshape %0, %shape : (tensor<2x8xf32>, !tosa.shape<2>) -> tensor<4x4xf32>
  %2 = tosa.exp %1 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = tosa.tanh %1 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = tosa.cast %3 : (tensor<4x4xf32>) -> tensor<4x4xi8>
  return %2, %4 : tensor<4x4xf32>, tensor<4x4xi8>
}

// What the function returns is as wide as it says; other readers still read bytes.
// CHECK-LABEL: @returned
// CHECK-NEXT: %[[W:.*]] = tosa.cast %arg0 : (tensor<4x4xi8>) -> tensor<4x4xf32>
// CHECK-NEXT: %[[E:.*]] = cosma.group "tosa.exp"(%arg0)
// CHECK: return %[[W]], %[[E]]
func.func @returned(%x: tensor<4x4xi8>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = tosa.cast %x : (tensor<4x4xi8>) -> tensor<4x4xf32>
  %1 = tosa.exp %0 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
}

// The same in linalg: a sum of two, and a product of one of them.
// CHECK-LABEL: @dequantised
// CHECK: cosma.group "linalg.add"(%arg0, %arg1) in_place {{\[}}[0, 0], [0, 1]] : (tensor<8x8xi8>, tensor<8x8xi8>) -> tensor<8x8xi8>
// CHECK: arith.sitofp
// CHECK: arith.sitofp
// CHECK: linalg.add
// CHECK: arith.fptosi
// CHECK: cosma.group "linalg.matmul"(%arg0, %arg2) : (tensor<8x8xi8>, tensor<8x8xf32>) -> tensor<8x8xf32>
// CHECK: arith.sitofp
// CHECK: linalg.matmul
func.func @dequantised(%x: tensor<8x8xi8>, %y: tensor<8x8xi8>, %w: tensor<8x8xf32> {cosma.weight}) -> (tensor<8x8xi8>, tensor<8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.5 : f32
  %wide = tensor.empty() : tensor<8x8xf32>
  %narrow = tensor.empty() : tensor<8x8xi8>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x8xi8>) outs(%wide : tensor<8x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %a = arith.sitofp %in : i8 to f32
    %b = arith.mulf %a, %scale : f32
    linalg.yield %b : f32
  } -> tensor<8x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<8x8xi8>) outs(%wide : tensor<8x8xf32>) {
  ^bb0(%in: i8, %out: f32):
    %a = arith.sitofp %in : i8 to f32
    linalg.yield %a : f32
  } -> tensor<8x8xf32>
  %2 = linalg.add ins(%0, %1 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%wide : tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%2 : tensor<8x8xf32>) outs(%narrow : tensor<8x8xi8>) {
  ^bb0(%in: f32, %out: i8):
    %a = arith.fptosi %in : f32 to i8
    linalg.yield %a : i8
  } -> tensor<8x8xi8>
  %start = linalg.fill ins(%zero : f32) outs(%wide : tensor<8x8xf32>) -> tensor<8x8xf32>
  %4 = linalg.matmul ins(%0, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%start : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %3, %4 : tensor<8x8xi8>, tensor<8x8xf32>
}

// A product of bytes is summed in 32 bits, and leaves as bytes.
// CHECK-LABEL: @narrowed
// CHECK: cosma.group "linalg.matmul"(%arg0, %arg1) : (tensor<8x8xi8>, tensor<8x8xi8>) -> tensor<8x8xi8>
// CHECK: linalg.matmul
// CHECK: arith.trunci
// CHECK: arith.extsi
// CHECK: linalg.max
// CHECK: arith.trunci
// CHECK-NOT: cosma.group
// CHECK: return
func.func @narrowed(%x: tensor<8x8xi8>, %y: tensor<8x8xi8>) -> tensor<8x8xi8> {
  %zero = arith.constant 0 : i32
  %wide = tensor.empty() : tensor<8x8xi32>
  %narrow = tensor.empty() : tensor<8x8xi8>
  %start = linalg.fill ins(%zero : i32) outs(%wide : tensor<8x8xi32>) -> tensor<8x8xi32>
  %0 = linalg.matmul ins(%x, %y : tensor<8x8xi8>, tensor<8x8xi8>) outs(%start : tensor<8x8xi32>) -> tensor<8x8xi32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x8xi32>) outs(%narrow : tensor<8x8xi8>) {
  ^bb0(%in: i32, %out: i8):
    %a = arith.trunci %in : i32 to i8
    linalg.yield %a : i8
  } -> tensor<8x8xi8>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<8x8xi8>) outs(%wide : tensor<8x8xi32>) {
  ^bb0(%in: i8, %out: i32):
    %a = arith.extsi %in : i8 to i32
    linalg.yield %a : i32
  } -> tensor<8x8xi32>
  %3 = linalg.max ins(%2, %2 : tensor<8x8xi32>, tensor<8x8xi32>) outs(%wide : tensor<8x8xi32>) -> tensor<8x8xi32>
  %4 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%3 : tensor<8x8xi32>) outs(%narrow : tensor<8x8xi8>) {
  ^bb0(%in: i32, %out: i8):
    %a = arith.trunci %in : i32 to i8
    linalg.yield %a : i8
  } -> tensor<8x8xi8>
  return %4 : tensor<8x8xi8>
}

// A weight of four bits is unpacked by the product that reads it.
// CHECK-LABEL: @unpacked
// CHECK-NEXT: cosma.group "linalg.matmul"(%{{.*}}, %{{.*}}) : (tensor<8x8xi{{[48]}}>, tensor<8x8xi{{[48]}}>) -> tensor<8x8xi32>
// CHECK: arith.extsi
// CHECK: linalg.matmul
// CHECK: cosma.yield
// CHECK-NOT: cosma.group
func.func @unpacked(%x: tensor<8x8xi8>, %w: tensor<8x8xi4> {cosma.weight}) -> tensor<8x8xi32> {
  %zero = arith.constant 0 : i32
  %wide = tensor.empty() : tensor<8x8xi32>
  %byte = tensor.empty() : tensor<8x8xi8>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<8x8xi4>) outs(%byte : tensor<8x8xi8>) {
  ^bb0(%in: i4, %out: i8):
    %a = arith.extsi %in : i4 to i8
    linalg.yield %a : i8
  } -> tensor<8x8xi8>
  %start = linalg.fill ins(%zero : i32) outs(%wide : tensor<8x8xi32>) -> tensor<8x8xi32>
  %1 = linalg.matmul ins(%x, %0 : tensor<8x8xi8>, tensor<8x8xi8>) outs(%start : tensor<8x8xi32>) -> tensor<8x8xi32>
  return %1 : tensor<8x8xi32>
}
