// A constant of one element is a constant to MLIR, whoever else reads it as bytes; parameters of a
// rescaling are read from the arena, where their loads have brought them, or from where they were
// computed before the run.
//
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=1KiB --split-input-file %s | FileCheck %s

// CHECK-LABEL: func.func @zero_point
// CHECK: call @A(%{{.*}}, %{{.*}}, %{{.*}}) : (memref<1x4x4xi8>, memref<1xi8>, memref<1x4x4xi8>) -> ()
// CHECK: linalg.quantized_batch_matmul
func.func @zero_point(%x: tensor<1x4x4xi8>) -> tensor<1x4x4xi32> {
  %zero = "tosa.const"() {values = dense<3> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = cosma.op "A"(%x, %zero) : (tensor<1x4x4xi8>, tensor<1xi8>) -> tensor<1x4x4xi8>
  %1 = tosa.matmul %0, %0, %zero, %zero : (tensor<1x4x4xi8>, tensor<1x4x4xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4xi32>
  return %1 : tensor<1x4x4xi32>
}

// -----

// CHECK-LABEL: func.func @rescale
// CHECK-DAG: memref.copy %{{.*}}, %[[MULTIPLIER:.*]] {cosma.transfer = "load"} : memref<4xi32> to memref<4xi32>
// CHECK-DAG: memref.copy %{{.*}}, %[[SHIFT:.*]] {cosma.transfer = "load"} : memref<4xi8> to memref<4xi8>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[MULTIPLIER]], %[[SHIFT]] :
func.func @rescale(%x: tensor<4x4xi32>) -> tensor<4x4xi8> {
  %multiplier = "tosa.const"() {values = dense<[1073741824, 1073741825, 1073741826, 1073741827]> : tensor<4xi32>} : () -> tensor<4xi32>
  %shift = "tosa.const"() {values = dense<[30, 31, 32, 33]> : tensor<4xi8>} : () -> tensor<4xi8>
  %in = "tosa.const"() {values = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
  %out = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.rescale %x, %multiplier, %shift, %in, %out {scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = true, input_unsigned = false, output_unsigned = false} : (tensor<4x4xi32>, tensor<4xi32>, tensor<4xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<4x4xi8>
  return %0 : tensor<4x4xi8>
}

// -----

// CHECK-LABEL: func.func @of_weights
// CHECK: linalg.generic
// CHECK: memref.copy %{{.*}}, %{{.*}} {cosma.transfer = "load"} : memref<4x4xi8> to memref<4x4xi8>
func.func @of_weights(%x: tensor<4x4xi8>, %w: tensor<4x4xi32> {cosma.weight}) -> tensor<4x4xi8> {
  %multiplier = "tosa.const"() {values = dense<[1073741824, 1073741825, 1073741826, 1073741827]> : tensor<4xi32>} : () -> tensor<4xi32>
  %shift = "tosa.const"() {values = dense<[30, 31, 32, 33]> : tensor<4xi8>} : () -> tensor<4xi8>
  %in = "tosa.const"() {values = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
  %out = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.rescale %w, %multiplier, %shift, %in, %out {scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = true, input_unsigned = false, output_unsigned = false} : (tensor<4x4xi32>, tensor<4xi32>, tensor<4xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<4x4xi8>
  %1 = tosa.add %x, %0 : (tensor<4x4xi8>, tensor<4x4xi8>) -> tensor<4x4xi8>
  return %1 : tensor<4x4xi8>
}
