// What is wrong with an operator, be it COSMA's own or not, has an error at its line.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

func.func @no_kind(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op requires attribute 'kind'}}
  %0 = "cosma.op"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @empty_kind(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'kind' failed to satisfy constraint: string attribute that is not empty}}
  %0 = cosma.op ""(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @wrong_type_of_macs(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{attribute 'macs' failed to satisfy constraint: 64-bit signless integer attribute}}
  %0 = "cosma.op"(%x) {kind = "Conv", macs = 8 : i32} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @wrong_type_of_cosma_macs(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.macs' must be a 64-bit integer}}
  %0 = tosa.abs %x {cosma.macs = 8 : i32} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @negative_macs(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'macs' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = cosma.op "Conv"(%x) macs -1 : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @negative_workspace(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.workspace' is negative: -4}}
  %0 = tosa.abs %x {cosma.workspace = -4 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @place_of_no_workspace(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op has a 'workspace_offset', but no workspace}}
  %0 = cosma.op "Conv"(%x) workspace_at 0 : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @place_of_no_cosma_workspace(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op has a 'cosma.workspace_offset', but no workspace}}
  %0 = tosa.abs %x {cosma.workspace_offset = 0 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @negative_place_of_workspace(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'workspace_offset' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = cosma.op "Conv"(%x) workspace 4 workspace_at -64 : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @wrong_type_of_offsets(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'offsets' failed to satisfy constraint: i64 dense array attribute}}
  %0 = "cosma.op"(%x) {kind = "Relu", offsets = [0]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @too_few_offsets(%x: tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>) {
  // expected-error @+1 {{'cosma.op' op needs one offset for each of its 2 results, but has 1}}
  %0:2 = cosma.op "Split"(%x) at [0] : (tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>)
  return %0#0, %0#1 : tensor<8xi8>, tensor<8xi8>
}

// -----

func.func @too_many_offsets(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.group' op needs one offset for each of its 1 results, but has 2}}
  %0 = cosma.group "tosa.abs"(%x) at [0, 64] : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    cosma.yield %a : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

// What has no size has no place.
func.func @place_of_dynamic_tensor(%x: tensor<?xi8>) -> tensor<?xi8> {
  // expected-error @+1 {{'cosma.op' op tensor<?xi8> has a dynamic dimension}}
  %0 = cosma.op "Relu"(%x) at [0] : (tensor<?xi8>) -> tensor<?xi8>
  return %0 : tensor<?xi8>
}

// -----

func.func @negative_offset(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op has result 0 at a negative offset: -64}}
  %0 = cosma.op "Relu"(%x) at [-64] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// Of 64 and 64 bytes, the second begins at byte 63.
func.func @results_overlap(%x: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
  // expected-error @+1 {{'cosma.op' op has result 0 and result 1 at the same bytes}}
  %0:2 = cosma.op "Split"(%x) at [0, 63] : (tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>)
  return %0#0, %0#1 : tensor<64xi8>, tensor<64xi8>
}

// -----

func.func @workspace_overlaps(%x: tensor<64xi8>) -> tensor<64xi8> {
  // expected-error @+1 {{'cosma.op' op has result 0 and the workspace at the same bytes}}
  %0 = cosma.op "A"(%x) at [64] workspace 65 workspace_at 0 : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// Neighbours do not overlap, and what has no bytes is in nobody's way.
func.func @side_by_side(%x: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>, tensor<0xi8>) {
  %0:3 = cosma.op "Split"(%x) at [0, 64, 32] workspace 64 workspace_at 128
    : (tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>, tensor<0xi8>)
  return %0#0, %0#1, %0#2 : tensor<64xi8>, tensor<64xi8>, tensor<0xi8>
}

// -----

func.func @wrong_type_of_residencies(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.residencies' must be an array}}
  %0 = tosa.abs %x {cosma.residencies = #cosma.residency<0 to 1 at 0>} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @too_few_residencies(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op needs a list of residencies for each of its 1 results, but has 0}}
  %0 = cosma.op "Relu"(%x) residencies [] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @residency_of_two_numbers(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{an element of 'residencies' must be array<i64: offset, first step, end step> or #cosma.residency, not array<i64: 0, 1>}}
  %0 = cosma.op "Relu"(%x) residencies [[array<i64: 0, 1>]] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// Steps are half-open, so these are none.
func.func @residency_of_no_steps(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{an element of 'residencies' has no steps: 1 to 1}}
  %0 = cosma.op "Relu"(%x) residencies [[1 to 1 at 0]] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @residency_at_negative_offset(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{has a negative offset: -64}}
  %0 = tosa.abs %x {cosma.residencies = [[#cosma.residency<0 to 1 at -64>]]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @residency_of_dynamic_tensor(%x: tensor<?xi8>) -> tensor<?xi8> {
  // expected-error @+1 {{'cosma.op' op tensor<?xi8> has a dynamic dimension}}
  %0 = cosma.op "Relu"(%x) residencies [[0 to 1 at 0]] : (tensor<?xi8>) -> tensor<?xi8>
  return %0 : tensor<?xi8>
}

// -----

func.func @in_place_of_what(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{an element of 'in_place' must be [result, operand], [result, operand, byte] or #cosma.alias, not 0}}
  %0 = cosma.op "Relu"(%x) in_place [0, 0] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @in_place_of_what_in_generic_form(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'in_place' failed to satisfy constraint: list of #cosma.alias, [result, operand] or [result, operand, byte]}}
  %0 = "cosma.op"(%x) {kind = "Relu", in_place = [[0, 0, 0, 0]]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @in_place_of_what_in_another_dialect(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.in_place' must be a list of #cosma.alias, [result, operand] or [result, operand, byte]}}
  %0 = tosa.abs %x {cosma.in_place = [["x", 0]]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @negative_alias(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{has a negative operand: -1}}
  %0 = tosa.abs %x {cosma.in_place = [#cosma.alias<result 0, operand -1>]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @residencies_in_generic_form(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'residencies' failed to satisfy constraint: list of lists of #cosma.residency, or of arrays of offset, first step and end step}}
  %0 = "cosma.op"(%x) {kind = "Relu", residencies = [[array<i64: 0, 1, 1>]]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @residency_before_the_start(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{an element of 'residencies' has a negative step: -1}}
  %0 = cosma.op "Relu"(%x) residencies [[-1 to 1 at 0]] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @in_place_of_nothing(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'in_place' names operand 1, but there are 1}}
  %0 = cosma.op "Relu"(%x) in_place [[0, 1]] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @nothing_in_place(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.in_place' names result 1, but there are 1}}
  %0 = tosa.abs %x {cosma.in_place = [[1, 0]]} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @in_place_of_a_scalar(%x: tensor<8xi8>, %s: i8) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'in_place' names result 0 and operand 1, not two tensors}}
  %0 = cosma.op "Scale"(%x, %s) in_place [[0, 1]] : (tensor<8xi8>, i8) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @in_place_beyond_the_end(%x: tensor<8xi8>) -> tensor<4xi8> {
  // expected-error @+1 {{'cosma.op' op has result 0 of 4 B over operand 0 of 8 B, the smaller one at byte 5 of the larger one, where it does not end within it}}
  %0 = cosma.op "Slice"(%x) in_place [[0, 0, 5]] : (tensor<8xi8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @in_place_in_part_before_the_start(%x: tensor<8xi8>) -> tensor<4xi8> {
  // expected-error @+1 {{an element of 'in_place' has a negative byte: -1}}
  %0 = cosma.op "Slice"(%x) in_place [[0, 0, -1]] : (tensor<8xi8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @in_place_of_one_size_but_shifted(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op has result 0 of 8 B over operand 0 of 8 B, the smaller one at byte 1 of the larger one, where it does not end within it}}
  %0 = cosma.op "Relu"(%x) in_place [[0, 0, 1]] : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @parts_at_the_same_bytes(%x: tensor<8xi8>, %y: tensor<8xi8>) -> tensor<16xi8> {
  // expected-error @+1 {{'cosma.op' op has operand 0 as a part of result 0, but another pair of 'in_place' conflicts with it}}
  %0 = cosma.op "Concat"(%x, %y) in_place [[0, 0], [0, 1, 7]] : (tensor<8xi8>, tensor<8xi8>) -> tensor<16xi8>
  return %0 : tensor<16xi8>
}

// -----

func.func @a_part_and_a_whole(%x: tensor<8xi8>, %y: tensor<16xi8>) -> tensor<16xi8> {
  // expected-error @+1 {{'cosma.op' op has operand 0 as a part of result 0, but another pair of 'in_place' conflicts with it}}
  %0 = cosma.op "Odd"(%x, %y) in_place [[0, 0], [0, 1]] : (tensor<8xi8>, tensor<16xi8>) -> tensor<16xi8>
  return %0 : tensor<16xi8>
}
