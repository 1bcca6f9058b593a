// Sums are split along their outermost loop only. The mean's operand is made column by column, as each column is
// made at once, and read again in rows.
//
// RUN: cosma-opt --tile --allocate --scratchpad=640 --alignment=1 %s | FileCheck %s

// CHECK: cosma.op "Scan"({{.*}}) tile <"Scan_0", [0, 0] [16, [[N:[0-9]+]]]>
// CHECK: cosma.op "Mean"({{.*}}) tile <"Mean_1", [0, 0] [[[ROWS:[0-9]+]], 64]> {{.*}} -> tensor<i32>
// CHECK: cosma.op "Mean"({{.*}}) tile <"Mean_1", [[[ROWS]], 0] [{{[0-9]+}}, 64]> {{.*}} -> tensor<1xi8>
func.func @mean(%x: tensor<16x64xi8>) -> tensor<1xi8> {
  %0 = cosma.op "Scan"(%x) access <[whole 16, 64], (d0, d1) -> (d0, d1)> : (tensor<16x64xi8>) -> tensor<16x64xi8>
  %1 = cosma.op "Mean"(%0) access <[sum 16, sum 64], (d0, d1) -> (0), sums = i32> : (tensor<16x64xi8>) -> tensor<1xi8>
  return %1 : tensor<1xi8>
}
