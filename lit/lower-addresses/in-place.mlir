// A result in the place of an operand is written there at once only where that is safe.
//
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=1KiB --split-input-file %s | FileCheck %s

// It starts from that operand: no copy.
// CHECK-LABEL: func.func @start
// CHECK-NOT: linalg.copy
// CHECK: linalg.matmul
// CHECK-NOT: linalg.copy
// CHECK: return
func.func @start(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %c: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = linalg.matmul {cosma.in_place = [[0, 2]]} ins(%a, %b : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// -----

// It starts from another one, which would overwrite what is still read: in private, and then there.
// CHECK-LABEL: func.func @another_start
// CHECK-SAME: memref<8x8xf32>, %{{.*}}: memref<8x8xf32>
// CHECK: linalg.copy ins(%{{.*}}) outs(%[[PRIVATE:alloc[_0-9]*]] : memref<8x8xf32>)
// CHECK: linalg.matmul ins(%[[A:.*]], %{{.*}} : {{.*}}) outs(%[[PRIVATE]] : memref<8x8xf32>)
// CHECK: linalg.copy ins(%[[PRIVATE]] : memref<8x8xf32>) outs(%
// CHECK: memref.dealloc %[[PRIVATE]]
func.func @another_start(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %c: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = linalg.matmul {cosma.in_place = [[0, 0]]} ins(%a, %b : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// -----

// Element by element: at once.
// CHECK-LABEL: func.func @elementwise
// CHECK-NOT: memref.alloc() : memref<8x8xf32>
// CHECK: linalg.generic {{.*}} ins(%[[HERE:.*]] : memref<8x8xf32>) outs(%[[THERE:.*]] : memref<8x8xf32>)
// CHECK: memref.alloc() : memref<8x8xf32>
// CHECK-NOT: linalg.copy
// CHECK: return
func.func @elementwise(%a: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = tosa.exp %a {cosma.in_place = [[0, 0]]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// -----

// Not element by element, whether of linalg or not: in private.
// CHECK-LABEL: func.func @turned
// CHECK: %[[PRIVATE:.*]] = memref.alloc() : memref<8x8xf32>
// CHECK: linalg.transpose ins(%{{.*}}) outs(%[[PRIVATE]] : memref<8x8xf32>)
// CHECK: linalg.copy ins(%[[PRIVATE]] : memref<8x8xf32>)
// CHECK: %[[OTHER:.*]] = memref.alloc() : memref<8x8xf32>
// CHECK: outs(%[[OTHER]] : memref<8x8xf32>)
// CHECK: linalg.copy ins(%[[OTHER]] : memref<8x8xf32>)
func.func @turned(%a: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %empty = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.transpose ins(%a : tensor<8x8xf32>) outs(%empty : tensor<8x8xf32>) permutation = [1, 0] {cosma.in_place = [[0, 0]]}
  %1 = tosa.transpose %0 {perms = array<i32: 1, 0>, cosma.in_place = [[0, 0]]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}
