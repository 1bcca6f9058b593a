// A product whose sums are added up in parts.
//
// RUN: cosma-opt --tile --scratchpad=9KiB --alignment=1 %s | FileCheck %s
// RUN: cosma-opt --tile --allocate --scratchpad=9KiB --alignment=1 --report=- -o /dev/null %s | FileCheck --check-prefix=REPORT %s
// RUN: cosma-opt --tile --allocate --scratchpad=9KiB --alignment=1 %s | cosma-opt --verify | FileCheck --check-prefix=PLANNED %s
// RUN: sed 's/xi8/xf32/g; s/sums = i32/sums = f32/' %s | cosma-opt --tile --allocate --scratchpad=9KiB --alignment=1 --element-bytes=1 --report=- -o %t | FileCheck --check-prefix=REPORT %s
// RUN: FileCheck --check-prefix=BYTES %s < %t
// RUN: sed 's/, sums = i32//' %s | cosma-opt --tile --allocate --scratchpad=9KiB --alignment=1 --report=- -o /dev/null | FileCheck --check-prefix=WHOLE %s

// Half of the rows at a time: 32 * 64 sums of 4 B are 8 KiB, and the rest holds a part of both operands. So the weight
// of 32 KiB comes twice, and sums never move. The first part reads none, the others lay theirs over those before, and
// the last one makes the result of the sums, in their place. What little room is left saves a part of the weight.
// CHECK-DAG: %[[X:.*]] = tensor.extract_slice %arg0[0, 0] [32, [[K:[0-9]+]]] [1, 1]
// CHECK-DAG: %[[W:.*]] = tensor.extract_slice %arg1[0, 0] [[[K]], 64] [1, 1]
// CHECK: %[[SUMS:.*]] = cosma.op "MatMul"(%[[X]], %[[W]]) tile <"MatMul_0", [0, 0, 0] [32, 64, [[K]]]> macs {{[0-9]+}} : ({{.*}}) -> tensor<32x64xi32>
// CHECK: cosma.op "MatMul"(%{{.*}}, %{{.*}}, %[[SUMS]]) tile <"MatMul_0", [0, 0, [[K]]] [32, 64, {{[0-9]+}}]> macs {{[0-9]+}} in_place {{\[}}[0, 2]] : ({{.*}}, tensor<32x64xi32>) -> tensor<32x64xi32>
// CHECK: cosma.op "MatMul"({{.*}}) tile <"MatMul_0", [0, 0, {{[0-9]+}}] [32, 64, {{[0-9]+}}]> macs {{[0-9]+}} in_place {{\[}}[0, 2]] : ({{.*}}, tensor<32x64xi32>) -> tensor<32x64xi8>
// CHECK: cosma.op "MatMul"({{.*}}) tile <"MatMul_0", [32, 0, 0] [32, 64, [[K]]]>
// CHECK: return
// REPORT: "non_compulsory": 3{{[0-2][0-9][0-9][0-9]}},
// PLANNED-NOT: cosma.spill
// PLANNED: cosma.store {{.*}} into
// As after quantisation, sums of floats are integers, whose width is their own.
// BYTES: cosma.op "MatMul"({{.*}}) tile {{.*}} -> tensor<32x64xi32>
// BYTES: cosma.op "MatMul"({{.*}}) tile {{.*}} -> tensor<32x64xf32>
// WHOLE: "non_compulsory": 98304
func.func @product(%x: tensor<64x512xi8>, %w: tensor<512x64xi8> {cosma.weight}) -> tensor<64x64xi8> {
  %0 = cosma.op "MatMul"(%x, %w) access <[64, 64, sum 512], (d0, d2), (d2, d1) -> (d0, d1), sums = i32> macs 2097152
    : (tensor<64x512xi8>, tensor<512x64xi8>) -> tensor<64x64xi8>
  return %0 : tensor<64x64xi8>
}
