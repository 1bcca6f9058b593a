// Attributes of the dialect in the wrong place, or unknown, have errors at their lines.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

func.func @unknown(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op has an unknown attribute 'cosma.colour'}}
  %0 = tosa.abs %x {cosma.colour = "red"} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// A fact has one spelling on `cosma.op` and another elsewhere.
func.func @spelling_of_others(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'cosma.macs' is for operations of other dialects}}
  %0 = cosma.op "Relu"(%x) {cosma.macs = 8 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// An offset is no attribute that may be dropped.
func.func @offsets_of_others(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.offsets' may be dropped by other passes: put the operation into a cosma.group, which says 'at' which offsets its results lie}}
  %0 = tosa.abs %x {cosma.offsets = array<i64: 0>} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.plan' must be a #cosma.plan}}
func.func private @plan() attributes {cosma.plan = "good"}

// -----

func.func @weight_of_operator(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'cosma.weight' belongs on an argument of a function}}
  %0 = cosma.op "Relu"(%x) {cosma.weight} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.weight' of argument 1 has no value}}
func.func private @weight_with_value(tensor<8xi8>, tensor<8xi8> {cosma.weight = false})

// -----

// expected-error @+1 {{'func.func' op has an unknown attribute 'cosma.colour' on argument 0}}
func.func private @unknown_of_argument(tensor<8xi8> {cosma.colour = "red"})

// -----

// expected-error @+1 {{has no steps: 4 to 3}}
func.func private @residencies_of_argument(tensor<8xi8> {cosma.residencies = [#cosma.residency<4 to 3 at 0>]})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.residencies' of argument 0 must be a list of #cosma.residency}}
func.func private @no_residencies_of_argument(tensor<8xi8> {cosma.residencies = #cosma.residency<0 to 1 at 0>})

// -----

// expected-error @+1 {{has a negative number: -1}}
func.func private @negative_plan() attributes {cosma.plan = #cosma.plan<operators = 0, status = feasible, total = -1, compulsory = 0, non_compulsory = 0, lower_bound = 0, peak = 0, min_scratchpad = 0, solver = "greedy">}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.weight' does not belong on a result}}
func.func private @weight_of_result() -> (tensor<8xi8> {cosma.weight})

// -----

func.func @transfer_of_another_kind(%x: memref<8xi8>, %y: memref<8xi8>) {
  // expected-error @+1 {{'memref.copy' op attribute 'cosma.transfer' must be "load", "reload", "spill", "store" or "copy"}}
  memref.copy %x, %y {cosma.transfer = "stroll"} : memref<8xi8> to memref<8xi8>
  return
}

// -----

func.func @streamed_with_value(%x: memref<8xi8>, %y: memref<8xi8>) {
  // expected-error @+1 {{'memref.copy' op attribute 'cosma.streamed' has no value}}
  memref.copy %x, %y {cosma.streamed = 8 : i64, cosma.transfer = "load"} : memref<8xi8> to memref<8xi8>
  return
}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.tiling' must have 64-bit integers 'all_tilings' and 'without_recomputation', neither negative nor the first one larger, or be "unknown"}}
func.func private @tiling_of_nothing() attributes {cosma.tiling = {all_tilings = -1 : i64, without_recomputation = 0 : i64}}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.tiling' must have 64-bit integers 'all_tilings' and 'without_recomputation', neither negative nor the first one larger, or be "unknown"}}
func.func private @tiling_of_one() attributes {cosma.tiling = {all_tilings = 1 : i64}}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.tiling' must have 64-bit integers 'all_tilings' and 'without_recomputation', neither negative nor the first one larger, or be "unknown"}}
func.func private @tiling_in_no_order() attributes {cosma.tiling = {all_tilings = 1 : i64, without_recomputation = 0 : i64}}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.tiling' must have 64-bit integers 'all_tilings' and 'without_recomputation', neither negative nor the first one larger, or be "unknown"}}
func.func private @tiling_of_a_number() attributes {cosma.tiling = 0 : i64}

// -----

func.func @tiling_of_an_operation(%x: tensor<8xi8>) {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.tiling' belongs on a function}}
  %0 = tosa.abs %x {cosma.tiling = "unknown"} : (tensor<8xi8>) -> tensor<8xi8>
  return
}

// -----

func.func @tile_of_no_iterations(%x: tensor<8xi8>) {
  // expected-error @+1 {{has a loop from 0 of 0 iterations}}
  %0 = cosma.op "Conv"(%x) tile <"Conv_0", [0] [0]> : (tensor<8xi8>) -> tensor<8xi8>
  return
}

// -----

func.func @tile_of_uneven_lists(%x: tensor<8xi8>) {
  // expected-error @+1 {{has 2 offsets and 1 sizes}}
  %0 = cosma.op "Conv"(%x) tile <"Conv_0", [0, 0] [1]> : (tensor<8xi8>) -> tensor<8xi8>
  return
}

// -----

// expected-error @+1 {{attribute 'cosma.keep' of argument 0 has no value}}
func.func private @keep_of_something(tensor<8xi8> {cosma.keep = "auto", cosma.weight})
