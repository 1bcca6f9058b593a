// What cannot be cut stays whole, and says why if it does not fit.
//
// RUN: not cosma-opt --tile --scratchpad=1KiB --split-input-file %s 2>&1 | FileCheck %s
// RUN: not cosma-opt --tile --scratchpad=128 --split-input-file %s 2>&1 | FileCheck --check-prefix=SMALL %s

// It is known of no operation with which TOSA turns a tensor around.
// SMALL: whole.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 256 B at once in its smallest tile, but the scratchpad has 128 B
// SMALL: note: it stays whole: COSMA does not know how tosa.reverse may be split
func.func @other(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  %0 = tosa.reverse %x {axis = 1 : i32} : (tensor<2x64xi8>) -> tensor<2x64xi8>
  return %0 : tensor<2x64xi8>
}

// -----

// 128 B become 512 B.
// SMALL: whole.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 640 B at once in its smallest tile, but the scratchpad has 128 B
// SMALL: note: it stays whole, because the function returns a view of its result
func.func @view(%x: tensor<2x64xi8>) -> tensor<128xi32> {
  %0 = tosa.cast %x : (tensor<2x64xi8>) -> tensor<2x64xi32>
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<2x64xi32> into tensor<128xi32>
  return %1 : tensor<128xi32>
}

// -----

// CHECK: warning: cosma-tile does not split this function: it has operators that have side effects or compute scalars
// SMALL: whole.mlir:[[@LINE+4]]:{{[0-9]+}}: error: operator needs 256 B at once
// SMALL: whole.mlir:[[@LINE+1]]:{{[0-9]+}}: note: cosma-tile cannot split this function: it has operators that have side effects
func.func @effects(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  cosma.op "Seed"() : () -> ()
  %0 = cosma.op "Relu"(%x) : (tensor<2x64xi8>) -> tensor<2x64xi8>
  return %0 : tensor<2x64xi8>
}

// -----

// CHECK: warning: cosma-tile does not split this function: it already works on pieces of tensors
func.func @pieces(%x: tensor<2x64xi8>) -> tensor<1x64xi8> {
  %x0 = tensor.extract_slice %x[0, 0] [1, 64] [1, 1] : tensor<2x64xi8> to tensor<1x64xi8>
  %0 = cosma.op "Relu"(%x0) : (tensor<1x64xi8>) -> tensor<1x64xi8>
  return %0 : tensor<1x64xi8>
}

// -----

// SMALL: whole.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 256 B at once in its smallest tile, but the scratchpad has 128 B
// SMALL: note: it stays whole, because nothing declares how Mystery reads its operands
func.func @unknown(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  %0 = cosma.op "Mystery"(%x) : (tensor<2x64xi8>) -> tensor<2x64xi8>
  return %0 : tensor<2x64xi8>
}

// -----

// Rows of 25.5 B: a piece of them would begin within a byte.
// SMALL: whole.mlir:[[@LINE+2]]:{{[0-9]+}}: error: operator needs 512 B at once in its smallest tile, but the scratchpad has 128 B
func.func @half_bytes(%x: tensor<10x51xi4>) -> tensor<10x51xi4> {
  %0 = cosma.op "Relu"(%x) : (tensor<10x51xi4>) -> tensor<10x51xi4>
  return %0 : tensor<10x51xi4>
}

// -----

// Two halves of random numbers are others than the whole.
// SMALL: whole.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 256 B at once in its smallest tile, but the scratchpad has 128 B
// SMALL: note: it stays whole, because nothing declares how RandomNormalLike reads its operands
func.func @random(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  %0 = cosma.op "RandomNormalLike"(%x) : (tensor<2x64xi8>) -> tensor<2x64xi8>
  return %0 : tensor<2x64xi8>
}

// -----

// A single number is not cut, and a maximum is not added up.
// SMALL: whole.mlir:[[@LINE+2]]:{{[0-9]+}}: error: operator needs 192 B at once in its smallest tile, but the scratchpad has 128 B
func.func @one_number(%x: tensor<2x64xi8>) -> tensor<i8> {
  %0 = cosma.op "ReduceMax"(%x) : (tensor<2x64xi8>) -> tensor<i8>
  return %0 : tensor<i8>
}

// -----

// SMALL: whole.mlir:[[@LINE+1]]:{{[0-9]+}}: error: argument 0 cannot be planned: tensor<?x64xi8> has a dynamic dimension
func.func @dynamic(%x: tensor<?x64xi8>) -> tensor<?x64xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<?x64xi8>) -> tensor<?x64xi8>
  return %0 : tensor<?x64xi8>
}
