// Every operation prints as it reads: pretty, generic, and as bytecode.

// RUN: cosma-opt %s | FileCheck %s
// RUN: cosma-opt %s | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC
// RUN: mlir-opt %cosma_plugin %s --mlir-print-op-generic | cosma-opt | FileCheck %s
// RUN: mlir-opt %cosma_plugin %s --emit-bytecode | cosma-opt | FileCheck %s

// CHECK-LABEL: @operators
// GENERIC-LABEL: sym_name = "operators"
func.func @operators(%x: tensor<8xi8>, %s: i32) -> tensor<4xi8> {
  // CHECK: cosma.op "Relu"(%{{.*}}) : (tensor<8xi8>) -> tensor<8xi8>
  // GENERIC: "cosma.op"(%{{.*}}) <{kind = "Relu"}> : (tensor<8xi8>) -> tensor<8xi8>
  %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  // Any number of operands and results, of any type.
  // CHECK: cosma.op "Seed"() : () -> ()
  // GENERIC: "cosma.op"() <{kind = "Seed"}> : () -> ()
  cosma.op "Seed"() : () -> ()
  // CHECK: %{{.*}}:2 = cosma.op "Split"(%{{.*}}, %{{.*}}) : (tensor<8xi8>, i32) -> (tensor<4xi8>, f32)
  // GENERIC: "cosma.op"(%{{.*}}, %{{.*}}) <{kind = "Split"}> : (tensor<8xi8>, i32) -> (tensor<4xi8>, f32)
  %1:2 = cosma.op "Split"(%0, %s) : (tensor<8xi8>, i32) -> (tensor<4xi8>, f32)
  return %1#0 : tensor<4xi8>
}

// What the source says of an operator, what planning adds, and what others add.
// CHECK-LABEL: @facts
// GENERIC-LABEL: sym_name = "facts"
func.func @facts(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CHECK: cosma.op "Conv"(%{{.*}}) macs 4608 workspace 16 {groups = 2 : i32} : (tensor<8xi8>) -> tensor<8xi8>
  // GENERIC: <{kind = "Conv", macs = 4608 : i64, workspace = 16 : i64}> {groups = 2 : i32}
  %0 = cosma.op "Conv"(%x) macs 4608 workspace 16 {groups = 2 : i32} : (tensor<8xi8>) -> tensor<8xi8>
  // CHECK: cosma.op "Conv"(%{{.*}}) at [64] macs 4608 workspace 16 workspace_at 128 : (tensor<8xi8>) -> tensor<8xi8>
  // GENERIC: <{kind = "Conv", macs = 4608 : i64, offsets = array<i64: 64>, workspace = 16 : i64, workspace_offset = 128 : i64}>
  %1 = cosma.op "Conv"(%0) at [64] macs 4608 workspace 16 workspace_at 128 : (tensor<8xi8>) -> tensor<8xi8>
  // It leaves after step 2 and comes back, to another offset, in step 5.
  // CHECK: cosma.op "Relu"(%{{.*}}) residencies {{\[}}[2 to 3 at 64, 5 to 6 at 0]{{\]}}
  // GENERIC: residencies = {{\[}}[#cosma.residency<2 to 3 at 64>, #cosma.residency<5 to 6 at 0>]{{\]}}
  %2 = cosma.op "Relu"(%1) residencies [[2 to 3 at 64, 5 to 6 at 0]]
    : (tensor<8xi8>) -> tensor<8xi8>
  // It may lie where its operand lies.
  // CHECK: cosma.op "Relu"(%{{.*}}) in_place {{\[\[}}0, 0]] : (tensor<8xi8>) -> tensor<8xi8>
  // GENERIC: <{in_place = [#cosma.alias<result 0, operand 0>], kind = "Relu"}>
  %3 = cosma.op "Relu"(%2) in_place [[0, 0]] : (tensor<8xi8>) -> tensor<8xi8>
  // One half is where the result has its first half, and the other one where it has its second.
  // CHECK: cosma.op "Concat"(%{{.*}}, %{{.*}}) in_place {{\[\[}}0, 0], [0, 1, 8]] :
  // GENERIC: <{in_place = [#cosma.alias<result 0, operand 0>, #cosma.alias<result 0, operand 1, at 8>], kind = "Concat"}>
  %4 = cosma.op "Concat"(%3, %2) in_place [[0, 0], [0, 1, 8]] : (tensor<8xi8>, tensor<8xi8>) -> tensor<16xi8>
  // CHECK: cosma.op "Slice"(%{{.*}}) in_place {{\[\[}}0, 0, 4]] :
  %5 = cosma.op "Slice"(%4) in_place [[0, 0, 4]] : (tensor<16xi8>) -> tensor<8xi8>
  // In full, too.
  // CHECK: cosma.op "Relu"(%{{.*}}) in_place {{\[\[}}0, 0]] residencies {{\[\[}}7 to 9 at 0, 9 to 10 at 64]] :
  %6 = cosma.op "Relu"(%5) in_place [#cosma.alias<result 0, operand 0>]
    residencies [[#cosma.residency<7 to 9 at 0>, array<i64: 64, 9, 10>]] : (tensor<8xi8>) -> tensor<8xi8>
  return %6 : tensor<8xi8>
}

// The form of source files, which needs no parser of COSMA's own.
// CHECK-LABEL: @generic
func.func @generic(%x: tensor<8xi8>, %w: tensor<8xi8> {cosma.weight}) -> tensor<8xi8> {
  // CHECK: cosma.op "Mul"(%{{.*}}, %{{.*}}) macs 8 workspace 16 : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  %0 = "cosma.op"(%x, %w) {kind = "Mul", macs = 8 : i64, workspace = 16 : i64}
    : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// CHECK-LABEL: @transfers
// GENERIC-LABEL: sym_name = "transfers"
func.func @transfers(%x: tensor<8xi8>, %w: tensor<8xi8> {cosma.weight}) -> tensor<8xi8> {
  // CHECK: cosma.load %{{.*}} at 64 : tensor<8xi8>
  // GENERIC: "cosma.load"(%{{.*}}) <{offset = 64 : i64}> : (tensor<8xi8>) -> tensor<8xi8>
  %0 = cosma.load %x at 64 : tensor<8xi8>
  // CHECK: cosma.load %{{.*}} streamed : tensor<8xi8>
  // GENERIC: "cosma.load"(%{{.*}}) : (tensor<8xi8>) -> tensor<8xi8>
  %1 = cosma.load %w streamed : tensor<8xi8>
  // CHECK: cosma.op "Mul"
  %2 = cosma.op "Mul"(%0, %1) at [0] : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  // CHECK: cosma.spill %{{.*}} : tensor<8xi8>
  // GENERIC: "cosma.spill"(%{{.*}}) : (tensor<8xi8>) -> tensor<8xi8>
  %3 = cosma.spill %2 : tensor<8xi8>
  // CHECK: cosma.reload %{{.*}} at 128 : tensor<8xi8>
  // GENERIC: "cosma.reload"(%{{.*}}) <{offset = 128 : i64}> : (tensor<8xi8>) -> tensor<8xi8>
  %4 = cosma.reload %3 at 128 : tensor<8xi8>
  // CHECK: cosma.reload %{{.*}} streamed : tensor<8xi8>
  // GENERIC: "cosma.reload"(%{{.*}}) : (tensor<8xi8>) -> tensor<8xi8>
  %5 = cosma.reload %w streamed : tensor<8xi8>
  // CHECK: cosma.op "Mul"
  %6 = cosma.op "Mul"(%4, %5) at [0] : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  // CHECK: cosma.store %{{.*}} : tensor<8xi8>
  // GENERIC: "cosma.store"(%{{.*}}) : (tensor<8xi8>) -> tensor<8xi8>
  %7 = cosma.store %6 : tensor<8xi8>
  return %7 : tensor<8xi8>
}

// What was cut into tiles.
// CHECK: @tiles({{.*}}) -> tensor<4x8xi8> attributes {cosma.plan = #cosma.plan<operators = 1, {{.*}}solver = "search", proof = "all tilings">, cosma.tiling = {all_tilings = 60 : i64, without_recomputation = 64 : i64}}
func.func @tiles(%x: tensor<4x8xi8>) -> tensor<4x8xi8>
    attributes {cosma.tiling = {all_tilings = 60 : i64, without_recomputation = 64 : i64},
                cosma.plan = #cosma.plan<operators = 1, status = optimal, total = 64, compulsory = 64, non_compulsory = 0, lower_bound = 0, peak = 64, min_scratchpad = 64, solver = "search", proof = "all tilings">} {
  // CHECK: cosma.op "Conv"(%{{.*}}) tile <"Conv_0", [0, 2] [8, 2]> macs 64 : (tensor<4x8xi8>) -> tensor<2x8xi8>
  // GENERIC: tile = #cosma.tile<"Conv_0", [0, 2] [8, 2]>
  %0 = cosma.op "Conv"(%x) tile <"Conv_0", [0, 2] [8, 2]> macs 64 : (tensor<4x8xi8>) -> tensor<2x8xi8>
  return %x : tensor<4x8xi8>
}

// CHECK: @looked_at() attributes {cosma.tiling = "unknown"}
func.func @looked_at() attributes {cosma.tiling = "unknown"} {
  return
}

// Of a part of a tensor.
// CHECK-LABEL: @regions
// GENERIC-LABEL: sym_name = "regions"
func.func @regions(%x: tensor<8x4xi8>, %w: tensor<8x4xi8> {cosma.weight}) -> tensor<8x4xi8> {
  %e = tensor.empty() : tensor<8x4xi8>
  // CHECK: [[A:%.*]] = cosma.load %arg0[0, 1] [5, 3] at 64 : tensor<8x4xi8> -> tensor<5x3xi8>
  // GENERIC: "cosma.load"(%{{.*}}) <{offset = 64 : i64, static_offsets = array<i64: 0, 1>, static_sizes = array<i64: 5, 3>}> : (tensor<8x4xi8>) -> tensor<5x3xi8>
  %0 = cosma.load %x[0, 1] [5, 3] at 64 : tensor<8x4xi8> -> tensor<5x3xi8>
  // CHECK: cosma.load %arg1[5, 0] [3, 4] streamed : tensor<8x4xi8> -> tensor<3x4xi8>
  %1 = cosma.load %w[5, 0] [3, 4] streamed : tensor<8x4xi8> -> tensor<3x4xi8>
  %2 = cosma.op "A"(%0, %1) at [0] : (tensor<5x3xi8>, tensor<3x4xi8>) -> tensor<5x4xi8>
  // CHECK: [[H1:%.*]] = cosma.store %{{.*}} into %{{.*}}[0, 0] [5, 4] : tensor<5x4xi8> into tensor<8x4xi8>
  // GENERIC: "cosma.store"(%{{.*}}, %{{.*}}) <{static_offsets = array<i64: 0, 0>, static_sizes = array<i64: 5, 4>}> : (tensor<5x4xi8>, tensor<8x4xi8>) -> tensor<8x4xi8>
  %h1 = cosma.store %2 into %e[0, 0] [5, 4] : tensor<5x4xi8> into tensor<8x4xi8>
  // CHECK: cosma.reload [[H1]][0, 0] [5, 4] at 0 : tensor<8x4xi8> -> tensor<5x4xi8>
  %3 = cosma.reload %h1[0, 0] [5, 4] at 0 : tensor<8x4xi8> -> tensor<5x4xi8>
  %4 = cosma.op "B"(%3) at [64] : (tensor<5x4xi8>) -> tensor<3x4xi8>
  // CHECK: cosma.spill %{{.*}} into [[H1]][5, 0] [3, 4] : tensor<3x4xi8> into tensor<8x4xi8>
  %h2 = cosma.spill %4 into %h1[5, 0] [3, 4] : tensor<3x4xi8> into tensor<8x4xi8>
  // All of a tensor without dimensions, and what has one type in spite of its region.
  %s = tensor.empty() : tensor<i8>
  // CHECK: cosma.load %{{.*}}[] [] at 0 : tensor<i8>
  %5 = cosma.load %s[] [] at 0 : tensor<i8>
  // CHECK: cosma.load %{{.*}}[0, 0] [8, 4] at 0 : tensor<8x4xi8>
  %6 = cosma.load %x[0, 0] [8, 4] at 0 : tensor<8x4xi8> -> tensor<8x4xi8>
  return %h2 : tensor<8x4xi8>
}

// Attributes of the dialect on what is not its own.
// CHECK: @attributes(%{{.*}}: tensor<8xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}, %{{.*}}: tensor<8xi8> {cosma.weight})
// CHECK-SAME: attributes {cosma.machine = #cosma.machine<scratchpad = 1024, alignment = 64, weights = streamed, element_bytes = 1, weight_computation = run>,
// CHECK-SAME: cosma.plan = #cosma.plan<operators = 2, status = optimal, total = 24, compulsory = 16, non_compulsory = 8, lower_bound = 8, fragmentation = 8, peak = 16, min_scratchpad = 16, min_scratchpad_is = lower_bound, solver = "search">}
func.func @attributes(%x: tensor<8xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]},
                      %w: tensor<8xi8> {cosma.weight}) -> tensor<8xi8>
    attributes {
      cosma.machine = #cosma.machine<
        weight_computation = run, element_bytes = 1, weights = streamed, alignment = 64, scratchpad = 1024>,
      cosma.plan = #cosma.plan<
        operators = 2, status = optimal, total = 24, compulsory = 16, non_compulsory = 8, lower_bound = 8,
        fragmentation = 8, peak = 16, min_scratchpad = 16, min_scratchpad_is = lower_bound, solver = "search">
    } {
  // CHECK: tosa.abs %{{.*}} {cosma.macs = 8 : i64, cosma.workspace = 4 : i64, cosma.workspace_offset = 128 : i64}
  %0 = tosa.abs %x {cosma.macs = 8 : i64, cosma.workspace = 4 : i64, cosma.workspace_offset = 128 : i64}
    : (tensor<8xi8>) -> tensor<8xi8>
  // CHECK: tosa.abs %{{.*}} {cosma.residencies = {{\[}}[#cosma.residency<1 to 2 at 0>]{{\]}}}
  %1 = tosa.abs %0 {cosma.residencies = [[#cosma.residency<1 to 2 at 0>]]} : (tensor<8xi8>) -> tensor<8xi8>
  // CHECK: tosa.abs %{{.*}} {cosma.in_place = [#cosma.alias<result 0, operand 0>]}
  %2 = tosa.abs %1 {cosma.in_place = [#cosma.alias<result 0, operand 0>]} : (tensor<8xi8>) -> tensor<8xi8>
  return %2 : tensor<8xi8>
}

// Weights that stay from run to run, or for which it is decided use by use.
// CHECK: @kept(%{{.*}}: tensor<8xi8> {cosma.keep, cosma.weight})
// CHECK-SAME: cosma.machine = #cosma.machine<scratchpad = 1024, weights = auto, keep = auto>
// CHECK-SAME: prologue = 8
func.func @kept(%w: tensor<8xi8> {cosma.keep, cosma.weight}) -> tensor<8xi8>
    attributes {
      cosma.machine = #cosma.machine<keep = auto, scratchpad = 1024, weights = auto>,
      cosma.plan = #cosma.plan<
        operators = 1, status = optimal, total = 8, compulsory = 8, non_compulsory = 0, lower_bound = 0,
        prologue = 8, peak = 16, min_scratchpad = 16, solver = "ilp">
    } {
  // CHECK: cosma.load %{{.*}} at 64 kept : tensor<8xi8>
  %0 = cosma.load %w at 64 kept : tensor<8xi8>
  // CHECK: cosma.load %{{.*}}[0] [4] at 0 kept : tensor<8xi8> -> tensor<4xi8>
  %1 = cosma.load %w[0] [4] at 0 kept : tensor<8xi8> -> tensor<4xi8>
  %2 = cosma.store %0 : tensor<8xi8>
  return %2 : tensor<8xi8>
}

// A machine of which nothing is said, and one that says its plan shortly.
// CHECK: @nothing_said() attributes {cosma.machine = #cosma.machine<>,
// CHECK-SAME: cosma.plan = #cosma.plan<operators = 0, status = feasible, total = 0, compulsory = 0, non_compulsory = 0, lower_bound = 0, peak = 0, min_scratchpad = 0, solver = "greedy">}
func.func private @nothing_said() attributes {
  cosma.machine = #cosma.machine<>,
  cosma.plan = #cosma.plan<
    operators = 0, status = feasible, total = 0, compulsory = 0, non_compulsory = 0, lower_bound = 0,
    peak = 0, min_scratchpad = 0, min_scratchpad_is = exact, solver = "greedy">
}

// Places: of arguments, results and operators, and of what a lowered function does not take and return.
// CHECK: @places(%arg0: tensor<8xi8> {cosma.at = 0 : i64, cosma.offset = 0 : i64, cosma.on_chip})
// CHECK-SAME: -> (tensor<4xi8> {cosma.at = 8 : i64, cosma.offset = 8 : i64, cosma.on_chip}, tensor<4xi8>)
// CHECK-NEXT: cosma.op "Split"(%arg0) {cosma.at = array<i64: 8, -1>}
func.func @places(%x: tensor<8xi8> {cosma.at = 0 : i64, cosma.on_chip, cosma.offset = 0 : i64})
    -> (tensor<4xi8> {cosma.at = 8 : i64, cosma.on_chip, cosma.offset = 8 : i64}, tensor<4xi8>) {
  %0:2 = cosma.op "Split"(%x) {cosma.at = array<i64: 8, -1>} : (tensor<8xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  return %0#0, %0#1 : tensor<4xi8>, tensor<4xi8>
}

// CHECK: @handed_over() attributes {cosma.on_chip = {arguments = {{\[\[}}0, 4096]], results = []}}
func.func private @handed_over() attributes {cosma.on_chip = {arguments = [[0, 4096]], results = []}}
