// Operands of one operator in different banks: where they must be, and where each two in one have a price.
//
// RUN: cosma-opt --schedule --allocate %s 2>&1 | FileCheck %s
// RUN: cosma-opt --schedule --allocate %s | cosma-opt --verify -o %t.mlir
// RUN: sed 's/banks = 2, apart/banks = 1, apart/' %s > %t.one.mlir
// RUN: not cosma-opt --schedule --allocate %t.one.mlir 2>&1 | FileCheck --check-prefix=ONE %s
// RUN: sed 's/banks = 2, apart/banks = 1, apart = 7/' %s > %t.price.mlir
// RUN: cosma-opt --schedule --allocate %t.price.mlir 2>&1 | FileCheck --check-prefix=PRICE %s

// CHECK-NOT: warning:
// CHECK: cosma.op "Add"

// ONE: error: {{.*}} which cannot lie in different banks

// PRICE: warning: bank conflicts: 1, and at least 1 in any plan; in each, one operator reads two tensors in one bank of the scratchpad
// PRICE: apart = 7

module attributes {cosma.machine = {scratchpad = "l1", alignment = 32,
  memories = {dram = {}, l1 = {size = 256, banks = 2, apart}},
  links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {
  func.func @f(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.op "Add"(%x, %y) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}
