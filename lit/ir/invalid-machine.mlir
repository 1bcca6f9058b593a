// `cosma.machine` itself, and what does not fit the nearest one, have errors at their lines.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'builtin.module' op attribute 'cosma.machine' must be a #cosma.machine or a dictionary}}
module attributes {cosma.machine = 1024 : i64} {}

// -----

// expected-error @+1 {{'builtin.module' op attribute 'cosma.machine' has an unknown key 'speed'; the keys are scratchpad, alignment, weights}}
module attributes {cosma.machine = {speed = 9 : i64}} {}

// -----

// expected-error @+1 {{'builtin.module' op attribute 'cosma.machine' needs a 64-bit integer as scratchpad, not "1KiB"}}
module attributes {cosma.machine = {scratchpad = "1KiB"}} {}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.machine' needs at least 0 B as scratchpad, not -1}}
func.func private @negative_scratchpad() attributes {cosma.machine = {scratchpad = -1 : i64}}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.machine' needs at least 1 B as alignment, not 0}}
func.func private @no_alignment() attributes {cosma.machine = {alignment = 0 : i64}}

// -----

// expected-error @+1 {{'func.func' op attribute 'cosma.machine' needs "resident", "streamed" or "auto" as weights, not "elsewhere"}}
func.func private @weights_elsewhere() attributes {cosma.machine = {weights = "elsewhere"}}

// -----

// The typed one says so as it is read.
// expected-error @+1 {{needs at least 1 B as element_bytes, not 0}}
func.func private @no_bytes() attributes {cosma.machine = #cosma.machine<element_bytes = 0>}

// -----

// expected-error @+2 {{failed to parse Cosma_MachineAttr parameter 'weights'}}
// expected-error @+1 {{expected one of [resident, streamed, auto] for the way operators read weights, got: elsewhere}}
func.func private @typed_weights_elsewhere() attributes {cosma.machine = #cosma.machine<weights = elsewhere>}

// -----

// expected-error @+1 {{duplicate or unknown struct parameter name: speed}}
func.func private @typed_speed() attributes {cosma.machine = #cosma.machine<speed = 9>}

// -----

func.func @machine_of_operator(%x: tensor<8xi8>) -> tensor<8xi8> {
  // expected-error @+1 {{'tosa.abs' op attribute 'cosma.machine' belongs on a module or a function}}
  %0 = tosa.abs %x {cosma.machine = {scratchpad = 1024 : i64}} : (tensor<8xi8>) -> tensor<8xi8>
  return %0 : tensor<8xi8>
}

// -----

// 960 + 64 = 1024 fits, 961 would not; and 32 more do not.
module attributes {cosma.machine = {scratchpad = 1024 : i64}} {
  func.func @beyond_the_end(%x: tensor<64xi8>) -> tensor<96xi8> {
    %0 = cosma.load %x at 960 : tensor<64xi8>
    // expected-error @+1 {{'cosma.op' op has result 0 end at 1056, but the scratchpad has 1024 B}}
    %1 = cosma.op "Pad"(%0) at [960] : (tensor<64xi8>) -> tensor<96xi8>
    return %1 : tensor<96xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 1024 : i64}} {
  func.func @transfer_beyond_the_end(%x: tensor<64xi8>) {
    // expected-error @+1 {{'cosma.load' op has result 0 end at 1025, but the scratchpad has 1024 B}}
    %0 = cosma.load %x at 961 : tensor<64xi8>
    return
  }
}

// -----

// No sum of an offset and a size overflows.
module attributes {cosma.machine = {scratchpad = 1024 : i64}} {
  func.func @far_beyond_the_end(%x: tensor<64xi8>) {
    // expected-error @+1 {{'cosma.reload' op has result 0 end at 9223372036854775871, but the scratchpad has 1024 B}}
    %0 = cosma.reload %x at 9223372036854775807 : tensor<64xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 1024 : i64}} {
  func.func @workspace_beyond_the_end(%x: tensor<64xi8>) -> tensor<64xi8> {
    // expected-error @+1 {{'cosma.op' op has the workspace end at 1028, but the scratchpad has 1024 B}}
    %0 = cosma.op "Conv"(%x) at [0] workspace 4 workspace_at 1024 : (tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {scratchpad = 1024 : i64}} {
  func.func @residency_beyond_the_end(%x: tensor<64xi8>) -> tensor<64xi8> {
    // expected-error @+1 {{'tosa.abs' op has result 0 end at 1088, but the scratchpad has 1024 B}}
    %0 = tosa.abs %x {cosma.residencies = [[#cosma.residency<0 to 1 at 0>, #cosma.residency<2 to 3 at 1024>]]}
      : (tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}

// -----

module attributes {cosma.machine = {alignment = 64 : i64}} {
  func.func @not_aligned(%x: tensor<64xi8>) {
    // expected-error @+1 {{'cosma.load' op has result 0 at 96, which is not a multiple of the alignment, 64}}
    %0 = cosma.load %x at 96 : tensor<64xi8>
    return
  }
}

// -----

// The function's machine counts, not the module's, where 96 would be right.
module attributes {cosma.machine = {alignment = 32 : i64}} {
  func.func @nearest(%x: tensor<64xi8>) -> tensor<64xi8> attributes {cosma.machine = {alignment = 64 : i64}} {
    // expected-error @+1 {{'cosma.op' op has result 0 at 96, which is not a multiple of the alignment, 64}}
    %0 = cosma.op "A"(%x) at [96] : (tensor<64xi8>) -> tensor<64xi8>
    return %0 : tensor<64xi8>
  }
}

// -----

// The clock: each link has a rate, and there is one each way.
// expected-error @+1 {{'builtin.module' op attribute 'cosma.machine' needs a ratio such as 16, "3.75" or "15/4" as rate, not "fast"}}
module attributes {cosma.machine = {links = [{from = "host", to = "scratchpad", channel = "dma", rate = "fast"}]}} {}

// -----

// expected-error @+1 {{needs a ratio such as 16, "3.75" or "15/4" as rate, not -1 : i64}}
module attributes {cosma.machine = {links = [{from = "host", to = "scratchpad", channel = "dma", rate = -1}]}} {}

// -----

// expected-error @+1 {{is wrong: the link from host to scratchpad has the rate 0}}
module attributes {cosma.machine = {links = [
  {from = "host", to = "scratchpad", channel = "dma", rate = 0}, {from = "scratchpad", to = "host", channel = "dma", rate = 1}
]}} {}

// -----

// expected-error @+1 {{has no link from scratchpad to host}}
module attributes {cosma.machine = {links = [{from = "host", to = "scratchpad", channel = "dma", rate = 1}]}} {}

// -----

// expected-error @+1 {{has a link from host to itself}}
module attributes {cosma.machine = {links = [{from = "host", to = "host", channel = "dma", rate = 1}]}} {}

// -----

// expected-error @+1 {{has a link to 'l2'; the memories are host and scratchpad}}
module attributes {cosma.machine = {links = [{from = "host", to = "l2", channel = "dma", rate = 1}]}} {}

// -----

// expected-error @+1 {{has two links from host to scratchpad}}
module attributes {cosma.machine = {links = [
  {from = "host", to = "scratchpad", channel = "a", rate = 1}, {from = "host", to = "scratchpad", channel = "b", rate = 2}
]}} {}

// -----

// expected-error @+1 {{has a link without 'rate'}}
module attributes {cosma.machine = {links = [{from = "host", to = "scratchpad", channel = "dma", latency = 500}]}} {}

// -----

// expected-error @+1 {{has an unknown key 'width' in a link; the keys are from, to, channel, rate, setup, latency, burst}}
module attributes {cosma.machine = {links = [{from = "host", to = "scratchpad", channel = "dma", rate = 1, width = 8}]}} {}

// -----

// expected-error @+1 {{has 'compute', but no link has a rate}}
module attributes {cosma.machine = {compute = {cycles_per_mac = "1/512"}}} {}

// -----

// expected-error @+1 {{has an unknown key 'speed' in 'compute'; the keys are cycles_per_mac, bytes_per_cycle, least_cycles}}
module attributes {cosma.machine = {compute = {speed = 1}, links = [
  {from = "host", to = "scratchpad", channel = "dma", rate = 1}, {from = "scratchpad", to = "host", channel = "dma", rate = 1}
]}} {}

// -----

// expected-error @+1 {{needs a list of dictionaries as links, not 3 : i64}}
module attributes {cosma.machine = {links = 3}} {}

// -----

// expected-error @+1 {{needs "none" or "auto" as keep, not "all"}}
module attributes {cosma.machine = {keep = "all"}} {}

// -----

// expected-error @+1 {{needs "resident", "streamed" or "auto" as weights, not "both"}}
module attributes {cosma.machine = {weights = "both"}} {}

// -----

// expected-error @+1 {{needs [first, end] for each range of reserved addresses, 0 <= first < end, not [64, 64]}}
module attributes {cosma.machine = {reserved = [[64, 64]]}} {}

// -----

// expected-error @+1 {{needs a list of [first, end] as reserved, not 64}}
module attributes {cosma.machine = {reserved = 64}} {}
