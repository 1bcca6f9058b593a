// TOSA becomes linalg on views. A reshape is another view of the same bytes, a slice in one piece one
// of a part; a concatenation that shares nothing copies its operands to their parts.
//
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=512 %s | mlir-opt | FileCheck %s
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=512 --arena=argument --memory-space=3 %s | mlir-opt | FileCheck --check-prefix=ARGUMENT %s
// RUN: not cosma-opt --arena=argument %s 2>&1 | FileCheck --check-prefix=CALL %s
// RUN: not cosma-opt --pass-pipeline='builtin.module(cosma-lower-addresses{arena=nowhere})' %s 2>&1 | FileCheck --check-prefix=NOWHERE %s
// RUN: not cosma-opt --pass-pipeline='builtin.module(cosma-lower-addresses{memory-space=fast})' %s 2>&1 | FileCheck --check-prefix=SPACE %s

// CHECK: func.func @f(%[[X:.*]]: memref<4x8xf32>, %{{.*}}: memref<4x8xf32>) -> (memref<8x8xf32>, memref<32xf32>, memref<8xf32>, memref<4x8xf32>)
// CHECK: %[[ARENA:.*]] = memref.alloc() {alignment = 64 : i64} : memref<512xi8>
// CHECK: linalg.generic {{.*}} outs(%[[SUM:.*]] : memref<4x8xf32>) {
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}} ins(%[[SUM]] :
// CHECK: math.exp
// CHECK: memref.view %[[ARENA]][%c{{.*}}][] : memref<512xi8> to memref<8xf32>
// CHECK: %[[CAT:.*]] = memref.view %[[ARENA]][%c{{.*}}][] : memref<512xi8> to memref<8x8xf32>
// CHECK: %[[FIRST:.*]] = memref.subview %[[CAT]][0, 0] [4, 8] [1, 1]
// CHECK: linalg.copy ins(%[[SUM]] : memref<4x8xf32>) outs(%[[FIRST]] :
// CHECK: %[[SECOND:.*]] = memref.subview %[[CAT]][4, 0] [4, 8] [1, 1]
// CHECK: linalg.copy ins(%{{.*}} : memref<4x8xf32>) outs(%[[SECOND]] :
// A result that is an argument is a copy, so that the caller owns all results.
// CHECK: linalg.copy ins(%[[X]] : memref<4x8xf32>) outs(%[[COPY:.*]] : memref<4x8xf32>)
// CHECK: memref.dealloc %[[ARENA]]
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}}, %[[COPY]]

// ARGUMENT: func.func @f(%{{.*}}: memref<4x8xf32>, %{{.*}}: memref<4x8xf32>, %[[ARENA:.*]]: memref<512xi8, 3>)
// ARGUMENT: memref.view %[[ARENA]][{{.*}}][] : memref<512xi8, 3> to memref<4x8xf32, 3>
// ARGUMENT-NOT: memref.dealloc

// CALL: error: the following required arguments were not provided
// NOWHERE: error: option arena cannot be 'nowhere'
// SPACE: error: option memory-space cannot be 'fast'
func.func @f(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<8x8xf32>, tensor<32xf32>, tensor<8xf32>, tensor<4x8xf32>) {
  %0 = tosa.add %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tosa.exp %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %row = tensor.extract_slice %1[2, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
  %2 = tosa.tanh %row : (tensor<8xf32>) -> tensor<8xf32>
  %3 = tosa.concat %0, %1 {axis = 0 : i32, cosma.in_place = []} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %shape = tosa.const_shape {values = dense<[32]> : tensor<1xindex>} : () -> !tosa.shape<1>
  %4 = tosa.reshape %1, %shape : (tensor<4x8xf32>, !tosa.shape<1>) -> tensor<32xf32>
  return %3, %4, %2, %x : tensor<8x8xf32>, tensor<32xf32>, tensor<8xf32>, tensor<4x8xf32>
}
