// Three layers with weights, on a machine with a clock: 4 bytes per cycle in each direction over one channel, and half a cycle
// for each multiply-accumulate.
module attributes {cosma.machine = {scratchpad = 320, alignment = 64, links = [
  {from = "host", to = "scratchpad", channel = "dma", rate = 4, latency = 5},
  {from = "scratchpad", to = "host", channel = "dma", rate = 4}
], compute = {cycles_per_mac = "1/2", least_cycles = 1}}} {
  func.func @layers(%x: tensor<64xi8>, %w1: tensor<64xi8> {cosma.weight}, %w2: tensor<128xi8> {cosma.weight},
                    %w3: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.op "Dense"(%x, %w1) macs 80 : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.op "Dense"(%0, %w2) macs 100 : (tensor<64xi8>, tensor<128xi8>) -> tensor<64xi8>
    %2 = cosma.op "Dense"(%1, %w3) macs 60 : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}
