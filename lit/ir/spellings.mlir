// What tools write that do not know the dialect means the same as the typed attributes: `cosma-opt` makes
// it typed as it reads, stock `mlir-opt` keeps it, and both plan the same. Without the dialect, the typed
// attributes parse as well as the others.

// RUN: cosma-opt %s | FileCheck %s
// RUN: cosma-opt %s | mlir-opt %cosma_plugin --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC
// RUN: cosma-opt %s | mlir-opt %cosma_plugin --mlir-print-op-generic | mlir-opt --allow-unregistered-dialect | cosma-opt | FileCheck %s
// RUN: mlir-opt %s --allow-unregistered-dialect | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s | FileCheck %s --check-prefix=KEPT
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-print-problem))' %s -o /dev/null 2> %t.typed
// RUN: mlir-opt %cosma_plugin --pass-pipeline='builtin.module(func.func(cosma-print-problem))' %s -o /dev/null 2> %t.kept
// RUN: diff %t.typed %t.kept

// CHECK: module attributes {cosma.machine = #cosma.machine<scratchpad = 1024, alignment = 64, weights = streamed, element_bytes = 1, weight_computation = folded>}
// KEPT: module attributes {cosma.machine = {alignment = 64 : i64, element_bytes = 1 : i64, scratchpad = 1024 : i64, weight_computation = "folded", weights = "streamed"}}
module attributes {
  cosma.machine = {
    scratchpad = 1024, alignment = 64, weights = "streamed", element_bytes = 1, weight_computation = "folded"
  }
} {
  // CHECK: func.func @f(%{{.*}}: tensor<8xi8>
  func.func @f(%x: tensor<8xi8>, %y: tensor<8xi8>) -> tensor<16xi8> {
    // CHECK: cosma.op "Relu"(%{{.*}}) in_place {{\[}}[0, 0]] :
    // GENERIC: "cosma.op"(%{{.*}}) <{in_place = [#cosma.alias<result 0, operand 0>], kind = "Relu"}>
    // KEPT: cosma.op "Relu"(%{{.*}}) in_place {{\[}}[0, 0]] :
    %0 = "cosma.op"(%x) {kind = "Relu", in_place = [[0, 0]]} : (tensor<8xi8>) -> tensor<8xi8>
    // CHECK: tosa.abs %{{.*}} {cosma.in_place = [#cosma.alias<result 0, operand 0>]}
    // KEPT: tosa.abs %{{.*}} {cosma.in_place = {{\[}}[0, 0]]}
    %1 = tosa.abs %y {cosma.in_place = [[0, 0]]} : (tensor<8xi8>) -> tensor<8xi8>
    // CHECK: cosma.op "Concat"(%{{.*}}, %{{.*}}) in_place {{\[}}[0, 0], [0, 1, 8]] :
    // GENERIC: <{in_place = [#cosma.alias<result 0, operand 0>, #cosma.alias<result 0, operand 1, at 8>], kind = "Concat"}>
    %2 = "cosma.op"(%0, %1) {kind = "Concat", in_place = [[0, 0], [0, 1, 8]]}
      : (tensor<8xi8>, tensor<8xi8>) -> tensor<16xi8>
    return %2 : tensor<16xi8>
  }
}
