// In one memory, over what is still read.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @overlap(%x: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 in "psram" : tensor<32xi8>
    %1 = cosma.op "A"(%0) at [32] : (tensor<32xi8>) -> tensor<32xi8>
    %2 = cosma.op "B"(%1) at [32] in ["psram"] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-error @+2 {{arg0 is needed at 32 in psram, but does not lie there intact}}
    // expected-error @+1 {{B_1@psram:32 and arg0@psram:32 overlap while C_2 runs}}
    %3 = cosma.op "C"(%2, %0) at [64] : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
    return %3 : tensor<32xi8>
  }
}

// -----

// Over its own operand, without saying that it may.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @over_operand(%x: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 in "psram" : tensor<32xi8>
    // expected-error @+1 {{overlap while A_0 runs}}
    %1 = cosma.op "A"(%0) at [32] in ["psram"] : (tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

// What is reserved.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @reserved(%x: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    // expected-error @+1 {{overlaps reserved addresses}}
    %1 = cosma.op "A"(%0) at [0] : (tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

// No link leads to the memory that it writes.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @writes_rom(%x: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    // expected-error @+1 {{A_0 is given A_0 in rom, where it cannot use it}}
    %1 = cosma.op "A"(%0) at [0] in ["rom"] : (tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

// An argument that nobody can write there.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @argument_in_rom(%x: tensor<32xi8>) -> tensor<32xi8> {
    // expected-error @+1 {{arg0@rom:0 is not there from the start}}
    %0 = cosma.place %x at 0 in "rom" : tensor<32xi8>
    // expected-error @+1 {{arg0 is needed at 0 in rom, but does not lie there intact}}
    %1 = cosma.op "A"(%0) at [32] : (tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

// Nothing says where it lies.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @unplaced(%x: tensor<32xi8>) -> (tensor<32xi8>, tensor<32xi8>) {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    // expected-error @+1 {{operand 0 lies nowhere: nothing says its place (cosma.place)}}
    %1 = cosma.op "A"(%x) at [64] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-error @+1 {{result 1 lies nowhere: nothing says its place (cosma.place)}}
    return %1, %x : tensor<32xi8>, tensor<32xi8>
  }
}

// -----

// Only arguments and constants are there before.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @computed(%x: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-error @+1 {{says where something lies that is neither an argument nor a constant}}
    %2 = cosma.place %1 at 96 : tensor<32xi8>
    return %2 : tensor<32xi8>
  }
}

// -----

// Once, and before all operators.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @late(%x: tensor<32xi8>, %y: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-error @+1 {{arg1@96 is not there from the start}}
    %2 = cosma.place %y at 96 : tensor<32xi8>
    // expected-error @+1 {{arg1 is needed at 96, but does not lie there intact}}
    %3 = cosma.op "B"(%1, %2) at [128] : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
    return %3 : tensor<32xi8>
  }
}

// -----

// A result that was overwritten.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @lost(%x: tensor<32xi8>) -> (tensor<32xi8>, tensor<32xi8>) {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    %1 = cosma.op "A"(%0) at [64] : (tensor<32xi8>) -> tensor<32xi8>
    %2 = cosma.op "B"(%0) at [64] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-error @+2 {{A_0 is declared to end at 64, but does not lie there intact}}
    // expected-error @+1 {{A_0 is a result, but is not stored}}
    return %1, %2 : tensor<32xi8>, tensor<32xi8>
  }
}

// -----

// A weight that was overwritten: the next run needs it again.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16, reserved = [[0, 16]]}, psram = {size = 1024, alignment = 32}, rom = {size = 64}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}, {from = "rom", to = "sram"}]>
module attributes {cosma.machine = #machine} {
  func.func @weight(%x: tensor<32xi8>, %w: tensor<32xi8> {cosma.weight}) -> tensor<32xi8> {
    %0 = cosma.place %x at 32 : tensor<32xi8>
    %1 = cosma.place %w at 64 : tensor<32xi8>
    %2 = cosma.op "A"(%0, %1) at [96] : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
    %3 = cosma.op "B"(%2) at [64] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-error @+1 {{arg1@64 is kept from run to run, but is not there for the next one}}
    return %3 : tensor<32xi8>
  }
}
