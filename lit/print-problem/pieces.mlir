// Arguments that are read in pieces are as many tensors, and what no piece has is none.
//
// RUN: cosma-opt --print-problem --scratchpad=1KiB --split-input-file %s -o /dev/null 2>&1 | FileCheck %s

// In the order of their regions, under the argument's name; equal pieces are one. A piece of a piece looks at it.
// CHECK: # @pieces
// CHECK: argument arg0.0 16
// CHECK: argument arg0.1 8
// CHECK: weight arg1.0 8
// CHECK: weight arg1.1 8
// CHECK: op A_0: arg0.1 arg1.1 -> A_0 8
// CHECK: op B_1: arg0.0 arg1.0 -> B_1 8
// CHECK: op C_2: arg0.0 A_0 B_1 -> C_2 8
// CHECK: return C_2
func.func @pieces(%x: tensor<8x4xi8>, %w: tensor<4x4xi8> {cosma.weight}) -> tensor<8xi8> {
  %x1 = tensor.extract_slice %x[6, 0] [2, 4] [1, 1] : tensor<8x4xi8> to tensor<2x4xi8>
  %x0 = tensor.extract_slice %x[0, 0] [4, 4] [1, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %x0b = tensor.extract_slice %x[0, 0] [4, 4] [1, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %x00 = tensor.extract_slice %x0b[1, 0] [1, 4] [1, 1] : tensor<4x4xi8> to tensor<1x4xi8>
  %w0 = tensor.extract_slice %w[0, 0] [4, 2] [1, 1] : tensor<4x4xi8> to tensor<4x2xi8>
  %w1 = tensor.extract_slice %w[0, 2] [4, 2] [1, 1] : tensor<4x4xi8> to tensor<4x2xi8>
  %0 = cosma.op "A"(%x1, %w1) : (tensor<2x4xi8>, tensor<4x2xi8>) -> tensor<8xi8>
  %1 = cosma.op "B"(%x0, %w0) : (tensor<4x4xi8>, tensor<4x2xi8>) -> tensor<8xi8>
  %2 = cosma.op "C"(%x00, %0, %1) : (tensor<1x4xi8>, tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}

// -----

// One tensor: pieces that share elements; that have strides; no rows; another rank; all elements; what is also
// read whole; what is also returned.
// CHECK: # @whole
// CHECK: argument arg0 32
// CHECK: argument arg1 32
// CHECK: argument arg2 32
// CHECK: argument arg3 32
// CHECK: argument arg4 32
// CHECK: argument arg5 32
// CHECK: argument arg6 32
func.func @whole(%a: tensor<8x4xi8>, %b: tensor<8x4xi8>, %c: tensor<8x4xi8>, %d: tensor<8x4xi8>, %e: tensor<8x4xi8>,
                 %f: tensor<8x4xi8>, %g: tensor<8x4xi8>) -> (tensor<8xi8>, tensor<8x4xi8>) {
  %a0 = tensor.extract_slice %a[0, 0] [5, 4] [1, 1] : tensor<8x4xi8> to tensor<5x4xi8>
  %a1 = tensor.extract_slice %a[4, 0] [4, 4] [1, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %b0 = tensor.extract_slice %b[0, 0] [4, 4] [2, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %c0 = tensor.extract_slice %c[0, 0] [0, 4] [1, 1] : tensor<8x4xi8> to tensor<0x4xi8>
  %c1 = tensor.extract_slice %c[0, 0] [4, 4] [1, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %d0 = tensor.extract_slice %d[0, 0] [1, 4] [1, 1] : tensor<8x4xi8> to tensor<4xi8>
  %e0 = tensor.extract_slice %e[0, 0] [8, 4] [1, 1] : tensor<8x4xi8> to tensor<8x4xi8>
  %f0 = tensor.extract_slice %f[0, 0] [4, 4] [1, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %g0 = tensor.extract_slice %g[0, 0] [4, 4] [1, 1] : tensor<8x4xi8> to tensor<4x4xi8>
  %0 = cosma.op "A"(%a0, %a1, %b0, %c0, %c1, %d0, %e0, %f, %f0, %g0) :
    (tensor<5x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>, tensor<0x4xi8>, tensor<4x4xi8>, tensor<4xi8>, tensor<8x4xi8>,
     tensor<8x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>) -> tensor<8xi8>
  return %0, %g : tensor<8xi8>, tensor<8x4xi8>
}

// -----

// Of elements of half a byte, a piece has whole bytes in each row, or is none.
// CHECK: # @half_bytes
// CHECK: argument arg0.0 8
// CHECK: argument arg0.1 8
// CHECK: argument arg1 16
func.func @half_bytes(%x: tensor<8x4xi4>, %y: tensor<8x4xi4>) -> tensor<8xi8> {
  %x0 = tensor.extract_slice %x[0, 0] [8, 2] [1, 1] : tensor<8x4xi4> to tensor<8x2xi4>
  %x1 = tensor.extract_slice %x[0, 2] [8, 2] [1, 1] : tensor<8x4xi4> to tensor<8x2xi4>
  %y0 = tensor.extract_slice %y[0, 0] [8, 1] [1, 1] : tensor<8x4xi4> to tensor<8x1xi4>
  %y1 = tensor.extract_slice %y[0, 1] [8, 3] [1, 1] : tensor<8x4xi4> to tensor<8x3xi4>
  %0 = cosma.op "A"(%x0, %x1, %y0, %y1) :
    (tensor<8x2xi4>, tensor<8x2xi4>, tensor<8x1xi4>, tensor<8x3xi4>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// A result that is put together from pieces is as many results.
// CHECK: # @result
// CHECK: op A_0: arg0 -> A_0 20
// CHECK: op B_1: arg0 A_0 -> B_1 12
// CHECK-NOT: op
// CHECK: return A_0 B_1
func.func @result(%x: tensor<8xi8>) -> tensor<8x4xi8> {
  %e = tensor.empty() : tensor<8x4xi8>
  %0 = cosma.op "A"(%x) : (tensor<8xi8>) -> tensor<5x4xi8>
  %r0 = tensor.insert_slice %0 into %e[3, 0] [5, 4] [1, 1] : tensor<5x4xi8> into tensor<8x4xi8>
  %1 = cosma.op "B"(%x, %0) : (tensor<8xi8>, tensor<5x4xi8>) -> tensor<3x4xi8>
  %r1 = tensor.insert_slice %1 into %r0[0, 0] [3, 4] [1, 1] : tensor<3x4xi8> into tensor<8x4xi8>
  return %r1 : tensor<8x4xi8>
}

// -----

// Operators, as anywhere else: rows are missing.
// CHECK: # @missing
// CHECK: op tensor.insert_slice_1
// CHECK: return tensor.insert_slice_1
func.func @missing(%x: tensor<8xi8>) -> tensor<8x4xi8> {
  %e = tensor.empty() : tensor<8x4xi8>
  %0 = cosma.op "A"(%x) : (tensor<8xi8>) -> tensor<5x4xi8>
  %r0 = tensor.insert_slice %0 into %e[0, 0] [5, 4] [1, 1] : tensor<5x4xi8> into tensor<8x4xi8>
  return %r0 : tensor<8x4xi8>
}

// -----

// Rows are written twice, which covers up that others are missing.
// CHECK: # @over
// CHECK: op tensor.insert_slice_1
// CHECK: op tensor.insert_slice_3
func.func @over(%x: tensor<8xi8>) -> tensor<8x4xi8> {
  %e = tensor.empty() : tensor<8x4xi8>
  %0 = cosma.op "A"(%x) : (tensor<8xi8>) -> tensor<5x4xi8>
  %r0 = tensor.insert_slice %0 into %e[0, 0] [5, 4] [1, 1] : tensor<5x4xi8> into tensor<8x4xi8>
  %1 = cosma.op "B"(%x) : (tensor<8xi8>) -> tensor<3x4xi8>
  %r1 = tensor.insert_slice %1 into %r0[4, 0] [3, 4] [1, 1] : tensor<3x4xi8> into tensor<8x4xi8>
  return %r1 : tensor<8x4xi8>
}

// -----

// A piece is an argument, is in it twice, is returned besides, or looks at something else.
// CHECK: # @no_operator
// CHECK-COUNT-6: op tensor.insert_slice_
// CHECK: return tensor.insert_slice_{{[0-9]+}} tensor.insert_slice_{{[0-9]+}} tensor.insert_slice_{{[0-9]+}} D_
func.func @no_operator(%x: tensor<4xi8>) -> (tensor<8xi8>, tensor<8xi8>, tensor<8xi8>, tensor<4xi8>) {
  %e = tensor.empty() : tensor<8xi8>
  %0 = cosma.op "A"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %r0 = tensor.insert_slice %0 into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %r1 = tensor.insert_slice %x into %r0[4] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %1 = cosma.op "B"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %s0 = tensor.insert_slice %1 into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %s1 = tensor.insert_slice %1 into %s0[4] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %3 = cosma.op "D"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %4 = cosma.op "E"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  %t0 = tensor.insert_slice %3 into %e[0] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %t1 = tensor.insert_slice %4 into %t0[4] [4] [1] : tensor<4xi8> into tensor<8xi8>
  %seen = tensor.expand_shape %3 [[0, 1]] output_shape [2, 2] : tensor<4xi8> into tensor<2x2xi8>
  %again = tensor.collapse_shape %seen [[0, 1]] : tensor<2x2xi8> into tensor<4xi8>
  return %r1, %s1, %t1, %again : tensor<8xi8>, tensor<8xi8>, tensor<8xi8>, tensor<4xi8>
}
