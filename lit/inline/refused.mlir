// Calls that cannot be planned, each at its place.
//
// RUN: not cosma-opt --allocate --scratchpad=1KiB --split-input-file %s 2>&1 | FileCheck %s

func.func private @outside(tensor<8xi8>) -> tensor<8xi8>
func.func @declaration(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: refused.mlir:[[@LINE+1]]:{{[0-9]+}}: error: calls a function with tensors, which can only be planned together with it
  %0 = call @outside(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @recursion(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: refused.mlir:[[@LINE+1]]:{{[0-9]+}}: error: calls @recursion, which is recursive: recursion on tensors cannot be planned
  %0 = call @recursion(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func private @a(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = call @b(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
func.func private @b(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: refused.mlir:[[@LINE+1]]:{{[0-9]+}}: error: calls @a, which is recursive
  %0 = call @a(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func private @blocks(%x: tensor<8xi8>) -> tensor<8xi8> {
  cf.br ^end
^end:
  return %x : tensor<8xi8>
}
func.func @calls_blocks(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: refused.mlir:[[@LINE+1]]:{{[0-9]+}}: error: calls @blocks, which cannot be planned together with its caller: it has several blocks
  %0 = call @blocks(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @indirect(%x: tensor<8xi8>, %f: (tensor<8xi8>) -> tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: refused.mlir:[[@LINE+1]]:{{[0-9]+}}: error: calls a function with tensors
  %0 = func.call_indirect %f(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
