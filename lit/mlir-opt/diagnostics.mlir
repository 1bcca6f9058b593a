// What is wrong is shown with its line and a caret; `--verify-diagnostics` compares it with what is expected.
//
// RUN: cosma-opt --cosma-allocate=scratchpad=64 --verify-diagnostics %s
// RUN: not cosma-opt --cosma-allocate=scratchpad=1KiB --verify-diagnostics %s 2>&1 | FileCheck --check-prefix=UNSEEN %s
// RUN: not cosma-opt --allocate --scratchpad=64 %s 2>&1 | FileCheck %s
// RUN: not env CLICOLOR_FORCE=1 cosma-opt --allocate --scratchpad=64 %s 2>&1 | FileCheck --check-prefix=COLOUR %s

// UNSEEN: expected error
// CHECK: diagnostics.mlir:[[@LINE+7]]:8: error: operator needs 128 B at once
// CHECK-NEXT: {{^  }}%0 = cosma.op "Relu"
// CHECK-NEXT: {{^       \^$}}
// COLOUR: {{.*\[31m}}error:
func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
  // expected-error @+2 {{operator needs 128 B at once}}
  // expected-note @+1 {{it may fit in tiles: --tile}}
  %0 = cosma.op "Relu"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
