// Banks: no tensor lies across the border of two of them.
//
// RUN: cosma-opt --schedule --allocate %s | FileCheck %s
// RUN: cosma-opt --schedule --allocate %s | cosma-opt --verify -o %t.mlir
// RUN: sed 's/banks = 2/banks = 4/' %s > %t.four.mlir
// RUN: not cosma-opt --schedule --allocate %t.four.mlir 2>&1 | FileCheck --check-prefix=FOUR %s

// CHECK: cosma.load %{{.*}} at {{0|128}} : tensor<96xi8>
// CHECK: cosma.op "Step"(%{{.*}}) at [{{0|128}}]

// FOUR: error:

module attributes {cosma.machine = {scratchpad = "l1", alignment = 32,
  memories = {dram = {}, l1 = {size = 256, banks = 2}},
  links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {
  func.func @f(%x: tensor<96xi8>) -> tensor<96xi8> {
    %0 = cosma.op "Step"(%x) : (tensor<96xi8>) -> tensor<96xi8>
    return %0 : tensor<96xi8>
  }
}
