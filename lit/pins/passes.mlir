// Places survive the passes before planning, or are refused where a pass cannot keep them.
//
// RUN: split-file %s %t
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-group))' %t/group.mlir -o %t/grouped.mlir
// RUN: FileCheck --check-prefix=GROUP %s < %t/grouped.mlir
// RUN: cosma-opt --pass-pipeline='builtin.module(func.func(cosma-ungroup))' %t/grouped.mlir | FileCheck --check-prefix=UNGROUP %s
// RUN: cosma-opt --group --schedule --allocate --scratchpad=1KiB %t/group.mlir | FileCheck --check-prefix=PLANNED %s
// RUN: cosma-opt --schedule --allocate --scratchpad=1KiB %t/group.mlir | FileCheck --check-prefix=WRAPPED %s
// RUN: not cosma-opt --split-input-file --pass-pipeline='builtin.module(func.func(cosma-ungroup))' %t/ungroup.mlir 2>&1 | FileCheck --check-prefix=WRONG-GROUP %s
// RUN: cosma-opt --pass-pipeline='builtin.module(cosma-inline)' %t/inline.mlir | FileCheck --check-prefix=INLINE %s
// RUN: not cosma-opt --split-input-file --pass-pipeline='builtin.module(cosma-inline)' %t/call.mlir 2>&1 | FileCheck --check-prefix=CALL %s
// RUN: cosma-opt --tile --schedule --allocate --scratchpad=1KiB %t/group.mlir 2>&1 | FileCheck --check-prefix=WHOLE %s
// RUN: not cosma-opt --tile --schedule --allocate --scratchpad=320 %t/tile.mlir 2>&1 | FileCheck --check-prefix=TILE %s
// RUN: mlir-opt %cosma_plugin --one-shot-bufferize=bufferize-function-boundaries %t/bufferize.mlir | FileCheck --check-prefix=BUFFERS %s

//--- group.mlir
// What has a place is the result of its group, and none of its own inside of one.
// GROUP: cosma.group "{{.*}}"({{.*}}) {{.*}}{cosma.at = 256 : i64}
// GROUP: tosa.add
// GROUP-NOT: cosma.at
// GROUP: cosma.yield
// GROUP: cosma.group
// GROUP: tosa.reciprocal
// GROUP: tosa.abs
// GROUP: cosma.yield
// UNGROUP: tosa.sub {{.*}} : 
// UNGROUP: tosa.add {{.*}} {cosma.at = 256 : i64}
// UNGROUP: tosa.reciprocal
// PLANNED: cosma.group "{{.*}}"({{.*}}) at [256] {{.*}}{cosma.at = 256 : i64}
// PLANNED: return
// An operator of another dialect hands it to the group that it is wrapped in.
// WRAPPED: cosma.group "tosa.add"({{.*}}) at [256] {{.*}}{cosma.at = 256 : i64}
// WRAPPED-NEXT: ^bb0
// WRAPPED-NEXT: tosa.add {{%[^{]*}} : 
// A function with places is not cut.
// WHOLE: tosa.add
// WHOLE-NOT: tensor.extract_slice
func.func @f(%x: tensor<1x64xf32>, %y: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %0 = tosa.sub %x, %y : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x64xf32>
  %1 = tosa.add %0, %y {cosma.at = 256 : i64} : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x64xf32>
  %2 = tosa.reciprocal %1 : (tensor<1x64xf32>) -> tensor<1x64xf32>
  %3 = tosa.abs %2 : (tensor<1x64xf32>) -> tensor<1x64xf32>
  return %3 : tensor<1x64xf32>
}

//--- tile.mlir
// Where it does not fit whole, an error says why.
// TILE: error: operator needs
// TILE: note: cosma-tile cannot split this function: it has tensors with declared places (cosma.at, cosma.on_chip)
func.func @f(%x: tensor<1x64xf32>, %y: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %0 = tosa.sub %x, %y {cosma.at = 0 : i64} : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}

//--- ungroup.mlir
func.func @nothing(%x: tensor<8xi8>) -> tensor<8xi8> {
  // WRONG-GROUP: ungroup.mlir:3:8: error: cosma-ungroup cannot preserve the fixed offset of result 0 (cosma.at): the group does not compute it
  %0 = cosma.group "Id"(%x) {cosma.at = 0 : i64} : (tensor<8xi8>) -> tensor<8xi8> {
  ^bb0(%a: tensor<8xi8>):
    cosma.yield %a : tensor<8xi8>
  }
  return %0 : tensor<8xi8>
}

// -----

func.func @two(%x: tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>) {
  // WRONG-GROUP: error: cosma-ungroup cannot preserve the fixed offset of result 1 (cosma.at): the same value has another one, 0
  %0:2 = cosma.group "Id"(%x) {cosma.at = array<i64: 0, 64>} : (tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>) {
  ^bb0(%a: tensor<8xi8>):
    %1 = tosa.abs %a : (tensor<8xi8>) -> tensor<8xi8>
    cosma.yield %1, %1 : tensor<8xi8>, tensor<8xi8>
  }
  return %0#0, %0#1 : tensor<8xi8>, tensor<8xi8>
}

//--- inline.mlir
// INLINE-LABEL: @f(%arg0: tensor<8xi8> {cosma.on_chip}) -> (tensor<8xi8> {cosma.at = 64 : i64})
// INLINE-NEXT: cosma.op "A"(%arg0) {cosma.at = 0 : i64}
// INLINE-NEXT: return
func.func @f(%x: tensor<8xi8> {cosma.on_chip}) -> (tensor<8xi8> {cosma.at = 64 : i64}) {
  %0 = call @g(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
func.func private @g(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.op "A"(%x) {cosma.at = 0 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

//--- call.mlir
func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CALL: call.mlir:3:8: error: calls @g, which cannot be planned together with its caller: its argument 0 has a declared place (cosma.at, cosma.on_chip)
  %0 = call @g(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
func.func @g(%x: tensor<8xi8> {cosma.on_chip}) -> tensor<8xi8> {
  %0 = cosma.op "A"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
  // CALL: error: calls @g, which cannot be planned together with its caller: its results have fixed offsets here (cosma.at), which its operators can have instead
  %0 = call @g(%x) {cosma.at = 0 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}
func.func @g(%x: tensor<8xi8>) -> tensor<8xi8> {
  %0 = cosma.op "A"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

//--- bufferize.mlir
// Bufferization keeps attributes, which mean nothing then and are no errors.
// BUFFERS: func.func @f(%{{.*}}: memref<8xf32{{.*}}> {cosma.on_chip})
// BUFFERS: linalg.add
func.func @f(%x: tensor<8xf32> {cosma.on_chip}) -> (tensor<8xf32> {cosma.at = 0 : i64}) {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.add {cosma.at = 64 : i64} ins(%x, %x : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
