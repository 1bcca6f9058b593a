// Where nothing moves, each tensor has one memory and one address for good. While Wide runs there are 352 B, but the sram
// has 256 B: to write and read the 160 B of Wide's result in the psram costs 2 * 160 * 3, and that of Head is read twice.
// Weights are read in flash, 128 * 1.
//
// RUN: cosma-opt --cosma-allocate %s -o %t.allocated.mlir
// RUN: FileCheck %s < %t.allocated.mlir
// RUN: cosma-opt --allocate --stats %s -o %t.mlir 2> %t.stats
// RUN: FileCheck --check-prefix=PLANNED %s < %t.mlir
// RUN: FileCheck --check-prefix=STATS %s < %t.stats
// RUN: cosma-opt --verify --report=%t.json --plan=%t.plan.json %t.mlir | FileCheck --check-prefix=PLANNED %s
// RUN: FileCheck --check-prefix=REPORT %s < %t.json
// RUN: FileCheck --check-prefix=PLAN %s < %t.plan.json
// RUN: cosma-opt --allocate --solver=greedy %s | FileCheck --check-prefix=GREEDY %s
//
// In a free order as well, and the order alone; problem and program as text say the same:
// RUN: cosma-opt --schedule --allocate %s | FileCheck --check-prefix=PLANNED %s
// RUN: cosma-opt --schedule %s | FileCheck --check-prefix=ORDER %s
// RUN: cosma-opt --allocate --print-problem --print-plan %s -o %t.mlir 2>&1 | FileCheck --check-prefix=TEXT %s
//
// What makes no sense there is refused:
// RUN: not cosma-opt --allocate --weights=streamed %s 2>&1 | FileCheck --check-prefix=STREAMED %s
// RUN: not cosma-opt --allocate --weights=auto %s 2>&1 | FileCheck --check-prefix=AUTO %s
// RUN: not cosma-opt --allocate --keep=auto %s 2>&1 | FileCheck --check-prefix=KEEP %s
// RUN: not cosma-opt --allocate --objective=latency %s 2>&1 | FileCheck --check-prefix=LATENCY %s
// RUN: not cosma-opt --allocate --solver=search %s 2>&1 | FileCheck --check-prefix=SEARCH %s
// RUN: not cosma-opt --tile --allocate %s 2>&1 | FileCheck --check-prefix=TILE %s
// RUN: sed 's/cosma.weight/cosma.weight, cosma.keep/' %s > %t.keep.mlir
// RUN: not cosma-opt --allocate %t.keep.mlir 2>&1 | FileCheck --check-prefix=KEPT %s
// RUN: sed 's/cosma.weight/cosma.weight, cosma.at = 0 : i64/' %s > %t.at.mlir
// RUN: not cosma-opt --allocate %t.at.mlir 2>&1 | FileCheck --check-prefix=AT %s
// RUN: not cosma-opt --allocate --memory-map=%t.svg %s 2>&1 | FileCheck --check-prefix=MAP %s
// RUN: not cosma-opt --allocate --explain %s 2>&1 | FileCheck --check-prefix=MAP %s
// RUN: not cosma-opt --allocate --dump-lp=%t.lp %s 2>&1 | FileCheck --check-prefix=LP %s
//
// And so is what does not fit, together or all at once:
// RUN: sed 's/size = 1024/size = 96/' %s > %t.small.mlir
// RUN: not cosma-opt --allocate %t.small.mlir 2>&1 | FileCheck --check-prefix=SMALL %s
// RUN: sed 's/"Left"(%0)/"Left"(%0) workspace 300/' %s > %t.workspace.mlir
// RUN: not cosma-opt --allocate %t.workspace.mlir 2>&1 | FileCheck --check-prefix=WORKSPACE %s
// RUN: sed 's/size = 256/size = 128/;s/size = 1024/size = 160/' %s > %t.crowd.mlir
// RUN: not cosma-opt --allocate %t.crowd.mlir 2>&1 | FileCheck --check-prefix=CROWD %s

// CHECK: cosma.residencies = [#cosma.residency<0 to 1 at {{[0-9]+}}>]
// CHECK-SAME: cosma.residencies = [#cosma.residency<0 to 5 at 0 in "flash">]
// CHECK-SAME: cost = 1088, cost_bound = 1088
// CHECK: cosma.op "Head"{{.*}} residencies {{\[\[}}0 to 5 at {{[0-9]+}}]]
// CHECK: cosma.op "Wide"{{.*}} residencies {{\[\[}}2 to 4 at 0 in "psram"]]
// CHECK: cosma.op "Join"{{.*}} residencies {{\[\[}}4 to 5 at {{[0-9]+}}]]

// PLANNED: cost = 1088, cost_bound = 1088
// PLANNED: [[X:%.*]] = cosma.place %{{.*}} at {{[0-9]+}} : tensor<64xi8>
// PLANNED: [[W:%.*]] = cosma.place %{{.*}} at 0 in "flash" : tensor<128xi8>
// PLANNED: [[HEAD:%.*]] = cosma.op "Head"([[X]], [[W]]) at [{{[0-9]+}}] :
// PLANNED: cosma.op "Wide"({{.*}}) at [0] in ["psram"] :
// PLANNED: [[JOIN:%.*]] = cosma.op "Join"([[HEAD]]
// PLANNED-NOT: cosma.store
// PLANNED: return [[JOIN]]

// GREEDY: cost = {{[0-9]+}}, cost_bound = 0
// GREEDY: cosma.place

// ORDER: cost = 1088
// ORDER-NOT: cosma.residencies
// ORDER: cosma.op "Head"(%arg0, %arg1) : (

// STATS: @f: 5 operators, optimal by ilp
// STATS-NEXT: nothing moves; 128 B read and written in home
// STATS-NEXT: peak 256 B of 256 B
// STATS-NEXT: cost 1088 (at least 1088)
// STATS-NEXT: flash to sram: 128 B at 1 = 128
// STATS-NEXT: psram to sram: 160 B at 3 = 480
// STATS-NEXT: sram to psram: 160 B at 3 = 480

// REPORT: "status": "optimal"
// REPORT: "moves": "none"
// REPORT: "total": 1088,
// REPORT-NEXT: "lower_bound": 1088,

// PLAN: "memory": "psram"

// TEXT: moves none
// TEXT: start arg0@
// TEXT: start arg1@flash
// TEXT: run Wide_2: Left_1@{{[0-9]+}} -> Wide_2@psram:0

// STREAMED: error: weights = streamed pass by the scratchpad, and on this machine nothing moves (cosma.machine)
// AUTO: error: weights = auto may pass by the scratchpad, and on this machine nothing moves (cosma.machine)
// KEEP: error: keep = auto loads weights once, before the first run, and on this machine nothing moves (cosma.machine)
// LATENCY: error: latency cannot be the objective where nothing moves (cosma.machine)
// SEARCH: error: solver=search plans what moves, and on this machine nothing does (cosma.machine)
// TILE: error: cosma-tile cuts operators so that less is moved, and on this machine nothing moves (cosma.machine)
// KEPT: error: argument 1 is to stay in the scratchpad (cosma.keep), but on this machine nothing moves
// AT: error: argument 1 has a fixed offset (cosma.at), which is not planned where nothing moves
// MAP: error: @f: pictures and explanations show what moves, and on this machine nothing does (cosma.machine): --plan=FILE.json has where each tensor lies
// LP: error: {{.*}}transfers{{,?}} on a machine on which nothing moves
// WORKSPACE: error: operator needs 300 B at once, but the scratchpad has 256 B
// WORKSPACE-NOT: --tile
// SMALL: error: {{.*}}fit
// CROWD: error: {{.*}}needed at once when {{.*}} runs, but there are 288 B in sram, psram
module attributes {cosma.machine = {scratchpad = "sram", moves = "none",
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram", price = 3}, {from = "sram", to = "psram", price = 3}]}} {
  func.func @f(%x: tensor<64xi8>, %w: tensor<128xi8> {cosma.weight}) -> tensor<64xi8> {
    %0 = cosma.op "Head"(%x, %w) : (tensor<64xi8>, tensor<128xi8>) -> tensor<128xi8>
    %1 = cosma.op "Left"(%0) : (tensor<128xi8>) -> tensor<64xi8>
    %2 = cosma.op "Wide"(%1) : (tensor<64xi8>) -> tensor<160xi8>
    %3 = cosma.op "Narrow"(%2) : (tensor<160xi8>) -> tensor<64xi8>
    %4 = cosma.op "Join"(%0, %3) : (tensor<128xi8>, tensor<64xi8>) -> tensor<64xi8>
    return %4 : tensor<64xi8>
  }
}
