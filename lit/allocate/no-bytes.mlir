// Tensors without bytes are tensors like any other: they come in once, take no room, and never leave.
//
// RUN: cosma-opt --schedule --allocate --verify --scratchpad=192 %s | FileCheck %s
// RUN: cosma-opt --schedule --allocate --verify --scratchpad=192 --solver=search %s | FileCheck %s
// RUN: cosma-opt --schedule --allocate --verify --scratchpad=192 --solver=ilp %s | FileCheck %s
// RUN: cosma-opt --allocate --verify --scratchpad=192 --solver=greedy %s | FileCheck %s

// CHECK-LABEL: func.func @empty
// CHECK-NOT: cosma.reload
// CHECK-NOT: cosma.spill
// CHECK: cosma.op "E"(%{{.*}}, %{{.*}}) at [0] : (tensor<0xf32>, tensor<16xf32>) -> tensor<0xf32>
// CHECK-NEXT: cosma.store %{{.*}} : tensor<0xf32>
// CHECK-NOT: cosma.reload
func.func @empty(%x: tensor<16xf32>, %e: tensor<0xf32>) -> (tensor<16xf32>, tensor<0xf32>) {
  %0 = cosma.op "A"(%x, %e) : (tensor<16xf32>, tensor<0xf32>) -> tensor<16xf32>
  %1 = cosma.op "B"(%e) : (tensor<0xf32>) -> tensor<0xf32>
  %2 = cosma.op "C"(%0, %x) : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
  %3 = cosma.op "D"(%2, %1) : (tensor<16xf32>, tensor<0xf32>) -> tensor<16xf32>
  %4 = cosma.op "E"(%1, %3) : (tensor<0xf32>, tensor<16xf32>) -> tensor<0xf32>
  return %3, %4 : tensor<16xf32>, tensor<0xf32>
}
