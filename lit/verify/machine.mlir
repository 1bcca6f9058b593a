// A program is judged on the machine that the call names, which goes before the one it was planned for.
//
// RUN: cosma-opt --verify %s -o /dev/null
// RUN: cosma-opt --verify --scratchpad=128 %s -o /dev/null
// RUN: not cosma-opt --verify --scratchpad=127 %s 2>&1 | FileCheck --check-prefix=SMALL %s
// RUN: not cosma-opt --verify --alignment=128 %s 2>&1 | FileCheck --check-prefix=ALIGNED %s

// 64 + 64 = 128 bytes are enough, 127 are not; and 64 is no multiple of 128.
func.func @relu(%x: tensor<64xi8>) -> tensor<64xi8> attributes {cosma.machine = {scratchpad = 256 : i64}} {
  %0 = cosma.load %x at 0 : tensor<64xi8>
  // SMALL: machine.mlir:[[@LINE+2]]:{{[0-9]+}}: error: Relu_0@64 of 64 B ends after the scratchpad of 127 B
  // ALIGNED: machine.mlir:[[@LINE+1]]:{{[0-9]+}}: error: Relu_0@64 is not at a multiple of 128 B
  %1 = cosma.op "Relu"(%0) at [64] : (tensor<64xi8>) -> tensor<64xi8>
  %2 = cosma.store %1 : tensor<64xi8>
  return %2 : tensor<64xi8>
}
