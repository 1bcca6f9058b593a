// What is wrong with a machine on which nothing moves, and with places on it.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

// expected-error @+1 {{needs "links" or "none" as moves, not "all"}}
module attributes {cosma.machine = {scratchpad = "sram", moves = "all", memories = {flash = {}, sram = {size = 64}}, links = [{from = "flash", to = "sram"}]}} {}

// -----

// expected-error @+1 {{has 'moves', but no 'memories'}}
module attributes {cosma.machine = {scratchpad = 64 : i64, moves = "none"}} {}

// -----

// expected-error @+1 {{has rates of links, but nothing moves over them}}
module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 64}}, links = [{from = "flash", to = "sram", channel = "bus", rate = 4}]}} {}

// -----

// Where tensors move, there has to be a way back.
// expected-error @+1 {{has no way from sram to flash}}
module attributes {cosma.machine = {scratchpad = "sram", moves = "links", memories = {flash = {}, sram = {size = 64}}, links = [{from = "flash", to = "sram"}]}} {}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @transfers(%x: tensor<8xi8>) {
    // expected-error @+1 {{moves a tensor, but on this machine nothing moves ('cosma.machine')}}
    %0 = cosma.load %x at 0 : tensor<8xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @out_of_bounds(%x: tensor<128xi8>) {
    // expected-error @+1 {{has result 0 end at 320, but the scratchpad has 256 B}}
    %0 = cosma.place %x at 192 : tensor<128xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @not_aligned(%x: tensor<8xi8>) {
    // expected-error @+1 {{has result 0 at 8, which is not a multiple of the alignment of psram, 16}}
    %0 = cosma.place %x at 8 in "psram" : tensor<8xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @no_memory(%x: tensor<8xi8>) {
    // expected-error @+1 {{has result 0 in 'rom', but the memories are flash, sram and psram}}
    %0 = cosma.place %x at 0 in "rom" : tensor<8xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @no_addresses(%x: tensor<8xi8>) {
    // expected-error @+1 {{has result 0 at 64 in 'flash', which has no size and no addresses}}
    %0 = cosma.place %x at 64 in "flash" : tensor<8xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @results(%x: tensor<8xi8>) {
    // In different memories, at the same number: no overlap.
    %0:2 = cosma.op "A"(%x) at [0, 0] in ["sram", "psram"] : (tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>)
    // The scratchpad by its name is the one in which the workspace lies.
    // expected-error @+1 {{has result 0 and the workspace at the same bytes}}
    %1 = cosma.op "B"(%x) at [0] in ["sram"] workspace 8 workspace_at 0 : (tensor<8xi8>) -> tensor<8xi8>
    return
  }
}

// -----

module attributes {cosma.machine = {scratchpad = "sram", moves = "none", memories = {flash = {}, sram = {size = 256}, psram = {size = 1024, alignment = 16}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]}} {
  func.func @too_few(%x: tensor<8xi8>) {
    // expected-error @+1 {{needs one offset and one memory for each of its 2 results, but has 1 memories}}
    %0:2 = cosma.op "A"(%x) at [0, 64] in ["psram"] : (tensor<8xi8>) -> (tensor<8xi8>, tensor<8xi8>)
    return
  }
}

// -----

// On a machine where tensors move, they lie in the scratchpad while operators run.
func.func @elsewhere(%x: tensor<8xi8>) {
  // expected-error @+1 {{has results in several memories, but on this machine tensors move}}
  %0 = cosma.op "A"(%x) at [0] in ["psram"] : (tensor<8xi8>) -> tensor<8xi8>
  return
}

// -----

func.func @moving(%x: tensor<8xi8>) {
  // expected-error @+1 {{says where a tensor lies for good, but on this machine tensors move ('cosma.machine')}}
  %0 = cosma.place %x at 0 : tensor<8xi8>
  return
}

// -----

// expected-error @+1 {{where the name of a memory may follow an offset}}
func.func @lowered() attributes {cosma.on_chip = {arguments = [[0, 0, 1]], results = []}} {
  return
}
