// What MLIR has no way to bring to memrefs, and what has none.
//
// RUN: not cosma-opt --allocate --lower-addresses --scratchpad=1KiB --split-input-file %s 2>&1 | FileCheck %s

func.func @custom(%x: tensor<64xf32>) -> tensor<64xf32> {
  // CHECK: unknown.mlir:[[@LINE+2]]:{{[0-9]+}}: error: failed to legalize operation 'tosa.custom'
  // CHECK: error: cosma-lower-addresses cannot lower the operators of this module to memrefs
  %0 = tosa.custom %x {operator_name = "a", domain_name = "b", implementation_attrs = ""} : (tensor<64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// CHECK: unknown.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-lower-addresses has no memref for tensor<8x!quant.uniform
func.func @quantised(%x: tensor<8x!quant.uniform<i8:f32, 0.5>>) -> tensor<8x!quant.uniform<i8:f32, 0.5>> {
  %0 = cosma.op "A"(%x) : (tensor<8x!quant.uniform<i8:f32, 0.5>>) -> tensor<8x!quant.uniform<i8:f32, 0.5>>
  return %0 : tensor<8x!quant.uniform<i8:f32, 0.5>>
}

// -----

// The plan packs them, and MLIR gives each a byte.
// CHECK: unknown.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-lower-addresses has no memref for tensor<8xi4>
func.func @packed(%x: tensor<8xi4>) -> tensor<8xi4> {
  %0 = cosma.op "A"(%x) : (tensor<8xi4>) -> tensor<8xi4>
  return %0 : tensor<8xi4>
}

// -----

func.func @abstract(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.group "A"(%x) : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    // CHECK: unknown.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-lower-addresses supports operations of TOSA, linalg and tensor, not cosma.op
    %1 = cosma.op "B"(%a) : (tensor<8xi8>) -> tensor<8xi8>
    cosma.yield %1 : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

func.func private @g(tensor<8xi8>) -> tensor<8xi8>
func.func @call(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: unknown.mlir:[[@LINE+1]]:{{[0-9]+}}: error: calls a function with tensors
  %0 = call @g(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
