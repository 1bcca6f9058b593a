// What goes into host memory as a piece is in no group with what reads it; slices are operands as any others.
//
// RUN: cosma-opt --group %s | FileCheck %s
// RUN: cosma-opt --group --schedule --allocate --scratchpad=1024 %s | cosma-opt --verify | FileCheck --check-prefix=PLANNED %s

// CHECK-LABEL: @f
// CHECK: [[A:%.*]] = tosa.clamp
// CHECK: [[H1:%.*]] = tensor.insert_slice [[A]] into
// CHECK: [[B:%.*]] = tosa.clamp [[A]]
// CHECK: [[H2:%.*]] = tensor.insert_slice [[B]] into [[H1]]
// CHECK: [[S:%.*]] = tensor.extract_slice [[H2]]
// CHECK: cosma.group "tosa.matmul"([[S]], %arg1)
// CHECK: tosa.matmul
// CHECK-NEXT: tosa.clamp
// PLANNED: cosma.spill
// PLANNED: cosma.spill
// PLANNED: cosma.reload
func.func @f(%x: tensor<1x4x4xf32>, %w: tensor<1x4x4xf32> {cosma.weight}) -> tensor<1x4x4xf32> {
  %zero = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %e = tensor.empty() : tensor<1x8x4xf32>
  %0 = tosa.clamp %x {max_val = 6.0 : f32, min_val = 0.0 : f32} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %h1 = tensor.insert_slice %0 into %e[0, 0, 0] [1, 4, 4] [1, 1, 1] : tensor<1x4x4xf32> into tensor<1x8x4xf32>
  %1 = tosa.clamp %0 {max_val = 5.0 : f32, min_val = 0.0 : f32} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %h2 = tensor.insert_slice %1 into %h1[0, 4, 0] [1, 4, 4] [1, 1, 1] : tensor<1x4x4xf32> into tensor<1x8x4xf32>
  %s = tensor.extract_slice %h2[0, 2, 0] [1, 4, 4] [1, 1, 1] : tensor<1x8x4xf32> to tensor<1x4x4xf32>
  %2 = tosa.matmul %s, %w, %zero, %zero : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4xf32>
  %3 = tosa.clamp %2 {max_val = 4.0 : f32, min_val = 0.0 : f32} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %3 : tensor<1x4x4xf32>
}
