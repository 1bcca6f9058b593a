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

// CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: there is nothing to plan: this function computes on memrefs and has no tensor
func.func @memrefs(%x: memref<64xf32>, %y: memref<64xf32>) {
  linalg.exp ins(%x : memref<64xf32>) outs(%y : memref<64xf32>)
  return
}

// -----

// CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: there is nothing to plan: this function computes on vectors and has no tensor
func.func @vectors(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = arith.addf %x, %x : vector<4xf32>
  return %0 : vector<4xf32>
}

// -----

func.func @region(%x: tensor<8xf32>, %n: index, %c: i1) -> tensor<8xf32> {
  %r = scf.if %c -> tensor<8xf32> {
    // CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: result 0 cannot be planned: tensor<?xf32> has a dynamic dimension
    %0 = tensor.extract_slice %x[0] [%n] [1] : tensor<8xf32> to tensor<?xf32>
    %1 = tensor.insert_slice %0 into %x[0] [%n] [1] : tensor<?xf32> into tensor<8xf32>
    scf.yield %1 : tensor<8xf32>
  } else {
    scf.yield %x : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// -----

ml_program.global private mutable @state(dense<0.0> : tensor<8xf32>) : tensor<8xf32>
func.func @in_region(%x: tensor<8xf32>, %c: i1) {
  scf.if %c {
    // CHECK: unsupported.mlir:[[@LINE+1]]:{{[0-9]+}}: error: reads or writes a variable in a region, which cannot be planned
    ml_program.global_store @state = %x : tensor<8xf32>
  }
  return
}

// -----

// What has truly nothing to do is right as it is, of whatever types.
// CHECK-NOT: error
// CHECK: # @nothing
// CHECK: # @scalars
func.func @nothing(%x: memref<64xf32>, %y: tensor<64xf32>) -> (memref<64xf32>, tensor<64xf32>) {
  return %x, %y : memref<64xf32>, tensor<64xf32>
}
func.func @scalars(%i: index) -> index {
  %0 = arith.addi %i, %i : index
  return %0 : index
}
