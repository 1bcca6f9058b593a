// A view follows what it looks at, wherever that lies; a folded weight is loaded like any other.
//
// RUN: cosma-opt --allocate --scratchpad=128 --alignment=1 --solver=search %s -o %t
// RUN: FileCheck %s --input-file=%t
// RUN: cosma-opt --verify %t -o /dev/null

// In 128 bytes, the first result makes room for two of 64 bytes, and comes back.
// CHECK-LABEL: @views
// CHECK: %[[T:.*]] = tosa.transpose %arg1
// CHECK-NOT: cosma.group
// CHECK: %[[X:.*]] = cosma.load %arg0
// CHECK: %[[A:.*]] = cosma.group "tosa.exp"(%[[X]]) at [
// CHECK: %[[SPILLED:.*]] = cosma.spill %[[A]]
// CHECK: %[[BACK:.*]] = cosma.reload %[[SPILLED]]
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[BACK]] {{.*}} : tensor<4x4xf32> into tensor<16xf32>
// CHECK: cosma.group "tosa.tanh"(%[[FLAT]])
func.func @views(%x: tensor<4x4xf32>, %w: tensor<4x4xf32> {cosma.weight}) -> (tensor<4x4xf32>, tensor<16xf32>) {
  %turned = tosa.transpose %w {perms = array<i32: 1, 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = tosa.exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %flat = tensor.collapse_shape %0 [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  %1 = cosma.op "Turn"(%turned) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = tosa.tanh %flat : (tensor<16xf32>) -> tensor<16xf32>
  return %1, %2 : tensor<4x4xf32>, tensor<16xf32>
}
