// What MLIR's traits and interfaces say of operations counts for each dialect.
//
// RUN: cosma-opt --print-problem --scratchpad=1MiB %s -o /dev/null 2>&1 | FileCheck %s

// Elementwise operations write where an operand of the same shape and width lies, of whatever type.
// CHECK: # @elementwise
// CHECK: op math.exp_0: arg0 -> math.exp_0 4096 over arg0
// CHECK-NEXT: op arith.negf_1: math.exp_0 -> arith.negf_1 4096 over math.exp_0
// CHECK-NEXT: op arith.fptosi_2: arith.negf_1 -> arith.fptosi_2 4096 over arith.negf_1
// CHECK-NEXT: op arith.extsi_3: arith.fptosi_2 -> arith.extsi_3 8192{{$}}
// CHECK-NEXT: op arith.cmpi_4: arg1 arg2 -> arith.cmpi_4 1024 over arg1 arg2
// CHECK-NEXT: op arith.select_5: arith.cmpi_4 arg1 arg2 -> arith.select_5 1024 over arith.cmpi_4 arg1 arg2
func.func @elementwise(%x: tensor<1024xf32>, %a: tensor<1024xi8>, %b: tensor<1024xi8>)
    -> (tensor<1024xi64>, tensor<1024xi8>) {
  %0 = math.exp %x : tensor<1024xf32>
  %1 = arith.negf %0 : tensor<1024xf32>
  %2 = arith.fptosi %1 : tensor<1024xf32> to tensor<1024xi32>
  %3 = arith.extsi %2 : tensor<1024xi32> to tensor<1024xi64>
  %4 = arith.cmpi slt, %a, %b : tensor<1024xi8>
  %5 = arith.select %4, %a, %b : tensor<1024xi1>, tensor<1024xi8>
  return %3, %5 : tensor<1024xi64>, tensor<1024xi8>
}

// A constant of equal elements from which a sum starts is nothing to load; one that is read is.
// CHECK: # @start
// CHECK-NEXT: machine
// CHECK-NEXT: argument arg0 64
// CHECK-NEXT: argument arg1 64
// CHECK-NEXT: weight const0 64
// CHECK-NEXT: op linalg.matmul_0: arg0 arg1 -> linalg.matmul_0 64
// CHECK-NEXT: op linalg.add_1: linalg.matmul_0 const0 -> linalg.add_1 64
func.func @start(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %one = arith.constant dense<1.0> : tensor<4x4xf32>
  %empty = tensor.empty() : tensor<4x4xf32>
  %0 = linalg.matmul ins(%x, %y : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.add ins(%0, %one : tensor<4x4xf32>, tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// Operations without effects have no order, whatever their dialect; in a loop, its regions decide.
// CHECK: # @effects
// CHECK: op math.absf_0: arg0 -> math.absf_0 64{{.*$}}
// CHECK-NEXT: op scf.for_1: {{.*}} -> scf.for_1 64
// CHECK-NOT: order
// CHECK: return
func.func @effects(%x: tensor<16xf32>, %y: tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %0 = math.absf %x : tensor<16xf32>
  %1 = scf.for %i = %c0 to %c4 step %c4 iter_args(%a = %y) -> tensor<16xf32> {
    %2 = math.exp %a : tensor<16xf32>
    scf.yield %2 : tensor<16xf32>
  }
  return %0, %1 : tensor<16xf32>, tensor<16xf32>
}

// A loop that prints keeps its order with what else may have effects.
// CHECK: # @prints
// CHECK: op scf.for_0: arg0 -> scf.for_0 64 over arg0
// CHECK-NEXT: op vector.print_1: ->
// CHECK-NEXT: order scf.for_0 vector.print_1
func.func @prints(%x: tensor<16xf32>) -> tensor<16xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %0 = scf.for %i = %c0 to %c4 step %c4 iter_args(%a = %x) -> tensor<16xf32> {
    vector.print str "again"
    scf.yield %a : tensor<16xf32>
  }
  vector.print str "done"
  return %0 : tensor<16xf32>
}
