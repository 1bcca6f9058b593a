// Several memories with a clock: copies between them go on beside operators, on channels of their own.
//
// RUN: cosma-opt --schedule --allocate --stats %s -o %t.mlir 2> %t.stats
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck --check-prefix=STATS %s < %t.stats
// RUN: cosma-opt --verify --explain --time-chart=%t.svg --trace=%t.json %t.mlir -o %t.again 2> %t.explained
// RUN: FileCheck --check-prefix=EXPLAIN %s < %t.explained
// RUN: FileCheck --check-prefix=CHART %s < %t.svg
// RUN: FileCheck --check-prefix=TRACE %s < %t.json
//
// One line after the other takes longer, and moves the same:
// RUN: cosma-opt --schedule --allocate --overlap=none --stats %s 2> %t.none.stats | FileCheck --check-prefix=NONE %s
// RUN: FileCheck --check-prefix=NONE-STATS %s < %t.none.stats
//
// What comes to a memory may be copied on only when it has come, since the two copies are on different channels:
// RUN: sed '/%1 = cosma.wait %0/d' %t.mlir | sed 's/%2 = cosma.copy async %1 at \([0-9]*\) : tensor<64xi8>/%2 = cosma.copy async %0 at \1 : !cosma.transit<tensor<64xi8>>\n    %1 = cosma.wait %0 : tensor<64xi8>/' > %t.race.mlir
// RUN: not cosma-opt --verify %t.race.mlir 2>&1 | FileCheck --check-prefix=RACE %s
//
// Each link has its channel when lowered:
// RUN: cosma-opt --lower-addresses --transfers=call --arena=argument %t.mlir | FileCheck --check-prefix=CALL %s
//
// Where latency is the objective, more may come over the l2, where the way past it is there:
// RUN: cosma-opt --schedule --allocate --stats --machine=%S/Inputs/tiers-past.txt %s -o %t.past.mlir 2> %t.past.stats
// RUN: FileCheck --check-prefix=PAST %s < %t.past.stats
// RUN: cosma-opt --schedule --allocate --stats --machine=%S/Inputs/tiers-past.txt --objective=latency %s -o %t.fast.mlir 2> %t.fast.stats
// RUN: FileCheck --check-prefix=FAST %s < %t.fast.stats
// RUN: cosma-opt --verify %t.fast.mlir | FileCheck --check-prefix=FASTER %s
// RUN: not cosma-opt --allocate --objective=latency --overlap=none %s 2>&1 | FileCheck --check-prefix=LATENCY %s

// CHECK: cycles_bound = 628, cycles_bound_rule = "B0", cost = 16252928, cost_bound = 16252928
// CHECK: [[ARRIVING:%.*]] = cosma.load async %arg0 at {{[0-9]+}} in "l2"
// CHECK: [[X:%.*]] = cosma.wait [[ARRIVING]]
// CHECK: [[CLOSER:%.*]] = cosma.copy async [[X]] at {{[0-9]+}} :
// The weight comes to the l2 while the operators run.
// CHECK: [[WEIGHT:%.*]] = cosma.load async %arg1 at {{[0-9]+}} in "l2"
// CHECK: [[HERE:%.*]] = cosma.wait [[CLOSER]]
// CHECK: [[HEAD:%.*]] = cosma.op "Head"([[HERE]])
// CHECK: [[AWAY:%.*]] = cosma.copy async [[HEAD]] at {{[0-9]+}} in "l2"
// CHECK: cosma.op "Left"
// CHECK: cosma.wait [[AWAY]]
// CHECK: cosma.op "Wide"
// CHECK: cosma.wait [[WEIGHT]]
// CHECK: cosma.op "Join"

// STATS: time 668 cycles (at least 628, by B0; in any order 628, by B0), 500 of them computing

// EXPLAIN: Optimal: all transfers together cost 16252928; no program costs less.
// EXPLAIN: 668 cycles, 6.4 % more than the lower bound of 628 for any order
// EXPLAIN: channel far_in: 128 B, busy for 128 cycles (19.2 %)
// EXPLAIN: channel in: 256 B, busy for 32 cycles (4.8 %)
// EXPLAIN: Worst stalls
// EXPLAIN: step 4 (Join_4): 8 cycles for arg1 (place), from 472 on
// EXPLAIN-NEXT: its destination held Wide_2, used by Narrow_3, until 472

// CHART: as planned: 668 cycles

// TRACE: "from":"dram"
// TRACE: "to":"l2"

// NONE-NOT: async
// NONE-STATS: cost 16252928 (at least 16252928)
// NONE-STATS: time 748 cycles (at least 628, by B0

// RACE: error: arg0 is needed at {{[0-9]+}} in l2, but does not lie there intact

// CALL-DAG: func.func private @cosma_dma_start
// CALL-DAG: cosma.arenas = ["l1", "l2"]

// PAST: cost 1792 (at least 1792)
// PAST: dram to l2: 0 B at 8 = 0
// PAST: time 692 cycles
// FAST: warning: to save time, the plan's transfers cost 1856, 64 more than those of a plan with cheaper transfers
// FAST: cost 1856 (at least 1792)
// FAST: dram to l2: 64 B at 8 = 512
// FAST: time 652 cycles
// FASTER: cosma.load async %arg0 at {{[0-9]+}} :
// FASTER: cosma.load async %arg1 at {{[0-9]+}} in "l2"

// LATENCY: error: latency cannot be the objective if transfers do not overlap
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 512}, l2 = {size = 256, alignment = 16}}, links = [
  {from = "dram", to = "l2", rate = "1", channel = "far_in"}, {from = "l2", to = "dram", rate = "1", channel = "far_out"},
  {from = "l2", to = "l1", rate = "8", channel = "in"}, {from = "l1", to = "l2", rate = "8", channel = "out"}]}} {
  func.func @f(%x: tensor<64xi8>, %w: tensor<64xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.op "Head"(%x) {cycles = 100 : i64} : (tensor<64xi8>) -> tensor<128xi8>
    %1 = cosma.op "Left"(%0) {cycles = 100 : i64} : (tensor<128xi8>) -> tensor<64xi8>
    %2 = cosma.op "Wide"(%1) {cycles = 100 : i64} : (tensor<64xi8>) -> tensor<448xi8>
    %3 = cosma.op "Narrow"(%2) {cycles = 100 : i64} : (tensor<448xi8>) -> tensor<64xi8>
    %4 = cosma.op "Join"(%0, %3, %w) {cycles = 100 : i64} : (tensor<128xi8>, tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}
