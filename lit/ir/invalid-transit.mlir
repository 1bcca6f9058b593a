// What is wrong with an asynchronous transfer, or with what waits for it, has an error at its line.

// RUN: mlir-opt %cosma_plugin %s --split-input-file --verify-diagnostics

func.func @never_waited_for(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is not waited for}}
  %0 = cosma.load async %x at 0 : tensor<8xi8>
  return
}

// -----

func.func @waited_for_twice(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is waited for 2 times}}
  %0 = cosma.load async %x at 0 : tensor<8xi8>
  %1 = cosma.wait %0 : tensor<8xi8>
  %2 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @read_before(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is read by cosma.op before it is waited for}}
  %0 = cosma.load async %x at 0 : tensor<8xi8>
  %1 = "cosma.op"(%0) {kind = "Relu"} : (!cosma.transit<tensor<8xi8>>) -> tensor<8xi8>
  %2 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @comes_in_and_goes_on(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is read by cosma.reload before it is waited for}}
  %0 = cosma.load async %x at 0 : tensor<8xi8>
  %1 = cosma.reload async %0 at 64 : !cosma.transit<tensor<8xi8>>
  %2 = cosma.wait %0 : tensor<8xi8>
  %3 = cosma.wait %1 : tensor<8xi8>
  return
}

// -----

func.func @returns_a_tensor(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is async, but returns}}
  %0 = "cosma.load"(%x) {async, offset = 0 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return
}

// -----

func.func @returns_a_transit(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op returns}}
  %0 = "cosma.load"(%x) {offset = 0 : i64} : (tensor<8xi8>) -> !cosma.transit<tensor<8xi8>>
  %1 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @slice_at_once(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op moves a slice, but is not async}}
  %0 = cosma.load %x slice [0, 4] at 0 : tensor<8xi8>
  return
}

// -----

func.func @slice_beyond_the_end(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op has a slice from 4 to 9 of a tensor of 8 B}}
  %0 = cosma.load async %x slice [4, 9] at 0 : tensor<8xi8>
  %1 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @slice_of_three(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op needs a slice as [first byte, end byte]}}
  %0 = cosma.load async %x slice [0, 4, 8] at 0 : tensor<8xi8>
  %1 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @streamed(%x: tensor<8xi8>) {
  // expected-error @+1 {{'cosma.load' op is async and streamed, but operators read streamed tensors directly from host memory}}
  %0 = cosma.load async %x streamed : tensor<8xi8>
  %1 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @slices_that_leave_something_out(%x: tensor<8xi8>) {
  %0 = cosma.load async %x slice [0, 3] at 0 : tensor<8xi8>
  %1 = cosma.load async %x slice [4, 8] at 0 : tensor<8xi8>
  // expected-error @+1 {{'cosma.wait' op waits for slices that leave out the bytes from 3 to 4}}
  %2 = cosma.wait %0, %1 : tensor<8xi8>
  return
}

// -----

func.func @slices_that_overlap(%x: tensor<8xi8>) {
  %0 = cosma.load async %x slice [0, 5] at 0 : tensor<8xi8>
  %1 = cosma.load async %x slice [4, 8] at 0 : tensor<8xi8>
  // expected-error @+1 {{'cosma.wait' op waits for slices that overlap the bytes from 4 to 5}}
  %2 = cosma.wait %0, %1 : tensor<8xi8>
  return
}

// -----

func.func @slices_that_end_early(%x: tensor<8xi8>) {
  %0 = cosma.load async %x slice [0, 5] at 0 : tensor<8xi8>
  // expected-error @+1 {{'cosma.wait' op waits for slices that end at byte 5 of 8}}
  %1 = cosma.wait %0 : tensor<8xi8>
  return
}

// -----

func.func @slices_of_two_tensors(%x: tensor<8xi8>, %y: tensor<8xi8>) {
  %0 = cosma.load async %x slice [0, 4] at 0 : tensor<8xi8>
  %1 = cosma.load async %y slice [4, 8] at 0 : tensor<8xi8>
  // expected-error @+1 {{'cosma.wait' op waits for slices of several tensors, or for several places, at once}}
  %2 = cosma.wait %0, %1 : tensor<8xi8>
  return
}

// -----

func.func @two_tensors(%x: tensor<8xi8>) {
  %0 = cosma.load async %x at 0 : tensor<8xi8>
  %1 = cosma.load async %x at 0 : tensor<8xi8>
  // expected-error @+1 {{'cosma.wait' op waits for a whole tensor and for slices at once}}
  %2 = cosma.wait %0, %1 : tensor<8xi8>
  return
}

// -----

func.func @nothing() {
  // expected-error @+1 {{'cosma.wait' op waits for nothing}}
  %0 = "cosma.wait"() : () -> tensor<8xi8>
  return
}

// -----

func.func @an_argument(%x: !cosma.transit<tensor<8xi8>>) {
  // expected-error @+1 {{'cosma.wait' op waits for a value that is not an async transfer}}
  %0 = cosma.wait %x : tensor<8xi8>
  return
}

// -----

func.func @written_into_twice(%a: tensor<8xi8>) {
  %empty = tensor.empty() : tensor<24xi8>
  // expected-error @+1 {{'cosma.store' op is written into by two transfers}}
  %0 = cosma.store async %a into %empty[0] [8] : tensor<8xi8> into tensor<24xi8>
  %1 = cosma.store %a into %0[8] [8] : tensor<8xi8> into !cosma.transit<tensor<24xi8>>
  %2 = cosma.store %a into %0[16] [8] : tensor<8xi8> into !cosma.transit<tensor<24xi8>>
  %3 = cosma.wait %0 : tensor<24xi8>
  return
}
