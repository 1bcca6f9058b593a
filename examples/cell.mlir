// Two branches that widen and reduce a tensor, interleaved in source order. It fits in 256 bytes, and its traffic
// depends on the order.
func.func @cell(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Expand"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Shift"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Reduce"(%0) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Reduce"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %4 = cosma.op "Add"(%2, %3, %x) : (tensor<64xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %4 : tensor<64xi8>
}
