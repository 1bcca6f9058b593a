#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  // expected-error @+1 {{arg0 has no residency, but where nothing moves each tensor has one}}
  func.func @none(%x: tensor<32xi8>) -> tensor<32xi8> {
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 32 in "psram"]] : (tensor<32xi8>) -> tensor<32xi8>
    return %0 : tensor<32xi8>
  }
}

// -----

#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  func.func @two(%x: tensor<32xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<32xi8> {
    // expected-error @+1 {{A_0 has 2 residencies, but where nothing moves each tensor has one}}
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 32, 1 to 2 at 32 in "psram"]] : (tensor<32xi8>) -> tensor<32xi8>
    %1 = cosma.op "B"(%0) residencies [[1 to 2 at 64]] : (tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  func.func @steps(%x: tensor<32xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<32xi8> {
    // expected-error @+1 {{A_0 has a residency from step 0 to 1, but it is needed from 0 to 2, and nothing moves}}
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 32]] : (tensor<32xi8>) -> tensor<32xi8>
    %1 = cosma.op "B"(%0) residencies [[1 to 2 at 64]] : (tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  // expected-error @+1 {{the residencies of this function do not make a valid program}}
  func.func @overlap(%x: tensor<32xi8> {cosma.residencies = [#cosma.residency<0 to 2 at 0>]}) -> tensor<32xi8> {
    // expected-note @+1 {{overlap while A_0 runs}}
    %0 = cosma.op "A"(%x) residencies [[0 to 2 at 16]] : (tensor<32xi8>) -> tensor<32xi8>
    // expected-note @+2 {{arg0 is needed at 0, but does not lie there intact}}
    // expected-note @+1 {{A_0@16 and arg0@0 overlap while B_1 runs}}
    %1 = cosma.op "B"(%0, %x) residencies [[1 to 2 at 64]] : (tensor<32xi8>, tensor<32xi8>) -> tensor<32xi8>
    return %1 : tensor<32xi8>
  }
}

// -----

// Operators do not write to flash.
#machine = #cosma.machine<scratchpad = "sram", moves = none,
  memories = {flash = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "flash", to = "sram"}, {from = "psram", to = "sram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  // expected-error @+1 {{the residencies of this function do not make a valid program}}
  func.func @read_only(%x: tensor<32xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<32xi8> {
    // expected-note @+1 {{A_0 is given A_0 in host memory, where it cannot use it}}
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 0 in "flash"]] : (tensor<32xi8>) -> tensor<32xi8>
    return %0 : tensor<32xi8>
  }
}

// -----

// Where tensors move, residencies are in the scratchpad.
#machine = #cosma.machine<scratchpad = "sram",
  memories = {dram = {}, sram = {size = 256, alignment = 16}, psram = {size = 1024, alignment = 32}},
  links = [{from = "dram", to = "sram"}, {from = "sram", to = "dram"}, {from = "sram", to = "psram"}]>
module attributes {cosma.machine = #machine} {
  func.func @moving(%x: tensor<32xi8> {cosma.residencies = [#cosma.residency<0 to 1 at 0>]}) -> tensor<32xi8> {
    // expected-error @+1 {{a residency of A_0 is in 'psram', but where tensors move, allocated form is about the scratchpad}}
    %0 = cosma.op "A"(%x) residencies [[0 to 1 at 32 in "psram"]] : (tensor<32xi8>) -> tensor<32xi8>
    return %0 : tensor<32xi8>
  }
}
