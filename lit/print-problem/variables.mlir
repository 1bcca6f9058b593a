// Variables: what is read of them is brought in from host memory, and what is written goes there.
//
// RUN: cosma-opt --print-problem --scratchpad=4KiB %s -o /dev/null 2>&1 | FileCheck %s
// RUN: cosma-opt --schedule --allocate --stats --scratchpad=4KiB %s -o %t.planned.mlir 2>&1 | FileCheck %s --check-prefix=STATS
// RUN: FileCheck %s --check-prefix=PLANNED < %t.planned.mlir
// RUN: cosma-opt --verify %t.planned.mlir -o /dev/null
// RUN: cosma-opt --schedule --scratchpad=4KiB %s | FileCheck %s --check-prefix=SCHEDULED
// RUN: cosma-opt --lower-addresses %t.planned.mlir | FileCheck %s --check-prefix=LOWERED

// LOWERED-DAG: memref.global "private" @state : memref<64xf32> = dense<0.000000e+00>
// LOWERED-DAG: memref.global @cell : memref<64xf32> = dense<1.000000e+00>
ml_program.global private mutable @state(dense<0.0> : tensor<64xf32>) : tensor<64xf32>
ml_program.global private mutable @other(dense<0.0> : tensor<64xf32>) : tensor<64xf32>
ml_program.global private @w(dense<1.0> : tensor<64xf32>) : tensor<64xf32>
tosa.variable @cell = dense<1.0> : tensor<64xf32>

// %x 256 + @w 256 + result 256 + @state in 256 + out 256 = 1280 B.
// CHECK: # @step
// CHECK: argument arg0 256
// CHECK-NEXT: argument var0 256
// CHECK-NEXT: weight const0 256
// CHECK-NEXT: op tosa.add_0: var0 arg0 -> tosa.add_0 256 over var0 arg0
// CHECK-NEXT: op tosa.add_1: tosa.add_0 const0 -> tosa.add_1 256 over tosa.add_0 const0
// CHECK-NEXT: return tosa.add_1 tosa.add_0
// STATS: @step: 2 operators, optimal
// STATS-NEXT: traffic 1280 B = 1280 compulsory
// PLANNED: func.func @step
// PLANNED: %[[S:.*]] = ml_program.global_load @state
// PLANNED: cosma.load %[[S]]
// PLANNED: %[[OUT:.*]] = cosma.store
// PLANNED: ml_program.global_store @state = %[[OUT]]
// PLANNED-NEXT: return
// LOWERED: func.func @step
// LOWERED: %[[G:.*]] = memref.get_global @state
// LOWERED: memref.copy %[[G]], %{{.*}} {cosma.transfer = "load"}
// LOWERED: memref.copy %{{.*}}, %[[NEW:.*]] {cosma.transfer = "store"}
// LOWERED: linalg.copy ins(%[[NEW]] : memref<64xf32>) outs(%[[G]] : memref<64xf32>)
func.func @step(%x: tensor<64xf32>) -> tensor<64xf32> {
  %s = ml_program.global_load @state : tensor<64xf32>
  %w = ml_program.global_load_const @w : tensor<64xf32>
  %n = tosa.add %s, %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  %m = tosa.add %n, %w : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  ml_program.global_store @state = %n : tensor<64xf32>
  return %m : tensor<64xf32>
}

// What is read after it was written is what was written; of two writes the last counts.
// STATS: @twice: 3 operators, optimal
// STATS-NEXT: traffic 1024 B = 1024 compulsory
// SCHEDULED: func.func @twice
// SCHEDULED-NEXT: tosa.variable_read
// SCHEDULED-NEXT: %[[A:.*]] = tosa.exp
// SCHEDULED-NEXT: %[[B:.*]] = tosa.tanh %[[A]]
// SCHEDULED-NEXT: %[[C:.*]] = tosa.add %[[B]]
// SCHEDULED-NEXT: tosa.variable_write @cell, %[[B]]
// SCHEDULED-NEXT: return %[[C]]
func.func @twice(%x: tensor<64xf32>) -> tensor<64xf32> {
  %a = tosa.exp %x : (tensor<64xf32>) -> tensor<64xf32>
  %old = tosa.variable_read @cell : tensor<64xf32>
  tosa.variable_write @cell, %a : tensor<64xf32>
  %again = tosa.variable_read @cell : tensor<64xf32>
  %b = tosa.tanh %again : (tensor<64xf32>) -> tensor<64xf32>
  tosa.variable_write @cell, %b : tensor<64xf32>
  %last = tosa.variable_read @cell : tensor<64xf32>
  %c = tosa.add %last, %old : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return %c : tensor<64xf32>
}

// Two variables change places, and a view is written: each lies in host memory already, or goes there as a whole.
// LOWERED: func.func @swap
// LOWERED-DAG: %[[A:.*]] = memref.get_global @state
// LOWERED-DAG: %[[B:.*]] = memref.get_global @other
// LOWERED: linalg.copy ins(%[[A]] : memref<64xf32>) outs(%[[X:.*]] : memref<64xf32>)
// LOWERED: linalg.copy ins(%[[B]] : memref<64xf32>) outs(%[[Y:.*]] : memref<64xf32>)
// LOWERED: linalg.copy ins(%[[X]] : memref<64xf32>) outs(%[[B]] : memref<64xf32>)
// LOWERED: linalg.copy ins(%[[Y]] : memref<64xf32>) outs(%[[A]] : memref<64xf32>)
func.func @swap(%x: tensor<8x8xf32>) {
  %a = ml_program.global_load @state : tensor<64xf32>
  %b = ml_program.global_load @other : tensor<64xf32>
  ml_program.global_store @other = %a : tensor<64xf32>
  ml_program.global_store @state = %b : tensor<64xf32>
  %e = tosa.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %flat = tensor.collapse_shape %e [[0, 1]] : tensor<8x8xf32> into tensor<64xf32>
  tosa.variable_write @cell, %flat : tensor<64xf32>
  return
}
