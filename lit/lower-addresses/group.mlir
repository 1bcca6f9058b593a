// What is in a group runs in private buffers; its operands and its result lie in the arena.
//
// RUN: cosma-opt --group --allocate --lower-addresses --scratchpad=4KiB %s | mlir-opt | FileCheck %s
// RUN: cosma-opt --group --allocate --lower-addresses --scratchpad=4KiB %s | mlir-opt --pass-pipeline='builtin.module(func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-math-to-llvm,convert-math-to-libm,convert-to-llvm,reconcile-unrealized-casts)' | FileCheck --check-prefix=LLVM %s
// What is private is in host memory, whatever the memory space of the arena.
// RUN: cosma-opt --group --allocate --lower-addresses --scratchpad=4KiB --arena=argument --memory-space=1 %s | mlir-opt | FileCheck --check-prefix=SPACE %s

// SPACE: func.func @f({{.*}}, %[[ARENA:.*]]: memref<4096xi8, 1>)
// SPACE: memref.alloc() {{.*}} : memref<1x10x10x4xf32>
// SPACE: linalg.conv_2d_nhwc_fhwc {{.*}} : memref<1x10x10x4xf32>, memref<4x3x3x4xf32, 1>) outs(%{{.*}} : memref<1x8x8x4xf32>)
// SPACE: linalg.generic {{.*}} outs(%{{.*}} : memref<1x8x8x4xf32, 1>)

// CHECK: func.func @f(%[[X:.*]]: memref<1x8x8x4xf32>, %[[W:.*]]: memref<4x3x3x4xf32>, %[[B:.*]]: memref<4xf32>) -> memref<1x8x8x4xf32>
// CHECK-DAG: memref.copy %[[X]], %[[XV:view[_0-9]*]] {cosma.transfer = "load"}
// CHECK-DAG: memref.copy %[[W]], %[[WV:view[_0-9]*]] {cosma.transfer = "load"}
// CHECK-DAG: memref.copy %[[B]], %[[BV:view[_0-9]*]] {cosma.transfer = "load"}
// CHECK: %[[RESULT:.*]] = memref.view
// The padded image.
// CHECK: %[[PADDED:.*]] = memref.alloc() {{.*}} : memref<1x10x10x4xf32>
// CHECK: linalg.copy ins(%[[XV]] :
// What sums up.
// CHECK: %[[SUM:.*]] = memref.alloc() {{.*}} : memref<1x8x8x4xf32>
// CHECK: linalg.generic {{.*}} ins(%[[BV]] : memref<4xf32>) outs(%[[SUM]] :
// CHECK: linalg.conv_2d_nhwc_fhwc {{.*}} ins(%[[PADDED]], %[[WV]] : {{.*}}) outs(%[[SUM]] :
// CHECK: linalg.generic {{.*}} ins(%[[SUM]] : {{.*}}) outs(%[[RESULT]] :
// CHECK: arith.maximumf
// CHECK-DAG: memref.dealloc %[[PADDED]]
// CHECK-DAG: memref.dealloc %[[SUM]]
// CHECK: memref.copy %[[RESULT]], %{{.*}} {cosma.transfer = "store"}
// LLVM-NOT: {{memref|linalg|scf|cf|arith|math|func}}.{{[a-z]}}
// LLVM: llvm.func @f
func.func @f(%x: tensor<1x8x8x4xf32>, %w: tensor<4x3x3x4xf32> {cosma.weight}, %b: tensor<4xf32> {cosma.weight}) -> tensor<1x8x8x4xf32> {
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} : (tensor<1x8x8x4xf32>, tensor<4x3x3x4xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x8x8x4xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
  return %1 : tensor<1x8x8x4xf32>
}
