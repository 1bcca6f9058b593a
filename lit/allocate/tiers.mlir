// Several memories: what does not fit into the scratchpad lies in the memory behind it, which costs a tenth of the way home.
// Wide and its operand need 256 B, so Head's result has to leave, and comes back for Join.
//
// RUN: cosma-opt --schedule --allocate --stats %s -o %t.mlir 2> %t.stats
// RUN: FileCheck %s < %t.mlir
// RUN: FileCheck --check-prefix=STATS %s < %t.stats
// RUN: cosma-opt --verify --report=%t.json %t.mlir | FileCheck %s
// RUN: FileCheck --check-prefix=REPORT %s < %t.json
//
// To copy to a memory that there is not, or to where no link leads, is no program:
// RUN: sed 's/ in "l2"/ in "l3"/' %t.mlir > %t.l3.mlir
// RUN: not cosma-opt --verify %t.l3.mlir 2>&1 | FileCheck --check-prefix=UNKNOWN %s
// RUN: sed 's/ in "l2"//' %t.mlir > %t.none.mlir
// RUN: not cosma-opt --verify %t.none.mlir 2>&1 | FileCheck --check-prefix=WITHOUT %s
//
// Each memory with a size becomes an arena, in the order of the names but for the scratchpad:
// RUN: cosma-opt --lower-addresses --arena=argument %t.mlir | FileCheck --check-prefix=LOWER %s
//
// A second memory of size 0 gives the transfers of the machine without it (plans are printed to standard error):
// RUN: sed 's/l2 = {size = 256/l2 = {size = 0/' %s > %t.zero.mlir
// RUN: cosma-opt --schedule --allocate --print-plan %t.zero.mlir -o %t.planned 2> %t.zero.plan
// RUN: sed '/^module/,/^  {from = "l2", to = "l1"}/d' %s | sed '$d' > %t.one.mlir
// RUN: cosma-opt --schedule --allocate --scratchpad=256 --print-plan %t.one.mlir -o %t.planned 2> %t.one.plan
// RUN: diff %t.zero.plan %t.one.plan
// RUN: FileCheck --check-prefix=ONE %s < %t.one.plan
//
// Explanations and pictures are about the scratchpad, which lacks room for 128 B:
// RUN: cosma-opt --explain --memory-map=%t.svg --trace=%t.trace.json --dot=%t.dot %t.mlir -o %t.planned 2>&1 | FileCheck --check-prefix=EXPLAIN %s
//
// What is planned with one memory only, is refused:
// RUN: not cosma-opt --allocate --objective=latency %s 2>&1 | FileCheck --check-prefix=LATENCY %s
// RUN: not cosma-opt --allocate --keep=auto %S/Inputs/tiers-weight.mlir 2>&1 | FileCheck --check-prefix=KEEP %s

// CHECK: cost = 1536, cost_bound = 1536
// CHECK: cosma.load %{{.*}} at {{[0-9]+}} :
// CHECK: [[HEAD:%.*]] = cosma.op "Head"
// CHECK: [[L2:%.*]] = cosma.copy [[HEAD]] at 0 in "l2" : tensor<128xi8>
// CHECK: cosma.op "Wide"
// CHECK: [[BACK:%.*]] = cosma.copy [[L2]] at {{[0-9]+}} : tensor<128xi8>
// CHECK: cosma.op "Join"([[BACK]]
// CHECK: cosma.store

// 64 B in and 64 B out at 10, and 128 B there and back at 1.
// STATS: @f: 5 operators, optimal by search
// STATS-NEXT: traffic 128 B = 128 compulsory + 0 non-compulsory (at least 0)
// STATS: cost 1536 (at least 1536)
// STATS-NEXT: dram to l1: 64 B at 10 = 640
// STATS-NEXT: l1 to dram: 64 B at 10 = 640
// STATS-NEXT: dram to l2: 0 B at 10 = 0
// STATS-NEXT: l2 to dram: 0 B at 10 = 0
// STATS-NEXT: l2 to l1: 128 B at 1 = 128
// STATS-NEXT: l1 to l2: 128 B at 1 = 128

// REPORT: "cost": {
// REPORT-NEXT: "total": 1536,
// REPORT-NEXT: "lower_bound": 1536,
// REPORT: "to": "l2",
// REPORT: "from": "l1",
// REPORT-NEXT: "to": "l2",
// REPORT-NEXT: "bytes": 128,

// UNKNOWN: error: 'cosma.copy' op has result 0 in 'l3', but the memories are dram, l1 and l2
// WITHOUT: error: 'cosma.copy' op goes from l1 to l1, but no link leads there

// LOWER: func.func @f(%{{.*}}: memref<64xi8>, %{{.*}}: memref<256xi8>, %{{.*}}: memref<256xi8>) -> memref<64xi8>
// LOWER-SAME: cosma.arenas = ["l1", "l2"]
// LOWER-COUNT-2: cosma.transfer = "copy"

// ONE: spill Head_0
// ONE: reload Head_0

// EXPLAIN: traffic 384 B = 128 B compulsory + 256 B non-compulsory
// EXPLAIN: most in use: 256 B

// LATENCY: error: latency cannot be the objective if the machine has no clock
// KEEP: error: {{.*}}weights that stay from run to run beside several memories
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 256}, l2 = {size = 256, alignment = 16}}, links = [
  {from = "dram", to = "l1", price = 10}, {from = "l1", to = "dram", price = 10},
  {from = "dram", to = "l2", price = 10}, {from = "l2", to = "dram", price = 10},
  {from = "l2", to = "l1"}, {from = "l1", to = "l2"}]}} {
  func.func @f(%x: tensor<64xi8>) -> tensor<64xi8> {
    %0 = cosma.op "Head"(%x) : (tensor<64xi8>) -> tensor<128xi8>
    %1 = cosma.op "Left"(%0) : (tensor<128xi8>) -> tensor<64xi8>
    %2 = cosma.op "Wide"(%1) : (tensor<64xi8>) -> tensor<192xi8>
    %3 = cosma.op "Narrow"(%2) : (tensor<192xi8>) -> tensor<64xi8>
    %4 = cosma.op "Join"(%0, %3) : (tensor<128xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}
