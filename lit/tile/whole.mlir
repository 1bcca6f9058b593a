// What cannot be cut stays whole, and says why if it does not fit.
//
// RUN: cosma-opt --tile --scratchpad=1KiB --split-input-file %s 2>&1 | FileCheck %s
// RUN: not cosma-opt --tile --scratchpad=128 --split-input-file %s 2>&1 | FileCheck --check-prefix=SMALL %s

// CHECK: whole.mlir:[[@LINE+1]]:{{[0-9]+}}: warning: cosma-tile leaves this function as it is: it has tosa.abs, and only cosma.op can be cut
func.func @other(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  %0 = tosa.abs %x : (tensor<2x64xi8>) -> tensor<2x64xi8>
  return %0 : tensor<2x64xi8>
}

// -----

// CHECK: warning: cosma-tile leaves this function as it is: it has operators with effects, or that compute scalars
// SMALL: whole.mlir:[[@LINE+4]]:{{[0-9]+}}: error: operator needs 256 B at once
// SMALL: whole.mlir:[[@LINE+1]]:{{[0-9]+}}: note: cosma-tile cannot cut this function: it has operators with effects
func.func @effects(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  cosma.op "Seed"() : () -> ()
  %0 = cosma.op "Relu"(%x) : (tensor<2x64xi8>) -> tensor<2x64xi8>
  return %0 : tensor<2x64xi8>
}

// -----

// CHECK: warning: cosma-tile leaves this function as it is: it works on pieces of tensors already
func.func @pieces(%x: tensor<2x64xi8>) -> tensor<1x64xi8> {
  %x0 = tensor.extract_slice %x[0, 0] [1, 64] [1, 1] : tensor<2x64xi8> to tensor<1x64xi8>
  %0 = cosma.op "Relu"(%x0) : (tensor<1x64xi8>) -> tensor<1x64xi8>
  return %0 : tensor<1x64xi8>
}

// -----

// SMALL: whole.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 256 B at once in its smallest tile, but the scratchpad has 128 B
// SMALL: note: it stays whole, as nothing says how Mystery reads its operands
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
