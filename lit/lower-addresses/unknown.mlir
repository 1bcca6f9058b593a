// What is neither abstract nor of linalg has no form on memrefs here.
//
// RUN: not cosma-opt --allocate --lower-addresses --scratchpad=1KiB %s 2>&1 | FileCheck %s

func.func @f(%x: tensor<64xf32>) -> tensor<64xf32> {
  // CHECK: unknown.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-lower-addresses knows cosma.op and linalg, not tosa.abs: turn it into linalg before it is planned
  %0 = tosa.abs %x : (tensor<64xf32>) -> tensor<64xf32>
  return %0 : tensor<64xf32>
}
