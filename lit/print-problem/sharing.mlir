// Results that may lie where operands lie, as operations of upstream dialects are known to allow.
//
// RUN: cosma-opt --print-problem --scratchpad=1MiB %s -o /dev/null 2>&1 | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>

// Element by element, where types agree; a table may be looked up anywhere.
// CHECK: op tosa.add_0: arg0 arg1 -> tosa.add_0 64 over arg0 arg1
// CHECK: op tosa.cast_1: tosa.add_0 -> tosa.cast_1 256{{$}}
// CHECK: op tosa.table_2: tosa.add_0 arg2 -> tosa.table_2 64 over tosa.add_0{{$}}
func.func @elementwise(%x: tensor<64xi8>, %y: tensor<64xi8>, %t: tensor<256xi8>) -> (tensor<64xi32>, tensor<64xi8>) {
  %0 = tosa.add %x, %y : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  %1 = tosa.cast %0 : (tensor<64xi8>) -> tensor<64xi32>
  %2 = tosa.table %0, %t : (tensor<64xi8>, tensor<256xi8>) -> tensor<64xi8>
  return %1, %2 : tensor<64xi32>, tensor<64xi8>
}

// What is read at another place is no place to write to, not even if it is read at this one, too.
// CHECK: op linalg.generic_0: arg0 arg1 -> linalg.generic_0 64 over arg0{{$}}
// CHECK: op linalg.generic_1: linalg.generic_0 -> linalg.generic_1 64{{$}}
func.func @maps(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #turned, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %y : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4x4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #turned, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0, %0 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// Destinations that are tensors, and what something is inserted into.
// CHECK: op linalg.matmul_0: arg0 arg1 arg2 -> linalg.matmul_0 64 over arg2{{$}}
// CHECK: op tensor.insert_slice_1: arg3 linalg.matmul_0 -> tensor.insert_slice_1 64 over linalg.matmul_0{{$}}
func.func @destinations(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>, %d: tensor<4x4xf32>, %s: tensor<1x4xf32>) -> tensor<4x4xf32> {
  %0 = linalg.matmul ins(%x, %y : tensor<4x4xf32>, tensor<4x4xf32>) outs(%d : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = tensor.insert_slice %s into %0[2, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// Side by side along the first dimension that is not one, but not along the second.
// CHECK: op tosa.concat_0: arg0 arg1 -> tosa.concat_0 96 over arg0 arg1 at 64
// CHECK: op tosa.concat_1: tosa.concat_0 -> tosa.concat_1 192{{$}}
func.func @concatenations(%x: tensor<1x4x4xf32>, %y: tensor<1x2x4xf32>) -> tensor<1x6x8xf32> {
  %0 = tosa.concat %x, %y {axis = 1 : i32} : (tensor<1x4x4xf32>, tensor<1x2x4xf32>) -> tensor<1x6x4xf32>
  %1 = tosa.concat %0, %0 {axis = 2 : i32} : (tensor<1x6x4xf32>, tensor<1x6x4xf32>) -> tensor<1x6x8xf32>
  return %1 : tensor<1x6x8xf32>
}

// What an operation says itself counts.
// CHECK: op tosa.abs_0: arg0 -> tosa.abs_0 64{{$}}
func.func @said(%x: tensor<64xi8>) -> tensor<64xi8> {
  %0 = tosa.abs %x {cosma.in_place = []} : (tensor<64xi8>) -> tensor<64xi8>
  return %0 : tensor<64xi8>
}
