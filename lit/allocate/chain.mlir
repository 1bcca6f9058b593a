// Residencies: an offset, and the steps, half-open, of each stay of each result.
//
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-allocate{scratchpad=288}))' %s | FileCheck %s
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-allocate{scratchpad=288 weights=streamed}))' %s | FileCheck --check-prefix=STREAMED %s
// RUN: not cosma-opt --allocate --scratchpad=287 %s 2>&1 | FileCheck --check-prefix=SMALL %s

// Step 1 fills all 288 bytes: %0, %w, %1 and a workspace. %w lies last, since it needs no padding there.
// CHECK: %arg0: tensor<64xi8> {cosma.residencies = [#cosma.residency<0 to 1 at {{[0-9]+}}>]}
// CHECK-SAME: %arg1: tensor<32xi8> {cosma.residencies = [#cosma.residency<1 to 2 at 256>], cosma.weight}
// CHECK-SAME: cosma.machine = #cosma.machine<scratchpad = 288, alignment = 64, weights = resident>
// CHECK-SAME: status = optimal
// CHECK: cosma.op "A"(%arg0) residencies {{\[\[}}0 to 4 at {{[0-9]+}}]]
// CHECK: cosma.op "B"({{.*}}) workspace 64 workspace_at {{[0-9]+}} residencies {{\[\[}}1 to 3 at {{[0-9]+}}]]
// STREAMED: %arg1: tensor<32xi8> {cosma.weight}
// SMALL: chain.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs 288 B at once, but the scratchpad has 287 B: 1 B too few (min_scratchpad = 288)
func.func @f(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%0, %w) workspace 64 : (tensor<64xi8>, tensor<32xi8>) -> tensor<128xi8>
  %2 = cosma.op "C"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "D"(%2, %0) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %3 : tensor<64xi8>
}
