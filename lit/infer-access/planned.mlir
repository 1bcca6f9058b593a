// Planned form has no operator that is still to be split.
// RUN: cosma-opt --allocate --scratchpad=128 %s -o %t
// RUN: not cosma-opt --infer-access %t 2>&1 | FileCheck %s
// CHECK: error: {{.*}}cosma-infer-access{{.*}}source form
func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
