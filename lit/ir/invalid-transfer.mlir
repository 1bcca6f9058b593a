// What is wrong with a transfer has an error at its line.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

func.func @no_place(%x: tensor<8xi8>) {
  // expected-error @+1 {{needs an offset, as 'at 64', or 'streamed'}}
  %0 = cosma.load %x : tensor<8xi8>
  return
}

// -----

func.func @two_places(%x: tensor<8xi8>) {
  // expected-error @+1 {{has both an offset and 'streamed'}}
  %0 = cosma.reload %x at 0 streamed : tensor<8xi8>
  return
}

// -----

func.func @negative_offset(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op attribute 'offset' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = cosma.load %x at -64 : tensor<8xi8>
  return
}

// -----

func.func @wrong_type_of_offset(%x: tensor<8xi8>) {
  // expected-error @+1 {{attribute 'offset' failed to satisfy constraint: 64-bit signless integer attribute}}
  %0 = "cosma.reload"(%x) {offset = 64 : i32} : (tensor<8xi8>) -> tensor<8xi8>
  return
}

// -----

func.func @becomes_another(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.spill' op moves a whole tensor, but turns tensor<8xi8> into tensor<4xi8>}}
  %0 = "cosma.spill"(%x) : (tensor<8xi8>) -> tensor<4xi8>
  return
}

// -----

func.func @dynamic(%x: tensor<?xi8>) {
  // expected-error @+1 {{'cosma.store' op operand #0 must be statically shaped tensor of any type values, but got 'tensor<?xi8>'}}
  %0 = cosma.store %x : tensor<?xi8>
  return
}

// -----

func.func @unranked(%x: tensor<*xi8>) {
  // expected-error @+1 {{'cosma.load' op operand #0 must be statically shaped tensor, or one in transit, but got 'tensor<*xi8>'}}
  %0 = "cosma.load"(%x) {offset = 0 : i64} : (tensor<*xi8>) -> tensor<*xi8>
  return
}

// -----

func.func @no_tensor(%x: memref<8xi8>) {
  // expected-error @+1 {{'cosma.spill' op operand #0 must be statically shaped tensor of any type values, but got 'memref<8xi8>'}}
  %0 = cosma.spill %x : memref<8xi8>
  return
}

// -----

func.func @elements_of_unknown_width(%x: tensor<8xvector<4xi8>>) {
  // expected-error @+1 {{'cosma.spill' op tensor<8xvector<4xi8>> has elements of unknown width}}
  %0 = cosma.spill %x : tensor<8xvector<4xi8>>
  return
}

// -----

#sparse = #sparse_tensor.encoding<{map = (d0) -> (d0 : compressed)}>
func.func @encoded(%x: tensor<8xi8, #sparse>) {
  // expected-error @+1 {{has an encoding}}
  %0 = cosma.load %x at 0 : tensor<8xi8, #sparse>
  return
}

// -----

func.func @ends_outside(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has a region from 6 to 9 along dimension 0, which has 8 elements}}
  %0 = cosma.load %x[6, 0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<3x4xi8>
  return
}

// -----

func.func @begins_before(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has a region from -1 to 2 along dimension 0, which has 8 elements}}
  %0 = cosma.load %x[-1, 0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<3x4xi8>
  return
}

// -----

func.func @far_outside(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has a region from 9223372036854775807 to 9223372036854775810 along dimension 0, which has 8 elements}}
  %0 = cosma.load %x[9223372036854775807, 0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<3x4xi8>
  return
}

// -----

func.func @no_rows(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.reload' op has a region from 2 to 2 along dimension 0, which has 8 elements}}
  %0 = cosma.reload %x[2, 0] [0, 4] at 0 : tensor<8x4xi8> -> tensor<0x4xi8>
  return
}

// -----

func.func @other_sizes(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has a region [0, 0] [3, 4] of tensor<8x4xi8>, which is not a tensor<4x4xi8>}}
  %0 = cosma.load %x[0, 0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<4x4xi8>
  return
}

// -----

func.func @other_elements(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has a region [0, 0] [3, 4] of tensor<8x4xi8>, which is not a tensor<3x4xi16>}}
  %0 = cosma.load %x[0, 0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<3x4xi16>
  return
}

// -----

func.func @other_rank(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has a region [0, 0] [1, 4] of tensor<8x4xi8>, which is not a tensor<4xi8>}}
  %0 = cosma.load %x[0, 0] [1, 4] at 0 : tensor<8x4xi8> -> tensor<4xi8>
  return
}

// -----

func.func @too_few_offsets(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op has 1 offsets and 2 sizes of a region of 2 dimensions}}
  %0 = cosma.load %x[0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<3x4xi8>
  return
}

// -----

func.func @no_sizes(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.load' op needs both offsets and sizes of a region, or neither}}
  %0 = "cosma.load"(%x) {offset = 0 : i64, static_offsets = array<i64: 0, 0>} : (tensor<8x4xi8>) -> tensor<8x4xi8>
  return
}

// -----

func.func @dynamic_region(%x: tensor<8x4xi8>, %i: index) {
  // expected-error @+1 {{expected integer value}}
  %0 = cosma.load %x[%i, 0] [3, 4] at 0 : tensor<8x4xi8> -> tensor<3x4xi8>
  return
}

// -----

func.func @into_all(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.store' op needs a region, [offsets] [sizes], to write into}}
  %0 = cosma.store %x into %x : tensor<8x4xi8> into tensor<8x4xi8>
  return
}

// -----

func.func @into_nothing(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{'cosma.spill' op has a region, but nothing to write it into}}
  %0 = cosma.spill %x[0, 0] [8, 4] : tensor<8x4xi8>
  return
}

// -----

func.func @into_another(%x: tensor<8x4xi8>, %p: tensor<1x4xi8>) {
  // expected-error @+1 {{'cosma.store' op writes into tensor<8x4xi8>, but returns tensor<1x4xi8>}}
  %0 = "cosma.store"(%p, %x) {static_offsets = array<i64: 0, 0>, static_sizes = array<i64: 1, 4>} : (tensor<1x4xi8>, tensor<8x4xi8>) -> tensor<1x4xi8>
  return
}

// -----

func.func @within_a_byte(%x: tensor<8x4xi4>) {
  // expected-error @+1 {{'cosma.load' op has a region [0, 1] [8, 2] of tensor<8x4xi4> that begins or ends within a byte}}
  %0 = cosma.load %x[0, 1] [8, 2] at 0 : tensor<8x4xi4> -> tensor<8x2xi4>
  return
}

// -----

func.func @beyond_the_scratchpad_of_the_machine(%x: tensor<8x4xi8>) {
  // expected-error @+1 {{whose value is non-negative}}
  %0 = cosma.load %x[0, 0] [3, 4] at -1 : tensor<8x4xi8> -> tensor<3x4xi8>
  return
}

// -----

func.func @kept_and_async(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is kept from run to run, and cannot be async}}
  %0 = cosma.load async %x at 0 kept : tensor<8xi8>
  %1 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @kept_and_streamed(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is kept from run to run, and cannot be streamed}}
  %0 = cosma.load %x streamed kept : tensor<8xi8>
  return
}
