// Nothing lies where addresses are reserved.
//
// RUN: cosma-opt --schedule --allocate --scratchpad=384 --reserved=0..64,320..384 %s -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: cosma-opt --verify %t.mlir | FileCheck %s
// RUN: sed 's/ at \[[0-9]*\]/ at [0]/' %t.mlir > %t.over.mlir
// RUN: not cosma-opt --verify %t.over.mlir 2>&1 | FileCheck --check-prefix=OVER %s
// RUN: not cosma-opt --allocate --scratchpad=384 --reserved=320..448 %s 2>&1 | FileCheck --check-prefix=OUTSIDE %s
// RUN: not cosma-opt --allocate --scratchpad=256 --reserved=0..64 %s 2>&1 | FileCheck --check-prefix=SMALL %s
// RUN: not cosma-opt --allocate --scratchpad=256 --reserved=64..64 %s 2>&1 | FileCheck --check-prefix=WORD %s
// RUN: cosma-opt --print-problem --scratchpad=384 --reserved=0..64 %s -o %t 2>&1 | FileCheck --check-prefix=PROBLEM %s

// CHECK: #cosma.machine<scratchpad = 384, alignment = 64, weights = resident, reserved = {{\[\[}}0, 64], [320, 384]]>
// CHECK-NOT: at 0 :
// CHECK-NOT: at [0]
// CHECK-NOT: at [320]
// CHECK: cosma.store
// OVER: reserved
// OUTSIDE: error: 320 to 448 are reserved, but the scratchpad ends at 384
// SMALL: error: {{.*}}needs {{[0-9]+}} B
// WORD: '64..64' is not a range of addresses such as 0..1024 or 4KiB..8KiB
// PROBLEM: memory scratchpad 384 alignment 64 reserved 0..64
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Expand"(%x) : (tensor<64xi8>) -> tensor<128xi8>
  %1 = cosma.op "Reduce"(%0, %x) : (tensor<128xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %1 : tensor<64xi8>
}
