// What is wrong with a transfer has an error at its line.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

func.func @no_place(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op needs an offset or 'streamed'}}
  %0 = cosma.load %x : tensor<8xi8>
  return
}

// -----

func.func @two_places(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.reload' op has both an offset and 'streamed'}}
  %0 = cosma.reload %x at 0 streamed : tensor<8xi8>
  return
}

// -----

func.func @negative_offset(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op has result 0 at a negative offset: -64}}
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
  // expected-error @+1 {{'cosma.spill' op failed to verify that all of {source, target} have same type}}
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
  // expected-error @+1 {{'cosma.load' op operand #0 must be statically shaped tensor of any type values, but got 'tensor<*xi8>'}}
  %0 = "cosma.load"(%x) {offset = 0 : i64} : (tensor<*xi8>) -> tensor<*xi8>
  return
}

// -----

func.func @no_tensor(%x: memref<8xi8>) {
  // expected-error @+1 {{invalid kind of type specified: expected builtin.tensor, but found 'memref<8xi8>'}}
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
