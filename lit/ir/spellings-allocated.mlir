// What `spellings.mlir` shows of source form, of residencies.

// RUN: cosma-opt %s | FileCheck %s
// RUN: cosma-opt %s | mlir-opt %cosma_plugin --mlir-print-op-generic | mlir-opt --allow-unregistered-dialect | cosma-opt | FileCheck %s
// RUN: mlir-opt %s --allow-unregistered-dialect | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s | FileCheck %s --check-prefix=KEPT

// CHECK: func.func @g(%{{.*}}: tensor<8xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 64>]})
// KEPT: func.func @g(%{{.*}}: tensor<8xi8> {cosma.residencies = [array<i64: 64, 0, 1>]})
func.func @g(%x: tensor<8xi8> {cosma.residencies = [array<i64: 64, 0, 1>]}) -> tensor<8xi8> {
  // CHECK: cosma.op "Relu"(%{{.*}}) residencies {{\[}}[0 to 2 at 0, 3 to 4 at 64]]
  // KEPT: cosma.op "Relu"(%{{.*}}) residencies {{\[}}[0 to 2 at 0, 3 to 4 at 64]]
  %0 = "cosma.op"(%x) {kind = "Relu", residencies = [[array<i64: 0, 0, 2>, array<i64: 64, 3, 4>]]}
    : (tensor<8xi8>) -> tensor<8xi8>
  // CHECK: cosma.op "Relu"(%{{.*}}) residencies {{\[}}[1 to 2 at 128]]
  %1 = "cosma.op"(%0) {kind = "Relu", residencies = [[array<i64: 128, 1, 2>]]} : (tensor<8xi8>) -> tensor<8xi8>
  // CHECK: tosa.abs %{{.*}} {cosma.residencies = {{\[}}[#cosma.residency<2 to 3 at 192>]]}
  %2 = tosa.abs %1 {cosma.residencies = [[array<i64: 192, 2, 3>]]} : (tensor<8xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}
