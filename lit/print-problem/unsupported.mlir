// What cannot be planned, each at its place.
//
// RUN: not cosma-opt --print-problem --split-input-file --scratchpad=1KiB %s 2>&1 | FileCheck %s

// CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: argument 1 cannot be planned: tensor<?xi8> has a dynamic dimension
func.func @dynamic(%x: tensor<8xi8>, %y: tensor<?xi8>) { return }

// -----

// CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: argument 0 cannot be planned: tensor<*xi8> is not a ranked tensor
func.func @unranked(%x: tensor<*xi8>) { return }

// -----

func.func @inside(%x: tensor<8xi8>) {
  // CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: result 0 cannot be planned: tensor<?xi8> has a dynamic dimension
  %0 = tensor.cast %x : tensor<8xi8> to tensor<?xi8>
  return
}

// -----

// CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: only a function of one block can be planned, but this one has 2
func.func @blocks(%x: tensor<8xi8>) {
  cf.br ^end
^end:
  return
}
