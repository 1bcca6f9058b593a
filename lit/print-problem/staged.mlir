// What is put together from pieces and read in slices is no tensor: slices are staged tensors, and pieces their parts.
//
// RUN: cosma-opt --print-problem --scratchpad=1KiB --split-input-file %s -o /dev/null 2>&1 | FileCheck %s

// Equal slices are one tensor, also where a view looks at one; slices may overlap. One that is a piece is that.
// CHECK: # @staged
// CHECK: op A_0: arg0 -> A_0 192
// CHECK-NEXT: op B_1: arg0 -> B_1 64
// CHECK-NEXT: staged staged0 96 from A_0 B_1
// CHECK-NEXT: op C_2: staged0 -> C_2 96
// CHECK-NEXT: staged staged1 128 from A_0
// CHECK-NEXT: op D_3: C_2 staged1 B_1 -> D_3 96
// CHECK-NEXT: return D_3
func.func @staged(%x: tensor<16x16xi8>) -> tensor<6x16xi8> {
  %e = tensor.empty() : tensor<16x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<16x16xi8>) -> tensor<12x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [12, 16] [1, 1] : tensor<12x16xi8> into tensor<16x16xi8>
  %1 = cosma.op "B"(%x) : (tensor<16x16xi8>) -> tensor<4x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[12, 0] [4, 16] [1, 1] : tensor<4x16xi8> into tensor<16x16xi8>
  %s = tensor.extract_slice %h2[10, 0] [6, 16] [1, 1] : tensor<16x16xi8> to tensor<6x16xi8>
  %2 = cosma.op "C"(%s) : (tensor<6x16xi8>) -> tensor<6x16xi8>
  %t = tensor.extract_slice %h2[3, 0] [8, 16] [1, 1] : tensor<16x16xi8> to tensor<8x16xi8>
  %t2 = tensor.extract_slice %h2[3, 0] [8, 16] [1, 1] : tensor<16x16xi8> to tensor<8x16xi8>
  %v = tensor.collapse_shape %t2 [[0, 1]] : tensor<8x16xi8> into tensor<128xi8>
  %w = tensor.extract_slice %h2[12, 0] [4, 16] [1, 1] : tensor<16x16xi8> to tensor<4x16xi8>
  %3 = cosma.op "D"(%2, %t, %v, %w) : (tensor<6x16xi8>, tensor<8x16xi8>, tensor<128xi8>, tensor<4x16xi8>) -> tensor<6x16xi8>
  return %3 : tensor<6x16xi8>
}

// -----

// It need not be whole where a slice is taken, nor ever.
// CHECK: # @not_whole
// CHECK: op A_0: arg0 -> A_0 48
// CHECK-NEXT: staged staged0 20 from A_0
// CHECK-NEXT: op B_1: arg0 staged0 -> B_1 16
// CHECK-NEXT: staged staged1 4 from A_0 B_1
// CHECK-NEXT: op C_2: staged1 -> C_2 8
func.func @not_whole(%x: tensor<8xi8>) -> tensor<8xi8> {
  %e = tensor.empty() : tensor<8x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<8xi8>) -> tensor<3x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [3, 16] [1, 1] : tensor<3x16xi8> into tensor<8x16xi8>
  %s = tensor.extract_slice %h1[1, 3] [2, 10] [1, 1] : tensor<8x16xi8> to tensor<2x10xi8>
  %1 = cosma.op "B"(%x, %s) : (tensor<8xi8>, tensor<2x10xi8>) -> tensor<2x8xi8>
  %h2 = tensor.insert_slice %1 into %h1[3, 4] [2, 8] [1, 1] : tensor<2x8xi8> into tensor<8x16xi8>
  %t = tensor.extract_slice %h2[2, 6] [2, 2] [1, 1] : tensor<8x16xi8> to tensor<2x2xi8>
  %2 = cosma.op "C"(%t) : (tensor<2x2xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}

// -----

// A result of the function may be read so as well: its pieces are stored, and that is all.
// CHECK: # @result
// CHECK: staged staged0 32 from A_0 B_1
// CHECK: return A_0 B_1 C_2
func.func @result(%x: tensor<16x16xi8>) -> (tensor<16x16xi8>, tensor<8xi8>) {
  %e = tensor.empty() : tensor<16x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<16x16xi8>) -> tensor<12x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [12, 16] [1, 1] : tensor<12x16xi8> into tensor<16x16xi8>
  %1 = cosma.op "B"(%x) : (tensor<16x16xi8>) -> tensor<4x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[12, 0] [4, 16] [1, 1] : tensor<4x16xi8> into tensor<16x16xi8>
  %s = tensor.extract_slice %h2[11, 0] [2, 16] [1, 1] : tensor<16x16xi8> to tensor<2x16xi8>
  %2 = cosma.op "C"(%s) : (tensor<2x16xi8>) -> tensor<8xi8>
  return %h2, %2 : tensor<16x16xi8>, tensor<8xi8>
}

// -----

// A tensor as any other: read as a whole as well.
// CHECK: # @whole
// CHECK-NOT: staged
// CHECK: op tensor.insert_slice_{{.*}}: {{.*}} -> {{.*}} 256
// CHECK-NOT: staged
// CHECK: return
func.func @whole(%x: tensor<16x16xi8>) -> tensor<8xi8> {
  %e = tensor.empty() : tensor<16x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<16x16xi8>) -> tensor<12x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [12, 16] [1, 1] : tensor<12x16xi8> into tensor<16x16xi8>
  %1 = cosma.op "B"(%x) : (tensor<16x16xi8>) -> tensor<4x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[12, 0] [4, 16] [1, 1] : tensor<4x16xi8> into tensor<16x16xi8>
  %s = tensor.extract_slice %h2[11, 0] [2, 16] [1, 1] : tensor<16x16xi8> to tensor<2x16xi8>
  %2 = cosma.op "C"(%s, %h2) : (tensor<2x16xi8>, tensor<16x16xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}

// -----

// A slice that has a row which is not written, or not yet.
// CHECK: # @not_written
// CHECK-NOT: staged
// CHECK: return
func.func @not_written(%x: tensor<16x16xi8>) -> tensor<8xi8> {
  %e = tensor.empty() : tensor<16x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<16x16xi8>) -> tensor<12x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [12, 16] [1, 1] : tensor<12x16xi8> into tensor<16x16xi8>
  %s = tensor.extract_slice %h1[11, 0] [2, 16] [1, 1] : tensor<16x16xi8> to tensor<2x16xi8>
  %1 = cosma.op "B"(%x, %s) : (tensor<16x16xi8>, tensor<2x16xi8>) -> tensor<4x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[12, 0] [4, 16] [1, 1] : tensor<4x16xi8> into tensor<16x16xi8>
  %t = tensor.extract_slice %h2[11, 0] [2, 16] [1, 1] : tensor<16x16xi8> to tensor<2x16xi8>
  %2 = cosma.op "C"(%t) : (tensor<2x16xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}

// -----

// Pieces that share a row.
// CHECK: # @over
// CHECK-NOT: staged
// CHECK: return
func.func @over(%x: tensor<16x16xi8>) -> tensor<8xi8> {
  %e = tensor.empty() : tensor<16x16xi8>
  %0 = cosma.op "A"(%x) : (tensor<16x16xi8>) -> tensor<12x16xi8>
  %h1 = tensor.insert_slice %0 into %e[0, 0] [12, 16] [1, 1] : tensor<12x16xi8> into tensor<16x16xi8>
  %1 = cosma.op "B"(%x) : (tensor<16x16xi8>) -> tensor<5x16xi8>
  %h2 = tensor.insert_slice %1 into %h1[11, 0] [5, 16] [1, 1] : tensor<5x16xi8> into tensor<16x16xi8>
  %s = tensor.extract_slice %h2[2, 0] [2, 16] [1, 1] : tensor<16x16xi8> to tensor<2x16xi8>
  %2 = cosma.op "C"(%s) : (tensor<2x16xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}

// -----

// Two tensors that begin alike; a piece that is an argument; strides; a slice that is returned.
// CHECK: # @no_chain
// CHECK-NOT: staged
// CHECK: return
func.func @no_chain(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<3xi8>) {
  %e = tensor.empty() : tensor<8xi8>
  %0 = cosma.op "A"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %1 = cosma.op "A"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %2 = cosma.op "A"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %a0 = tensor.insert_slice %0 into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %a1 = tensor.insert_slice %1 into %a0[4] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %b1 = tensor.insert_slice %2 into %a0[4] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %a = tensor.extract_slice %a1[2] [4] [1] : tensor<8xi8> to tensor<4xi8>
  %b = tensor.extract_slice %b1[2] [4] [1] : tensor<8xi8> to tensor<4xi8>
  %c0 = tensor.insert_slice %x into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %c = tensor.extract_slice %c0[2] [2] [1] : tensor<8xi8> to tensor<2xi8>
  %3 = cosma.op "A"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %d0 = tensor.insert_slice %3 into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %d = tensor.extract_slice %d0[0] [2] [2] : tensor<8xi8> to tensor<2xi8>
  %4 = cosma.op "A"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %f0 = tensor.insert_slice %4 into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %f = tensor.extract_slice %f0[0] [3] [1] : tensor<8xi8> to tensor<3xi8>
  %5 = cosma.op "B"(%a, %b, %c, %d) : (tensor<4xi8>, tensor<4xi8>, tensor<2xi8>, tensor<2xi8>) -> tensor<4xi8>
  return %5, %f : tensor<4xi8>, tensor<3xi8>
}
