// A transfer of a region is a copy from or to a subview of the whole in host memory.
//
// RUN: cosma-opt --lower-addresses %s | FileCheck %s
// RUN: cosma-opt --lower-addresses --memory-space=1 %s | FileCheck --check-prefix=SPACE %s

// Both results have a buffer of their own, though they begin with one tensor.empty. The piece of the first weight
// passes by where it lies; the other one has strides, and the operator reads a copy that no plan counts.
// CHECK: func.func @f([[X:%.*]]: memref<4x8xi8>, [[V:%.*]]: memref<4x8xi8>, [[W:%.*]]: memref<4x8xi8>)
// CHECK: [[XPART:%.*]] = memref.subview [[X]][1, 2] [2, 4] [1, 1] : memref<4x8xi8> to memref<2x4xi8, strided<[8, 1], offset: 10>>
// CHECK: memref.copy [[XPART]], [[X0:%.*]] {cosma.transfer = "load"} : memref<2x4xi8, strided<[8, 1], offset: 10>> to memref<2x4xi8>
// CHECK: [[V0:%.*]] = memref.reinterpret_cast [[V]] to offset: [8], sizes: [2, 8], strides: [8, 1] {cosma.streamed, cosma.transfer = "load"}
// CHECK: [[W0:%.*]] = memref.subview [[W]][0, 4] [4, 4] [1, 1] {cosma.streamed, cosma.transfer = "load"}
// CHECK: [[WCOPY:%.*]] = memref.alloc() : memref<4x4xi8>
// CHECK: linalg.copy ins([[W0]] : {{.*}}) outs([[WCOPY]] : memref<4x4xi8>)
// CHECK: call @A([[X0]], [[V0]], [[WCOPY]], [[A:%.*]]) :
// CHECK: [[R:%.*]] = memref.alloc() : memref<4x8xi8>
// CHECK: [[R0:%.*]] = memref.subview [[R]][2, 0] [2, 8] [1, 1]
// CHECK: memref.copy [[A]], [[R0]] {cosma.transfer = "store"}
// CHECK: [[S:%.*]] = memref.alloc() : memref<4x8xi8>
// CHECK: [[S0:%.*]] = memref.subview [[S]][0, 0] [2, 8] [1, 1]
// CHECK: memref.copy %{{.*}}, [[S0]] {cosma.transfer = "store"}
// CHECK: [[RBACK:%.*]] = memref.subview [[R]][2, 0] [2, 8] [1, 1]
// CHECK: memref.copy [[RBACK]], %{{.*}} {cosma.transfer = "reload"}
// CHECK: [[S1:%.*]] = memref.subview [[S]][2, 0] [2, 8] [1, 1]
// CHECK: memref.copy %{{.*}}, [[S1]] {cosma.transfer = "store"}
// CHECK: [[R1:%.*]] = memref.subview [[R]][0, 0] [2, 8] [1, 1]
// CHECK: memref.copy %{{.*}}, [[R1]] {cosma.transfer = "store"}
// CHECK: memref.dealloc [[WCOPY]]
// CHECK: return [[R]], [[S]]
// SPACE: memref.copy %{{.*}}, %{{.*}} {cosma.transfer = "load"} : memref<2x4xi8, strided<[8, 1], offset: 10>> to memref<2x4xi8, 1>
// SPACE: memref.copy %{{.*}}, %{{.*}} {cosma.transfer = "store"} : memref<2x8xi8, 1> to memref<2x8xi8, strided<[8, 1], offset: 16>>
module attributes {cosma.machine = {scratchpad = 256 : i64, weights = "streamed"}} {
  func.func @f(%x: tensor<4x8xi8>, %v: tensor<4x8xi8> {cosma.weight}, %w: tensor<4x8xi8> {cosma.weight})
      -> (tensor<4x8xi8>, tensor<4x8xi8>) {
    %e = tensor.empty() : tensor<4x8xi8>
    %x0 = cosma.load %x[1, 2] [2, 4] at 0 : tensor<4x8xi8> -> tensor<2x4xi8>
    %v0 = cosma.load %v[1, 0] [2, 8] streamed : tensor<4x8xi8> -> tensor<2x8xi8>
    %w0 = cosma.load %w[0, 4] [4, 4] streamed : tensor<4x8xi8> -> tensor<4x4xi8>
    %0 = cosma.op "A"(%x0, %v0, %w0) at [64] : (tensor<2x4xi8>, tensor<2x8xi8>, tensor<4x4xi8>) -> tensor<2x8xi8>
    %r0 = cosma.store %0 into %e[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %1 = cosma.op "B"(%0) at [128] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %s0 = cosma.store %1 into %e[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %back = cosma.reload %r0[2, 0] [2, 8] at 0 : tensor<4x8xi8> -> tensor<2x8xi8>
    %2 = cosma.op "C"(%back) at [192] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %s1 = cosma.store %2 into %s0[2, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    %3 = cosma.op "D"(%2) at [64] : (tensor<2x8xi8>) -> tensor<2x8xi8>
    %r1 = cosma.store %3 into %r0[0, 0] [2, 8] : tensor<2x8xi8> into tensor<4x8xi8>
    return %r1, %s1 : tensor<4x8xi8>, tensor<4x8xi8>
  }
}
