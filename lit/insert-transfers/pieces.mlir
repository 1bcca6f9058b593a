// Transfers of pieces say which region of the whole they move.
//
// RUN: cosma-opt --allocate --scratchpad=128 --alignment=1 %s | FileCheck %s
// RUN: cosma-opt --allocate --scratchpad=128 --alignment=1 %s | cosma-opt --verify | FileCheck %s
// RUN: cosma-opt --allocate --scratchpad=128 --alignment=1 --weights=streamed %s | FileCheck --check-prefix=STREAMED %s
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-allocate{scratchpad=128 alignment=1}))' %s | FileCheck --check-prefix=ALLOCATED %s

// The last piece of the argument comes in for "A", gives its place to "Wide", and comes back for "C". The first
// piece of the result is stored as soon as it is there, and comes back from there. What nobody reads, rows 5 and 6,
// stays where it is.
// CHECK: %[[H0:.*]] = tensor.empty() : tensor<64x2xi8>
// CHECK-NOT: tensor.extract_slice
// CHECK: [[X1:%.*]] = cosma.load %arg0[7, 0] [1, 32] at [[#]] : tensor<8x32xi8> -> tensor<1x32xi8>
// CHECK: [[W0:%.*]] = cosma.load %arg1[0, 0] [4, 2] at [[#]] : tensor<4x4xi8> -> tensor<4x2xi8>
// CHECK: [[A:%.*]] = cosma.op "A"([[X1]], [[W0]])
// CHECK: [[H1:%.*]] = cosma.store [[A]] into %[[H0]][48, 0] [16, 2] : tensor<16x2xi8> into tensor<64x2xi8>
// CHECK: cosma.op "Wide"
// CHECK: cosma.reload %arg0[7, 0] [1, 32] at [[#]] : tensor<8x32xi8> -> tensor<1x32xi8>
// CHECK: [[ABACK:%.*]] = cosma.reload [[H1]][48, 0] [16, 2] at [[#]] : tensor<64x2xi8> -> tensor<16x2xi8>
// CHECK: [[C:%.*]] = cosma.op "C"
// CHECK: [[H2:%.*]] = cosma.store [[C]] into [[H1]][0, 0] [48, 2] : tensor<48x2xi8> into tensor<64x2xi8>
// CHECK-NOT: tensor.insert_slice
// CHECK: return [[H2]]
// STREAMED: cosma.load %arg1[0, 0] [4, 2] streamed : tensor<4x4xi8> -> tensor<4x2xi8>
// ALLOCATED: tensor.extract_slice %arg0[7, 0] {{.*}} {cosma.residencies = {{\[\[}}#cosma.residency
// ALLOCATED: cosma.op "C"
// ALLOCATED: tensor.insert_slice
// ALLOCATED: tensor.insert_slice
func.func @f(%x: tensor<8x32xi8>, %w: tensor<4x4xi8> {cosma.weight}) -> tensor<64x2xi8> {
  %e = tensor.empty() : tensor<64x2xi8>
  %x1 = tensor.extract_slice %x[7, 0] [1, 32] [1, 1] : tensor<8x32xi8> to tensor<1x32xi8>
  %w0 = tensor.extract_slice %w[0, 0] [4, 2] [1, 1] : tensor<4x4xi8> to tensor<4x2xi8>
  %0 = cosma.op "A"(%x1, %w0) : (tensor<1x32xi8>, tensor<4x2xi8>) -> tensor<16x2xi8>
  %r0 = tensor.insert_slice %0 into %e[48, 0] [16, 2] [1, 1] : tensor<16x2xi8> into tensor<64x2xi8>
  %1 = cosma.op "Wide"(%0) : (tensor<16x2xi8>) -> tensor<90xi8>
  %2 = cosma.op "Narrow"(%1) : (tensor<90xi8>) -> tensor<16xi8>
  %x2 = tensor.extract_slice %x[0, 0] [1, 32] [1, 1] : tensor<8x32xi8> to tensor<1x32xi8>
  %3 = cosma.op "B"(%2, %x2) : (tensor<16xi8>, tensor<1x32xi8>) -> tensor<4xi8>
  %4 = cosma.op "Wide"(%3) : (tensor<4xi8>) -> tensor<120xi8>
  %5 = cosma.op "Narrow"(%4) : (tensor<120xi8>) -> tensor<4xi8>
  %6 = cosma.op "C2"(%5, %x1, %0) : (tensor<4xi8>, tensor<1x32xi8>, tensor<16x2xi8>) -> tensor<16xi8>
  %7 = cosma.op "C"(%6) : (tensor<16xi8>) -> tensor<48x2xi8>
  %r1 = tensor.insert_slice %7 into %r0[0, 0] [48, 2] [1, 1] : tensor<48x2xi8> into tensor<64x2xi8>
  return %r1 : tensor<64x2xi8>
}
