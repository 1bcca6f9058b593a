// Attributes of places that are wrong by themselves have errors at their lines.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'func.func' op attribute 'cosma.at' of argument 0 is negative: -64}}
func.func private @negative(tensor<8xi8> {cosma.at = -64 : i64})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.at' of result 1 must be a 64-bit integer}}
func.func private @no_number() -> (tensor<8xi8>, tensor<8xi8> {cosma.at = "here"})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.at' of argument 0 is for tensors, but that is i8}}
func.func private @scalar(i8 {cosma.at = 0 : i64})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.on_chip' of result 0 is for tensors, but that is index}}
func.func private @scalar_result() -> (index {cosma.on_chip})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.on_chip' of argument 1 has no value}}
func.func private @value(tensor<8xi8>, tensor<8xi8> {cosma.on_chip = true})

// -----

// expected-error @+1 {{'func.func' op has 'cosma.on_chip' and 'cosma.keep' on argument 0: an argument that stays from run to run is not put there before each run}}
func.func private @kept(tensor<8xi8> {cosma.keep, cosma.on_chip, cosma.weight})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.offset' of argument 0 says where it lies at the start or the end, but it has no 'cosma.on_chip'}}
func.func private @offset(tensor<8xi8> {cosma.offset = 0 : i64})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.weight' does not belong on a result}}
func.func private @weight() -> (tensor<8xi8> {cosma.weight})

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.on_chip' of a lowered function must be {arguments = [[number, offset], …], results = [[number, offset], …]}}}
func.func private @lowered() attributes {cosma.on_chip = {arguments = [[0]]}}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.at' belongs on an argument or a result of a function, or on an operation of its block that has results}}
func.func private @function() attributes {cosma.at = 0 : i64}

// -----

func.func @inside(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.group "A"(%x) : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    // expected-error @+1 {{'tosa.abs' op attribute 'cosma.at' belongs on an argument or a result of a function, or on an operation of its block that has results}}
    %1 = tosa.abs %a {cosma.at = 0 : i64} : (tensor<8xi8>) -> tensor<8xi8>
    cosma.yield %1 : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

func.func @operator(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.on_chip' belongs on an argument or a result of a function}}
  %0 = tosa.abs %x {cosma.on_chip} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @negative_of_operator(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.at' is negative: -8}}
  %0 = tosa.abs %x {cosma.at = -8 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @one_for_two(%x: tensor<8xi8>) -> tensor<4xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'cosma.at' is one offset for 2 results}}
  %0:2 = cosma.op "Split"(%x) {cosma.at = 0 : i64} : (tensor<8xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  return %0#0 : tensor<4xi8>
}

// -----

func.func @three_for_two(%x: tensor<8xi8>) -> tensor<4xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'cosma.at' has 3 offsets for 2 results}}
  %0:2 = cosma.op "Split"(%x) {cosma.at = array<i64: 0, 4, 8>} : (tensor<8xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  return %0#0 : tensor<4xi8>
}

// -----

func.func @negative_of_several(%x: tensor<8xi8>) -> tensor<4xi8> {
  // expected-error @+1 {{'cosma.op' op attribute 'cosma.at' has a negative offset: -2}}
  %0:2 = cosma.op "Split"(%x) {cosma.at = array<i64: -1, -2>} : (tensor<8xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  return %0#0 : tensor<4xi8>
}

// -----

func.func @word(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.at' must be a 64-bit integer, or an array<i64> with an offset for each result}}
  %0 = tosa.abs %x {cosma.at = "here"} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @scalars(%x: tensor<8xi8>) -> index {
  // expected-error @+1 {{'arith.constant' op attribute 'cosma.at' of result 0 is for tensors, but that is index}}
  %0 = arith.constant {cosma.at = 0 : i64} 0 : index
  return %0 : index
}

// -----

func.func @transfer(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'cosma.load' op attribute 'cosma.at' is for operators, not for transfers, which follow from a plan}}
  %0 = cosma.load %x at 0 {cosma.at = 0 : i64} : tensor<8xi8>
  return %0 : tensor<8xi8>
}
