// Odd shapes, all of which exceed the scratchpad as wholes, and are cut, planned and judged.
//
// RUN: cosma-opt --tile --allocate --scratchpad=128 --alignment=1 --split-input-file %s -o %t
// RUN: FileCheck %s < %t
// RUN: cosma-opt --verify --split-input-file %t -o /dev/null

// CHECK-LABEL: @one_row
// CHECK: tile <"Relu_0", [0, {{[1-9][0-9]*}}]
func.func @one_row(%x: tensor<1x200xi8>) -> tensor<1x200xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<1x200xi8>) -> tensor<1x200xi8>
  return %0 : tensor<1x200xi8>
}

// -----

// CHECK-LABEL: @one_column
// CHECK: tile <"Relu_0", [{{[1-9][0-9]*}}, 0]
func.func @one_column(%x: tensor<200x1xi8>) -> tensor<200x1xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<200x1xi8>) -> tensor<200x1xi8>
  return %0 : tensor<200x1xi8>
}

// -----

// Fewer rows than tiles.
// CHECK-LABEL: @few_rows
// CHECK-COUNT-3: tile <"Relu_0"
func.func @few_rows(%x: tensor<3x200xi8>) -> tensor<3x200xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<3x200xi8>) -> tensor<3x200xi8>
  return %0 : tensor<3x200xi8>
}

// -----

// CHECK-LABEL: @primes
// CHECK: tile <"Relu_0"
func.func @primes(%x: tensor<101x3xi8>) -> tensor<101x3xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<101x3xi8>) -> tensor<101x3xi8>
  return %0 : tensor<101x3xi8>
}

// -----

// Windows that lie in the padding altogether read nothing.
// CHECK-LABEL: @more_padding_than_input
// CHECK: tile <"Conv_0"
func.func @more_padding_than_input(%x: tensor<8x16xi8>) -> tensor<40x16xi8> {
  %0 = cosma.op "Conv"(%x) access <[40, 16, sum 3], (d0 + d2 - 20, d1) -> (d0, d1)> : (tensor<8x16xi8>) -> tensor<40x16xi8>
  return %0 : tensor<40x16xi8>
}

// -----

// CHECK-LABEL: @window_larger_than_input
// CHECK: tile <"Conv_0"
func.func @window_larger_than_input(%x: tensor<4x32xi8>) -> tensor<4x32xi8> {
  %0 = cosma.op "Conv"(%x) access <[4, 32, sum 9], (d0 + d2 - 4, d1) -> (d0, d1)> : (tensor<4x32xi8>) -> tensor<4x32xi8>
  return %0 : tensor<4x32xi8>
}

// -----

// Rows 0, 3 and so on up to 27 of 29 are needed, each of 16 B.
// CHECK-LABEL: @stride_larger_than_window
// CHECK-SAME: cosma.tiling = {all_tilings = 320 : i64, without_recomputation = 320 : i64}
// CHECK: tile <"Conv_0"
func.func @stride_larger_than_window(%x: tensor<29x16xi8>) -> tensor<10x16xi8> {
  %0 = cosma.op "Conv"(%x) access <[10, 16], (d0 * 3, d1) -> (d0, d1)> : (tensor<29x16xi8>) -> tensor<10x16xi8>
  return %0 : tensor<10x16xi8>
}

// -----

// CHECK-LABEL: @ranks_of_zero_and_one
// CHECK: tile <"Mul_0", [{{[1-9][0-9]*}}]
func.func @ranks_of_zero_and_one(%x: tensor<200xi8>, %y: tensor<i8>) -> tensor<200xi8> {
  %0 = cosma.op "Mul"(%x, %y) : (tensor<200xi8>, tensor<i8>) -> tensor<200xi8>
  return %0 : tensor<200xi8>
}

// -----

// CHECK-LABEL: @rank_of_five
// CHECK: tile <"Relu_0"
func.func @rank_of_five(%x: tensor<2x2x2x2x20xi8>) -> tensor<2x2x2x2x20xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<2x2x2x2x20xi8>) -> tensor<2x2x2x2x20xi8>
  return %0 : tensor<2x2x2x2x20xi8>
}

// -----

// Rows of 26 B, which are not cut into columns.
// CHECK-LABEL: @elements_of_half_a_byte
// CHECK-COUNT-5: tile <"Relu_0", [{{[0-9]+}}, 0] [2, 52]>
// CHECK-NOT: tile
func.func @elements_of_half_a_byte(%x: tensor<10x52xi4>) -> tensor<10x52xi4> {
  %0 = cosma.op "Relu"(%x) : (tensor<10x52xi4>) -> tensor<10x52xi4>
  return %0 : tensor<10x52xi4>
}

// -----

// A tensor of no rows has no pieces.
// CHECK-LABEL: @no_rows
// CHECK-NOT: tile <"Relu_0"
// CHECK: tile <"Relu_1"
func.func @no_rows(%x: tensor<0x64xi8>, %y: tensor<4x64xi8>) -> (tensor<0x64xi8>, tensor<4x64xi8>) {
  %0 = cosma.op "Relu"(%x) : (tensor<0x64xi8>) -> tensor<0x64xi8>
  %1 = cosma.op "Relu"(%y) : (tensor<4x64xi8>) -> tensor<4x64xi8>
  return %0, %1 : tensor<0x64xi8>, tensor<4x64xi8>
}

// -----

// The halves of a tensor are read side by side: two columns of each, all rows at once, would take 132 B.
// CHECK-LABEL: @halves
// CHECK: tile <"Gate_0"
func.func @halves(%x: tensor<22x64xi8>) -> tensor<22x32xi8> {
  %0 = cosma.op "Gate"(%x, %x) access <[22, 32], (d0, d1), (d0, d1 + 32) -> (d0, d1)> : (tensor<22x64xi8>, tensor<22x64xi8>) -> tensor<22x32xi8>
  return %0 : tensor<22x32xi8>
}
