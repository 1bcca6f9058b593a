// What is printed to be looked at goes to the standard error, and the module to the standard output.
//
// RUN: cosma-opt --print-problem --scratchpad=1KiB %s -o %t 2>&1 | FileCheck --check-prefix=PROBLEM %s
// RUN: FileCheck --check-prefix=SAME %s < %t
// RUN: cosma-opt --allocate --print-plan --scratchpad=288 %s -o /dev/null 2>&1 | FileCheck --check-prefix=PLAN %s
// RUN: cosma-opt --allocate --stats --scratchpad=288 %s -o /dev/null 2>&1 | FileCheck --check-prefix=STATS %s
// RUN: not cosma-opt --pass-pipeline='builtin.module(func.func(cosma-print-plan))' --scratchpad=288 %s 2>&1 | FileCheck --check-prefix=UNPLANNED %s

// PROBLEM: # @f
// PROBLEM-NEXT: machine scratchpad 1024 alignment 64 weights resident
// PROBLEM-NEXT: argument arg0 64
// PROBLEM-NEXT: weight arg1 32
// PROBLEM-NEXT: op A_0: arg0 -> A_0 64
// PROBLEM-NEXT: op B_1: A_0 arg1 -> B_1 128 workspace 64
// PROBLEM-NEXT: op C_2: B_1 -> C_2 64
// PROBLEM-NEXT: op D_3: C_2 A_0 -> D_3 64
// PROBLEM-NEXT: return D_3

// SAME: cosma.op "A"(%arg0) : (tensor<64xi8>) -> tensor<64xi8>

// PLAN: # @f
// PLAN-NEXT: load arg0 at [[X:[0-9]+]]
// PLAN-NEXT: run A_0: arg0@[[X]] -> A_0@[[A:[0-9]+]]
// PLAN-NEXT: load arg1 at [[W:[0-9]+]]
// PLAN-NEXT: run B_1: A_0@[[A]] arg1@[[W]] -> B_1@[[B:[0-9]+]] workspace@{{[0-9]+}}
// PLAN-NEXT: run C_2: B_1@[[B]] -> C_2@[[C:[0-9]+]]
// PLAN-NEXT: run D_3: C_2@[[C]] A_0@[[A]] -> D_3@[[D:[0-9]+]]
// PLAN-NEXT: store D_3@[[D]]

// In: 64 + 32; out: 64; together 160. Most is live in "B": 64 + 32 + 128 + 64 = 288.
// STATS: @f: 4 operators, optimal by {{[a-z]+}} in {{[0-9.]+}} s
// STATS-NEXT: traffic 160 B = 160 compulsory + 0 non-compulsory (at least 0)
// STATS-NEXT: peak 288 B of 288 B (at least 288)

// UNPLANNED: print.mlir:[[@LINE+1]]:1: error: cosma-print-plan takes a function in planned form, but this one is still in source form
func.func @f(%x: tensor<64xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<64xi8> {
  %0 = cosma.op "A"(%x) : (tensor<64xi8>) -> tensor<64xi8>
  %1 = cosma.op "B"(%0, %w) workspace 64 : (tensor<64xi8>, tensor<32xi8>) -> tensor<128xi8>
  %2 = cosma.op "C"(%1) : (tensor<128xi8>) -> tensor<64xi8>
  %3 = cosma.op "D"(%2, %0) : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
  return %3 : tensor<64xi8>
}
