// Where nothing moves, each memory with a size becomes an arena, and operators work on views of several of them. What lies in
// an arena is neither taken nor returned: the caller puts it there, and finds it there. What lies in a memory without a size
// stays a memref. Constants in an arena are put there by the prologue.
//
// RUN: cosma-opt --lower-addresses --arena=argument %s | FileCheck %s
// RUN: cosma-opt --lower-addresses --arena=argument --memory-space=1 %s | FileCheck --check-prefix=SPACE %s
// RUN: not cosma-opt --lower-addresses %s 2>&1 | FileCheck --check-prefix=ALLOCATE %s

// ALLOCATE: error: cosma-lower-addresses cannot allocate the arena in this function, since arguments lie in it before the call, or results after it: pass it as an argument (arena=argument)

// SPACE: func.func @f(%{{.*}}: memref<8xi8>, %{{.*}}: memref<256xi8, 1{{[^>]*}}>, %{{.*}}: memref<1024xi8, 2{{[^>]*}}>, %{{.*}}: memref<64xi8, 3{{[^>]*}}>)

#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  // CHECK: func.func @f(%[[W:.*]]: memref<8xi8>, %[[SRAM:.*]]: memref<256xi8>, %[[PSRAM:.*]]: memref<1024xi8>, %[[ROM:.*]]: memref<64xi8>)
  // CHECK-NOT: ->
  // CHECK-SAME: cosma.arenas = ["sram", "psram", "rom"]
  // CHECK-SAME: cosma.on_chip = {arguments = {{\[\[}}0, 32, "psram"]], results = {{\[\[}}0, 16], [1, 32, "psram"]]}
  func.func @f(%x: tensor<8xi8>, %w: tensor<8xi8> {cosma.weight}) -> (tensor<8xi8>, tensor<8xi8>) {
    %c = arith.constant dense<[1, 2, 3, 4, 5, 6, 7, 8]> : tensor<8xi8>
    // CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
    // CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
    // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
    // CHECK-DAG: %[[X:.*]] = memref.view %[[PSRAM]][%[[C32]]][] : memref<1024xi8> to memref<8xi8>
    %0 = cosma.place %x at 32 in "psram" : tensor<8xi8>
    %1 = cosma.place %w at 0 in "flash" : tensor<8xi8>
    // CHECK-DAG: %[[C:.*]] = memref.view %[[ROM]][%[[C0]]][] : memref<64xi8> to memref<8xi8>
    %2 = cosma.place %c at 0 in "rom" : tensor<8xi8>
    // CHECK-NOT: linalg.copy
    // CHECK-NOT: memref.copy
    // CHECK: %[[Y:.*]] = memref.view %[[SRAM]][%[[C32]]][] : memref<256xi8> to memref<8xi8>
    // CHECK: call @A(%[[X]], %[[W]], %[[C]], %[[Y]])
    %3 = cosma.op "A"(%0, %1, %2) at [32] : (tensor<8xi8>, tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
    // CHECK: %[[Z:.*]] = memref.view %[[SRAM]][%[[C16]]][] : memref<256xi8> to memref<8xi8>
    // CHECK: call @B(%[[Y]], %[[Z]])
    %4 = cosma.op "B"(%3) at [16] : (tensor<8xi8>) -> tensor<8xi8>
    // CHECK: return{{$}}
    return %4, %0 : tensor<8xi8>, tensor<8xi8>
  }
  // CHECK: func.func @f_prologue(%{{.*}}: memref<8xi8>, %{{.*}}: memref<256xi8>, %{{.*}}: memref<1024xi8>, %[[ROM:.*]]: memref<64xi8>)
  // CHECK-DAG: %[[CONSTANT:.*]] = memref.get_global
  // CHECK-DAG: %[[THERE:.*]] = memref.view %[[ROM]]
  // CHECK: linalg.copy ins(%[[CONSTANT]] : memref<8xi8>) outs(%[[THERE]] : memref<8xi8>)
  // CHECK-NOT: call
}
