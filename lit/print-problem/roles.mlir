// What of operations from upstream dialects are operators, and what are not.
//
// RUN: cosma-opt --print-problem --scratchpad=1KiB %s -o /dev/null 2>&1 | FileCheck %s
// RUN: cosma-opt --print-problem --scratchpad=1KiB --run-weights %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=RUNS
// RUN: cosma-opt --print-problem --scratchpad=1KiB --element-bytes=1 %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=BYTE
// RUN: cosma-opt --print-problem --scratchpad=1KiB --inputs=1 %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=INPUTS

ml_program.global private @table(dense<1.0> : tensor<2x4xf32>) : tensor<2x4xf32>
ml_program.global private mutable @state(dense<1.0> : tensor<2x4xf32>) : tensor<2x4xf32>

// What is computed from weights alone, and is no larger than they are, is a weight; a constant of one
// element is a parameter. A spread weight is larger: it is spread when it is needed.
// CHECK: # @weights
// CHECK: argument arg0 32
// CHECK-NEXT: weight arg1 32
// CHECK-NEXT: weight folded0 32
// CHECK-NEXT: weight const0 32
// CHECK-NEXT: op tosa.add_0: arg0 folded0 -> tosa.add_0 32
// CHECK-NEXT: op tosa.add_1: tosa.add_0 const0 -> tosa.add_1 32
// CHECK-NEXT: return tosa.add_1
// RUNS: # @weights
// RUNS: op tosa.mul_0: arg1 -> tosa.mul_0 32
// BYTE: # @weights
// BYTE: argument arg0 8
// INPUTS: # @weights
// INPUTS: weight arg0 32
// INPUTS-NEXT: weight arg1 32
func.func @weights(%x: tensor<2x4xf32>, %w: tensor<2x4xf32> {cosma.weight}) -> tensor<2x4xf32> {
  %two = "tosa.const"() <{values = dense<2.0> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
  %shift = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %scaled = tosa.mul %w, %two, %shift : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<2x4xf32>
  %table = ml_program.global_load_const @table : tensor<2x4xf32>
  %0 = tosa.add %x, %scaled : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = tosa.add %0, %table : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A global that is never written to is a constant; one that is may differ each time, as arguments do.
// CHECK: # @globals
// CHECK-NEXT: machine
// CHECK-NEXT: weight const0 32
// CHECK-NEXT: argument var0 32
// CHECK-NEXT: op tosa.add_0: const0 var0 -> tosa.add_0 32
func.func @globals() -> tensor<2x4xf32> {
  %table = ml_program.global_load @table : tensor<2x4xf32>
  %state = ml_program.global_load @state : tensor<2x4xf32>
  %0 = tosa.add %table, %state : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A view is the tensor that it looks at: reshapes, casts, slices that are one piece. A slice that is
// not is an operator.
// CHECK: # @views
// CHECK: op tosa.exp_0: arg0 -> tosa.exp_0 32
// CHECK-NEXT: op tosa.tanh_1: tosa.exp_0 -> tosa.tanh_1 16
// CHECK-NEXT: op tensor.extract_slice_2: tosa.exp_0 -> tensor.extract_slice_2 16
// CHECK-NEXT: return tosa.exp_0 tosa.tanh_1 tensor.extract_slice_2
func.func @views(%x: tensor<2x4xf32>) -> (tensor<8xf32>, tensor<4xf32>, tensor<2x2xf32>) {
  %0 = tosa.exp %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %flat = tensor.collapse_shape %0 [[0, 1]] : tensor<2x4xf32> into tensor<8xf32>
  %row = tensor.extract_slice %0[1, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<1x4xf32>
  %shape = tosa.const_shape {values = dense<[4]> : tensor<1xindex>} : () -> !tosa.shape<1>
  %again = tosa.reshape %row, %shape : (tensor<1x4xf32>, !tosa.shape<1>) -> tensor<4xf32>
  %1 = tosa.tanh %again : (tensor<4xf32>) -> tensor<4xf32>
  %columns = tensor.extract_slice %0[0, 0] [2, 2] [1, 1] : tensor<2x4xf32> to tensor<2x2xf32>
  return %flat, %1, %columns : tensor<8xf32>, tensor<4xf32>, tensor<2x2xf32>
}

// What a sum starts from is no tensor; a filled tensor that is read is one.
// CHECK: # @destinations
// CHECK: op linalg.matmul_0: arg0 arg1 -> linalg.matmul_0 64
// CHECK-NEXT: op linalg.fill_1: -> linalg.fill_1 64
// CHECK-NEXT: op linalg.add_2: linalg.matmul_0 linalg.fill_1 -> linalg.add_2 64
func.func @destinations(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = linalg.matmul ins(%x, %y : tensor<4x4xf32>, tensor<4x4xf32>) outs(%start : tensor<4x4xf32>) -> tensor<4x4xf32>
  %ones = linalg.fill ins(%one : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.add ins(%0, %ones : tensor<4x4xf32>, tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// What a region reads from around it is an operand.
// CHECK: # @captured
// CHECK: op linalg.generic_0: arg1 arg0 -> linalg.generic_0 16
func.func @captured(%table: tensor<8xf32>, %index: tensor<4xi64>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]
    } ins(%index : tensor<4xi64>) outs(%empty : tensor<4xf32>) {
  ^bb0(%in: i64, %out: f32):
    %i = arith.index_cast %in : i64 to index
    %element = tensor.extract %table[%i] : tensor<8xf32>
    linalg.yield %element : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
