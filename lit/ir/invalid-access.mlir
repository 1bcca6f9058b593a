// What an operator says wrongly of how it accesses its operands has an error at its line.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

func.func @counts(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': describes 1 operands, but there are 2}}
  %0 = cosma.op "A"(%x, %x) access <[8], (d0) -> (d0)> : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @results(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': expected maps of 1 results, found 2}}
  %0 = cosma.op "A"(%x) access <[8], (d0) -> (d0), (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @rank(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': operand 0 has 1 dimensions, but its map has 2 expressions}}
  %0 = cosma.op "A"(%x) access <[8], (d0, d0) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @rank_of_result(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': result 0 has 1 dimensions, but its map has 0 expressions}}
  %0 = cosma.op "A"(%x) access <[8], (d0) -> ()> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @divisor(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': divides an index by 0}}
  %0 = cosma.op "A"(%x) access <[8], (d0 floordiv 0) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @negative_divisor(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': divides an index by -2}}
  %0 = cosma.op "A"(%x) access <[8], (d0 floordiv -2) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @remainder(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': has an index that is not a sum of loops divided by a number}}
  %0 = cosma.op "A"(%x) access <[8], (d0 mod 2) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @two_divisions(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': has an index that is not a sum of loops divided by a number}}
  %0 = cosma.op "A"(%x) access <[8, 8], (d0 floordiv 2 + d1 floordiv 3) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @product(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': has an index that is not a sum of loops divided by a number}}
  %0 = cosma.op "A"(%x) access <[8], ((d0 floordiv 2) * 2) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @overflow(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': the map of operand 0 overflows 64 bits}}
  %0 = cosma.op "A"(%x) access <[8], (d0 * 9223372036854775807) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @no_projection(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': the map of result 0 is not a projection: each expression is a dimension plus a constant, or a constant}}
  %0 = cosma.op "A"(%x) access <[8], (d0) -> (d0 * 2)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @twice(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<2x2xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': the map of result 0 names dimension 0 twice}}
  %0 = cosma.op "A"(%y) access <[2], (d0, d0) -> (d0, d0)> : (tensor<2x2xi8>) -> tensor<2x2xi8>
  return %0 : tensor<2x2xi8>
}

// -----

func.func @reduced(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': result 0 is written with dimension 0, which is reduced}}
  %0 = cosma.op "A"(%x) access <[sum 8], (d0) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @shared(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': iterations of dimension 1 are parallel, but write the same elements of result 0}}
  %0 = cosma.op "A"(%x) access <[8, 4], (d1) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @not_covered(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': dimension 0 of result 0 has 8 indices, but the map writes 0..4}}
  %0 = cosma.op "A"(%x) access <[4], (d0) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @never_read(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': the map of operand 0 reads none of its elements}}
  %0 = cosma.op "A"(%x) access <[8], (d0 + 8) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @never_read_but_one(%x: tensor<8xi8>, %y: tensor<2x2xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': the map of operand 1 reads none of its elements}}
  %0 = cosma.op "A"(%x, %x) access <[8], whole, (d0 + 8) -> (d0)> : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @no_such_loop(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{use of undeclared identifier}}
  %0 = cosma.op "A"(%x) access <[8], (d1) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @empty_loop(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{access has loop d1 of 0 iterations: it needs at least 1}}
  %0 = cosma.op "A"(%x) access <[8, sum 0], (d0) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @scalar(%x: i32) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': operand 0 is i32, not a ranked, static tensor}}
  %0 = cosma.op "A"(%x) access <[8], () -> (d0)> : (i32) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @other_attribute(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access' failed to satisfy constraint: which elements of its operands an operator reads for which elements of its results}}
  %0 = "cosma.op"(%x) {kind = "A", access = 8} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @nothing_to_split(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': sums are described, but no reduction may be split}}
  %0 = cosma.op "A"(%x) access <[8, reduced 8], (d1) -> (d0), sums = i32> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @sum_of_what_is_written(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'access': result 0 is written with dimension 0, which is reduced}}
  %0 = cosma.op "A"(%x) access <[sum 8], (d0) -> (d0), sums = i32> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @narrow_sums(%x: tensor<8xi8>) -> tensor<i8> {
  // expected-error @+1 {{access has sums of 'i12': they are signless integers of whole bytes, f32 or f64}}
  %0 = cosma.op "A"(%x) access <[sum 8], (d0) -> (), sums = i12> : (tensor<8xi8>) -> tensor<i8>
  return %0 : tensor<i8>
}

// -----

func.func @half_sums(%x: tensor<8xi8>) -> tensor<i8> {
  // expected-error @+1 {{access has sums of 'f16': they are signless integers of whole bytes, f32 or f64}}
  %0 = cosma.op "A"(%x) access <[sum 8], (d0) -> (), sums = f16> : (tensor<8xi8>) -> tensor<i8>
  return %0 : tensor<i8>
}

// -----

func.func @sums_in_between(%x: tensor<8xi8>) -> tensor<i8> {
  // expected-error @+1 {{expected '>'}}
  %0 = cosma.op "A"(%x) access <[sum 8], (d0) -> (), sums = i32, ()> : (tensor<8xi8>) -> (tensor<i8>, tensor<i8>)
  return %0 : tensor<i8>
}
