module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 256}, l2 = {size = 256}}, links = [
  {from = "dram", to = "l1", price = 10}, {from = "l1", to = "dram", price = 10}, {from = "l2", to = "l1"}, {from = "l1", to = "l2"}]}} {
  func.func @f(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.op "Dense"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}
