// The first layers of a network for images, with elements of one byte.
func.func @stem(%x: tensor<1x8x32x32xi8>, %w0: tensor<16x8x3x3xi8> {cosma.weight}, %w1: tensor<16x16x3x3xi8> {cosma.weight})
    -> tensor<1x16x16x16xi8> {
  %0 = cosma.op "Conv"(%x, %w0) macs 1179648 : (tensor<1x8x32x32xi8>, tensor<16x8x3x3xi8>) -> tensor<1x16x32x32xi8>
  %1 = cosma.op "Relu"(%0) in_place [[0, 0]] : (tensor<1x16x32x32xi8>) -> tensor<1x16x32x32xi8>
  %2 = cosma.op "Conv"(%1, %w1) macs 589824 : (tensor<1x16x32x32xi8>, tensor<16x16x3x3xi8>) -> tensor<1x16x16x16xi8>
  return %2 : tensor<1x16x16x16xi8>
}
