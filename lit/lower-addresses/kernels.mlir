// Views of an arena, copies for transfers, a kernel for each kind and signature. Stock mlir-opt reads it.
//
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=288 %s | mlir-opt | FileCheck %s
// RUN: cosma-opt --allocate --lower-addresses --scratchpad=288 --weights=streamed %s | mlir-opt | FileCheck --check-prefix=STREAMED %s
// RUN: not cosma-opt --pass-pipeline='builtin.module(cosma-lower-addresses)' %s 2>&1 | FileCheck --check-prefix=SOURCE %s

// CHECK-NOT: tensor<
// CHECK-NOT: {{= |^ *|"}}cosma.
// CHECK-DAG: func.func private @A(memref<64xi8>, memref<64xi8>)
// CHECK-DAG: func.func private @B(memref<64xi8>, memref<32xi8>, memref<128xi8>, memref<64xi8>)
// CHECK-DAG: func.func private @B_1(memref<128xi8>, memref<64xi8>)
// CHECK: func.func @f(%[[X:[a-z_0-9]+]]: memref<64xi8>, %[[W:[a-z_0-9]+]]: memref<32xi8>) -> memref<64xi8>
// CHECK: %[[ARENA:[a-z_0-9]+]] = memref.alloc() {alignment = 64 : i64} : memref<288xi8>
// CHECK: %[[XV:[a-z_0-9]+]] = memref.view %[[ARENA]][%{{.*}}][] : memref<288xi8> to memref<64xi8>
// CHECK: memref.copy %[[X]], %[[XV]]
// CHECK: call @A(%[[XV]], %[[A:[a-z_0-9]+]])
// CHECK: call @B(%[[A]], %{{.*}}, %{{.*}}, %{{.*}})
// CHECK: %[[RESULT:[a-z_0-9]+]] = memref.alloc() : memref<64xi8>
// CHECK: memref.copy %{{.*}}, %[[RESULT]]
// CHECK: memref.dealloc %[[ARENA]]
// CHECK: return %[[RESULT]] : memref<64xi8>
// What is streamed is read where it lies.
// STREAMED: func.func @f(%{{.*}}: memref<64xi8>, %[[W:.*]]: memref<32xi8>)
// STREAMED: %[[SEEN:.*]] = memref.reinterpret_cast %[[W]] to offset: [0], sizes: [32], strides: [1] {cosma.streamed, cosma.transfer = "load"}
// STREAMED: call @B(%{{.*}}, %[[SEEN]], %{{.*}}, %{{.*}})
// SOURCE: error: cosma-lower-addresses takes a function in planned form, but this one is still in source form
module attributes {cosma.machine = {scratchpad = 288 : i64}} {
  func.func @f(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.op "B"(%0, %w) workspace 64 : (tensor<64xi8>, tensor<32xi8>) -> tensor<128xi8>
    %2 = cosma.op "B"(%1) : (tensor<128xi8>) -> tensor<64xi8>
    %3 = cosma.op "D"(%2, %0) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %3 : tensor<64xi8>
  }
}
