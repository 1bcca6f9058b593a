// Groups are taken apart only before they are planned.
//
// RUN: cosma-opt --group --allocate --scratchpad=1KiB %s | not cosma-opt --pass-pipeline='builtin.module(func.func(cosma-ungroup))' 2>&1 | FileCheck %s --check-prefix=PLANNED
// RUN: not cosma-opt --group --verify %s 2>&1 | FileCheck %s --check-prefix=FLAGS

// PLANNED: error: cosma-ungroup takes a function in source form, but this one is already planned
// FLAGS: error: --verify takes planned form and --group source form
func.func @f(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = tosa.exp %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = tosa.tanh %0 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}
