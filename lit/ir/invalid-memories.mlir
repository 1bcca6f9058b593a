// What is wrong with several memories is said where they are described, and of transfers at their lines.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

// Memories of one name.
// expected-error @+1 {{duplicate key 'l1' in dictionary attribute}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}, l1 = {size = 128}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// What cannot be counted.
// expected-error @+1 {{'builtin.module' op attribute 'cosma.machine' has memories of 9223372036854775871 B in all, which is too many}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}, l2 = {size = 9223372036854775807}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// Links lead between memories that there are.
// expected-error @+1 {{has a link to 'l3'; the memories are dram, l1 and l2}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}, l2 = {size = 128}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}, {from = "l2", to = "l3"}]}} {}

// -----

// From home to the scratchpad and back.
// expected-error @+1 {{has no way from l1 to dram, neither directly nor through other memories}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}, l2 = {size = 128}}, links = [{from = "dram", to = "l2"}, {from = "l2", to = "l1"}, {from = "l1", to = "l2"}]}} {}

// -----

// expected-error @+1 {{needs a 64-bit integer of at least 1 as alignment of 'l2', not 0}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}, l2 = {size = 128, alignment = 0}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{has no memory without a size, which would be home}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {l1 = {size = 64}, l2 = {size = 128}}, links = [{from = "l2", to = "l1"}, {from = "l1", to = "l2"}]}} {}

// -----

// expected-error @+1 {{has 2 memories without a size, dram and flash: name the one that is home, as home = "dram"}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}, flash = {}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{has memories, but does not name the one that is the scratchpad, as scratchpad = "l1"}}
module attributes {cosma.machine = {memories = {dram = {}, l1 = {size = 64}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{needs the name of one of its memories as scratchpad, not 64}}
module attributes {cosma.machine = {scratchpad = 64 : i64, memories = {dram = {}, l1 = {size = 64}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{has the scratchpad 'l0'; the memories are dram and l1}}
module attributes {cosma.machine = {scratchpad = "l0", memories = {dram = {}, l1 = {size = 64}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{has 'dram' as scratchpad, which has no size}}
module attributes {cosma.machine = {scratchpad = "dram", memories = {dram = {}, l1 = {size = 64}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{has an unknown key 'ports' in the memory 'l1'; the keys are size, alignment, reserved, banks, apart}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64, ports = 4}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{memory l1 cannot have 3 banks: 64 B are not that many equal parts}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64, banks = 3}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{keeps operands of 'l1' apart, which has no banks}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64, apart}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{needs no value or a positive number for apart of 'l1', not 0 : i64}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64, banks = 2, apart = 0}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{reserves 0 to 128 of 'l1', which ends at 64}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64, reserved = [[0, 128]]}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{needs a 64-bit integer of at least 1 as price, not 0}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}}, links = [{from = "dram", to = "l1", price = 0}, {from = "l1", to = "dram"}]}} {}

// -----

// expected-error @+1 {{has two links from dram to l1}}
module attributes {cosma.machine = {scratchpad = "l1", memories = {dram = {}, l1 = {size = 64}}, links = [{from = "dram", to = "l1"}, {from = "l1", to = "dram"}, {from = "dram", to = "l1"}]}} {}

// -----

// expected-error @+1 {{has 'home', but no 'memories'}}
module attributes {cosma.machine = {scratchpad = 64 : i64, home = "dram"}} {}

// -----

func.func @no_memories(%x: tensor<64xi8>) {
  // expected-error @+1 {{'cosma.load' op has result 0 in 'l2', but 'cosma.machine' has no 'memories'}}
  %0 = cosma.load %x at 0 in "l2" : tensor<64xi8>
  return
}
