// What branches and loops make in their regions is their workspace, but for what lies where results do.
//
// RUN: cosma-opt --print-problem --scratchpad=1MiB %s -o /dev/null 2>&1 | FileCheck %s
// RUN: cosma-opt --allocate --verify --scratchpad=1MiB %s -o %t.planned.mlir
// RUN: FileCheck %s --check-prefix=PLANNED < %t.planned.mlir
// RUN: cosma-opt --verify %t.planned.mlir -o /dev/null

// The branch holds %t, over which %e is written; %q is the result, which may lie on %a, as nothing reads that
// after %t is made. In all 1024 + 262144 = 263168 B.
// CHECK: # @branch
// CHECK: op scf.if_2: tosa.exp_0 -> scf.if_2 1024 over tosa.exp_0 workspace 262144
// CHECK: order tensor.extract_1 scf.if_2
func.func @branch(%x: tensor<256xf32>, %p: tensor<i1>) -> tensor<256xf32> {
  %a = tosa.exp %x : (tensor<256xf32>) -> tensor<256xf32>
  %c = tensor.extract %p[] : tensor<i1>
  %r = scf.if %c -> tensor<256xf32> {
    %s = tosa.const_shape {values = dense<[1, 256]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %m = tosa.const_shape {values = dense<[256, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %v = tosa.reshape %a, %s : (tensor<256xf32>, !tosa.shape<2>) -> tensor<1x256xf32>
    %t = tosa.tile %v, %m : (tensor<1x256xf32>, !tosa.shape<2>) -> tensor<256x256xf32>
    %e = tosa.tanh %t : (tensor<256x256xf32>) -> tensor<256x256xf32>
    %q = tosa.reduce_sum %e {axis = 0 : i32} : (tensor<256x256xf32>) -> tensor<1x256xf32>
    %k = tosa.const_shape {values = dense<[256]> : tensor<1xindex>} : () -> !tosa.shape<1>
    %w = tosa.reshape %q, %k : (tensor<1x256xf32>, !tosa.shape<1>) -> tensor<256xf32>
    scf.yield %w : tensor<256xf32>
  } else {
    scf.yield %a : tensor<256xf32>
  }
  return %r : tensor<256xf32>
}

// Here %a is read again after what becomes the result is written: it keeps its place.
// CHECK: # @late
// CHECK: op scf.if_1: tosa.exp_0 -> scf.if_1 64{{$}}
func.func @late(%x: tensor<16xf32>, %c: i1) -> tensor<16xf32> {
  %a = tosa.exp %x : (tensor<16xf32>) -> tensor<16xf32>
  %r = scf.if %c -> tensor<16xf32> {
    %0 = tosa.reverse %a {axis = 0 : i32} : (tensor<16xf32>) -> tensor<16xf32>
    %1 = tosa.add %0, %a : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    scf.yield %1 : tensor<16xf32>
  } else {
    scf.yield %a : tensor<16xf32>
  }
  return %r : tensor<16xf32>
}

// A loop carries %acc where its result lies, and writes over it; %inv is read in each turn.
// CHECK: # @carried
// CHECK: op scf.for_2: tosa.tanh_1 tosa.exp_0 -> scf.for_2 64 over tosa.tanh_1{{$}}
func.func @carried(%x: tensor<16xf32>, %n: index) -> tensor<16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %inv = tosa.exp %x : (tensor<16xf32>) -> tensor<16xf32>
  %i = tosa.tanh %x : (tensor<16xf32>) -> tensor<16xf32>
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %i) -> tensor<16xf32> {
    %t = tosa.sigmoid %acc : (tensor<16xf32>) -> tensor<16xf32>
    %u = tosa.add %t, %inv : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    scf.yield %u : tensor<16xf32>
  }
  return %r : tensor<16xf32>
}

// Reversed, %acc is still read while %t is written, so that %t has room of its own; %u, which is the result,
// cannot lie on %acc before that is read for the last time, and lies on %t: 64 B.
// CHECK: # @turned
// CHECK: op scf.for_0: arg0 -> scf.for_0 64 over arg0 workspace 64
func.func @turned(%x: tensor<16xf32>, %n: index) -> tensor<16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %x) -> tensor<16xf32> {
    %t = tosa.reverse %acc {axis = 0 : i32} : (tensor<16xf32>) -> tensor<16xf32>
    %u = tosa.add %t, %acc : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    scf.yield %u : tensor<16xf32>
  }
  return %r : tensor<16xf32>
}

// What is carried changes places: one of them waits elsewhere.
// CHECK: # @swapped
// CHECK: op scf.for_0: arg0 arg1 -> scf.for_0.0 64 over arg0, scf.for_0.1 64 over arg1 workspace 64
func.func @swapped(%x: tensor<16xf32>, %y: tensor<16xf32>, %n: index) -> (tensor<16xf32>, tensor<16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %k = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<16xf32>, tensor<16xf32>) {
    scf.yield %b, %a : tensor<16xf32>, tensor<16xf32>
  }
  return %r#0, %r#1 : tensor<16xf32>, tensor<16xf32>
}

// A loop in a loop needs its room, 1024 B for %w, at one step of the outer one, and %s and %d lie in the place of
// what is carried. A constant in a region is a weight of the operator, and stands before it in planned form.
// CHECK: # @nested
// CHECK: weight const0 64
// CHECK: op scf.for_0: arg0 const0 -> scf.for_0 64 over arg0 workspace 1024
// PLANNED: func.func @nested
// PLANNED-NOT: scf.for
// PLANNED: %[[C:.*]] = "tosa.const"
// PLANNED: cosma.load %[[C]]
// PLANNED: scf.for
func.func @nested(%x: tensor<16xf32>, %n: index) -> tensor<16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %x) -> tensor<16xf32> {
    %c = "tosa.const"() <{values = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]> : tensor<16xf32>}> : () -> tensor<16xf32>
    %s = tosa.add %acc, %c : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    %d = scf.for %l = %c0 to %n step %c1 iter_args(%inner = %s) -> tensor<16xf32> {
      %m = tosa.const_shape {values = dense<[16]> : tensor<1xindex>} : () -> !tosa.shape<1>
      %w = tosa.tile %inner, %m : (tensor<16xf32>, !tosa.shape<1>) -> tensor<256xf32>
      %o = tensor.extract_slice %w[0] [16] [16] : tensor<256xf32> to tensor<16xf32>
      scf.yield %o : tensor<16xf32>
    }
    scf.yield %d : tensor<16xf32>
  }
  return %r : tensor<16xf32>
}

// The condition of a loop of TOSA is computed beside what is carried.
// CHECK: # @while
// CHECK: op tosa.while_loop_0: arg0 arg1 -> tosa.while_loop_0.0 4 over arg0, tosa.while_loop_0.1 64 over arg1 workspace 1
func.func @while(%i: tensor<i32>, %x: tensor<16xf32>) -> tensor<16xf32> {
  %r:2 = tosa.while_loop (%a = %i, %b = %x) : (tensor<i32>, tensor<16xf32>) -> (tensor<i32>, tensor<16xf32>) {
    %n = "tosa.const"() <{values = dense<3> : tensor<i32>}> : () -> tensor<i32>
    %c = tosa.greater %n, %a : (tensor<i32>, tensor<i32>) -> tensor<i1>
    tosa.yield %c : tensor<i1>
  } do {
  ^bb0(%a: tensor<i32>, %b: tensor<16xf32>):
    %one = "tosa.const"() <{values = dense<1> : tensor<i32>}> : () -> tensor<i32>
    %n = tosa.add %a, %one : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %e = tosa.exp %b : (tensor<16xf32>) -> tensor<16xf32>
    tosa.yield %n, %e : tensor<i32>, tensor<16xf32>
  }
  return %r#1 : tensor<16xf32>
}

// What an operation says itself counts.
// CHECK: # @said
// CHECK: op scf.if_0: arg0 -> scf.if_0 64 {{.*}}workspace 4096
func.func @said(%x: tensor<16xf32>, %c: i1) -> tensor<16xf32> {
  %r = scf.if %c -> tensor<16xf32> {
    %0 = tosa.exp %x : (tensor<16xf32>) -> tensor<16xf32>
    scf.yield %0 : tensor<16xf32>
  } else {
    scf.yield %x : tensor<16xf32>
  } {cosma.workspace = 4096 : i64}
  return %r : tensor<16xf32>
}
