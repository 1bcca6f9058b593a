// What a planned program does, read from its operations.
//
// RUN: cosma-opt --allocate --scratchpad=192 --print-plan %s -o /dev/null 2>&1 | FileCheck %s
// RUN: not cosma-opt --pass-pipeline='builtin.module(func.func(cosma-allocate,cosma-print-plan))' %s 2>&1 | FileCheck --check-prefix=EARLY %s

// CHECK: # @f
// CHECK-NEXT: load arg0 at [[X:[0-9]+]]
// CHECK-NEXT: run A_0: arg0@[[X]] -> A_0@[[A:[0-9]+]]
// CHECK-NEXT: run Wide_1: A_0@[[A]] -> Wide_1@[[B:[0-9]+]]
// CHECK-NEXT: run Narrow_2: Wide_1@[[B]] -> Narrow_2@[[C:[0-9]+]]
// CHECK-NEXT: store Narrow_2@[[C]]
// CHECK-NOT: {{.}}
// EARLY: error: cosma-print-plan takes a function in planned form, but this one is in allocated form
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> attributes {cosma.machine = {scratchpad = 192 : i64}} {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Wide"(%0) : (tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Narrow"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  return %2 : tensor<64xi8>
}
