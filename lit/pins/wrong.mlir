// Places that cannot be have an error at their line, with all that is in the way.
//
// RUN: not cosma-opt --split-input-file --schedule --allocate --scratchpad=256 %s 2>&1 | FileCheck %s

func.func @overlap(
    %x: tensor<64xi8> {cosma.at = 0 : i64},
    %y: tensor<128xi8> {cosma.at = 0 : i64}) -> tensor<64xi8> {
  // CHECK: wrong.mlir:[[@LINE+3]]:8: error: Add_0 needs arg0@0 and arg1@0 at once, which overlap by 64 B
  // CHECK: wrong.mlir:[[@LINE-3]]:5: note: arg0 has the fixed offset 0: cosma.at of argument 0
  // CHECK: wrong.mlir:[[@LINE-3]]:5: note: arg1 has the fixed offset 0: cosma.at of argument 1
  %0 = cosma.op "Add"(%x, %y) : (tensor<64xi8>, tensor<128xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @overlap_at_the_start(
    %x: tensor<128xi8> {cosma.at = 0 : i64, cosma.on_chip},
    %y: tensor<128xi8> {cosma.at = 64 : i64, cosma.on_chip}) -> tensor<64xi8> {
  // CHECK: wrong.mlir:[[@LINE-2]]:5: error: {{.*}}arg0@0 and arg1@64{{.*}}overlap by 64 B
  // CHECK: wrong.mlir:[[@LINE-3]]:5: note: arg0 has the fixed offset 0: cosma.at of argument 0
  // CHECK: wrong.mlir:[[@LINE-3]]:5: note: arg1 has the fixed offset 64: cosma.at of argument 1
  %0 = cosma.op "A"(%x) : (tensor<128xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%y) : (tensor<128xi8>) -> tensor<64xi8>
  %2 = cosma.op "C"(%0, %1) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}

// -----

func.func @too_much_at_the_end(%x: tensor<64xi8>) -> (tensor<192xi8> {cosma.on_chip}, tensor<128xi8> {cosma.on_chip}) {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<192xi8>
  %1 = cosma.op "B"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  // CHECK: wrong.mlir:[[@LINE+1]]:3: error: after the last operator has run, the scratchpad must hold 320 B at once, but it has 256 B: 64 B too few
  return %0, %1 : tensor<192xi8>, tensor<128xi8>
}

// -----

func.func @misaligned(%x: tensor<64xi8>) -> tensor<64xi8> {
  // CHECK: wrong.mlir:[[@LINE+1]]:8: error: A_0 cannot lie at 8: that is 8 B off the alignment of 64 B
  %0 = cosma.op "A"(%x) {cosma.at = 8 : i64} : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// CHECK: wrong.mlir:[[@LINE+1]]:20: error: arg0 cannot lie at 1024: it ends 832 B after the scratchpad of 256 B
func.func @outside(%x: tensor<64xi8> {cosma.at = 1024 : i64}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @reserved(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.at = 64 : i64})
    attributes {cosma.machine = {reserved = [[96, 128]]}} {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  // CHECK: wrong.mlir:[[@LINE+1]]:3: error: A_0 cannot lie at 64: 32 B of it would be in 96..128, which is reserved
  return %0 : tensor<64xi8>
}

// -----

func.func @twice(%x: tensor<64xi8>) -> (tensor<64xi8> {cosma.at = 64 : i64}) {
  // CHECK: wrong.mlir:[[@LINE+3]]:3: error: result 0 must lie at 64, but it is result 0 of A, which must lie at 0
  // CHECK: wrong.mlir:[[@LINE+1]]:8: note: result 0 of A must lie at 0
  %0 = cosma.op "A"(%x) {cosma.at = 0 : i64} : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// CHECK: wrong.mlir:[[@LINE+1]]:18: error: argument 0 is in the scratchpad (cosma.on_chip), but this function has no operator that runs there
func.func @empty(%x: tensor<64xi8> {cosma.on_chip}) -> tensor<64xi8> {
  return %x : tensor<64xi8>
}

// -----

func.func @constant(%x: tensor<64xi8>) -> tensor<64xi8> {
  // CHECK: wrong.mlir:[[@LINE+1]]:8: error: result 0 cannot have a fixed offset (cosma.at): equal constants are merged, also by MLIR's passes; use an argument instead
  %c = arith.constant {cosma.at = 0 : i64} dense<1> : tensor<64xi8>
  %0 = cosma.op "A"(%x, %c) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @part(%x: tensor<64xi8>) -> tensor<32xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  // CHECK: wrong.mlir:[[@LINE+1]]:8: error: result 0 cannot have a fixed offset (cosma.at): it
  %1 = tensor.extract_slice %0[0] [32] [1] {cosma.at = 0 : i64} : tensor<64xi8> to tensor<32xi8>
  %2 = cosma.op "B"(%1) : (tensor<32xi8>) -> tensor<32xi8>
  return %2 : tensor<32xi8>
}

// -----

func.func @streamed(
    %x: tensor<64xi8>,
    // CHECK: wrong.mlir:[[@LINE+1]]:5: error: argument 1 has a fixed offset (cosma.at), but weights = streamed bypass the scratchpad
    %w: tensor<64xi8> {cosma.weight, cosma.at = 0 : i64}) -> tensor<64xi8>
    attributes {cosma.machine = {weights = "streamed"}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @either_way(
    // CHECK: wrong.mlir:[[@LINE+1]]:5: error: argument 0 has a fixed offset (cosma.at), which cannot be combined with weights that may be streamed: with weights = auto arg1 may be; use resident or streamed
    %x: tensor<64xi8> {cosma.at = 0 : i64},
    %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8>
    attributes {cosma.machine = {weights = "auto"}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @weight_at_the_start(
    %x: tensor<64xi8>,
    // CHECK: wrong.mlir:[[@LINE+1]]:5: error: argument 1 is in the scratchpad (cosma.on_chip), but with weights = auto it may be streamed: use resident
    %w: tensor<64xi8> {cosma.weight, cosma.on_chip}) -> tensor<64xi8>
    attributes {cosma.machine = {weights = "auto"}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @may_be_kept(
    // CHECK: wrong.mlir:[[@LINE+1]]:5: error: argument 0 is in the scratchpad (cosma.on_chip), which cannot be combined with weights that stay from run to run: arg1 (keep = auto)
    %x: tensor<64xi8> {cosma.on_chip},
    %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8>
    attributes {cosma.machine = {keep = "auto"}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

func.func @is_kept(
    // CHECK: wrong.mlir:[[@LINE+1]]:5: error: argument 0 has a fixed offset (cosma.at), which cannot be combined with weights that stay from run to run: arg1 (cosma.keep)
    %x: tensor<64xi8> {cosma.at = 0 : i64},
    %w: tensor<64xi8> {cosma.weight, cosma.keep}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
