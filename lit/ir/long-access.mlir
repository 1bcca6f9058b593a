// An index may have a few hundred operations. MLIR's parser calls itself for each of them, so that many more would
// exhaust the stack.

// RUN: sed -e 's/SUM/SUMSUMSUMSUMSUMSUMSUMSUMSUMSUM/g' -e 's/SUM/SUMSUMSUMSUMSUMSUMSUMSUMSUMSUM/g' -e 's/SUM/d0 + /g' %s > %t.long
// RUN: cosma-opt %t.long | FileCheck %s
// RUN: sed -e 's/d0 + /d0 + d0 + d0 + d0 + d0 + d0 + d0 + d0 + d0 + d0 + /g' %t.long > %t.longer
// RUN: sed -e 's/d0 + /d0 + d0 + d0 + d0 + d0 + d0 + d0 + d0 + d0 + d0 + /g' %t.longer > %t.longest
// RUN: not cosma-opt %t.longer 2>&1 | FileCheck --check-prefix=LONG %s
// RUN: not cosma-opt %t.longest 2>&1 | FileCheck --check-prefix=LONG %s
// RUN: sed -e 's/d0 + /(/g' %t.longest > %t.nested
// RUN: not cosma-opt %t.nested 2>&1 | FileCheck --check-prefix=LONG %s

// LONG: error: {{.*}} has an index of more than 512 operations
// CHECK: access <[8], (d0 * 101) -> (d0)>
func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.op "A"(%x) access <[8], (SUM d0) -> (d0)> : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
