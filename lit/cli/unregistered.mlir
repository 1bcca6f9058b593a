// Operations of a dialect of one's own are planned if the flag says that they are meant. Nothing is known
// about them, so they keep their order.
//
// RUN: not cosma-opt --allocate --scratchpad=1KiB %s 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: cosma-opt --allocate --schedule --print-plan --allow-unregistered-dialect --scratchpad=1KiB %s -o %t.planned.mlir 2>&1 | FileCheck %s
// RUN: cosma-opt --verify --allow-unregistered-dialect %t.planned.mlir -o /dev/null
// RUN: not cosma-opt --allocate --lower-addresses --allow-unregistered-dialect --scratchpad=1KiB %s 2>&1 | FileCheck %s --check-prefix=LOWERED

// CHECK: load arg0
// CHECK-NEXT: run npu.conv_0
// CHECK-NEXT: run npu.act_1
// CHECK-NEXT: store npu.act_1
func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  // REFUSED: unregistered.mlir:[[@LINE+2]]:{{[0-9]+}}: error: {{.*}}use -allow-unregistered-dialect
  // LOWERED: unregistered.mlir:[[@LINE+1]]:{{[0-9]+}}: error:
  %0 = "npu.conv"(%x) {stride = 2 : i64} : (tensor<64xf32>) -> tensor<64xf32>
  %1 = "npu.act"(%0) : (tensor<64xf32>) -> tensor<64xf32>
  return %1 : tensor<64xf32>
}
