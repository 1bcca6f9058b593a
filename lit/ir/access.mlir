// How operators access their operands reads and prints as it is.
// RUN: cosma-opt %s | cosma-opt | FileCheck %s

// CHECK-LABEL: @f
func.func @f(%x: tensor<2x8xi8>, %y: tensor<8xi8>) -> tensor<2x8xi8> {
  // All kinds of loops; an operand that is read in two ways, and one that is read whole.
  // CHECK: cosma.op "A"({{.*}}) access <[2, 8, sum 3, reduced 2, whole 4], (d0, d1 + d2) and (d0, d1 + d2 - 1), whole -> (d0, d1)>
  %0 = cosma.op "A"(%x, %y) access <[2, 8, sum 3, reduced 2, whole 4], (d0, d1 + d2) and (d0, d1 + d2 - 1), whole -> (d0, d1)>
    : (tensor<2x8xi8>, tensor<8xi8>) -> tensor<2x8xi8>
  // A divisor; sums of it are one sum that is divided.
  // CHECK: cosma.op "B"({{.*}}) access <[2, 8], (d0, (d1 + 1) floordiv 2 + d0 - 1) -> (d0, d1)> macs 3
  %1 = cosma.op "B"(%0) access <[2, 8], (d0, (d1 + 1) floordiv 2 + d0 - 1) -> (d0, d1)> macs 3 : (tensor<2x8xi8>) -> tensor<2x8xi8>
  // No operand, and a result without dimensions.
  // CHECK: cosma.op "C"() access <[] -> ()>
  %2 = cosma.op "C"() access <[] -> ()> : () -> tensor<i8>
  // Sums that may be split, and of what partial sums are made.
  // CHECK: cosma.op "D"({{.*}}) access <[2, sum 8], (d0, d1) -> (d0), (d0), sums = i32>
  %3:2 = cosma.op "D"(%1) access <[2, sum 8], (d0, d1) -> (d0), (d0), sums = i32> : (tensor<2x8xi8>) -> (tensor<2xi8>, tensor<2xi8>)
  // CHECK: cosma.op "E"({{.*}}) access <[sum 2, 8], (d0, d1) -> (d1), sums = f64>
  %4 = cosma.op "E"(%1) access <[sum 2, 8], (d0, d1) -> (d1), sums = f64> : (tensor<2x8xi8>) -> tensor<8xi8>
  return %1 : tensor<2x8xi8>
}
