// Places for good print as they read: pretty, generic, and as bytecode.

// RUN: cosma-opt %s | FileCheck %s
// RUN: cosma-opt %s | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC
// RUN: mlir-opt %cosma_plugin %s --mlir-print-op-generic | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --emit-bytecode | cosma-opt | FileCheck %s

// CHECK: #cosma.machine<scratchpad = "sram"
// CHECK-SAME: moves = none>
module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  // CHECK-LABEL: @planned
  // GENERIC-LABEL: sym_name = "planned"
  func.func @planned(%x: tensor<8xi8>, %w: tensor<16xi8> {cosma.weight}) -> tensor<8xi8> {
    // CHECK: %[[X:.*]] = cosma.place %{{.*}} at 64 : tensor<8xi8>
    // GENERIC: "cosma.place"(%{{.*}}) <{offset = 64 : i64}> : (tensor<8xi8>) -> tensor<8xi8>
    %0 = cosma.place %x at 64 : tensor<8xi8>
    // CHECK: %[[W:.*]] = cosma.place %{{.*}} at 0 in "flash" : tensor<16xi8>
    // GENERIC: "cosma.place"(%{{.*}}) <{memory = "flash", offset = 0 : i64}>
    %1 = cosma.place %w at 0 in "flash" : tensor<16xi8>
    // CHECK: cosma.op "Mul"(%[[X]], %[[W]]) at [16] in ["psram"] : (tensor<8xi8>, tensor<16xi8>) -> tensor<8xi8>
    // GENERIC: memories = ["psram"], offsets = array<i64: 16>
    %2 = cosma.op "Mul"(%0, %1) at [16] in ["psram"] : (tensor<8xi8>, tensor<16xi8>) -> tensor<8xi8>
    // CHECK: cosma.op "Split"(%{{.*}}) at [0, 0] in ["sram", "psram"]
    %3:2 = cosma.op "Split"(%2) at [0, 0] in ["sram", "psram"] : (tensor<8xi8>) -> (tensor<4xi8>, tensor<4xi8>)
    return %2 : tensor<8xi8>
  }

  // CHECK-LABEL: @allocated(
  // CHECK-SAME: cosma.residencies = [#cosma.residency<0 to 2 at 0>]
  // CHECK-SAME: cosma.residencies = [#cosma.residency<0 to 2 at 32 in "psram">]
  func.func @allocated(%x: tensor<8xi8> {cosma.residencies = [array<i64: 0, 0, 2>]},
      %w: tensor<16xi8> {cosma.weight, cosma.residencies = [#cosma.residency<0 to 2 at 32 in "psram">]}) -> tensor<8xi8> {
    // CHECK: cosma.op "Mul"(%{{.*}}, %{{.*}}) residencies {{\[\[}}0 to 2 at 64]]
    %0 = cosma.op "Mul"(%x, %w) residencies [[0 to 2 at 64]] : (tensor<8xi8>, tensor<16xi8>) -> tensor<8xi8>
    // CHECK: cosma.op "Add"(%{{.*}}, %{{.*}}) residencies {{\[\[}}1 to 2 at 16 in "psram"]]
    %1 = cosma.op "Add"(%0, %x) residencies [[1 to 2 at 16 in "psram"]] : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
    return %1 : tensor<8xi8>
  }
}

// A lowered function says what lies in which arena.
// CHECK: cosma.on_chip = {arguments = {{\[\[}}0, 0, "psram"]], results = {{\[\[}}0, 64]]}
func.func @lowered(%arena: memref<256xi8>) attributes {cosma.on_chip = {arguments = [[0, 0, "psram"]], results = [[0, 64]]}} {
  return
}
