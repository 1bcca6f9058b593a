// Insertions follow the operators whose results they insert, slices come before their readers, and so do views.
//
// RUN: cosma-opt --schedule --scratchpad=192 %s | FileCheck %s
// RUN: cosma-opt --schedule --scratchpad=192 %s | cosma-opt --schedule --allocate --scratchpad=192 | cosma-opt --verify | FileCheck --check-prefix=PLANNED %s

// "B" cannot run between the other two, where there is no space for what it writes, and runs first. So its piece is the
// first one.
// CHECK-LABEL: func.func @f
// CHECK: [[H0:%.*]] = tensor.empty()
// CHECK-NEXT: [[B:%.*]] = cosma.op "B"
// CHECK-NEXT: [[H1:%.*]] = tensor.insert_slice [[B]] into [[H0]][2, 0] [2, 16]
// CHECK-NEXT: [[W:%.*]] = cosma.op "Wide"
// CHECK-NEXT: [[N:%.*]] = cosma.op "Narrow"([[W]])
// CHECK-NEXT: [[H2:%.*]] = tensor.insert_slice [[N]] into [[H1]][0, 0] [2, 16]
// CHECK-NEXT: [[S:%.*]] = tensor.extract_slice [[H2]][2, 2] [2, 8]
// CHECK-NEXT: [[V:%.*]] = tensor.collapse_shape [[S]]
// CHECK-NEXT: [[C:%.*]] = cosma.op "C"([[V]])
// CHECK-NEXT: [[T:%.*]] = tensor.extract_slice [[H2]][1, 0] [2, 16]
// CHECK-NEXT: [[D:%.*]] = cosma.op "D"([[C]], [[T]])
// CHECK-NEXT: return [[D]], [[H2]]
// PLANNED: cosma.store
func.func @f(%x: tensor<16xi8>) -> (tensor<16xi8>, tensor<4x16xi8>) {
  %e = tensor.empty() : tensor<4x16xi8>
  %0 = cosma.op "Wide"(%x) : (tensor<16xi8>) -> tensor<128xi8>
  %1 = cosma.op "B"(%x) : (tensor<16xi8>) -> tensor<2x16xi8>
  %2 = cosma.op "Narrow"(%0) : (tensor<128xi8>) -> tensor<2x16xi8>
  %h1 = tensor.insert_slice %2 into %e[0, 0] [2, 16] [1, 1] : tensor<2x16xi8> into tensor<4x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[2, 0] [2, 16] [1, 1] : tensor<2x16xi8> into tensor<4x16xi8>
  %s = tensor.extract_slice %h2[2, 2] [2, 8] [1, 1] : tensor<4x16xi8> to tensor<2x8xi8>
  %v = tensor.collapse_shape %s [[0, 1]] : tensor<2x8xi8> into tensor<16xi8>
  %t = tensor.extract_slice %h2[1, 0] [2, 16] [1, 1] : tensor<4x16xi8> to tensor<2x16xi8>
  %3 = cosma.op "C"(%v) : (tensor<16xi8>) -> tensor<16xi8>
  %4 = cosma.op "D"(%3, %t) : (tensor<16xi8>, tensor<2x16xi8>) -> tensor<16xi8>
  return %4, %h2 : tensor<16xi8>, tensor<4x16xi8>
}
