// Operators of TOSA and linalg, and groups of them, in tiles whose bodies compute regions.
//
// RUN: cosma-opt --tile --scratchpad=2KiB --split-input-file %s | FileCheck %s
// RUN: cosma-opt --tile --allocate --lower-addresses --scratchpad=2KiB --split-input-file %s | FileCheck --check-prefix=LOWERED %s

// The first tile has padding above, the last one below. Rows that two tiles need are put together with others.
// CHECK-LABEL: func.func @convolution
// CHECK: tensor.extract_slice %arg0[0, 0, 0, 0]
// CHECK: cosma.group "tosa.depthwise_conv2d"({{.*}}) tile <"tosa.depthwise_conv2d_0", [0, 0, 0, 0
// CHECK: pad = array<i64: 1, 0, 1, 1>
// CHECK: tensor.concat dim(1)
// CHECK: pad = array<i64: 0, 1, 1, 1>
// CHECK: tensor.insert_slice
// LOWERED-LABEL: func.func @convolution
// LOWERED-NOT: cosma.group
// LOWERED: memref.copy
func.func @convolution(%x: tensor<1x16x16x8xi8>, %w: tensor<3x3x8x1xi8> {cosma.weight}, %b: tensor<8xi32> {cosma.weight}) -> tensor<1x16x16x8xi32> {
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.depthwise_conv2d %x, %w, %b, %z, %z {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x16x16x8xi8>, tensor<3x3x8x1xi8>, tensor<8xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x16x16x8xi32>
  return %0 : tensor<1x16x16x8xi32>
}

// -----

// MLIR's own interface for tiling makes these.
// CHECK-LABEL: func.func @product
// CHECK: cosma.group "linalg.matmul"({{.*}}) tile <
// CHECK: linalg.fill
// CHECK: linalg.matmul
// LOWERED-LABEL: func.func @product
func.func @product(%x: tensor<80x16xi8>, %w: tensor<16x8xi8> {cosma.weight}) -> tensor<80x8xi32> {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<80x8xi32>
  %start = linalg.fill ins(%zero : i32) outs(%empty : tensor<80x8xi32>) -> tensor<80x8xi32>
  %0 = linalg.matmul ins(%x, %w : tensor<80x16xi8>, tensor<16x8xi8>) outs(%start : tensor<80x8xi32>) -> tensor<80x8xi32>
  return %0 : tensor<80x8xi32>
}

// -----

// A group is cut through its members: of the padded image, each tile pads only what lies outside.
// CHECK-LABEL: func.func @group
// CHECK: cosma.group "pool"({{.*}}) tile <"pool_0", [0, 0, 0, 0
// CHECK: tosa.pad
// CHECK: tosa.max_pool2d
// CHECK: tosa.clamp
// LOWERED-LABEL: func.func @group
func.func @group(%x: tensor<1x17x16x8xi8>) -> tensor<1x9x9x8xi8> {
  %0 = cosma.group "pool"(%x) : (tensor<1x17x16x8xi8>) -> tensor<1x9x9x8xi8> {
  ^bb0(%a: tensor<1x17x16x8xi8>):
    %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
    %s = tosa.const_shape {values = dense<[0, 0, 1, 1, 2, 1, 0, 0]> : tensor<8xindex>} : () -> !tosa.shape<8>
    %p = tosa.pad %a, %s, %z : (tensor<1x17x16x8xi8>, !tosa.shape<8>, tensor<1xi8>) -> tensor<1x19x19x8xi8>
    %m = tosa.max_pool2d %p {kernel = array<i64: 3, 3>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x19x19x8xi8>) -> tensor<1x9x9x8xi8>
    %c = tosa.clamp %m {min_val = -100 : i8, max_val = 100 : i8} : (tensor<1x9x9x8xi8>) -> tensor<1x9x9x8xi8>
    cosma.yield %c : tensor<1x9x9x8xi8>
  }
  return %0 : tensor<1x9x9x8xi8>
}
