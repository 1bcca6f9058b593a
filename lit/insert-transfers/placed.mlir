// Where nothing moves, no transfers are inserted, but places: of arguments, of constants, and of results. Views are made
// again of what was placed. Wrong residencies are refused, with what is wrong in notes.
//
// RUN: cosma-opt --cosma-insert-transfers --split-input-file %s 2>&1 | FileCheck %s
// RUN: mlir-opt %cosma_plugin --pass-pipeline='builtin.module(func.func(cosma-insert-transfers))' --verify-diagnostics --split-input-file %S/Inputs/placed-wrong.mlir
//
// MLIR's own passes change nothing of it:
// RUN: cosma-opt --cosma-insert-transfers --split-input-file %s -o %t.mlir
// RUN: mlir-opt %cosma_plugin --cse --canonicalize --remove-dead-values --split-input-file %t.mlir | FileCheck %s

#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  // CHECK-LABEL: func.func @f
  // CHECK-NOT: residencies
  func.func @f(%x: tensor<4x8xi8> {cosma.residencies = [#cosma.residency<0 to 2 at 64>]}) -> (tensor<32xi8>, tensor<4x8xi8>) {
    // CHECK: %[[C:.*]] = arith.constant
    %c = arith.constant {cosma.residencies = [[#cosma.residency<0 to 2 at 0 in "flash">]]} dense<[1, 2, 3, 4, 5, 6, 7, 8]> : tensor<8xi8>
    // CHECK-DAG: %[[CP:.*]] = cosma.place %[[C]] at 0 in "flash" : tensor<8xi8>
    // CHECK-DAG: %[[X:.*]] = cosma.place %{{.*}} at 64 : tensor<4x8xi8>
    // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[X]]
    %flat = tensor.collapse_shape %x [[0, 1]] : tensor<4x8xi8> into tensor<32xi8>
    // CHECK: %[[A:.*]] = cosma.op "A"(%[[FLAT]], %[[CP]]) at [32] in ["psram"]
    %0 = cosma.op "A"(%flat, %c) residencies [[0 to 2 at 32 in "psram"]] : (tensor<32xi8>, tensor<8xi8>) -> tensor<32xi8>
    // What lies in the place of an operand, in whichever memory, says so.
    // CHECK: %[[B:.*]] = cosma.group "tosa.abs"(%[[A]]) at [32] in ["psram"] in_place {{\[\[}}0, 0]]
    %1 = tosa.abs %0 {cosma.residencies = [[#cosma.residency<1 to 2 at 32 in "psram">]]} : (tensor<32xi8>) -> tensor<32xi8>
    // CHECK: return %[[B]], %[[X]]
    return %1, %x : tensor<32xi8>, tensor<4x8xi8>
  }
}
