// What of a function the planner sees.
//
// RUN: cosma-opt --print-problem --scratchpad=1KiB --weights=streamed %s -o /dev/null 2>&1 | FileCheck %s

// Arguments of other types than tensors are none of its business. Constants are weights. A scalar of
// the source is none either; one that an operator computes is no tensor, but what reads it comes later,
// also where a region reads it.
// CHECK: # @scalars
// CHECK-NEXT: machine scratchpad 1024 alignment 64 weights streamed
// CHECK-NEXT: argument arg0 16
// CHECK-NEXT: argument arg2 32
// CHECK-NEXT: weight const0 16
// CHECK-NEXT: op tensor.extract_0: arg2 ->{{$}}
// CHECK-NEXT: op arith.addi_1: ->{{$}}
// CHECK-NEXT: op linalg.generic_2: arg0 const0 -> linalg.generic_2 16
// CHECK-NEXT: op Mixed_3: linalg.generic_2 -> Mixed_3.0 16 workspace 8
// CHECK-NEXT: order tensor.extract_0 arith.addi_1
// CHECK-NEXT: order arith.addi_1 linalg.generic_2
// CHECK-NEXT: return Mixed_3.0
func.func @scalars(%x: tensor<16xi8>, %n: index, %t: tensor<4xindex>) -> (tensor<16xi8>, index) {
  %zero = arith.constant 0 : index
  %one = arith.constant dense<1> : tensor<16xi8>
  %e = tensor.extract %t[%zero] : tensor<4xindex>
  %s = arith.addi %e, %n : index
  %empty = tensor.empty() : tensor<16xi8>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
      iterator_types = ["parallel"]
    } ins(%x, %one : tensor<16xi8>, tensor<16xi8>) outs(%empty : tensor<16xi8>) {
  ^bb0(%a: i8, %b: i8, %old: i8):
    %q = arith.index_cast %s : index to i8
    %r = arith.addi %a, %q : i8
    linalg.yield %r : i8
  } -> tensor<16xi8>
  %1, %k = cosma.op "Mixed"(%0) workspace 8 : (tensor<16xi8>) -> (tensor<16xi8>, index)
  return %1, %k : tensor<16xi8>, index
}

// Operators that may do more than compute their results keep their order: each waits for the one before.
// CHECK: # @effects
// CHECK: op Log_0: arg0 ->{{$}}
// CHECK-NEXT: op Relu_1: arg0 -> Relu_1 8
// CHECK-NEXT: op func.call_2: ->{{$}}
// CHECK-NEXT: op Log_3: Relu_1 ->{{$}}
// CHECK-NEXT: order Log_0 func.call_2
// CHECK-NEXT: order func.call_2 Log_3
func.func @effects(%x: tensor<8xi8>) {
  cosma.op "Log"(%x) : (tensor<8xi8>) -> ()
  %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
  call @bell() : () -> ()
  cosma.op "Log"(%0) : (tensor<8xi8>) -> ()
  return
}
func.func private @bell()

// A tensor that an operator reads twice is read once; a value that is returned twice is stored once; an
// argument that is returned is a result in name only.
// CHECK: # @twice
// CHECK: op Mul_0: arg0 -> Mul_0 8
// CHECK-NEXT: return Mul_0 arg0
func.func @twice(%x: tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>, tensor<8xi8>) {
  %0 = cosma.op "Mul"(%x, %x) : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  return %0, %0, %x : tensor<8xi8>, tensor<8xi8>, tensor<8xi8>
}
