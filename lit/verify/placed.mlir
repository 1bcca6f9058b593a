// The judge follows tensors in all memories, where nothing moves. Each of the programs in Inputs has one thing wrong.
//
// RUN: cosma-opt --verify %s -o /dev/null
// RUN: cosma-opt --verify --print-plan %s -o /dev/null 2>&1 | FileCheck %s
// RUN: mlir-opt %cosma_plugin --pass-pipeline='builtin.module(func.func(cosma-verify))' --verify-diagnostics --split-input-file %S/Inputs/placed-wrong.mlir

// CHECK: # @id
// CHECK: # @f
// CHECK-NEXT: start arg0@psram:32
// CHECK-NEXT: start arg1@rom:0
// CHECK-NEXT: run A_0: arg0@psram:32 arg1@rom:0 -> A_0@32
// CHECK-NEXT: run B_1: A_0@32 -> B_1@psram:0

#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  // Without operators, nothing has a place.
  func.func @id(%x: tensor<32xi8>) -> tensor<32xi8> {
    return %x : tensor<32xi8>
  }
  func.func @f(%x: tensor<32xi8>, %w: tensor<32xi8> {cosma.weight}) -> (tensor<32xi8>, tensor<32xi8>) {
    %0 = cosma.place %x at 32 in "psram" : tensor<32xi8>
    %1 = cosma.place %w at 0 in "rom" : tensor<32xi8>
    %2 = cosma.op "A"(%0, %1) at [32] : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
    %3 = cosma.op "B"(%2) at [0] in ["psram"] : (tensor<32xi8>) -> tensor<32xi8>
    return %3, %0 : tensor<32xi8>, tensor<32xi8>
  }
}
