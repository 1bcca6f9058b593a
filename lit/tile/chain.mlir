// Operators that do not fit, in tiles that do.
//
// RUN: not cosma-opt --allocate --scratchpad=2KiB %s 2>&1 | FileCheck --check-prefix=WHOLE %s
// RUN: cosma-opt --tile --scratchpad=2KiB %s | FileCheck %s
// RUN: cosma-opt --tile --scratchpad=2KiB %s | cosma-opt --allocate --report=- -o /dev/null | FileCheck --check-prefix=REPORT %s
// RUN: cosma-opt --tile --allocate --scratchpad=2KiB %s | cosma-opt --verify | FileCheck --check-prefix=PLANNED %s
// RUN: cosma-opt --tile --scratchpad=64KiB %s | FileCheck --check-prefix=ROOM %s
// RUN: cosma-opt --tile --scratchpad=2KiB %s | not cosma-opt --tile --scratchpad=2KiB 2>&1 | FileCheck --check-prefix=AGAIN %s
// RUN: cosma-opt --tile --allocate --scratchpad=2KiB %s | not cosma-opt --tile --scratchpad=2KiB 2>&1 | FileCheck --check-prefix=AFTER %s
// RUN: cosma-opt --tile --allocate --scratchpad=1280 %s | cosma-opt --verify -o /dev/null
// RUN: not cosma-opt --tile --scratchpad=16 %s 2>&1 | FileCheck --check-prefix=SMALL %s

// Each row of the image is read by one tile and the halo of the next one. Nothing is moved twice.
// WHOLE: error: operator needs {{[0-9]+}} B at once, but the scratchpad has 2048 B
// CHECK: func.func @chain({{.*}}) -> tensor<1x8x32x32xi8> attributes {cosma.machine = {{.*}}, cosma.tiling = {all_tilings = 16968 : i64, without_recomputation = 16968 : i64}}
// CHECK: tensor.extract_slice %arg0[0, 0, 0, 0]
// CHECK: cosma.op "Conv"({{.*}}) tile <"Conv_0", [
// CHECK: cosma.op "Relu"({{.*}}) tile <"Relu_1", [
// CHECK: tensor.empty() : tensor<1x8x32x32xi8>
// CHECK-COUNT-2: tensor.insert_slice
// CHECK: return
// REPORT: "status": "optimal"
// REPORT: "non_compulsory": 0
// REPORT: "all_tilings": 16968,
// REPORT: "without_recomputation": 16968
// REPORT: "proof": "all tilings"
// PLANNED: cosma.load %arg0[0, 0, 0, 0]
// PLANNED-NOT: cosma.reload
// PLANNED-NOT: cosma.spill
// PLANNED: cosma.store {{.*}} into
// ROOM-NOT: tile <
// ROOM: cosma.op "Conv"(%arg0, %arg1, %arg2)
// AGAIN: error: cosma-tile takes whole operators, but this one is already a tile
// AFTER: error: cosma-tile takes a function in source form, but this one is already planned
// SMALL: chain.mlir:[[@LINE+3]]:{{[0-9]+}}: error: operator needs {{[0-9]+}} B at once in its smallest tile, but the scratchpad has 16 B
func.func @chain(%x: tensor<1x8x32x32xi8>, %w: tensor<8x8x3x3xi8> {cosma.weight}, %b: tensor<8xi8> {cosma.weight})
    -> tensor<1x8x32x32xi8> {
  %0 = cosma.op "Conv"(%x, %w, %b) macs 589824 : (tensor<1x8x32x32xi8>, tensor<8x8x3x3xi8>, tensor<8xi8>) -> tensor<1x8x32x32xi8>
  %1 = cosma.op "Relu"(%0) in_place [[0, 0]] : (tensor<1x8x32x32xi8>) -> tensor<1x8x32x32xi8>
  return %1 : tensor<1x8x32x32xi8>
}
