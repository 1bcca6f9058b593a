// A slice is the tensor that it looks at: a result of the slice's size does not fit in the place of that.
//
// RUN: cosma-opt --allocate --scratchpad=320 %s | FileCheck %s
// RUN: not cosma-opt --allocate --scratchpad=256 %s 2>&1 | FileCheck --check-prefix=SMALL %s

// The slice and what is computed from it share no bytes, whatever the attribute allows: so nothing is said
// of it in the plan.
// CHECK: cosma.group "linalg.abs"(%{{.*}}) at [{{[0-9]+}}] : (tensor<1x16xf32>) -> tensor<1x16xf32> {
// CHECK: linalg.abs ins(
// SMALL: operator needs 320 B at once
func.func @part(%x: tensor<4x16xf32>) -> tensor<1x16xf32> {
  %0 = tensor.extract_slice %x[1, 0] [1, 16] [1, 1] : tensor<4x16xf32> to tensor<1x16xf32>
  // Of which it is no piece, as this has the same elements.
  %all = tensor.extract_slice %x[0, 0] [4, 16] [1, 1] : tensor<4x16xf32> to tensor<4x16xf32>
  %empty = tensor.empty() : tensor<1x16xf32>
  %1 = linalg.abs {cosma.in_place = [[0, 0]]} ins(%0 : tensor<1x16xf32>) outs(%empty : tensor<1x16xf32>) -> tensor<1x16xf32>
  return %1 : tensor<1x16xf32>
}
