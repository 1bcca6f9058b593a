// Operands of a concatenation that lie where they go are not copied; where another one is in the way, the
// result is put together in private. A slice that lies where it is cut from is there already.
//
// RUN: cosma-opt --pass-pipeline='builtin.module(cosma-lower-addresses)' --split-input-file %s | FileCheck %s

// CHECK-LABEL: func.func @there
// CHECK-NOT: linalg
// CHECK-COUNT-3: memref.copy
// CHECK-NOT: linalg
// CHECK: return
func.func @there(%x: tensor<1x16xf32>, %y: tensor<3x16xf32>) -> tensor<4x16xf32> attributes {cosma.machine = {scratchpad = 512 : i64}} {
  %0 = cosma.load %x at 64 : tensor<1x16xf32>
  %1 = cosma.load %y at 128 : tensor<3x16xf32>
  %2 = cosma.group "tosa.concat"(%0, %1) at [64] in_place [[0, 0], [0, 1, 64]] : (tensor<1x16xf32>, tensor<3x16xf32>) -> tensor<4x16xf32> {
  ^bb0(%p0: tensor<1x16xf32>, %p1: tensor<3x16xf32>):
    %r = tosa.concat %p0, %p1 {axis = 0 : i32} : (tensor<1x16xf32>, tensor<3x16xf32>) -> tensor<4x16xf32>
    cosma.yield %r : tensor<4x16xf32>
  }
  %3 = cosma.store %2 : tensor<4x16xf32>
  return %3 : tensor<4x16xf32>
}

// -----

// CHECK-LABEL: func.func @half_there
// CHECK: memref.subview %[[RESULT:.*]][1, 0] [3, 16] [1, 1]
// CHECK: linalg.copy
// CHECK-NOT: linalg.copy
// CHECK: return
func.func @half_there(%x: tensor<1x16xf32>, %y: tensor<3x16xf32>) -> tensor<4x16xf32> attributes {cosma.machine = {scratchpad = 512 : i64}} {
  %0 = cosma.load %x at 0 : tensor<1x16xf32>
  %1 = cosma.load %y at 256 : tensor<3x16xf32>
  %2 = cosma.group "tensor.concat"(%0, %1) at [0] in_place [[0, 0]] : (tensor<1x16xf32>, tensor<3x16xf32>) -> tensor<4x16xf32> {
  ^bb0(%p0: tensor<1x16xf32>, %p1: tensor<3x16xf32>):
    %r = tensor.concat dim(0) %p0, %p1 : (tensor<1x16xf32>, tensor<3x16xf32>) -> tensor<4x16xf32>
    cosma.yield %r : tensor<4x16xf32>
  }
  %3 = cosma.store %2 : tensor<4x16xf32>
  return %3 : tensor<4x16xf32>
}

// -----

// CHECK-LABEL: func.func @in_the_way
// CHECK: %[[PRIVATE:.*]] = memref.alloc() : memref<4x16xf32>
// CHECK: memref.subview %[[PRIVATE]][0, 0] [1, 16] [1, 1]
// CHECK: memref.subview %[[PRIVATE]][1, 0] [3, 16] [1, 1]
// CHECK: linalg.copy ins(%[[PRIVATE]] : memref<4x16xf32>)
// CHECK: memref.dealloc %[[PRIVATE]]
func.func @in_the_way(%x: tensor<1x16xf32>, %y: tensor<3x16xf32>) -> tensor<4x16xf32> attributes {cosma.machine = {scratchpad = 512 : i64}} {
  %0 = cosma.load %x at 192 : tensor<1x16xf32>
  %1 = cosma.load %y at 0 : tensor<3x16xf32>
  %2 = cosma.group "tosa.concat"(%0, %1) at [0] in_place [[0, 0, 192], [0, 1]] : (tensor<1x16xf32>, tensor<3x16xf32>) -> tensor<4x16xf32> {
  ^bb0(%p0: tensor<1x16xf32>, %p1: tensor<3x16xf32>):
    %r = tosa.concat %p0, %p1 {axis = 0 : i32} : (tensor<1x16xf32>, tensor<3x16xf32>) -> tensor<4x16xf32>
    cosma.yield %r : tensor<4x16xf32>
  }
  %3 = cosma.store %2 : tensor<4x16xf32>
  return %3 : tensor<4x16xf32>
}

// -----

// Along an inner axis, parts are no single piece.
// CHECK-LABEL: func.func @interleaved
// CHECK: memref.alloc() : memref<2x16xf32>
// CHECK-COUNT-3: linalg.copy
func.func @interleaved(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> tensor<2x16xf32> attributes {cosma.machine = {scratchpad = 512 : i64}} {
  %0 = cosma.load %x at 0 : tensor<2x8xf32>
  %1 = cosma.load %y at 64 : tensor<2x8xf32>
  %2 = cosma.group "tosa.concat"(%0, %1) at [0] in_place [[0, 0], [0, 1, 64]] : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x16xf32> {
  ^bb0(%p0: tensor<2x8xf32>, %p1: tensor<2x8xf32>):
    %r = tosa.concat %p0, %p1 {axis = 1 : i32} : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x16xf32>
    cosma.yield %r : tensor<2x16xf32>
  }
  %3 = cosma.store %2 : tensor<2x16xf32>
  return %3 : tensor<2x16xf32>
}

// -----

// CHECK-LABEL: func.func @cut
// CHECK-NOT: linalg
// CHECK-COUNT-2: memref.copy
// CHECK: return
func.func @cut(%x: tensor<4x16xf32>) -> tensor<2x16xf32> attributes {cosma.machine = {scratchpad = 512 : i64}} {
  %0 = cosma.load %x at 0 : tensor<4x16xf32>
  %1 = cosma.group "tosa.slice"(%0) at [64] in_place [[0, 0, 64]] : (tensor<4x16xf32>) -> tensor<2x16xf32> {
  ^bb0(%p0: tensor<4x16xf32>):
    %start = tosa.const_shape {values = dense<[1, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %size = tosa.const_shape {values = dense<[2, 16]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %r = tosa.slice %p0, %start, %size : (tensor<4x16xf32>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x16xf32>
    cosma.yield %r : tensor<2x16xf32>
  }
  %2 = cosma.store %1 : tensor<2x16xf32>
  return %2 : tensor<2x16xf32>
}

// -----

// Another part of what it is cut from.
// CHECK-LABEL: func.func @moved
// CHECK: %[[PRIVATE:.*]] = memref.alloc() : memref<2x16xf32>
// CHECK: linalg.copy ins(%{{.*}}) outs(%[[PRIVATE]] : memref<2x16xf32>)
// CHECK: linalg.copy ins(%[[PRIVATE]] : memref<2x16xf32>)
func.func @moved(%x: tensor<4x16xf32>) -> tensor<2x16xf32> attributes {cosma.machine = {scratchpad = 512 : i64}} {
  %0 = cosma.load %x at 0 : tensor<4x16xf32>
  %1 = cosma.group "tosa.slice"(%0) at [128] in_place [[0, 0, 128]] : (tensor<4x16xf32>) -> tensor<2x16xf32> {
  ^bb0(%p0: tensor<4x16xf32>):
    %start = tosa.const_shape {values = dense<[1, 0]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %size = tosa.const_shape {values = dense<[2, 16]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %r = tosa.slice %p0, %start, %size : (tensor<4x16xf32>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x16xf32>
    cosma.yield %r : tensor<2x16xf32>
  }
  %2 = cosma.store %1 : tensor<2x16xf32>
  return %2 : tensor<2x16xf32>
}
