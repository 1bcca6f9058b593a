// What is put together and read in slices passes through host memory: written in pieces, read in regions.
//
// RUN: cosma-opt --allocate --scratchpad=512 %s | FileCheck %s
// RUN: cosma-opt --allocate --scratchpad=512 %s | cosma-opt --verify | FileCheck %s
// RUN: cosma-opt --schedule --allocate --scratchpad=512 %s | cosma-opt --lower-addresses | FileCheck --check-prefix=LOWERED %s
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-allocate{scratchpad=512}))' %s | FileCheck --check-prefix=ALLOCATED %s

// Pieces go out at once; a slice that is one of them is there still. Of equal slices one comes in.
// CHECK-LABEL: func.func @f
// CHECK-SAME: compulsory = 352, non_compulsory = 480, lower_bound = 480
// CHECK: [[H0:%.*]] = tensor.empty()
// CHECK: [[X:%.*]] = cosma.load %arg0
// CHECK-NEXT: [[A:%.*]] = cosma.op "A"([[X]])
// CHECK-NEXT: [[H1:%.*]] = cosma.spill [[A]] into [[H0]][0, 0] [12, 16] : tensor<12x16xi8> into tensor<16x16xi8>
// CHECK-NEXT: [[B:%.*]] = cosma.op "B"([[X]])
// CHECK-NEXT: [[H2:%.*]] = cosma.spill [[B]] into [[H1]][12, 0] [4, 16] : tensor<4x16xi8> into tensor<16x16xi8>
// CHECK-NEXT: [[S:%.*]] = cosma.reload [[H2]][10, 0] [6, 16] at [[#]] : tensor<16x16xi8> -> tensor<6x16xi8>
// CHECK-NEXT: [[C:%.*]] = cosma.op "C"([[S]])
// CHECK-NEXT: [[T:%.*]] = cosma.reload [[H2]][0, 0] [8, 16] at [[#]] : tensor<16x16xi8> -> tensor<8x16xi8>
// CHECK-NEXT: [[V:%.*]] = tensor.collapse_shape [[T]]
// CHECK-NEXT: [[D:%.*]] = cosma.op "D"([[C]], [[T]], [[V]], [[B]])
// CHECK-NEXT: [[R:%.*]] = cosma.store [[D]]
// CHECK-NEXT: return [[R]]
// ALLOCATED-LABEL: func.func @f
// ALLOCATED: cosma.op "B"
// ALLOCATED-NEXT: tensor.insert_slice
// ALLOCATED-NEXT: tensor.extract_slice {{.*}}[10, 0] [6, 16] [1, 1] {cosma.residencies = {{\[\[}}#cosma.residency<2 to 3 at {{[0-9]+}}>]]}
// LOWERED-LABEL: func.func @f
// LOWERED: [[H:%.*]] = memref.alloc() : memref<16x16xi8>
// LOWERED: [[HA:%.*]] = memref.subview [[H]][0, 0] [12, 16] [1, 1]
// LOWERED: memref.copy %{{.*}}, [[HA]] {cosma.transfer = "spill"}
// LOWERED: [[HB:%.*]] = memref.subview [[H]][12, 0] [4, 16] [1, 1]
// LOWERED: memref.copy %{{.*}}, [[HB]] {cosma.transfer = "spill"}
// LOWERED: [[HS:%.*]] = memref.subview [[H]][10, 0] [6, 16] [1, 1]
// LOWERED: memref.copy [[HS]], %{{.*}} {cosma.transfer = "reload"}
// LOWERED: memref.dealloc [[H]]
func.func @f(%x: tensor<16x16xi8>) -> tensor<6x16xi8> {
  %e = tensor.empty() : tensor<16x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<16x16xi8>) -> tensor<12x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [12, 16] [1, 1] : tensor<12x16xi8> into tensor<16x16xi8>
  %1 = cosma.op "B"(%x) : (tensor<16x16xi8>) -> tensor<4x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[12, 0] [4, 16] [1, 1] : tensor<4x16xi8> into tensor<16x16xi8>
  %s = tensor.extract_slice %h2[10, 0] [6, 16] [1, 1] : tensor<16x16xi8> to tensor<6x16xi8>
  %2 = cosma.op "C"(%s) : (tensor<6x16xi8>) -> tensor<6x16xi8>
  %t = tensor.extract_slice %h2[0, 0] [8, 16] [1, 1] : tensor<16x16xi8> to tensor<8x16xi8>
  %t2 = tensor.extract_slice %h2[0, 0] [8, 16] [1, 1] : tensor<16x16xi8> to tensor<8x16xi8>
  %v = tensor.collapse_shape %t2 [[0, 1]] : tensor<8x16xi8> into tensor<128xi8>
  %w = tensor.extract_slice %h2[12, 0] [4, 16] [1, 1] : tensor<16x16xi8> to tensor<4x16xi8>
  %3 = cosma.op "D"(%2, %t, %v, %w) : (tensor<6x16xi8>, tensor<8x16xi8>, tensor<128xi8>, tensor<4x16xi8>) -> tensor<6x16xi8>
  return %3 : tensor<6x16xi8>
}

// A result that is read so as well: stores are stores, and what nobody reads does not come back.
// CHECK-LABEL: func.func @result
// CHECK-SAME: non_compulsory = 20,
// CHECK: cosma.store %{{.*}} into %{{.*}}[5, 0] [3, 8]
// CHECK: [[R:%.*]] = cosma.store %{{.*}} into %{{.*}}[0, 0] [5, 8]
// CHECK-NOT: cosma.spill
// CHECK: cosma.reload [[R]][4, 2] [2, 6]
// CHECK-NOT: cosma.reload [[R]][0, 0]
// CHECK: return [[R]], %{{.*}}
func.func @result(%x: tensor<64xi8>) -> (tensor<8x8xi8>, tensor<8xi8>) {
  %e = tensor.empty() : tensor<8x8xi8>
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<3x8xi8>
  %h1 = tensor.insert_slice %0 into %e[5, 0] [3, 8] [1, 1] : tensor<3x8xi8> into tensor<8x8xi8>
  %s = tensor.extract_slice %h1[6, 0] [1, 8] [1, 1] : tensor<8x8xi8> to tensor<1x8xi8>
  %1 = cosma.op "B"(%x) : (tensor<64xi8>) -> tensor<5x8xi8>
  %h2 = tensor.insert_slice %1 into %h1[0, 0] [5, 8] [1, 1] : tensor<5x8xi8> into tensor<8x8xi8>
  %t = tensor.extract_slice %h2[4, 2] [2, 6] [1, 1] : tensor<8x8xi8> to tensor<2x6xi8>
  %2 = cosma.op "C"(%t, %s) : (tensor<2x6xi8>, tensor<1x8xi8>) -> tensor<8xi8>
  %unread = tensor.extract_slice %h2[0, 0] [1, 8] [1, 1] : tensor<8x8xi8> to tensor<1x8xi8>
  return %h2, %2 : tensor<8x8xi8>, tensor<8xi8>
}
