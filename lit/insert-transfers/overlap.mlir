// On a machine with a clock, transfers begin as soon as addresses allow it, and go on beside operators.

// RUN: cosma-opt %s --allocate | FileCheck %s
// RUN: cosma-opt %s --allocate --overlap=none | FileCheck %s --check-prefix=NONE
// RUN: cosma-opt %s --allocate | cosma-opt --verify | FileCheck %s
// RUN: cosma-opt %s --allocate --print-plan -o /dev/null 2>&1 | FileCheck %s --check-prefix=PLAN
// RUN: cosma-opt %s --allocate --lower-addresses | FileCheck %s --check-prefix=COPY
// RUN: cosma-opt %s --allocate --lower-addresses --transfers=dma | FileCheck %s --check-prefix=DMA
// RUN: cosma-opt %s --allocate --lower-addresses --transfers=call | FileCheck %s --check-prefix=CALL

module attributes {cosma.machine = {scratchpad = 320, alignment = 64, links = [
  {from = "host", to = "scratchpad", channel = "dma", rate = "15/4", latency = 5},
  {from = "scratchpad", to = "host", channel = "dma", rate = 4, setup = 2}
], compute = {cycles_per_mac = "1/2", least_cycles = 10}}} {
  // The bound holds for any order, and nothing but the first load and the last store is waited for.
  // CHECK-LABEL: @f
  // CHECK-SAME: cycles_bound = 198, cycles_bound_rule = "B0"
  // CHECK: %[[X:.*]] = cosma.load async %arg0 at
  // CHECK: %[[W:.*]] = cosma.load async %arg1 at
  // CHECK: %[[V:.*]] = cosma.load async %arg2 at
  // CHECK: cosma.wait %[[X]]
  // CHECK: cosma.op "A"
  // CHECK: cosma.wait %[[W]]
  // CHECK: cosma.op "B"
  // CHECK: cosma.wait %[[V]]
  // CHECK: cosma.op "C"
  // CHECK-SAME: cycles 7
  // CHECK: cosma.store %

  // NONE-NOT: async
  // NONE-NOT: cosma.wait
  // NONE: return

  // PLAN: load arg0 at {{[0-9]+}} async
  // PLAN: wait arg0@
  // PLAN-NEXT: run A_0

  // COPY-COUNT-3: memref.copy {{.*}} {cosma.transfer = "load"}
  // COPY: call @A
  // COPY: call @B
  // COPY: call @C
  // COPY: memref.copy {{.*}} {cosma.transfer = "store"}
  // COPY-NOT: wait

  // DMA-LABEL: @f
  // DMA: %[[TAGS:.*]] = memref.alloc() : memref<4xi32>
  // DMA-COUNT-3: memref.dma_start {{.*}} {cosma.transfer = "load"}
  // DMA: memref.dma_wait %[[TAGS]][%c0{{.*}}], %c64
  // DMA: call @A
  // DMA: memref.dma_wait %[[TAGS]][%c1{{.*}}], %c128
  // DMA: call @B
  // DMA: memref.dma_start {{.*}} {cosma.transfer = "store"}
  // DMA: memref.dma_wait
  // DMA: memref.dealloc %[[TAGS]]

  // CALL: func.func private @cosma_dma_wait(index)
  // CALL: func.func private @cosma_dma_start(index, index, index, index, index, index, index, index)
  // CALL-LABEL: @f
  // CALL-COUNT-3: call @cosma_dma_start({{.*}}) {cosma.transfer = "load"}
  // CALL: call @cosma_dma_wait(
  // CALL: call @A
  // CALL: call @cosma_dma_start({{.*}}) {cosma.transfer = "store"}
  // CALL-NEXT: call @cosma_dma_wait(
  func.func @f(%x: tensor<64xi8>, %w: tensor<128xi8> {cosma.weight}, %v: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.op "A"(%x) macs 200 : (tensor<64xi8>) -> tensor<64xi8>
    %1 = cosma.op "B"(%0, %w) macs 100 : (tensor<64xi8>, tensor<128xi8>) -> tensor<64xi8>
    %2 = cosma.op "C"(%1, %v) cycles 7 : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %2 : tensor<64xi8>
  }
}
