// Cycles that cannot be counted are an error at the function; operators of which nothing is known are counted.

// RUN: not cosma-opt %s --allocate --machine=soma-edge --scratchpad=1KiB 2>&1 | FileCheck %s
// RUN: not cosma-opt %s --allocate --machine=soma-edge --scratchpad=1KiB --overlap=none 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: cosma-opt %s --allocate --scratchpad=1KiB | FileCheck %s --check-prefix=WITHOUT

// CHECK: too-many-cycles.mlir:[[@LINE+4]]:1: warning: 1 of 3 operators have neither 'cycles' nor 'macs': each takes the cycles of the bytes that it accesses
// CHECK: too-many-cycles.mlir:[[@LINE+3]]:1: error: cycles add up to more than 2^63
// NONE: error: cycles add up to more than 2^63
// WITHOUT: cosma.plan
func.func @unknown(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%0) cycles 9223372036854775807 : (tensor<64xi8>) -> tensor<64xi8>
  %2 = cosma.op "B"(%1) cycles 9223372036854775807 : (tensor<64xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}
