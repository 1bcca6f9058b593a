// `cosma-opt` says file, line and column of what MLIR and COSMA refuse, and prints no module.

// RUN: split-file %s %t
// RUN: not cosma-opt %t/verifier.mlir 2>&1 | FileCheck %t/verifier.mlir
// RUN: not cosma-opt %t/parser.mlir 2>&1 | FileCheck %t/parser.mlir
// RUN: not cosma-opt < %t/parser.mlir 2>&1 | FileCheck %t/parser.mlir --check-prefix=STDIN

//--- verifier.mlir
// CHECK-NOT: func.func
func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: verifier.mlir:[[@LINE+1]]:8: error: 'cosma.op' op attribute 'kind' failed to satisfy constraint: string attribute that is not empty
  %0 = cosma.op ""(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
// CHECK-NOT: func.func

//--- parser.mlir
func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: parser.mlir:[[@LINE+2]]:24: error: use of undeclared SSA value name
  // STDIN: <stdin>:[[@LINE+1]]:24: error: use of undeclared SSA value name
  %0 = cosma.op "Relu"(%y) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
