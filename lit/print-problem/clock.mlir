// With a clock, the problem says how fast the machine is and how much operators compute; without one, it says neither.

// RUN: cosma-opt %s --print-problem --scratchpad=1KiB --machine=ethos-u65-high-end -o /dev/null 2>&1 | FileCheck %s
// RUN: cosma-opt %s --print-problem --scratchpad=1KiB -o /dev/null 2>&1 | FileCheck %s --check-prefix=WITHOUT
// RUN: cosma-opt %s --print-problem --scratchpad=1KiB --dma-bytes-per-cycle=7.5 --cycles-per-mac=1/64 -o /dev/null 2>&1 | FileCheck %s --check-prefix=FLAGS
// RUN: not cosma-opt %s --machine=nothing 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not cosma-opt %s --dma-bytes-per-cycle=0 --cycles-per-mac=1 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not cosma-opt %s --dma-bytes-per-cycle=NaN --cycles-per-mac=1 2>&1 | FileCheck %s --check-prefix=NAN

// CHECK: machine scratchpad 1024 alignment 16 weights resident
// CHECK-NEXT: channel
// CHECK-NEXT: link host scratchpad rate 15/4 setup 0 latency 500
// CHECK-NEXT: link scratchpad host rate 15/4 setup 0 latency 250
// CHECK-NEXT: compute cycles_per_mac 1/512
// WITHOUT: machine scratchpad 1024 alignment 64 weights resident
// WITHOUT-NEXT: argument
// WITHOUT-NOT: macs
// FLAGS: channel in
// FLAGS-NEXT: channel out
// FLAGS-NEXT: link host scratchpad rate 15/2 setup 0 latency 0 burst 0 on in
// FLAGS-NEXT: link scratchpad host rate 15/2 setup 0 latency 0 burst 0 on out
// FLAGS-NEXT: compute cycles_per_mac 1/64 least_cycles 1
// UNKNOWN: there is no machine or file 'nothing'; the machines are ethos-u55-high-end,
// ZERO: it must be above zero
// NAN: expected a ratio such as 15/4, 3.75 or 16, not NaN
func.func @f(%x: tensor<1x4x4x2xf32>, %w: tensor<3x1x1x2xf32>, %b: tensor<3xf32>) -> tensor<1x4x4x3xf32> {
  %zp = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  // What multiplies and adds up counts that: 4 x 4 x 3 x 2. What does not say its cycles otherwise.
  // CHECK: op tosa.conv2d_0: {{.*}} macs 96
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>} : (tensor<1x4x4x2xf32>, tensor<3x1x1x2xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x3xf32>
  // CHECK: op tosa.abs_1: {{.*}} cycles 9
  %1 = tosa.abs %0 {cosma.cycles = 9 : i64} : (tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  return %1 : tensor<1x4x4x3xf32>
}
