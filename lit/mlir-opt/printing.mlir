// MLIR's flags for printing, timing and bytecode, beside COSMA's stages.
//
// RUN: cosma-opt --allocate --scratchpad=256 --mlir-print-op-generic %s | FileCheck --check-prefix=GENERIC %s
// RUN: cosma-opt --mlir-print-debuginfo %s | FileCheck --check-prefix=PLACES %s
// RUN: cosma-opt --allocate --scratchpad=256 --mlir-print-ir-after=cosma-allocate %s -o %t 2>&1 | FileCheck --check-prefix=AFTER %s
// RUN: cosma-opt --allocate --scratchpad=256 --mlir-print-ir-before-all %s -o %t 2>&1 | FileCheck --check-prefix=BEFORE %s
// RUN: cosma-opt --allocate --scratchpad=256 --mlir-timing %s -o %t 2>&1 | FileCheck --check-prefix=TIMING %s
// RUN: cosma-opt --allocate --scratchpad=256 --emit-bytecode %s -o %t.mlirbc
// RUN: cosma-opt --verify %t.mlirbc | FileCheck --check-prefix=PLANNED %s
// RUN: not cosma-opt --mlir-print-nothing %s 2>&1 | FileCheck --check-prefix=UNKNOWN %s

// GENERIC: "func.func"()
// GENERIC: "cosma.load"(%arg0)
// PLACES: loc("{{.*}}printing.mlir":[[@LINE+10]]:
// AFTER: IR Dump After cosma-allocate
// AFTER: residencies
// AFTER-NOT: IR Dump After cosma-insert-transfers
// BEFORE: IR Dump Before cosma-allocate
// BEFORE: IR Dump Before cosma-insert-transfers
// TIMING: Execution time report
// TIMING: cosma-allocate
// PLANNED: cosma.load %arg0 at
// UNKNOWN: mlir-print-nothing
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
