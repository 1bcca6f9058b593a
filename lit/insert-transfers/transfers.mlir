// Each of the transfers, in a program whose order is given.
//
// RUN: cosma-opt --allocate --scratchpad=192 %s | FileCheck %s
// RUN: cosma-opt --allocate --scratchpad=192 --weights=streamed %s | FileCheck --check-prefix=STREAMED %s
// RUN: not cosma-opt --pass-pipeline='builtin.module(func.func(cosma-insert-transfers))' %s 2>&1 | FileCheck --check-prefix=SOURCE %s

// The last "Wide" fills all 192 bytes together with what it reads. So %0 goes out before it and comes
// back for "D", and %2 makes room for %0 there and comes back for "E". Neither has a host copy: both are
// spilled. The result goes out as soon as it is there.
// CHECK: [[X:%.*]] = cosma.load %arg0 at
// CHECK: [[W:%.*]] = cosma.load %arg1 at
// CHECK: [[A:%.*]] = cosma.op "A"([[X]], [[W]]) at
// CHECK: [[B:%.*]] = cosma.op "Wide"([[A]]) at
// CHECK: [[ACOPY:%.*]] = cosma.spill [[A]]
// CHECK: [[C:%.*]] = cosma.op "Narrow"([[B]]) at
// CHECK: [[D:%.*]] = cosma.op "Wide"([[C]]) at
// CHECK: [[CCOPY:%.*]] = cosma.spill [[C]]
// CHECK: [[ABACK:%.*]] = cosma.reload [[ACOPY]] at
// CHECK: cosma.op "D"([[D]], [[ABACK]]) at
// CHECK: [[CBACK:%.*]] = cosma.reload [[CCOPY]] at
// CHECK: [[E:%.*]] = cosma.op "E"([[CBACK]]) at
// CHECK: [[R:%.*]] = cosma.store [[E]]
// CHECK: return [[R]]
// STREAMED: [[W:%.*]] = cosma.load %arg1 streamed
// STREAMED: cosma.op "A"({{.*}}, [[W]])
// SOURCE: transfers.mlir:[[@LINE+1]]:{{[0-9]+}}: error: cosma-insert-transfers takes a function in allocated form, but this one is still in source form
func.func @f(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8>
    attributes {cosma.machine = {scratchpad = 192 : i64}} {
  %0 = cosma.op "A"(%x, %w) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "Wide"(%0) : (tensor<64xi8>) -> tensor<128xi8>
  %2 = cosma.op "Narrow"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "Wide"(%2) : (tensor<64xi8>) -> tensor<128xi8>
  %4 = cosma.op "D"(%3, %0) : (tensor<128xi8>, tensor<64xi8>) -> tensor<0xi8>
  %5 = cosma.op "E"(%2) : (tensor<64xi8>) -> tensor<64xi8>
  return %5 : tensor<64xi8>
}
