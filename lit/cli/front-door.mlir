// One command for what nearly everyone wants, and what it says where there is nothing to do.
//
// RUN: cosma plan --scratchpad=256 %s | FileCheck --check-prefix=SUMMARY %s
// RUN: cosma plan --scratchpad=256 %s -o %t.mlir | FileCheck --check-prefix=SUMMARY %s
// RUN: cosma opt --verify %t.mlir | FileCheck --check-prefix=PLANNED %s
// RUN: cosma-opt --summary --scratchpad=0.2505KiB %s -o - 2>&1 | FileCheck --check-prefixes=ROUNDED,PLANNED %s
// RUN: cp %s %t.same.mlir && cosma plan --scratchpad=256 %t.same.mlir -o %t.same.mlir && FileCheck --check-prefix=PLANNED %s < %t.same.mlir
// RUN: not cosma plan --scratchpad=1K %s 2>&1 | FileCheck --check-prefix=UNIT %s
// RUN: cosma-opt --report=%t.json --scratchpad=256 %s -o %t 2>&1 | FileCheck --check-prefix=NOTHING %s
// RUN: echo "" | cosma plan --scratchpad=256 2>&1 | FileCheck --check-prefix=EMPTY %s
// RUN: echo "func.func @f(%%m: memref<4xf32>) { return }" | cosma plan --scratchpad=256 2>&1 | FileCheck --check-prefix=MEMREF %s
// RUN: not cosma fly 2>&1 | FileCheck --check-prefix=UNKNOWN %s

// SUMMARY: @f: 1 operators, optimal by search
// SUMMARY-NEXT: traffic 128 B
// ROUNDED: warning: '0.2505KiB' is not a whole number of bytes: it is taken as 256 B
// PLANNED: cosma.store
// UNIT: '1K' has the unknown unit 'K': the units are B, KiB, MiB, GiB and TiB; did you mean 1KiB?
// NOTHING: warning: --report: nothing was planned, and the module has no plan: use --schedule --allocate
// EMPTY: warning: --summary: the module has no function to plan
// MEMREF: warning: --summary: no function of the module has an operator to plan: operators compute with tensors
// UNKNOWN: error: unrecognized subcommand 'fly'
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
