// Each pass names the form that it takes, and what gives away the one that it was given.
//
// RUN: cosma-opt --allocate --scratchpad=128 %s -o %t.planned
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-allocate{scratchpad=128}))' %s -o %t.allocated
// RUN: not cosma-opt --liveness %t.planned 2>&1 | FileCheck -DPASS=cosma-liveness --check-prefix=PLANNED %s
// RUN: not cosma-opt --print-problem %t.planned 2>&1 | FileCheck -DPASS=cosma-print-problem --check-prefix=PLANNED %s
// RUN: not cosma-opt --schedule %t.planned 2>&1 | FileCheck -DPASS=cosma-schedule --check-prefix=PLANNED %s
// RUN: not cosma-opt --allocate %t.planned 2>&1 | FileCheck -DPASS=cosma-allocate --check-prefix=PLANNED %s
// RUN: not cosma-opt --allocate %t.allocated 2>&1 | FileCheck --check-prefix=AGAIN %s
// RUN: not cosma-opt --verify %t.allocated 2>&1 | FileCheck --check-prefix=ALLOCATED %s
// RUN: not cosma-opt --verify --scratchpad=128 %s 2>&1 | FileCheck --check-prefix=SOURCE %s

// PLANNED: planned:{{[0-9]+}}:{{[0-9]+}}: error: [[PASS]] takes a function in source form, but this one is already planned: it has cosma.load
// AGAIN: allocated:{{[0-9]+}}:{{[0-9]+}}: error: cosma-allocate takes a function in source form, but this one is in allocated form: it has residencies; cosma-insert-transfers goes first
// ALLOCATED: allocated:{{[0-9]+}}:{{[0-9]+}}: error: cosma-verify takes a function in planned form, but this one is in allocated form: it has residencies; cosma-insert-transfers goes first
// SOURCE: wrong-form.mlir:[[@LINE+1]]:1: error: cosma-verify takes a function in planned form, but this one is still in source form: it has neither transfers nor offsets; cosma-allocate and cosma-insert-transfers go first
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
