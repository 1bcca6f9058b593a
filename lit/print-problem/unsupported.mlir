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

// -----

func.func @around(%c: i1, %x: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: only operators that read their tensors as operands can be planned, but a region of this one reads a tensor<8xf32> from around it
  %0 = scf.if %c -> tensor<8xf32> {
    %1 = tosa.abs %x : (tensor<8xf32>) -> tensor<8xf32>
    scf.yield %1 : tensor<8xf32>
  } else {
    scf.yield %x : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}
