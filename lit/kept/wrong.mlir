// What cannot be kept from run to run has an error at its place.
//
// RUN: not cosma-opt --split-input-file --allocate --scratchpad=256 %s 2>&1 | FileCheck %s
// RUN: not cosma-opt --allocate --scratchpad=256 --keep=all %s 2>&1 | FileCheck --check-prefix=WORD %s

// WORD: weights are kept by 'auto' or 'none', not 'all'

// CHECK: wrong.mlir:[[@LINE+1]]:{{[0-9]+}}: error: argument 0 has cosma.keep, but no cosma.weight
func.func @no_weight(%x: tensor<64xi8> {cosma.keep}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// CHECK: error: weights that are always kept take 192 B of 256 B, and an operator needs 192 B beside them: 128 B too many
func.func @too_large(%x: tensor<64xi8>, %w: tensor<192xi8> {cosma.keep, cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%0) : (tensor<64xi8>) -> tensor<64xi8>
  %2 = cosma.op "C"(%w) : (tensor<192xi8>) -> tensor<64xi8>
  %3 = cosma.op "D"(%1, %2) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %3 : tensor<64xi8>
}

// -----

// CHECK: error: arg1 must stay in the scratchpad (cosma.keep), but weights = streamed bypass it
func.func @streamed(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.keep, cosma.weight}) -> tensor<64xi8>
    attributes {cosma.machine = {weights = "streamed"}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// CHECK: error: weights = auto cannot keep weights from run to run
func.func @either_way(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8>
    attributes {cosma.machine = {weights = "auto", keep = "auto"}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
